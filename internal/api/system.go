package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/health"
	"resync/internal/telemetry"
)

type versionOutput struct {
	Body struct {
		Version string `json:"version"`
		Name    string `json:"name"`
	}
}

func (s *server) registerSystem(mux *http.ServeMux) {
	add(s, route{id: "version", method: http.MethodGet, paths: one("/api/v1/version"), tag: "system", tier: ReadOnly,
		summary: "Version of this server"}, func(context.Context, *struct{}) (*versionOutput, error) {
		out := &versionOutput{}
		out.Body.Version, out.Body.Name = s.Version, "resync"
		return out, nil
	})
	// Probes and scrapes are plain handlers: they must answer when all else fails.
	for _, p := range both("/livez") {
		mux.HandleFunc("GET "+p, func(w http.ResponseWriter, _ *http.Request) { writePlain(w, http.StatusOK, "ok\n") })
	}
	// The port opens when every phase of the start is over, recovery included:
	// whoever gets an answer here gets it from a server that has started.
	for _, p := range both("/startupz") {
		mux.HandleFunc("GET "+p, func(w http.ResponseWriter, _ *http.Request) { writePlain(w, http.StatusOK, "started\n") })
	}
	for _, p := range both("/readyz") {
		mux.HandleFunc("GET "+p, s.ready)
	}
	for _, p := range both("/health") {
		mux.Handle("GET "+p, health.Handler(s.Checks, health.About{Version: s.Version, ServiceID: "resync"}, s.signedIn))
	}
	mux.Handle("GET /metrics", s.Prom)
	mux.HandleFunc("GET /openapi.json", document("application/openapi+json", func() ([]byte, error) { return json.Marshal(s.api.OpenAPI()) }))
	mux.HandleFunc("GET /openapi.yaml", document("application/openapi+yaml", s.api.OpenAPI().YAML))
	mux.HandleFunc("GET /docs", s.docs)
	mux.HandleFunc("GET /docs/style.css", docsCSS)
}

// document serves what write returns; it is written when it is first asked for.
func document(kind string, write func() ([]byte, error)) http.HandlerFunc {
	once := sync.OnceValues(write)
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := once()
		if err != nil {
			writeProblem(w, r, http.StatusInternalServerError, "the description of the API could not be written: "+err.Error())
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text) // a client that is gone needs no answer
	}
}

// ready says whether the next request would be served: not before the critical
// checks pass, and not while the server drains.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if s.Draining() {
		writePlain(w, http.StatusServiceUnavailable, "stopping\n")
		return
	}
	rep := s.Checks.Run(r.Context(), health.Select{CriticalOnly: true})
	if !rep.Ready() {
		writePlain(w, http.StatusServiceUnavailable, "not ready: "+rep.Document(health.About{}).Output+"\n")
		return
	}
	writePlain(w, http.StatusOK, "ready\n")
}

// healthPatience is how long /health waits for the database to say who asks. Whoever
// looks while it is silent gets the status without the details, not a blank page.
const healthPatience = time.Second

// signedIn says whether a request may see the details of /health.
func (s *server) signedIn(r *http.Request) bool {
	ctx, stop := context.WithTimeout(r.Context(), healthPatience)
	defer stop()
	_, err := s.Auth.Verify(ctx, cookieValue(r.Header.Get("Cookie")))
	return err == nil
}

func writePlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that is gone needs no answer
}

func writeJSON(hc huma.Context, v any) {
	hc.SetHeader("Content-Type", "application/json")
	_ = json.NewEncoder(hc.BodyWriter()).Encode(v) // a client that is gone needs no answer
}

// writeProblem writes a problem document outside huma's own path.
func writeProblem(w http.ResponseWriter, r *http.Request, status int, text string) {
	if isLLM(r) {
		refuseLLM(w, r, status, text, nil)
		return
	}
	writeProblemDoc(w, status, map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": text, "trace_id": telemetry.TraceID(r.Context()),
	})
}

func writeProblemDoc(w http.ResponseWriter, status int, doc map[string]any) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // a client that is gone needs no answer
}
