package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"resync/internal/health"
)

// faceChecks ask the HTTP handler itself, without a port.
func (a *App) faceChecks() []health.Check {
	return []health.Check{
		{Name: "http:routes", Title: "App Creation", Category: health.Integration, Smoke: true, Deep: true, Critical: true, Run: a.routesCheck},
		{Name: "http:rules", Title: "Middleware Stack", Category: health.Integration, Smoke: true, Deep: true, Critical: true, Run: a.rulesCheck},
		{Name: "http:health", Title: "Health Endpoint", Category: health.Integration, Smoke: true, Deep: true, Critical: true, Run: a.healthCheck},
		{Name: "http:tiers", Title: "Redis Strategy Config", Category: health.Configuration, Smoke: true, Deep: true, Critical: true,
			Fix: "correct config/redis_strategy.yaml: every pattern must name a route of /docs", Run: a.tiersCheck},
		{Name: "server:certificate", Title: "Own certificate", Category: health.Configuration, Deep: true, Critical: true,
			Fix: "renew the certificate of server.tls.cert and start again", Run: a.ownCertificate},
		{Name: "server:port", Title: "Port", Category: health.Dependencies, Deep: true, Run: a.portCheck,
			Fix: "end the program that uses the port, or set another server.addr"},
	}
}

// answer is what the handler answered to a request made here.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *answer) Header() http.Header         { return r.header }
func (r *answer) Write(p []byte) (int, error) { r.WriteHeader(http.StatusOK); return r.body.Write(p) }
func (r *answer) WriteHeader(code int) {
	if r.status == 0 {
		r.status = code
	}
}

// inside sends a request through the whole HTTP face.
func (a *App) inside(ctx context.Context, method, path string, header ...string) (*answer, error) {
	if a.handler == nil {
		return nil, errors.Join(errors.New("the HTTP face could not be made"), a.phaseErr("http"))
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://doctor"+path, strings.NewReader(""))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := &answer{header: http.Header{}}
	a.handler.ServeHTTP(w, r)
	return w, nil
}

// openAPI is the part of the OpenAPI document that is looked at.
type openAPI struct {
	Paths map[string]map[string]struct {
		Tier string `json:"x-resync-tier"`
	}
}

func (a *App) openAPI(ctx context.Context) (openAPI, error) {
	var doc openAPI
	w, err := a.inside(ctx, http.MethodGet, "/openapi.json")
	if err != nil {
		return doc, err
	}
	if err := json.Unmarshal(w.body.Bytes(), &doc); err != nil {
		return doc, fmt.Errorf("reading /openapi.json (status %d): %w", w.status, err)
	}
	return doc, nil
}

func (a *App) routesCheck(ctx context.Context) health.Result {
	doc, err := a.openAPI(ctx)
	if err != nil {
		return health.Failed("%v", err)
	}
	if len(doc.Paths) == 0 {
		return health.Failed("the HTTP face has no routes")
	}
	return health.Passed(fmt.Sprintf("%d addresses", len(doc.Paths)))
}

// rulesCheck tries the rules every request meets: no session, another site's
// page, headers against being framed.
func (a *App) rulesCheck(ctx context.Context) health.Result {
	stranger, err := a.inside(ctx, http.MethodPost, "/api/v1/agents/tools/execute")
	if err != nil {
		return health.Failed("%v", err)
	}
	foreign, err := a.inside(ctx, http.MethodPost, "/api/v1/agents/tools/execute", "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")
	switch {
	case err != nil:
		return health.Failed("%v", err)
	case stranger.status != http.StatusUnauthorized:
		return health.Failed("somebody who is not signed in gets %d instead of 401", stranger.status)
	case foreign.status != http.StatusForbidden:
		return health.Failed("a page of another site gets %d instead of 403", foreign.status)
	case stranger.header.Get("X-Frame-Options") != "DENY" || stranger.header.Get("Content-Security-Policy") == "":
		return health.Failed("answers may be framed by other sites")
	}
	return health.Passed("strangers, pages of other sites and frames are refused")
}

func (a *App) healthCheck(ctx context.Context) health.Result {
	live, err := a.inside(ctx, http.MethodGet, "/livez")
	if err != nil {
		return health.Failed("%v", err)
	}
	whole, err := a.inside(ctx, http.MethodGet, "/health")
	switch {
	case err != nil:
		return health.Failed("%v", err)
	case live.status != http.StatusOK:
		return health.Failed("/livez answers %d", live.status)
	case whole.header.Get("Content-Type") != "application/health+json":
		return health.Failed("/health answers %d as %q", whole.status, whole.header.Get("Content-Type"))
	}
	return health.Passed(fmt.Sprintf("/livez answers, /health answers %d", whole.status))
}

// tiersCheck looks whether every route has a tier and the contract's have theirs.
func (a *App) tiersCheck(ctx context.Context) health.Result {
	doc, err := a.openAPI(ctx)
	if err != nil {
		return health.Failed("%v", err)
	}
	count := map[string]int{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.Tier == "" {
				return health.Failed("%s %s has no tier", strings.ToUpper(method), path)
			}
			count[op.Tier]++
		}
	}
	if got := doc.Paths["/api/v1/tws/execute/{action}"]["post"].Tier; got != "CRITICAL" {
		return health.Failed("POST /tws/execute/{action} is %s and must be CRITICAL", got)
	}
	return health.Passed(fmt.Sprintf("%d routes READ_ONLY, %d BEST_EFFORT, %d CRITICAL", count["READ_ONLY"], count["BEST_EFFORT"], count["CRITICAL"]))
}

