package retrieve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const guide = `# Guide

## The agent does not link

The agent is not linked after a restart. The log has AWSBCV082I.

### Cause and solution:

The nm port of two netman processes is the same. Edit localopts and restart netman.

## The plan database is locked

AWSJPL018E is shown.

### Cause and solution:

A planner was stopped. Run planman unlock.

## Calendars

A calendar is a list of dates. Use composer to define a calendar.

## Something else

The word agent stands here once, among many others about dates and lists.
`

func index(t testing.TB, docs ...Document) *Index {
	t.Helper()
	var segs []*Segment
	for _, d := range docs {
		segs = append(segs, Analyse(d))
	}
	return New(segs...)
}

func search(t testing.TB, x *Index, query string, k int) []Passage {
	t.Helper()
	found, err := x.Search(context.Background(), query, k)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func titles(found []Passage) []string {
	var out []string
	for _, p := range found {
		out = append(out, p.Title)
	}
	return out
}

func TestSearchFindsTheRightPassage(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	for _, c := range []struct{ question, title string }{
		{"AWSJPL018E", "The plan database is locked"},
		{"awsjpl018e", "The plan database is locked"},
		{"what is AWSBCV082I", "The agent does not link"},
		{"agents are not linking", "The agent does not link"},
		{"FTA unlinked", "The agent does not link"},
		{"netman nm port", "The agent does not link"},
		{"planman unlock", "The plan database is locked"},
		{"How do I define a calendar?", "Calendars"},
		{"O banco de dados do plano está bloqueado", "The plan database is locked"},
		{"o agente não vincula", "The agent does not link"},
	} {
		found := search(t, x, c.question, 3)
		if len(found) == 0 || found[0].Title != c.title {
			t.Errorf("%q found %q, want %q", c.question, titles(found), c.title)
		}
	}
}

func TestSearchSaysWhereAPassageStands(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	p := search(t, x, "AWSJPL018E", 1)[0]
	if guide[p.Start:p.End] != p.Text {
		t.Error("the text is not the one between the offsets")
	}
	if diff := cmp.Diff([]string{"Guide", "The plan database is locked"}, p.Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if p.Source() != "guide.md:11-17" {
		t.Errorf("cited as %s", p.Source())
	}
	if diff := cmp.Diff([]string{"AWSJPL018E"}, p.Codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if len(p.Parts) == 0 || p.Score <= 0 {
		t.Errorf("the score %v is made of %v", p.Score, p.Parts)
	}
}

func TestSearchOfNothing(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	for _, q := range []string{"", "   ", "the of and", "xyzzyplugh"} {
		if found := search(t, x, q, 3); len(found) > 0 {
			t.Errorf("%q found %q", q, titles(found))
		}
	}
	if found := search(t, x, "agent", 0); len(found) > 0 {
		t.Error("k of 0 found something")
	}
	if found := search(t, New(), "agent", 3); len(found) > 0 {
		t.Error("an empty index found something")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.Search(ctx, "agent", 3); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled search returned %v", err)
	}
}

// TestDefect27ScoresAreNotStretched: the predecessor stretched scores so that the
// first was always 1; a question that hardly fits must score less than one that
// fits.
func TestDefect27ScoresAreNotStretched(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	good, poor := search(t, x, "plan database locked", 1), search(t, x, "plan of the zoo with lions and bears", 1)
	if len(good) == 0 || len(poor) > 0 && poor[0].Score >= good[0].Score {
		t.Errorf("good %v, poor %v", good, poor)
	}
}

func TestSearchLeavesNearCopiesOut(t *testing.T) {
	body := "# The console shows an empty page\n\nThe page is empty after the switch of the database node.\n\nCause and solution: " +
		strings.Repeat("Wait for the standby node to take over. ", 3)
	x := index(t, Document{Name: "a.md", Text: body + "\n"}, Document{Name: "b.md", Text: body + "\nAgain.\n"}, Document{Name: "guide.md", Text: guide})
	found := search(t, x, "empty page in the console", 3)
	n := 0
	for _, p := range found {
		if p.Title == "The console shows an empty page" {
			n++
			if diff := cmp.Diff([]Place{{"b.md", 1, 6}}, p.Same); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
		}
	}
	if n != 1 {
		t.Errorf("found %d times, want once: %q", n, titles(found))
	}
}

func TestSearchFollowsPointers(t *testing.T) {
	x := index(t, Document{Name: "g.md", Text: "# Log full in DB2\n\nThe log is full.\n\nCause and solution: This is described in The transaction log is full.\n\n" +
		"# The transaction log is full\n\nMessage about a log.\n\nCause and solution: Enlarge the log files.\n"})
	found := search(t, x, "log full in DB2", 3)
	if len(found) != 1 || found[0].Title != "The transaction log is full" || len(found[0].Same) != 1 || found[0].Same[0].Line != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestOwnDocumentsGoBeforeBuiltIn(t *testing.T) {
	text := "# The agent is mute\n\nThe agent is mute.\n\nCause and solution: Call %s.\n"
	builtin := Document{Name: "handbook/a.md", Text: fmt.Sprintf(text, "the vendor and describe what you see there"), Builtin: true}
	own := Document{Name: "own.md", Text: fmt.Sprintf(text, "Ann in the control room before anything else") + "\n# Other\n\nMore about other things.\n"}
	if found := search(t, index(t, builtin, own), "agent is mute", 2); found[0].Document != "own.md" {
		t.Errorf("%s is first", found[0].Document)
	}
	if found := search(t, index(t, builtin), "agent is mute", 2); len(found) != 1 || found[0].Document != "handbook/a.md" {
		t.Errorf("without own documents found %v", titles(found))
	}
}

func TestIndexIsTheSameEveryTime(t *testing.T) {
	docs := []Document{{Name: "a.md", Text: guide}, {Name: "b.md", Text: strings.ReplaceAll(guide, "agent", "console")}}
	first := search(t, index(t, docs...), "does not link after restart", 5)
	for range 3 {
		if diff := cmp.Diff(first, search(t, index(t, docs...), "does not link after restart", 5)); diff != "" {
			t.Fatalf("another index finds something else:\n%s", diff)
		}
	}
}

func TestSearchSideBySide(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	want := titles(search(t, x, "agent link", 3))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				found, err := x.Search(context.Background(), "agent link", 3)
				if err != nil || cmp.Diff(want, titles(found)) != "" {
					t.Errorf("found %q, %v", titles(found), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCandidatesKeepTheOrderOfEquals(t *testing.T) {
	h := candidates{room: 4}
	for i, score := range []float32{1, 3, 3, 2, 3} {
		if score > h.floor {
			h.offer(placed{unit: uint32(i), score: score})
		}
	}
	var got []uint32
	for _, c := range h.found() {
		got = append(got, c.unit)
	}
	if diff := cmp.Diff([]uint32{1, 2, 4, 3}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestSketchTellsSameFromSimilar(t *testing.T) {
	text := strings.Repeat("one two three four five six seven eight nine ten eleven twelve ", 3) + "the end of it all comes near and nearer to us"
	for _, c := range []struct {
		name, other string
		same        bool
	}{
		{"equal", text, true},
		{"another case and marks", strings.ToUpper(text) + ".", true},
		{"one word more", text + " now", true},
		{"half", text[:len(text)/2] + " with a quite different continuation about calendars and holidays of the year in which nothing is shared", false},
		{"nothing", "completely unrelated words about printers and paper", false},
	} {
		a, b := newSketch(text), newSketch(c.other)
		if got := a.share(&b) >= sameFrom; got != c.same {
			t.Errorf("%s: same %v at %.2f", c.name, got, a.share(&b))
		}
	}
	var empty sketch
	if empty.share(&empty) != 0 {
		t.Error("two empty texts are taken for the same")
	}
}

func FuzzSearch(f *testing.F) {
	x := index(f, Document{Name: "guide.md", Text: guide})
	for _, s := range []string{"", "agent", "AWSJPL018E", "não", "\xff", strings.Repeat("agent ", 2000), "a.b_c-d", "$1; drop"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, q string, k int) {
		found, err := x.Search(context.Background(), q, k)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > max(k, 0) {
			t.Fatalf("%d passages for k of %d", len(found), k)
		}
		for i, p := range found {
			if i > 0 && p.Score > found[i-1].Score {
				t.Fatal("not best first")
			}
			Explain(q, nil, p)
		}
	})
}

// TestAmongScoresAsAmongAll: a passage scores the same whichever others may be found,
// by words, codes, titles, neighbours and vectors, so an index elsewhere that brings
// the right candidates gives the right order.
func TestAmongScoresAsAmongAll(t *testing.T) {
	x := manyTexts(t)
	vectors, err := x.Rows(t.Context(), func(_ context.Context, texts []string) ([][]float32, error) {
		out := make([][]float32, len(texts))
		for i, text := range texts {
			out[i] = []float32{1, float32(len(text)%7) / 7}
		}
		return out, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int, x.Passages())
	for i := range all {
		all[i] = i
	}
	for _, question := range someQuestions {
		for _, o := range []Options{{K: 100, Copies: true}, {K: 100}, {K: 100, Copies: true, Dense: &Dense{Vectors: vectors, Query: []float32{1, 0.5}}}} {
			want, err := x.Find(t.Context(), question, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Among = all
			got, err := x.Find(t.Context(), question, o)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%q among all: %v (-all +among):\n%s", question, err, diff)
			}
			if o.Dense != nil { // cosines count between the nearest and the farthest candidate
				continue
			}
			for _, p := range want {
				row, ok := x.Row(p.ID)
				if !ok {
					t.Fatalf("no row %s", p.ID)
				}
				o.Among, o.Copies = []int{row}, true
				got, err := x.Find(t.Context(), question, o)
				if err != nil || len(got) != 1 || got[0].ID != p.ID || got[0].Score != p.Score {
					t.Errorf("%q: %s scores %v among all, alone %v, %v", question, p.ID, p.Score, got, err)
				}
			}
		}
		if got, err := x.Find(t.Context(), question, Options{K: 5, Among: []int{}}); err != nil || len(got) != 0 {
			t.Errorf("%q among none: %v, %v", question, got, err)
		}
	}
}
