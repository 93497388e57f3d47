package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/health"
	"resync/tool"
)

// engineChecks look at one engine: the way there, the sign-in, and what it lets
// us read.
func (a *App) engineChecks(e *engine) []health.Check {
	conf := a.engineConfig(e.Name)
	named := func(c health.Check) health.Check {
		c.Title, c.Category = "Engine "+e.Name+": "+c.Title, health.Services
		return c
	}
	list := e.checks()
	list[0].Title, list[0].Category, list[0].Smoke = "TWS Unified Client ("+e.Name+")", health.Services, e == a.engines[0]
	list[0].Run = func(ctx context.Context) health.Result { return a.signIn(ctx, e) }
	list[1] = named(list[1])
	list[1].Title = "Engine " + e.Name + ": plan"
	if a.looking != nil {
		list[1].Run = func(ctx context.Context) health.Result { return onePlanJob(ctx, e.Client) }
	}
	return append(list,
		named(health.Check{Name: e.Name + ":address", Title: "address", Deep: true, Fix: "correct engines." + e.Name + ".urls (TWS_HOST, TWS_PORT), or ask who runs the engine's master whether it is up",
			Run: func(ctx context.Context) health.Result { return reach(ctx, conf.URLs) }}),
		named(health.Check{Name: e.Name + ":certificate", Title: "certificate", Deep: true,
			Fix: "have the engine's certificate renewed; if it is signed by your own authority, name that authority's certificate in engines." + e.Name + ".ca_file",
			Run: func(ctx context.Context) health.Result { return engineCertificate(ctx, conf) }}),
		named(health.Check{Name: e.Name + ":clock", Title: "clock", Deep: true, Fix: "have both machines' clocks kept by a time service",
			Run: func(ctx context.Context) health.Result { return engineClock(ctx, conf, e.pingGuard) }}),
		named(health.Check{Name: e.Name + ":tool", Title: "a tool that reads", Deep: true, Run: func(ctx context.Context) health.Result { return tryTool(ctx, e) }}),
		named(health.Check{Name: e.Name + ":rights", Title: "rights of its user", Deep: true, Run: func(ctx context.Context) health.Result { return a.engineRights(ctx, e) }}),
	)
}

func (a *App) engineConfig(name string) config.Engine {
	for _, c := range a.opt.Config.Engines {
		if c.Name == name {
			return c
		}
	}
	return config.Engine{Name: name}
}

// signIn reads the engine's version, which needs the whole way: name, port,
// certificate, user.
func (a *App) signIn(ctx context.Context, e *engine) health.Result {
	start := time.Now()
	info, err := breaker.Do(ctx, e.pingGuard, func(ctx context.Context) (*hwa.EngineInfo, error) { return e.Client.EngineInfo(ctx) }, nil)
	if err == nil {
		return health.Result{Status: health.Pass, Output: "version " + info.FullVersion, Observed: time.Since(start).Milliseconds(), Unit: "ms"}
	}
	res := health.Failed("%v", err)
	key := "engines." + e.Name
	switch hwa.KindOf(err) {
	case hwa.KindAuth:
		res.Fix = "correct " + key + ".username and " + key + ".password (TWS_USER, TWS_PASSWORD), and look whether the account is locked"
	case hwa.KindForbidden:
		res.Fix = "give the user of " + key + ".username the right to use the engine's REST API"
	case hwa.KindTLS:
		res.Fix = "look at the certificate of the engine and at " + key + ".ca_file"
	case hwa.KindUnreachable, hwa.KindTimeout, hwa.KindOutage:
		res.Fix = "look whether the engine's master is up and " + key + ".urls (TWS_HOST, TWS_PORT) is its address; Resync goes on with the last picture of the plan"
	}
	return res
}

// onePlanJob reads one job: whether the plan may be listed.
func onePlanJob(ctx context.Context, c *hwa.Client) health.Result {
	for _, err := range c.Jobs(ctx, hwa.ListOptions{Limit: 1, PageSize: 1}) {
		if err != nil {
			return health.Failed("%v", err)
		}
		return health.Passed("the plan can be listed")
	}
	return health.Warned("the plan is empty")
}

