package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode"

	"resync/hwa/msgcode"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
)

// manualsDir is the folder of the vendor's manuals beside the repository; the test
// is skipped, loudly, where they are absent.
func manualsDir(t testing.TB, lost string) string {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir != "/" {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			dir = filepath.Dir(dir)
		}
		root = filepath.Join(dir, "..", "shared", "data")
	}
	dir := filepath.Join(root, "manuals")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT MEASURED: %s (no manuals in %s)", lost, dir)
	}
	return dir
}

// readManuals reads every manual.
func readManuals(t testing.TB, dir string) []retrieve.Document {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manuals in %s: %v", dir, err)
	}
	var docs []retrieve.Document
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, retrieve.Document{Name: filepath.Base(f), Text: string(b)})
	}
	return docs
}

func buildIndex(docs []retrieve.Document) *retrieve.Index {
	var segs []*retrieve.Segment
	for _, d := range docs {
		segs = append(segs, retrieve.Analyse(d))
	}
	return retrieve.New(segs...)
}

// entry is a documented problem, found with a reader of its own so that the
// chunker is not measured with itself.
type entry struct {
	doc      string
	line     int
	title    string
	symptom  string
	solution string
}

// entries finds "# title … Cause and solution: …" in a manual.
func entries(d retrieve.Document) []entry {
	var out []entry
	var cur entry
	inSolution := false
	flush := func() {
		if inSolution && len(cur.solution) > 40 && cur.title != "" {
			out = append(out, cur)
		}
		inSolution = false
	}
	for i, ln := range strings.Split(d.Text, "\n") {
		ln = strings.TrimSpace(ln)
		low := strings.ToLower(ln)
		switch {
		case strings.HasPrefix(low, "# cause and solution") || low == "# solution:" || low == "# cause:":
			inSolution = true
		case strings.HasPrefix(low, "cause and solution:"):
			inSolution = true
			cur.solution += ln[len("cause and solution:"):] + "\n"
		case strings.HasPrefix(ln, "# ") && strings.IndexFunc(ln, unicode.IsLetter) > 0:
			if strings.HasPrefix(low, "# on ") && len(strings.Fields(ln)) < 6 || meaningless[strings.Trim(low, "# :")] {
				continue
			}
			flush()
			cur = entry{doc: d.Name, line: i + 1, title: strings.TrimSpace(ln[2:])}
		case inSolution:
			cur.solution += ln + "\n"
		default:
			cur.symptom += ln + "\n"
		}
	}
	flush()
	return out
}

// meaningless headings belong to the one before them.
var meaningless = map[string]bool{"about this task": true, "symptom": true, "problem": true, "note": true,
	"results": true, "oracle": true, "db2": true, "db2®": true, "unix": true, "windows": true}

var dropped = strings.Fields(`the a an of to in on is are was be with and or not for from by at it its this that you your when after
	does do did can cannot has have had as if there which but all any such these those into using use one following might
	ibm workload scheduler`)

// contentWords are the words of a text without stop-words and marks.
func contentWords(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		w = strings.NewReplacer("®", "", "™", "").Replace(w)
		w = strings.Trim(w, `.,;:()"'*+#|<>$`+"`")
		skip := w == "" || strings.IndexFunc(w, unicode.IsLetter) < 0
		for _, d := range dropped {
			skip = skip || strings.EqualFold(w, d)
		}
		if !skip {
			out = append(out, w)
		}
	}
	return out
}

// thin drops two of five words, the same ones every time.
func thin(words []string) string {
	var out []string
	for i, w := range words {
		if h := (i*7 + len(w)*3) % 5; h > 1 {
			out = append(out, w)
		}
	}
	if len(out) < 4 {
		out = words
	}
	return strings.Join(out, " ")
}

// rarity counts in how many paragraphs of all manuals a word stands.
func rarity(docs []retrieve.Document) map[string]int {
	df := map[string]int{}
	for _, d := range docs {
		for _, para := range strings.Split(d.Text, "\n\n") {
			seen := map[string]bool{}
			for _, w := range contentWords(para) {
				w = strings.ToLower(w)
				if !seen[w] {
					seen[w] = true
					df[w]++
				}
			}
		}
	}
	return df
}

