package llmtest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every fault can be played on both wires, whole and streamed, and ends: at once,
// or when its caller leaves.
func TestEveryFaultEnds(t *testing.T) {
	s := llmtest.New(llmtest.Options{})
	srv := httptest.NewServer(s)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	seen := map[string]bool{}
	for _, f := range llmtest.Faults() {
		if seen[f.Name] || f.Summary == "" {
			t.Errorf("fault %q has no summary, or is there twice", f.Name)
		}
		seen[f.Name] = true
		for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
			for _, body := range []string{`{"model":"m"}`, `{"model":"m","stream":true}`} {
				if err := s.Script(f.Name); err != nil {
					t.Fatal(err)
				}
				limit := 100 * time.Millisecond
				if f.Name == "slow" {
					limit = 5 * time.Second
				}
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err == nil {
					text, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					if f.Name == "ok" && (resp.StatusCode != 200 || !strings.Contains(string(text), "done.")) {
						t.Errorf("%s %s: %d %s", path, body, resp.StatusCode, text)
					}
				}
				cancel()
			}
		}
	}
	for end := time.Now().Add(5 * time.Second); s.Open() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d requests never end", s.Open())
		}
	}
	if n := len(s.Hits()); n != 4*len(seen) {
		t.Errorf("%d requests noted, want %d", n, 4*len(seen))
	}
}

func TestScripts(t *testing.T) {
	s := llmtest.New(llmtest.Options{Name: "X"})
	srv := httptest.NewServer(s)
	defer srv.Close()
	if err := s.Script("ok", "nonsense"); err == nil {
		t.Error("a fault that is none is taken")
	}
	if err := s.ForKey("k", "nonsense"); err == nil {
		t.Error("a fault that is none is taken for a key")
	}
	if err := s.Script("500", "429", "ok"); err != nil {
		t.Fatal(err)
	}
	if err := s.ForKey("bad", "401"); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i, want := range []int{500, 401, 429, 200, 200} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(`{"model":"m"}`))
		if i == 1 {
			req.Header.Set("Authorization", "Bearer bad")
		}
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("request %d: %v, %v, want %d", i, resp, err, want)
		}
		resp.Body.Close()
	}
	if hits := s.Hits(); hits[1].Key != "bad" || hits[1].Fault != "401" || hits[4].Fault != "ok" {
		t.Errorf("noted as %+v", hits)
	}
	s.Forget()
	if len(s.Hits()) != 0 {
		t.Error("nothing was forgotten")
	}
}
