package retrieve

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"resync/chunk"
)

func find(t testing.TB, x *Index, question string, o Options) []Passage {
	t.Helper()
	got, err := x.Find(context.Background(), question, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func documents(found []Passage) []string {
	var out []string
	for _, p := range found {
		out = append(out, p.Document)
	}
	return out
}

func TestFilters(t *testing.T) {
	when := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	text := "# The agent %s\n\nThe agent is %s and says nothing.\n"
	doc := func(name, word string, d Document) Document {
		d.Name, d.Text = name, fmt.Sprintf(text, word, word)
		return d
	}
	x := index(t,
		doc("a/one.md", "hangs at night", Document{Version: "10.1", Authority: 1, Updated: when, Tags: []string{"prod", "linux"}}),
		doc("a/two.md", "sleeps by day", Document{Version: "10.2", Tags: []string{"prod"}}),
		doc("b/three.md", "crashes on start", Document{Authority: 3, Updated: when.AddDate(0, 1, 0)}),
	)
	for name, c := range map[string]struct {
		filter Filter
		want   []string
	}{
		"none":      {Filter{}, []string{"a/one.md", "a/two.md", "b/three.md"}},
		"one":       {Filter{Documents: []string{"a/two.md"}}, []string{"a/two.md"}},
		"folder":    {Filter{Documents: []string{"a/"}}, []string{"a/one.md", "a/two.md"}},
		"version":   {Filter{Versions: []string{"10.2"}}, []string{"a/two.md", "b/three.md"}},
		"authority": {Filter{MinAuthority: 1}, []string{"a/one.md", "b/three.md"}},
		"since":     {Filter{Since: when.AddDate(0, 0, 1)}, []string{"b/three.md"}},
		"tags":      {Filter{Tags: []string{"prod", "linux"}}, []string{"a/one.md"}},
		"kind":      {Filter{Kinds: []chunk.Kind{chunk.KindTable}}, nil},
		"nothing":   {Filter{Documents: []string{"c.md"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := documents(find(t, x, "agent", Options{K: 9, Filter: c.filter, Copies: true}))
			seen := map[string]bool{}
			for _, d := range got {
				seen[d] = true
			}
			want := map[string]bool{}
			for _, d := range c.want {
				want[d] = true
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			spans, err := x.Spans(context.Background(), "agent", Modes()[0], c.filter)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range spans {
				if !want[s.Document] {
					t.Errorf("a span of %s", s.Document)
				}
			}
		})
	}
}

// TestPartsAddUp: what an explanation says makes the score, whatever takes part.
func TestPartsAddUp(t *testing.T) {
	x := manyTexts(t)
	v, err := NewVectors(4)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Passages() {
		if err := v.Append([]float32{1, float32(i), 2, 0.5}); err != nil {
			t.Fatal(err)
		}
	}
	dense := &Dense{Vectors: v, Query: []float32{1, 3, 0, 1}, Model: "test"}
	for name, o := range map[string]Options{"all": {K: 5}, "first stage": {K: 5, NoRerank: true}, "copies": {K: 5, Copies: true}, "dense": {K: 5, Dense: dense}} {
		for i, list := range found(t, x, o) {
			for _, p := range list {
				var sum float64
				for _, part := range p.Parts {
					sum += part.Value
				}
				if math.Abs(sum-p.Score) > 0.002*math.Max(1, p.Score) {
					t.Errorf("%s, %q: parts of %q add up to %v, the score is %v: %v", name, someQuestions[i], p.Title, sum, p.Score, p.Parts)
				}
			}
		}
	}
}

func TestDenseJoinsIn(t *testing.T) {
	x := index(t, Document{Name: "guide.md", Text: guide})
	v, err := NewVectors(2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Passages() {
		row := []float32{1, 0}
		if strings.Contains(x.content(i), "Use composer") {
			row = []float32{0, 1}
		}
		if err := v.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	dense := &Dense{Vectors: v, Query: []float32{0, 1}, Model: "test"}
	got := find(t, x, "zoo with lions", Options{K: 1, Dense: dense})
	if len(got) != 1 || got[0].Title != "Calendars" {
		t.Errorf("by meaning alone found %q", titles(got))
	}
	if got := find(t, x, "AWSJPL018E plan database locked", Options{K: 1, Dense: dense}); got[0].Title != "The plan database is locked" {
		t.Errorf("a code and all words lose against the vectors: %q", titles(got))
	}
	short, err := NewVectors(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Find(context.Background(), "agent", Options{K: 1, Dense: &Dense{Vectors: short, Query: []float32{0, 1}}}); err == nil {
		t.Error("vectors of another index were accepted")
	}
}

func TestRecordsKeepTheirIDs(t *testing.T) {
	code := "# connect opens the link.\nfunc (c *LinkManager) openSession(host string) error {\n\treturn dialTimeout(host)\n}\n"
	x := New(
		AnalyseRecords(Document{Name: "link.go"}, []Record{{ID: "l1", Path: []string{"src", "link.go"}, Title: "link.go", Text: code}, {ID: "l2", Text: "package link"}}),
		AnalyseRecords(Document{Name: "copy.go"}, []Record{{ID: "c1", Text: code}}),
	)
	got := find(t, x, "What does LinkManager do in openSession?", Options{K: 5, Copies: true})
	var ids []string
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	if diff := cmp.Diff([]string{"l1", "c1"}, ids[:min(2, len(ids))]); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if got := find(t, x, "session manager", Options{K: 1}); len(got) != 1 || len(got[0].Same) != 1 {
		t.Errorf("parts of identifiers found %+v", got)
	}
}

// TestManyPassagesKeepTheBest: up to the limit the search is the full search; above it,
// common words only count for what the rare ones found, and the first places stay.
func TestManyPassagesKeepTheBest(t *testing.T) {
	var segs []*Segment
	for d := range 220 {
		var recs []Record
		for i := range 100 {
			n := d*100 + i
			text := fmt.Sprintf("the job runs on the agent and writes item%d and batch%d to the log of plan%d", n%7919, n%613, n%17)
			recs = append(recs, Record{ID: fmt.Sprint(n), Text: text})
		}
		segs = append(segs, AnalyseRecords(Document{Name: fmt.Sprint(d)}, recs))
	}
	x := New(segs...)
	for _, q := range []string{"job item77 on the agent", "agent log plan3 batch600 item7000", "which job writes batch12 to plan12"} {
		pq := parse(q, fitted())
		l := x.look(&pq)
		full := x.tally()
		full.passages(x.Passages())
		for i := range pq.groups {
			full.addWord(&l.words[i])
		}
		want := x.first(full, &pq, l, Options{}, 10)
		var plain []*candidate // every passage, without skipping any
		for _, u := range full.touched {
			c := &full.cells[u]
			s := c.words * (1 + fitted().Coverage*c.weight/l.total + fitted().Title*x.titleShare(c.title, u, &pq)) * x.formBonus(u, &pq)
			plain = append(plain, &candidate{unit: u, cell: *c, base: s, score: s})
		}
		slices.SortFunc(plain, betterFirst)
		if diff := cmp.Diff(plain[:10], want, cmp.AllowUnexported(candidate{}, cell{})); diff != "" {
			t.Errorf("%q (-all scored +found):\n%s", q, diff)
		}
		x.free(full)
		fast := x.tally()
		fast.passages(x.Passages())
		fast.addWords(l, 16_000)
		if !fast.pruned {
			t.Fatalf("%q was searched in full: the test shows nothing", q)
		}
		got := x.first(fast, &pq, l, Options{}, 10)
		x.free(fast)
		exact := x.tally()
		exact.passages(x.Passages())
		exact.addWords(l, exactPostings)
		same := x.first(exact, &pq, l, Options{}, 10)
		x.free(exact)
		if diff := cmp.Diff(want, same, cmp.AllowUnexported(candidate{}, cell{})); diff != "" || len(want) != 10 {
			t.Errorf("%q within the limit (-full +found):\n%s", q, diff)
		}
		for i := range want[:3] {
			if want[i].unit != got[i].unit || math.Abs(float64(want[i].score-got[i].score)) > 1e-3 {
				t.Errorf("%q place %d: passage %d with %v, in full %d with %v", q, i+1, got[i].unit, got[i].score, want[i].unit, want[i].score)
			}
		}
	}
}

func TestUnitsAreTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([A-Za-z ]{0,30}[.!?\n] ?){0,20}`)).Draw(t, "text")
		limit := rapid.IntRange(4, 400).Draw(t, "limit")
		for _, units := range [][]extent{cutUnits(text, limit), packUnits(cutUnits(text, limit), limit)} {
			at := 0
			for _, u := range units {
				if u.start != at || u.end <= u.start || u.end-u.start > limit && len(strings.TrimSpace(text[u.start:u.end])) > limit {
					t.Fatalf("unit %v after %d, limit %d", u, at, limit)
				}
				at = u.end
			}
			if at != len(text) {
				t.Fatalf("units end at %d of %d", at, len(text))
			}
		}
	})
}

func TestSentencesAreUnits(t *testing.T) {
	text := "The agent stops. Restart it, e.g. with startup.\nVersion 9.5 of J. Smith's tool works! Does it?  Yes."
	var got []string
	for _, u := range cutUnits(text, 100) {
		got = append(got, text[u.start:u.end])
	}
	want := []string{"The agent stops. ", "Restart it, e.g. with startup.\n", "Version 9.5 of J. Smith's tool works! ", "Does it?  ", "Yes."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
}

func TestSpansStandWhereTheySay(t *testing.T) {
	text := guide + "\n## Backups\n\n" + strings.Repeat("Nothing of interest is said here at any length whatsoever. ", 30) +
		"The weekly backup of the object store begins on Sunday. " + strings.Repeat("More words about other subjects follow in this place. ", 30) + "\n"
	x := index(t, Document{Name: "guide.md", Text: text})
	for _, m := range Modes() {
		spans, err := x.Spans(context.Background(), "When does the weekly backup of the object store begin?", m, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(spans) == 0 || !strings.Contains(spans[0].Text, "begins on Sunday") {
			t.Fatalf("%s: found %+v", m.Name, spans)
		}
		tokens := 0
		for _, s := range spans {
			if text[s.Start:s.End] != s.Text {
				t.Errorf("%s: %d to %d is not %q", m.Name, s.Start, s.End, s.Text)
			}
			tokens += s.Tokens
		}
		if tokens > m.Tokens {
			t.Errorf("%s: %d tokens of %d", m.Name, tokens, m.Tokens)
		}
	}
	for _, q := range []string{"", "the of and", "xyzzyplugh"} {
		if spans, err := x.Spans(context.Background(), q, Modes()[0], Filter{}); err != nil || len(spans) > 0 {
			t.Errorf("%q found %v, %v", q, spans, err)
		}
	}
	if _, err := ModeNamed("loud"); err == nil {
		t.Error("a mode that does not exist was accepted")
	}
	if m, err := ModeNamed(""); err != nil || m.Name != "balanced" {
		t.Errorf("no mode is %v, %v", m, err)
	}
}
