package retrieve

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestConceptsAreAskedFor: what an operator means is asked for in the manuals' words,
// in either language and any order, and nothing is added to words that mean no more
// than they say.
func TestConceptsAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		question string
		want     []string // terms that are asked for as well
	}{
		{"two streams seem to wait for each other forever, is there a circle?", []string{"loop", "detect"}},
		{"the clocks go forward on Sunday", []string{"daylight", "save"}},
		{"people get thrown out of the console too early", []string{"session", "timeout"}},
		{"run a command on a server where no agent may be installed", []string{"remot", "agentless"}},
		{"o console está sem memória", []string{"heap", "size"}},
		{"What is the fence of a workstation?", nil},
		{"AWSBDW009E", nil},
		{"Changing the Oracle access password", nil},
	} {
		q := parse(c.question, fitted())
		var added []string
		for _, g := range q.groups {
			if g.related {
				added = append(added, g.terms[0].term)
			}
		}
		for _, w := range c.want {
			if !slices.Contains(added, w) {
				t.Errorf("%q asks for %v as well, want %q among them", c.question, added, w)
			}
		}
		if c.want == nil && len(added) > 0 {
			t.Errorf("%q asks for %v as well, want nothing", c.question, added)
		}
	}
}

// TestConceptsAreWellFormed: every line of the file is a comment or a concept with at
// least two words (or one that says something else), and asks for nothing that only
// repeats its words.
func TestConceptsAreWellFormed(t *testing.T) {
	n := 0
	for ln := range strings.Lines(conceptText) {
		ln = strings.TrimSpace(ln)
		if ln == "" || ln[0] == '#' || n == 0 && !strings.Contains(ln, "=>") {
			continue
		}
		from, to, ok := strings.Cut(ln, " => ")
		if !ok || strings.TrimSpace(from) == "" || strings.TrimSpace(to) == "" {
			t.Errorf("no concept: %q", ln)
			continue
		}
		for _, part := range strings.Fields(from + " " + to) {
			if slices.Contains(strings.Split(part, "|"), "") {
				t.Errorf("an empty alternative in %q of %q", part, ln)
			}
		}
		n++
	}
	if n != len(concepts.all) || n < 100 {
		t.Errorf("%d concepts were read, the file has %d", len(concepts.all), n)
	}
}

// TestConceptsAreBounded: no question, however long, is asked for more than so many
// words besides its own, and none of them twice.
func TestConceptsAreBounded(t *testing.T) {
	var known []string
	for s := range concepts.byStem {
		known = append(known, s)
	}
	slices.Sort(known)
	rapid.Check(t, func(t *rapid.T) {
		q := parse(strings.Join(rapid.SliceOfN(rapid.SampledFrom(known), 1, 60).Draw(t, "words"), " "), fitted())
		n, seen := 0, map[string]bool{}
		for _, g := range q.groups {
			if !g.related {
				continue
			}
			n++
			if seen[g.terms[0].term] {
				t.Fatalf("%q is asked for twice", g.terms[0].term)
			}
			seen[g.terms[0].term] = true
		}
		if n > maxRelated {
			t.Fatalf("%d words were added, want at most %d", n, maxRelated)
		}
	})
}