// certificateGood is how long a certificate should still be valid.
const certificateGood = 14 * 24 * time.Hour

func (a *App) ownCertificate(context.Context) health.Result {
	s := a.opt.Config.Server.TLS
	if s.Cert == "" {
		return health.Skipped("the server speaks plain http; another program before it may hold the certificate")
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return health.Failed("server.tls.cert and server.tls.key: %v", err)
	}
	return validity(pair.Leaf, time.Now())
}

// validity judges the time in which a certificate is valid.
func validity(c *x509.Certificate, now time.Time) health.Result {
	text := fmt.Sprintf("the certificate of %s is valid until %s", c.Subject.CommonName, c.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	switch {
	case now.After(c.NotAfter):
		return health.Failed("the certificate of %s expired on %s", c.Subject.CommonName, c.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	case now.Before(c.NotBefore):
		return health.Failed("the certificate of %s is not valid before %s; look at the clock of this machine", c.Subject.CommonName, c.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
	case now.Add(certificateGood).After(c.NotAfter):
		return health.Warned("%s", text)
	}
	return health.Passed(text)
}

// portCheck is for a server that does not run yet. Beside one that runs, which is
// how doctor is used at night, the port is taken and that is in order.
func (a *App) portCheck(ctx context.Context) health.Result {
	if a.looking == nil || a.opt.Config.Server.Addr == "" {
		return health.Skipped("this server has its port already")
	}
	ln, err := net.Listen("tcp", a.opt.Config.Server.Addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		if version, ok := a.resyncAt(ctx, a.opt.Config.Server.Addr); ok {
			return health.Passed(fmt.Sprintf("Resync %s serves on %s already; this was looked at beside it", version, a.opt.Config.Server.Addr))
		}
		return health.Failed("%s is in use by another program, or by a Resync that says nothing", a.opt.Config.Server.Addr)
	case err != nil:
		return health.Failed("listening on server.addr: %v", err)
	}
	_ = ln.Close() // it was only tried
	return health.Passed(a.opt.Config.Server.Addr + " is free")
}

// portLook is the longest wait for the program that has our port to say what it is.
const portLook = time.Second

// resyncAt asks the program at an address of ours whether it is Resync. It is only
// asked what it is and told nothing, so its certificate, which may be for a name of
// the outside, is not looked at.
func (a *App) resyncAt(ctx context.Context, addr string) (version string, ok bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", false
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http://"
	if a.opt.Config.Server.TLS.Cert != "" {
		scheme = "https://"
	}
	ctx, stop := context.WithTimeout(ctx, portLook)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/api/v1/version", http.NoBody)
	if err != nil {
		return "", false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // as above
	resp, err := client.Do(req)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	var said struct{ Name, Version string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<10)).Decode(&said); err != nil || said.Name != "resync" {
		return "", false
	}
	return said.Version, true
}