// distinctive are up to n words of the solution that say most: rare ones that
// still occur elsewhere, not in the title, without OCR junk.
func distinctive(e entry, df map[string]int, n int) []string {
	type term struct {
		w string
		v float64
	}
	var all []term
	seen := map[string]bool{}
	title := strings.ToLower(e.title)
	for i, w := range contentWords(e.solution) {
		low := strings.ToLower(w)
		if seen[low] || len(low) < 4 || strings.Contains(title, low) || strings.ContainsAny(w, `$\{}<>[]`) || strings.HasPrefix(low, "http") {
			continue
		}
		seen[low] = true
		v := math.Log(1 + 4000/float64(df[low]+8))
		switch {
		case strings.ContainsAny(w, "_/.=") || strings.IndexFunc(w[1:], unicode.IsUpper) >= 0:
			v += 2 // a file, option or program
		case strings.HasSuffix(low, "ly") || strings.HasSuffix(low, "ing") || strings.HasSuffix(low, "ed") || df[low] < 4:
			v -= 3 // hardly a term
		}
		all = append(all, term{w, v*(1+math.Log(float64(strings.Count(strings.ToLower(e.solution), low)))) - 0.01*float64(i)})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].v > all[j].v })
	var out []string
	for _, t := range all[:min(n, len(all))] {
		out = append(out, t.w)
	}
	return out
}

// generate makes the held-out scenarios of one form from the problems documented
// in a manual.
func generate(list []entry, df map[string]int, form string) []knowledge.Scenario {
	var out []knowledge.Scenario
	for i, e := range list {
		s := knowledge.Scenario{
			ID: fmt.Sprintf("%s-%03d", form, i), MustContain: distinctive(e, df, 2+i%2),
			Source: []string{fmt.Sprintf("%s:%d", strings.TrimSuffix(e.doc, ".md"), e.line)},
		}
		codes := msgcode.Codes(e.title + "\n" + e.symptom)
		switch form {
		case "title":
			s.Question = strings.Join(contentWords(e.title), " ")
		case "thinned":
			s.Question = thin(contentWords(e.title))
		case "symptom":
			w := contentWords(e.symptom)
			if len(w) < 8 {
				continue
			}
			s.Question = thin(w[:min(len(w), 30)])
		case "codes":
			if len(codes) == 0 {
				continue
			}
			s.Question = "What does " + codes[0].Text + " mean and what do I do?"
			s.Source = sourcesOf(list, codes[0].Text)
			if len(s.Source) > 1 { // which of them is not to be told from the code
				s.Question = codes[0].Text + " " + thin(contentWords(e.title))
				s.Source = s.Source[:0]
				s.Source = append(s.Source, fmt.Sprintf("%s:%d", strings.TrimSuffix(e.doc, ".md"), e.line))
			}
		}
		for _, c := range codes {
			s.Codes = append(s.Codes, c.Text)
		}
		if len(s.MustContain) > 0 && s.Question != "" {
			out = append(out, s)
		}
	}
	return out
}

// sourcesOf are the problems that name a code.
func sourcesOf(list []entry, code string) []string {
	var out []string
	for _, e := range list {
		for _, c := range msgcode.Codes(e.title + "\n" + e.symptom) {
			if c.Text == code {
				out = append(out, fmt.Sprintf("%s:%d", strings.TrimSuffix(e.doc, ".md"), e.line))
			}
		}
	}
	return out
}

