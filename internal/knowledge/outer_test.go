package knowledge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"resync/internal/embed"
	"resync/internal/outside"
)

// shelf is an index outside in memory: passages that have any word of the question
// are candidates.
type shelf struct {
	mu    sync.Mutex
	docs  map[string][]outside.Passage
	away  error
	asked int
}

func (s *shelf) Upsert(_ context.Context, document string, p []outside.Passage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.docs[document] = p
	}
	return s.away
}

func (s *shelf) Delete(_ context.Context, document string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		delete(s.docs, document)
	}
	return s.away
}

func (s *shelf) Search(_ context.Context, q outside.Question) ([]outside.Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	var out []outside.Candidate
	for _, name := range slices.Sorted(maps.Keys(s.docs)) {
		for _, p := range s.docs[name] {
			score := 0.0
			for k, w := range q.Words {
				score += float64(w * p.Words[k])
			}
			for i, x := range p.Meaning {
				score += float64(x * q.Meaning[i])
			}
			if score > 0 {
				out = append(out, outside.Candidate{Passage: p, Score: score})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b outside.Candidate) int {
		if a.Score > b.Score {
			return -1
		}
		return 1
	})
	return out, s.away
}

func (s *shelf) set(away error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *shelf) counts() (asked int, names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, slices.Sorted(maps.Keys(s.docs))
}

// flatModel gives every text the same vector.
type flatModel struct{}

func (flatModel) Embed(_ context.Context, texts []string, _ embed.Kind) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i := range out {
		out[i] = []float32{0.1, 0.1}
	}
	return out, nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not reached: " + what)
		}
	}
}

// TestMirrorFollowsTheBase: an index outside gets every document, answers searches
// of the whole base, follows changes, and is done without while it is away.
func TestMirrorFollowsTheBase(t *testing.T) {
	b, err := New(t.Context(), Options{NoHandbook: true})
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, Added, text("airship.md", quiet))
	gone := put(t, b, Added, text("gone.md", "# Balloons\n\nA balloon has no mast.\n"))
	s := &shelf{docs: map[string][]outside.Passage{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tries := 0
		late := OpenOuter(func(context.Context) (outside.Index, error) {
			if tries++; tries < 3 {
				return nil, outside.ErrAway // the server is not up yet
			}
			return s, nil
		}, flatModel{})
		b.Mirror(ctx, late, 20*time.Millisecond, slog.New(slog.DiscardHandler))
	}()
	defer func() { cancel(); <-done }()
	current := func() bool { m := b.outer.Load(); return m != nil && m.view == b.view.Load() }
	eventually(t, "everything is outside", current)
	if _, names := s.counts(); !slices.Equal(names, []string{"airship.md", "gone.md"}) {
		t.Errorf("outside: %v", names)
	}
	before, _ := s.counts()
	if got := first(t, b, "airship mooring ropes"); got != "airship.md: Airship mooring" {
		t.Errorf("found %q", got)
	}
	if after, _ := s.counts(); after != before+1 {
		t.Errorf("the index outside was asked %d times", after-before)
	}
	hits, err := b.Find(t.Context(), Query{Text: "airship mooring ropes", Filter: Filter{Documents: []string{"airship.md"}}})
	if err != nil || len(hits) != 1 || hits[0].ChunkID == "" || hits[0].DocID == "" {
		t.Errorf("with a filter: %+v, %v", hits, err)
	}

	s.set(errors.New("away"))
	if got := first(t, b, "airship mooring ropes"); got != "airship.md: Airship mooring" {
		t.Errorf("found without the index outside: %q", got)
	}
	put(t, b, Added, text("new.md", "# Gliders\n\nA glider is towed to the ridge.\n"))
	if got := first(t, b, "glider ridge"); got != "new.md: Gliders" {
		t.Errorf("a new document is not found at once: %q", got)
	}
	if _, err := b.Delete(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	s.set(nil)
	eventually(t, "the index has followed", current)
	if _, names := s.counts(); !slices.Equal(names, []string{"airship.md", "new.md"}) {
		t.Errorf("outside: %v", names)
	}
	if got := first(t, b, "balloon mast"); got == "gone.md: Balloons" {
		t.Error("a removed document is still found")
	}
}

func TestOuterWordsKnowCodesInEverySpelling(t *testing.T) {
	have := outerWords("AWSJPL017E", nil, "The code AWSJPL017E stands here.")
	if have[outside.Term("code:AWSJPL017E")] == 0 {
		t.Errorf("%d words, none is the code", len(have))
	}
	if twice, once := outerWords("", nil, "mast mast"), outerWords("", nil, "mast rope"); twice[outside.Term("mast")] <= once[outside.Term("mast")] {
		t.Error("a word twice counts no more than once")
	}
	if title, body := outerWords("mast", nil, "x"), outerWords("x", nil, "mast"); title[outside.Term("mast")] <= body[outside.Term("mast")] {
		t.Error("a title counts no more than a body")
	}
}