// hostPort is the address an URL leads to.
func hostPort(raw string) (host, addr string, secure bool, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", "", false, err
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[u.Scheme == "https"]
	}
	return u.Hostname(), net.JoinHostPort(u.Hostname(), port), u.Scheme == "https", nil
}

// reach looks each address up and opens a connection to it.
func reach(ctx context.Context, urls []string) health.Result {
	for _, raw := range urls {
		host, addr, _, err := hostPort(raw)
		if err != nil {
			return health.Failed("%v", err)
		}
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return health.Failed("the name %s is not known: %v", host, err)
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return health.Failed("no connection to %s: %v", addr, err)
		}
		_ = conn.Close() // it was only tried
	}
	return health.Passed(fmt.Sprintf("%d of %d addresses answer", len(urls), len(urls)))
}

// engineCertificate makes the TLS handshake and looks at the certificate, also
// at one that is refused.
func engineCertificate(ctx context.Context, c config.Engine) health.Result {
	if len(c.URLs) == 0 {
		return health.Skipped("the engine has no address")
	}
	host, addr, secure, err := hostPort(c.URLs[0])
	if err != nil {
		return health.Failed("%v", err)
	}
	if !secure {
		return health.Skipped("the engine is reached without encryption")
	}
	roots, err := trusted(c.CAFile)
	if err != nil {
		return health.Failed("%v", err)
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return health.Skipped("no connection to %s", addr)
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12})
	err = conn.HandshakeContext(ctx)
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) && len(refused.UnverifiedCertificates) > 0 {
		if res := validity(refused.UnverifiedCertificates[0], time.Now()); res.Status == health.Fail {
			return res
		}
		return health.Failed("%v", refused.Err)
	}
	if err != nil {
		return health.Failed("%v", err)
	}
	return validity(conn.ConnectionState().PeerCertificates[0], time.Now())
}

// trusted are the system's authorities and those of a file.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // nil is the system's own list
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	roots.AppendCertsFromPEM(pem)
	return roots, nil
}

// clockSkew is from which difference on clocks are not the same: sign-ins by
// token and the order of events depend on them.
const clockSkew = time.Minute

// engineClock compares the Date header of the engine with this clock.
func engineClock(ctx context.Context, c config.Engine, guard *breaker.Breaker) health.Result {
	if len(c.URLs) == 0 {
		return health.Skipped("the engine has no address")
	}
	roots, err := trusted(c.CAFile)
	if err != nil {
		return health.Skipped("%v", err)
	}
	client := &http.Client{Transport: breaker.Transport(guard, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}, nil)}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.URLs[0]+"/", http.NoBody)
	if err != nil {
		return health.Failed("%v", err)
	}
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return health.Skipped("the engine does not answer")
	}
	defer resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return health.Skipped("the engine tells no time")
	}
	answered := time.Now()
	skew := date.Sub(asked.Add(answered.Sub(asked) / 2)).Round(time.Second)
	if skew.Abs() > clockSkew {
		return health.Failed("the engine's clock and this machine's differ by %s", skew.Abs())
	}
	return health.Result{Status: health.Pass, Output: fmt.Sprintf("differs by %s", skew.Abs()), Observed: skew.Seconds(), Unit: "s"}
}

// tryTool runs a tool that reads, the way a viewer would.
func tryTool(ctx context.Context, e *engine) health.Result {
	who := tool.Identity{User: "doctor", Roles: auth.NewRoles(auth.Viewer).Names()}
	res, err := e.Exec.Call(ctx, who, tool.Request{Tool: "get_workstation_status", Args: []byte(`{}`)})
	if err == nil {
		err = res.Err
	}
	if err != nil {
		return health.Failed("%v", err)
	}
	return health.Passed(fmt.Sprintf("get_workstation_status answered in %d ms", res.Duration.Milliseconds()))
}