// answer asks the index and makes a hypothesis of each of the first three
// passages.
func answer(t testing.TB, x *retrieve.Index, s knowledge.Scenario) (knowledge.ScenarioResult, []retrieve.Passage) {
	t.Helper()
	q := s.Ask("")
	found, err := x.Search(context.Background(), q, 3)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, c := range msgcode.Codes(q) {
		codes = append(codes, c.Text)
	}
	spans := map[string]knowledge.Span{}
	var hyps []knowledge.Hypothesis
	for i, p := range found {
		h := knowledge.Hypothesis{Text: retrieve.Explain(q, codes, p).Text}
		places := append([]retrieve.Place{{Document: p.Document, Line: p.Line, EndLine: p.EndLine}}, p.Same...)
		for j, at := range places {
			id := fmt.Sprintf("e%d.%d", i+1, j)
			spans[id] = knowledge.Span{Document: at.Document, Line: at.Line, EndLine: at.EndLine}
			h.Citations = append(h.Citations, id)
		}
		hyps = append(hyps, h)
	}
	return knowledge.ScoreScenario(s, hyps, func(id string) (knowledge.Span, bool) { sp, ok := spans[id]; return sp, ok }), found
}

// tally is how a set was answered: found counts citations alone.
type tally struct {
	n, top1, top3, cited1, cited3 int
}

func (c tally) String() string {
	p := func(n int) float64 { return 100 * float64(n) / float64(max(c.n, 1)) }
	return fmt.Sprintf("n=%d top1=%.1f%% top3=%.1f%% | right passage first=%.1f%% in three=%.1f%%", c.n, p(c.top1), p(c.top3), p(c.cited1), p(c.cited3))
}

// atLeast fails the test when fewer answers are right, in percent, than the set had
// when the parameters were fixed, less a margin.
func (c tally) atLeast(t testing.TB, set string, top1, top3 int) {
	t.Helper()
	if 100*c.top1 < top1*c.n || 100*c.top3 < top3*c.n {
		t.Errorf("%s: %s, at least %d%% and %d%% were reached before", set, c, top1, top3)
	}
}

func measure(t testing.TB, x *retrieve.Index, set []knowledge.Scenario, verbose bool) tally {
	t.Helper()
	var c tally
	for _, s := range set {
		r, found := answer(t, x, s)
		c.n++
		cited := citedAt(s, found)
		if r.Top1 {
			c.top1++
		}
		if r.Top3 {
			c.top3++
		}
		if cited == 0 {
			c.cited1++
		}
		if cited >= 0 && cited < 3 {
			c.cited3++
		}
		if verbose && !r.Top1 {
			t.Logf("%s %q %v\n  must %q cited at %d", s.ID, s.Question, s.Source, s.MustContain, cited)
			for i, h := range r.Hypotheses {
				t.Logf("   %d %s %q lacks %q", i+1, found[i].Source(), found[i].Title, h.Missing)
			}
		}
	}
	return c
}

// citedAt is the rank of the first passage that overlaps a source, or -1.
func citedAt(s knowledge.Scenario, found []retrieve.Passage) int {
	for i, p := range found {
		places := append([]retrieve.Place{{Document: p.Document, Line: p.Line, EndLine: p.EndLine}}, p.Same...)
		for _, at := range places {
			for _, src := range s.Source {
				if want, ok := knowledge.ParseSource(src); ok && want.Overlaps(knowledge.Span{Document: at.Document, Line: at.Line, EndLine: at.EndLine}) {
					return i
				}
			}
		}
	}
	return -1
}

// TestDocumentedProblems measures answers over problems documented in the manuals
// that no one chose: each is asked by its title, by part of its title, by its
// symptom, and by its code alone. Sources are the manuals alone.
func TestDocumentedProblems(t *testing.T) {
	dir := manualsDir(t, "answers to documented problems, 4 forms")
	docs := readManuals(t, dir)
	x := buildIndex(docs)
	df := rarity(docs)
	var list []entry
	for _, d := range docs {
		list = append(list, entries(d)...)
	}
	t.Logf("%d documented problems", len(list))
	for _, form := range []string{"title", "thinned", "symptom", "codes"} {
		c := measure(t, x, generate(list, df, form), os.Getenv("RESYNC_VERBOSE") == form)
		t.Logf("%-8s %s", form, c)
		c.atLeast(t, form, 89, 94) // one symptom of 169 less than before the concepts
	}
}

