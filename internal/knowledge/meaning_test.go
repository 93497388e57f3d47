package knowledge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resync/internal/embed"
)

// sense is an embedding model of two ideas: what goes wrong, and everything else.
type sense struct {
	mu     sync.Mutex
	known  map[string][]float32
	texts  []string // passages it embedded
	fail   error
	delays time.Duration
}

func newSense() *sense { return &sense{known: map[string][]float32{}} }

func (s *sense) Model() string { return "sense" }

func (s *sense) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// count is how many passages were embedded.
func (s *sense) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

func (s *sense) vector(text string) []float32 {
	if strings.Contains(text, "kaputt") || strings.Contains(text, "broken") {
		return []float32{1, 0.1}
	}
	return []float32{0.1, 1}
}

func (s *sense) Embed(ctx context.Context, texts []string, kind embed.Kind) ([][]float32, error) {
	s.mu.Lock()
	delay := s.delays
	s.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	var out [][]float32
	for _, t := range texts {
		out = append(out, s.vector(t))
		if kind == embed.Passage {
			s.texts = append(s.texts, t)
			s.known[t] = s.vector(t)
		}
	}
	return out, nil
}

func (s *sense) Known(texts []string, _ embed.Kind) [][]float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = s.known[t]
	}
	return out
}

// ingest puts a document of one passage for each text into the base.
func ingestTexts(t *testing.T, b *Base, name string, texts ...string) {
	t.Helper()
	var doc strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&doc, "# Part %d of %s\n\n%s\n\n", i+1, name, text)
	}
	if _, err := b.IngestDocument(t.Context(), Input{Name: name + ".md", Data: []byte(doc.String())}); err != nil {
		t.Fatal(err)
	}
}

// senseBase is a base with two passages, one of which is broken things.
func senseBase(t *testing.T, s *sense) *Base {
	t.Helper()
	b, err := New(t.Context(), Options{NoHandbook: true, Vectors: s})
	if err != nil {
		t.Fatal(err)
	}
	ingestTexts(t, b, "first", "The pump in hall seven is broken and waits for a spare part from the supplier.",
		"The canteen serves lunch from noon until two on every working day of the week.")
	return b
}

func best(t *testing.T, b *Base, q Query) string {
	t.Helper()
	hits, err := b.Find(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(hits) == 0 {
		return ""
	}
	return hits[0].Text
}

func TestMeaningFindsWhatWordsDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSense()
		b := senseBase(t, s)
		ask := Query{Text: "kaputt"}
		if got := best(t, b, ask); got != "" {
			t.Fatalf("words alone found %q", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.EmbedPassages(ctx) }()
		synctest.Wait()
		if got := best(t, b, ask); !strings.Contains(got, "pump") {
			t.Errorf("with vectors the first is %q", got)
		}
		if m := b.Meaning(); m.State != MeaningReady || m.Embedded != m.Passages || m.Model != "sense" {
			t.Errorf("status %+v", m)
		}
		before := s.count()
		ingestTexts(t, b, "second", "The lift has been broken since Monday and the stairs are to be used.")
		synctest.Wait()
		if added := s.count() - before; added != 1 {
			t.Errorf("%d passages were embedded after one was added", added)
		}
		if got := best(t, b, Query{Text: "kaputt", Filter: Filter{Documents: []string{"second.md"}}}); !strings.Contains(got, "lift") {
			t.Errorf("with a filter the first is %q", got)
		}
		cancel()
		<-done
	})
}

// A model that does not answer leaves the words, is tried again, and joins in when
// it is back.
func TestMeaningWithoutItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSense()
		s.set(&embed.Error{Reason: embed.ErrRateLimited, RetryAfter: time.Minute})
		b := senseBase(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.EmbedPassages(ctx) }()
		synctest.Wait()
		if m := b.Meaning(); m.State != MeaningFailing || m.Error == "" || m.Embedded != 0 || m.Passages == 0 {
			t.Errorf("status %+v", m)
		}
		if got := best(t, b, Query{Text: "canteen lunch"}); !strings.Contains(got, "canteen") {
			t.Errorf("words found %q", got)
		}
		s.set(nil)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if s.count() != 0 {
			t.Error("the model was asked before the time it named")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if m := b.Meaning(); m.State != MeaningReady {
			t.Errorf("status %+v", m)
		}
		s.set(errors.New("down"))
		if got := best(t, b, Query{Text: "canteen lunch"}); !strings.Contains(got, "canteen") {
			t.Errorf("words found %q", got)
		}
		if m := b.Meaning(); m.State != MeaningFailing || m.Error != "down" {
			t.Errorf("status %+v", m)
		}
		s.set(nil)
		best(t, b, Query{Text: "canteen"})
		if m := b.Meaning(); m.State != MeaningReady || m.Error != "" {
			t.Errorf("status %+v", m)
		}
		cancel()
		<-done
	})
}

// A slow model does not hold a search up.
func TestMeaningWaitsOnlyAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSense()
		b := senseBase(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.EmbedPassages(ctx) }()
		synctest.Wait()
		s.mu.Lock()
		s.delays = time.Hour
		s.mu.Unlock()
		start := time.Now()
		if got := best(t, b, Query{Text: "canteen lunch"}); !strings.Contains(got, "canteen") {
			t.Errorf("words found %q", got)
		}
		if took := time.Since(start); took != queryTime {
			t.Errorf("the search took %v", took)
		}
		cancel()
		<-done
	})
}

func TestMeaningIsOffWithoutAModel(t *testing.T) {
	b, err := New(t.Context(), Options{NoHandbook: true})
	if err != nil {
		t.Fatal(err)
	}
	b.EmbedPassages(t.Context()) // returns at once
	if m := b.Meaning(); m.State != MeaningOff {
		t.Errorf("status %+v", m)
	}
}
