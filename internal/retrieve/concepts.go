package retrieve

import (
	_ "embed" // the concepts are a file of this package
	"strings"
)

// conceptText joins what operators say to what the manuals call it, where no word of
// theirs stands for one of the manual's: see the head of the file.
//
//go:embed glossary/concepts.txt
var conceptText string

// concept asks for more terms when a question has all its words.
type concept struct {
	need [][]string // stems; one of each
	add  [][]string // groups of terms
}

// conceptList finds concepts by any stem of their first word. It never changes.
type conceptList struct {
	all    []concept
	byStem map[string][]int
}

var concepts = readConcepts(conceptText)

// maxRelated is how many groups concepts may add to a question.
const maxRelated = 12

func readConcepts(text string) conceptList {
	l := conceptList{byStem: map[string][]int{}}
	for ln := range strings.Lines(text) {
		from, to, ok := strings.Cut(strings.TrimSpace(ln), " => ")
		if !ok || ln[0] == '#' {
			continue
		}
		c := concept{need: stemGroups(from), add: stemGroups(to)}
		for _, s := range c.need[0] {
			l.byStem[s] = append(l.byStem[s], len(l.all))
		}
		l.all = append(l.all, c)
	}
	return l
}

// stemGroups reads "a|b c" as [[a b] [c]], by stem.
func stemGroups(text string) [][]string {
	var out [][]string
	for w := range strings.FieldsSeq(text) {
		var alt []string
		for a := range strings.SplitSeq(w, "|") {
			alt = append(alt, stemEnglish(a))
		}
		out = append(out, alt)
	}
	return out
}

// meets says whether one of each of the needed stems is there.
func (c *concept) meets(have map[string]bool) bool {
next:
	for _, alt := range c.need {
		for _, s := range alt {
			if have[s] {
				continue next
			}
		}
		return false
	}
	return true
}

// relate adds what the concepts of the question ask for.
func (q *query) relate(list []string) {
	have := make(map[string]bool, 2*len(list))
	var order []string
	note := func(s string) {
		if !have[s] {
			have[s] = true
			order = append(order, s)
		}
	}
	for _, w := range list {
		note(stemEnglish(fold(w)))
	}
	asked := map[string]bool{}
	for _, g := range q.groups {
		for _, m := range g.terms {
			if q.lang != english { // the translation
				note(m.term)
			}
			if m.weight >= q.use.Synonym {
				asked[m.term] = true
			}
		}
	}
	seen, added := map[int]bool{}, 0
	for _, s := range order {
		for _, i := range concepts.byStem[s] {
			if seen[i] || !concepts.all[i].meets(have) {
				continue
			}
			seen[i] = true
			for _, alt := range concepts.all[i].add {
				if added >= maxRelated || asked[alt[0]] {
					continue
				}
				g := group{word: strings.Join(alt, " or "), related: true}
				for _, t := range alt {
					g.terms = append(g.terms, weighted{t, q.use.Related})
					asked[t] = true
				}
				q.groups = append(q.groups, g)
				added++
			}
		}
	}
}
