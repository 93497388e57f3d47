package app_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/config"
)

// airships is an embedding server with two subjects: airships and everything else.
// It counts the texts it was asked and can be made to fail.
func airships(t *testing.T) (url string, asked *atomic.Int64, down *atomic.Bool) {
	t.Helper()
	asked, down = new(atomic.Int64), new(atomic.Bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Inputs []string `json:"inputs"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || down.Load() {
			http.Error(w, "out of memory", http.StatusServiceUnavailable)
			return
		}
		out := make([][]float32, len(q.Inputs))
		for i, text := range q.Inputs {
			out[i] = []float32{0.1, 1}
			if strings.Contains(text, "zeppelin") || strings.Contains(text, "blimp") {
				out[i] = []float32{1, 0.1}
			}
		}
		asked.Add(int64(len(out)))
		_ = json.NewEncoder(w).Encode(out) // a client that went away is the test's own
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked, down
}

// serving runs an app until the function is called.
func serving(t *testing.T, c *config.Config) (*app.App, func()) {
	t.Helper()
	a, err := app.New(t.Context(), app.Options{Config: c, NoConsole: true})
	must(t, err)
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, ln) }()
	return a, func() { cancel(); must(t, <-done) }
}

// The whole way of a vector: a document is ingested, embedded in the background,
// found by a word it does not hold, and not embedded again after a restart.
func TestSearchByMeaning(t *testing.T) {
	url, asked, down := airships(t)
	c := settingsFor(t)
	c.Knowledge = config.Knowledge{Embedder: config.Embedder{Kind: "tei", URL: url, Model: "airships"}}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mast.md"), []byte("# Mooring\n\nThe zeppelin waits for the mooring mast until the wind drops.\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "soup.md"), []byte("# Kitchen\n\nThe soup of the day is made from leeks and potatoes.\n"), 0o600))

	a, stop := serving(t, c)
	_, err := a.Ingest(t.Context(), []string{dir}, nil)
	must(t, err)
	found := func(a *app.App, query string) string {
		p, err := a.Search(t.Context(), query, 1)
		must(t, err)
		if len(p) == 0 {
			return ""
		}
		return p[0].Document
	}
	eventually(t, func() bool { return found(a, "blimp") == "mast.md" })
	down.Store(true)
	if got := found(a, "leeks"); got != "soup.md" {
		t.Errorf("without the server words found %q", got)
	}
	down.Store(false)
	stop()

	before := asked.Load()
	a, stop = serving(t, c)
	defer stop()
	eventually(t, func() bool { return found(a, "a blimp") == "mast.md" })
	if n := asked.Load() - before; n > 20 {
		t.Errorf("%d texts were embedded after a restart: the vectors were not kept", n)
	}
}

// eventually waits for background work.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it did not come to pass")
}

func TestLocalModelThatCannotBeRead(t *testing.T) {
	for kind, says := range map[string]string{
		"local": "knowledge.embedder.dir: there is no usable model",
		"onnx":  "knowledge.embedder.dir: there is no usable model",
	} {
		c := settingsFor(t)
		c.Knowledge.Embedder = config.Embedder{Kind: kind, Dir: t.TempDir()}
		_, err := app.New(t.Context(), app.Options{Config: c, NoConsole: true})
		if err == nil || !strings.Contains(err.Error(), "starting knowledge: "+says) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
