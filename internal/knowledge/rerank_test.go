package knowledge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// likes is a reranker that likes texts with a word.
type likes struct {
	word  string
	err   error
	slow  time.Duration
	asked int
}

func (l *likes) Rerank(ctx context.Context, _ string, texts []string) ([]float64, error) {
	l.asked = len(texts)
	out := make([]float64, len(texts))
	for i, text := range texts {
		if strings.Contains(text, l.word) {
			out[i] = 5
		}
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(l.slow):
	}
	return out, l.err
}

func TestRerankerOrdersASearch(t *testing.T) {
	b := open(t, nil)
	ingest(t, b, write(t, airships(30)))
	words, err := b.Find(t.Context(), Query{Text: "airship mast helium", K: 5})
	if err != nil || len(words) != 5 || words[0].Ranking != (Ranking{By: "words"}) {
		t.Fatalf("by words: %+v, %v", words, err)
	}
	last := words[4]
	r := &likes{word: strings.SplitN(last.Text, "\n", 2)[0]}
	b.RerankBy(Rerank{Model: r, Name: "likes", Candidates: 8, Timeout: time.Second})
	got, err := b.Find(t.Context(), Query{Text: "airship mast helium", K: 5})
	if err != nil || got[0].ID != last.ID || got[0].Ranking != (Ranking{By: "likes"}) || r.asked != 8 {
		t.Errorf("reranked: %s first of %d asked, by %+v, %v; want %s", got[0].Source(), r.asked, got[0].Ranking, err, last.Source())
	}
	why, err := b.Explain(t.Context(), Query{Text: "airship mast helium", K: 5}, "")
	if err != nil || why[0].Ranking.By != "likes" || !strings.Contains(why[0].Parts[len(why[0].Parts)-2].Name+why[0].Parts[len(why[0].Parts)-1].Name, "ordered by likes") {
		t.Errorf("explained: %+v, %v", why[0], err)
	}
	sum := 0.0
	for _, p := range why[0].Parts {
		if p.Name != "document" { // a factor, not a summand
			sum += p.Value
		} else {
			sum *= p.Value
		}
	}
	if d := sum - why[0].Score; d > 1e-3 || d < -1e-3 {
		t.Errorf("the parts give %v, the score is %v", sum, why[0].Score)
	}
	r.asked = 0
	if _, err := b.Similar(t.Context(), words[0].ChunkID, 3, Filter{}); err != nil || r.asked != 0 {
		t.Errorf("a passage like another is no question: %d asked, %v", r.asked, err)
	}
	if found, err := b.Search(t.Context(), "airship mast helium", 3); err != nil || found[0].ID != last.ID {
		t.Errorf("Search: %v", err)
	}
}

func TestRerankerThatFailsLeavesTheOrderOfWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(t.Context(), Options{NoHandbook: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range airships(9) {
			if _, err := b.IngestDocument(t.Context(), Input{Name: name, Data: []byte(text)}); err != nil {
				t.Fatal(err)
			}
		}
		ids := func() (list []string, by Ranking) {
			hits, err := b.Find(t.Context(), Query{Text: "airship mast helium", K: 5})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				list = append(list, h.ID)
			}
			return list, hits[0].Ranking
		}
		want, _ := ids()
		for _, c := range []struct {
			why string
			r   likes
		}{{"broken", likes{word: "Crew", err: errors.New("broken")}}, {"deadline exceeded", likes{word: "Crew", slow: time.Hour}}} {
			b.RerankBy(Rerank{Model: &c.r, Name: "likes", Candidates: 8, Timeout: 700 * time.Millisecond})
			start := time.Now()
			got, by := ids()
			if diff := cmp.Diff(want, got); diff != "" || by.By != "words" || !strings.Contains(by.Note, "likes could not order") || !strings.Contains(by.Note, c.why) {
				t.Errorf("%s: by %+v (-words +got):\n%s", c.why, by, diff)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s: waited %s", c.why, took)
			}
			hits, err := b.Find(t.Context(), Query{Text: "airship mast helium", K: 1})
			if note, _ := hits[0].Result().Metadata["ranking_note"].(string); err != nil || !strings.Contains(note, c.why) {
				t.Errorf("%s: the result says %q, %v", c.why, note, err)
			}
		}
	})
}
