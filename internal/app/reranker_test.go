package app_test

import (
	"encoding/json"
	"fmt"
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

// ranking is a server that speaks the rerank of one shape and likes texts with the word
// "leeks". It counts requests and can be made to fail.
func ranking(t *testing.T, shape string) (url string, asked *atomic.Int64, down *atomic.Bool) {
	t.Helper()
	asked, down = new(atomic.Int64), new(atomic.Bool)
	path := map[string]string{"tei": "/rerank", "cohere": "/v2/rerank", "jina": "/v1/rerank", "infinity": "/rerank"}[shape]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if down.Load() {
			http.Error(w, "loading", http.StatusServiceUnavailable)
			return
		}
		var q struct {
			Model, Query     string
			Texts, Documents []string
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != path || r.Header.Get("Authorization") != "Bearer k" || shape != "tei" && q.Model != "m" {
			http.Error(w, fmt.Sprint("refused ", r.URL.Path, err), http.StatusBadRequest)
			return
		}
		var rows []map[string]any
		for i, text := range append(q.Texts, q.Documents...) {
			score := -3.5
			if strings.Contains(text, "leeks") {
				score = 2
			}
			rows = append(rows, map[string]any{"index": i, map[string]string{"tei": "score"}[shape] + map[bool]string{true: "relevance_score"}[shape != "tei"]: score})
		}
		var answer any = map[string]any{"results": rows}
		if shape == "tei" {
			answer = rows
		}
		_ = json.NewEncoder(w).Encode(answer) // a client that went away is the test's own
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked, down
}

// TestRerankersOfEveryShape: a server puts passages in its order; when it fails, words
// decide; when it fails often, it is not asked any more.
func TestRerankersOfEveryShape(t *testing.T) {
	for _, shape := range []string{"tei", "cohere", "jina", "infinity"} {
		t.Run(shape, func(t *testing.T) {
			url, asked, down := ranking(t, shape)
			c := settingsFor(t)
			c.Knowledge = config.Knowledge{Reranker: config.Reranker{Kind: shape, URL: url, Model: "m", Key: config.NewSecret("k"), Candidates: 10, Timeout: 5 * time.Second}}
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "soup.md"), []byte("# Soup\n\nThe soup of the day, soup with soup.\n\n# Kitchen\n\nAsk for soup with leeks and potatoes and much else that is not soup at all.\n"), 0o600))
			a, stop := serving(t, c)
			defer stop()
			_, err := a.Ingest(t.Context(), []string{dir}, nil)
			must(t, err)
			first := func() (text, by string) {
				found, err := a.Search(t.Context(), "soup", 2)
				must(t, err)
				if len(found) != 2 {
					t.Fatalf("found %+v", found)
				}
				for _, p := range found[0].Parts {
					by += p.Name + ";"
				}
				return found[0].Text, by
			}
			if text, by := first(); !strings.Contains(text, "leeks") || !strings.Contains(by, "ordered by the "+shape+" reranker m") {
				t.Errorf("first is %q, %s", text, by)
			}
			down.Store(true)
			for range 8 {
				if text, by := first(); strings.Contains(text, "leeks") || strings.Contains(by, "ordered by") {
					t.Errorf("without the server first is %q, %s", text, by)
				}
			}
			if n := asked.Load(); n != 1+5 { // the contract opens the breaker after five failures
				t.Errorf("the server was asked %d times", n)
			}
		})
	}
}

// TestRerankerSettingsThatCannotBeUsed names the field.
func TestRerankerSettingsThatCannotBeUsed(t *testing.T) {
	for field, r := range map[string]config.Reranker{
		"knowledge.reranker.dir":  {Kind: "onnx", Dir: t.TempDir()},
		"knowledge.reranker.kind": {Kind: "llm"},
		"knowledge.reranker: ":    {Kind: "jina", URL: "http://127.0.0.1:1"},
	} {
		c := settingsFor(t)
		c.Knowledge = config.Knowledge{Reranker: r}
		if _, err := app.New(t.Context(), app.Options{Config: c, NoConsole: true}); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
