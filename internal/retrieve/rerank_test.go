package retrieve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// byLength likes long texts.
type byLength struct{ err error }

func (r byLength) Rerank(_ context.Context, _ string, texts []string) ([]float64, error) {
	out := make([]float64, len(texts))
	for i, t := range texts {
		out[i] = float64(len(t))
	}
	return out, r.err
}

func TestRerankerOrdersTheResults(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	got, err := x.Find(context.Background(), "agent", Options{K: 2, Reranker: byLength{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0].Text) < len(got[1].Text) {
		t.Fatalf("found %q", titles(got))
	}
	var sum float64
	for _, p := range got[0].Parts {
		sum += p.Value
	}
	if diff := sum - got[0].Score; diff > 1e-3 || diff < -1e-3 {
		t.Errorf("parts add up to %v, the score is %v", sum, got[0].Score)
	}
	broken := errors.New("no answer")
	if _, err := x.Find(context.Background(), "agent", Options{K: 2, Reranker: byLength{broken}}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestHTTPReranker(t *testing.T) {
	for _, c := range []struct {
		shape  Shape
		path   string
		answer string
		wants  []string // keys of the request
	}{
		{ShapeTEI, "/rerank", `[{"index":1,"score":0.9},{"index":0,"score":0.1}]`, []string{"query", "texts"}},
		{ShapeCohere, "/v2/rerank", `{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}`, []string{"model", "query", "documents", "top_n"}},
		{ShapeJina, "/v1/rerank", `{"model":"m","results":[{"index":0,"relevance_score":0.1},{"index":1,"relevance_score":0.9}]}`, []string{"model", "query", "documents"}},
		{ShapeInfinity, "/rerank", `{"object":"rerank","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}`, []string{"model", "query", "documents"}},
	} {
		t.Run(string(c.shape), func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				for _, k := range c.wants {
					if body[k] == nil {
						t.Errorf("the request has no %s: %v", k, body)
					}
				}
				if r.URL.Path != c.path || r.Header.Get("Authorization") != "Bearer key" {
					t.Errorf("%s with %q", r.URL.Path, r.Header.Get("Authorization"))
				}
				io.WriteString(w, c.answer) //nolint:errcheck // the client notices
			}))
			defer srv.Close()
			r, err := NewHTTPReranker(RerankServer{Shape: c.shape, URL: srv.URL, Model: "m", Key: "key"}, srv.Client())
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Rerank(context.Background(), "q", []string{"a", "b"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]float64{0.1, 0.9}, got); diff != "" {
				t.Errorf("scores (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPRerankerRefusesWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		want   string
	}{
		"no json":     {200, "<html>", "read the reranker's answer"},
		"one missing": {200, `[{"index":0,"score":1}]`, "text 2 of 2 has no score"},
		"twice":       {200, `[{"index":0,"score":1},{"index":0,"score":2}]`, "has two"},
		"outside":     {200, `[{"index":7,"score":1}]`, "no text"},
		"error":       {503, "loading", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				io.WriteString(w, c.answer) //nolint:errcheck // the client notices
			}))
			defer srv.Close()
			r, err := NewHTTPReranker(RerankServer{Shape: ShapeTEI, URL: srv.URL}, srv.Client())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Rerank(context.Background(), "q", []string{"a", "b"}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	for _, s := range []RerankServer{{Shape: "x", URL: "http://h"}, {Shape: ShapeTEI, URL: "ftp://h"}, {Shape: ShapeJina, URL: "http://h"}} {
		if _, err := NewHTTPReranker(s, http.DefaultClient); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
}

func TestListwise(t *testing.T) {
	for _, c := range []struct {
		answer string
		want   []float64
	}{
		{"[2] > [3] > [1]", []float64{1, 3, 2}},
		{"3, 1", []float64{2, 1, 3}},
		{"I looked at 3 passages: [2]", []float64{2, 3, 1}},
		{"[9] > [2] > [2]", []float64{2, 3, 1}},
	} {
		l := Listwise{Ask: func(_ context.Context, prompt string) (string, error) {
			if !strings.Contains(prompt, "\n[3]\nc\n") || !strings.Contains(prompt, "why?") {
				return "", fmt.Errorf("prompt %q", prompt)
			}
			return c.answer, nil
		}}
		got, err := l.Rerank(context.Background(), "why?", []string{"a", "b", "c"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.answer, diff)
		}
	}
	none := Listwise{Ask: func(context.Context, string) (string, error) { return "I cannot say", nil }}
	if _, err := none.Rerank(context.Background(), "why?", []string{"a"}); err == nil {
		t.Error("an answer without a number was accepted")
	}
	if _, err := (Listwise{}).Rerank(context.Background(), "why?", []string{"a"}); err == nil {
		t.Error("no model was accepted")
	}
}

func FuzzNumbersIn(f *testing.F) {
	f.Add("[2] > [1]", 3)
	f.Add("99999999999999999999", 5)
	f.Add("[", 1)
	f.Fuzz(func(t *testing.T, answer string, n int) {
		if n < 0 || n > 1000 {
			return
		}
		seen := map[int]bool{}
		for _, v := range numbersIn(answer, n) {
			if v < 1 || v > n || seen[v] {
				t.Fatalf("%d of %d from %q", v, n, answer)
			}
			seen[v] = true
		}
	})
}

// given are the numbers of a reranker.
type given []float64

func (g given) Rerank(context.Context, string, []string) ([]float64, error) { return g, nil }

func TestReorder(t *testing.T) {
	found := func() []Passage {
		return []Passage{{ID: "a", Score: 10}, {ID: "b", Score: 8}, {ID: "c", Score: 4}, {ID: "d", Score: 1}}
	}
	for name, c := range map[string]struct {
		scores given
		order  string
		scored []float64
		fails  string
	}{
		"the last is best": {scores: given{0, 0.5, 1}, order: "cbad", scored: []float64{10, 7, 4, 1}},
		"numbers below 0":  {scores: given{-9, -1, -5}, order: "bcad", scored: []float64{10, 7, 4, 1}},
		"all alike":        {scores: given{3, 3, 3}, order: "abcd", scored: []float64{10, 10, 10, 1}},
		"too few":          {scores: given{1}, order: "abcd", scored: []float64{10, 8, 4, 1}, fails: "1 scores for 3 passages"},
		"one is no number": {scores: given{1, math.NaN(), 2}, order: "abcd", scored: []float64{10, 8, 4, 1}, fails: "no number"},
		"one is too large": {scores: given{1, math.Inf(1), 2}, order: "abcd", scored: []float64{10, 8, 4, 1}, fails: "no number"},
	} {
		got, err := Reorder(t.Context(), c.scores, "R", "q", found(), 3)
		order, scored := "", []float64{}
		for _, p := range got {
			order += p.ID
			scored = append(scored, p.Score)
		}
		if diff := cmp.Diff(c.scored, scored); order != c.order || diff != "" {
			t.Errorf("%s: order %s, want %s; scores (-want +got):\n%s", name, order, c.order, diff)
		}
		if c.fails == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzRerankAnswer: whatever a server answers, each text has one finite score or the
// answer is refused.
func FuzzRerankAnswer(f *testing.F) {
	f.Add(`[{"index":1,"score":0.9},{"index":0,"score":0.1}]`, true)
	f.Add(`{"results":[{"index":0,"relevance_score":-1e308},{"index":1,"relevance_score":2}]}`, false)
	f.Add(`{"results":[{"index":-1,"score":1}]}`, false)
	f.Add(`[{"index":0},{"index":0}]`, true)
	f.Fuzz(func(t *testing.T, answer string, tei bool) {
		r := &HTTPReranker{server: RerankServer{Shape: ShapeJina}}
		if tei {
			r.server.Shape = ShapeTEI
		}
		scores, err := r.scores([]byte(answer), 2)
		if err != nil {
			return
		}
		for _, s := range scores {
			if math.IsNaN(s) || math.IsInf(s, 0) {
				t.Fatalf("score %v from %q", s, answer)
			}
		}
		if len(scores) != 2 {
			t.Fatalf("%d scores from %q", len(scores), answer)
		}
	})
}