// TestOperatorProblems asks documented problems in the words of an operator, a
// quarter of them in Portuguese; the questions were written by hand without
// looking at what is found.
func TestOperatorProblems(t *testing.T) {
	dir := manualsDir(t, "48 problems in an operator's words")
	rows, err := knowledge.LoadScenarios(filepath.Join("testdata", "operator_problems.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	c := measure(t, buildIndex(readManuals(t, dir)), rows, true)
	t.Logf("operator %s", c)
	c.atLeast(t, "operator", 90, 97)
}

// TestHeadings asks 600 headings of all manuals, whole and with two words in five
// left out, and counts passages that hold the heading's line. Ordinary sections
// must be found although documented problems are preferred.
func TestHeadings(t *testing.T) {
	dir := manualsDir(t, "600 headings, whole and thinned")
	docs := readManuals(t, dir)
	x := buildIndex(docs)
	type heading struct {
		title string
		at    knowledge.Span
	}
	var all []heading
	times := map[string]int{}
	for _, d := range docs {
		lines := strings.Split(d.Text, "\n")
		for i, ln := range lines {
			title, ok := strings.CutPrefix(ln, "# ")
			if !ok || len(contentWords(title)) < 3 || i < len(lines)/20 || i > len(lines)*3/4 {
				continue
			}
			times[title]++
			all = append(all, heading{title, knowledge.Span{Document: d.Name, Line: i + 1, EndLine: i + 4}})
		}
	}
	var unique []heading
	for _, h := range all {
		if times[h.title] == 1 {
			unique = append(unique, h)
		}
	}
	step := max(len(unique)/600, 1)
	for _, form := range []string{"whole", "thinned"} {
		n, first, five := 0, 0, 0
		for i := 0; i < len(unique); i += step {
			q := strings.Join(contentWords(unique[i].title), " ")
			if form == "thinned" {
				q = thin(contentWords(unique[i].title))
			}
			found, err := x.Search(context.Background(), q, 5)
			if err != nil {
				t.Fatal(err)
			}
			n++
			for rank, p := range found {
				if unique[i].at.Overlaps(knowledge.Span{Document: p.Document, Line: p.Line, EndLine: p.EndLine}) {
					five++
					if rank == 0 {
						first++
					}
					break
				}
			}
		}
		t.Logf("headings %-8s n=%d hit@1=%.1f%% hit@5=%.1f%%", form, n, 100*float64(first)/float64(n), 100*float64(five)/float64(n))
		if 100*first < 74*n || 100*five < 89*n {
			t.Errorf("headings %s: below the 74%% and 89%% reached before", form)
		}
	}
}

// TestScenariosFromManuals asks the 20 scenarios of the manuals alone, without an
// engine to look at.
func TestScenariosFromManuals(t *testing.T) {
	dir := manualsDir(t, "20 scenarios")
	rows, err := knowledge.LoadScenarios(filepath.Join(dir, "..", "eval", "scenarios.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	docs := readManuals(t, dir)
	c := measure(t, buildIndex(docs), rows, true)
	t.Logf("scenarios %s", c)
	c.atLeast(t, "scenarios", 80, 85) // four describe the state of an engine, not a text
	book, err := knowledge.Handbook()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scenarios with the handbook beside the manuals %s", measure(t, buildIndex(append(book, docs...)), rows, false))
}

// BenchmarkIndexManuals is the time from the texts of the manuals to a searchable
// index on one core.
func BenchmarkIndexManuals(b *testing.B) {
	docs := readManuals(b, manualsDir(b, "speed of indexing"))
	bytes := 0
	for _, d := range docs {
		bytes += len(d.Text)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		buildIndex(docs)
	}
}

// BenchmarkSearchManuals asks the documented problems by title and symptom; p50 and
// p99 are reported in microseconds.
func BenchmarkSearchManuals(b *testing.B) {
	docs := readManuals(b, manualsDir(b, "speed of searching"))
	x := buildIndex(docs)
	var questions []string
	for _, d := range docs {
		for _, e := range entries(d) {
			questions = append(questions, e.title+" "+e.symptom[:min(200, len(e.symptom))])
		}
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if _, err := x.Search(context.Background(), questions[i%len(questions)], 10); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
