package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/knowledge"
)

// TestAnIndexThatIsAwayDoesNotKeepResyncFromStarting: the address is of nobody; the
// index is named, and searching goes on in this process.
func TestAnIndexThatIsAwayDoesNotKeepResyncFromStarting(t *testing.T) {
	for _, x := range []config.Index{
		{Kind: "qdrant", URL: config.NewSecret("http://127.0.0.1:1"), Name: "resync"},
		{Kind: "opensearch", URL: config.NewSecret("http://127.0.0.1:1"), Name: "resync"},
		{Kind: "pgvector", URL: config.NewSecret("postgres://nobody@127.0.0.1:1/none?sslmode=disable")},
	} {
		a := outerApp(t, x)
		if err := a.openOuter(nil); err != nil || a.outer == nil {
			t.Errorf("%s: %v", x.Kind, err)
		}
		base, err := knowledge.New(t.Context(), knowledge.Options{NoHandbook: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.outer.Search(t.Context(), base, "airship", 1); err == nil {
			t.Errorf("%s: a server that is away found something", x.Kind)
		}
	}
	a := outerApp(t, config.Index{Kind: "pgvector", URL: config.NewSecret("postgres://h:port/n")})
	if err := a.openOuter(nil); err == nil {
		t.Error("an address that cannot be read was taken")
	}
	a = outerApp(t, config.Index{Kind: "in-process"})
	if err := a.openOuter(nil); err != nil || a.outer != nil {
		t.Errorf("in-process: %v, %v", a.outer, err)
	}
}

func outerApp(t *testing.T, x config.Index) *App {
	t.Helper()
	reg := breaker.NewRegistry()
	for _, s := range breaker.Contract() {
		if s.Name == "rag_retrieval" {
			if _, err := reg.Register(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	a := &App{breakers: reg, opt: Options{Config: &config.Config{Knowledge: config.Knowledge{Index: x}}}}
	t.Cleanup(func() {
		for _, c := range a.closers {
			if err := c(); err != nil {
				t.Error(err)
			}
		}
	})
	return a
}

// TestRequestsToAnIndexPassTheBreaker: after five failures nothing is sent.
func TestRequestsToAnIndexPassTheBreaker(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]any{"result": map[string]any{}})
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer s.Close()
	a := outerApp(t, config.Index{Kind: "qdrant", URL: config.NewSecret(s.URL), Name: "resync"})
	if err := a.openOuter(nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		base, err := knowledge.New(t.Context(), knowledge.Options{NoHandbook: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.outer.Search(t.Context(), base, "airship", 1); err == nil {
			t.Fatal("a failing server found something")
		}
	}
	if n := asked.Load(); n < 2 || n > 10 {
		t.Errorf("%d requests of 21 were sent", n)
	}
}
