package evaluate

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"

	"resync/internal/retrieve"
)

// ChunkingReport is what [Chunking] found, in percent. Recall, precision and IoU are
// means over the questions, counted in characters as Chroma's GeneralEvaluation does:
// everything returned counts against precision, also what stands in another corpus.
type ChunkingReport struct {
	Questions int      `json:"questions"`
	Corpora   []string `json:"corpora"`
	// Modes are the modes of Resync's span retrieval.
	Modes map[string]SpanScore `json:"modes"`
	// PrecisionOmega is Precision_Ω of the splitters the evaluation names, over the
	// corpora at hand: what perfect recall costs with them.
	PrecisionOmega map[string]float64 `json:"precision_omega"`
	// ByCorpus holds the modes over the questions of one corpus.
	ByCorpus map[string]map[string]SpanScore `json:"by_corpus"`
	// LeaveOneOut holds, for each corpus, the scores on it of the mode whose Keep was
	// chosen on the others alone (see [LeaveOneOut]).
	LeaveOneOut map[string]map[string]SpanScore `json:"leave_one_out,omitempty"`
}

// SpanScore is how well spans cover the right places: in percent, and the mean number
// of tokens returned for a question.
type SpanScore struct {
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
	IoU       float64 `json:"iou"`
	Tokens    float64 `json:"tokens"`
}

// spanQuestion is a question with the places of its answer, in bytes.
type spanQuestion struct {
	text   string
	corpus int
	gold   []Span
}

// corpora are the texts and questions of a folder in the form of Chroma's evaluation.
type corpora struct {
	names     []string
	texts     []string
	questions []spanQuestion
}

// Chunking asks the questions of a folder (questions_df.csv beside the corpora it
// names, each with or without ".md" or ".txt") of one index over all corpora.
func Chunking(ctx context.Context, dir string) (ChunkingReport, error) {
	c, err := readCorpora(dir)
	if err != nil {
		return ChunkingReport{}, err
	}
	docs := make([]retrieve.Document, len(c.names))
	for i := range docs {
		docs[i] = retrieve.Document{Name: c.names[i], Text: c.texts[i]}
	}
	x := Build(docs)
	r := ChunkingReport{
		Questions: len(c.questions), Corpora: c.names, Modes: map[string]SpanScore{}, PrecisionOmega: map[string]float64{},
		ByCorpus: map[string]map[string]SpanScore{},
	}
	all, err := c.ask(ctx, x, retrieve.Modes())
	if err != nil {
		return r, err
	}
	for k, m := range retrieve.Modes() {
		scores := all[k]
		r.Modes[m.Name] = mean(scores, nil)
		for i, name := range c.names {
			if r.ByCorpus[name] == nil {
				r.ByCorpus[name] = map[string]SpanScore{}
			}
			r.ByCorpus[name][m.Name] = mean(scores, func(q int) bool { return c.questions[q].corpus == i })
		}
	}
	for _, s := range ChromaSplitters() {
		r.PrecisionOmega[s.Name] = c.omega(s)
	}
	r.LeaveOneOut, err = c.leaveOneOut(ctx, x)
	return r, err
}

// ask is the score of every question in each mode.
func (c *corpora) ask(ctx context.Context, x *retrieve.Index, modes []retrieve.Mode) ([][]SpanScore, error) {
	out := make([][]SpanScore, len(modes))
	for m := range out {
		out[m] = make([]SpanScore, len(c.questions))
	}
	index := map[string]int{}
	for i, n := range c.names {
		index[n] = i
	}
	for i, q := range c.questions {
		spread, err := x.Spread(ctx, q.text, retrieve.Filter{})
		if err != nil {
			return nil, fmt.Errorf("ask %q: %w", q.text, err)
		}
		for m, mode := range modes {
			var found []placed
			score := &out[m][i]
			for _, s := range spread.Choose(mode) {
				found = append(found, placed{index[s.Document], Span{s.Start, s.End}})
				score.Tokens += float64(s.Tokens)
			}
			score.Recall, score.Precision, score.IoU = c.score(q, found)
		}
	}
	return out, nil
}

// placed is a span of one of the corpora.
type placed struct {
	corpus int
	Span
}

// score is recall, precision and IoU of what was found for a question, from 0 to 1.
func (c *corpora) score(q spanQuestion, found []placed) (recall, precision, iou float64) {
	var hit []Span
	returned := 0
	for _, f := range found {
		returned += c.runes(f.corpus, f.Span)
		if f.corpus == q.corpus {
			hit = append(hit, overlaps(f.Span, q.gold)...)
		}
	}
	want, right := c.total(q.corpus, q.gold), c.total(q.corpus, union(hit))
	if want > 0 {
		recall = float64(right) / float64(want)
	}
	if returned > 0 {
		precision = float64(right) / float64(returned)
	}
	if all := returned + c.total(q.corpus, without(q.gold, hit)); all > 0 {
		iou = float64(right) / float64(all)
	}
	return recall, precision, iou
}

// runes is the length of a span in characters.
func (c *corpora) runes(corpus int, s Span) int {
	n := 0
	for range c.texts[corpus][s.Start:s.End] {
		n++
	}
	return n
}

func (c *corpora) total(corpus int, spans []Span) int {
	n := 0
	for _, s := range spans {
		n += c.runes(corpus, s)
	}
	return n
}

// overlaps are the parts of gold inside a span.
func overlaps(s Span, gold []Span) []Span {
	var out []Span
	for _, g := range gold {
		if from, to := max(s.Start, g.Start), min(s.End, g.End); from < to {
			out = append(out, Span{from, to})
		}
	}
	return out
}

// union joins spans that overlap or touch.
func union(in []Span) []Span {
	in = append([]Span(nil), in...)
	sort.Slice(in, func(i, j int) bool { return in[i].Start < in[j].Start })
	var out []Span
	for _, s := range in {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// without is what of the spans lies outside the others.
func without(spans, others []Span) []Span {
	var out []Span
	for _, s := range spans {
		at := s.Start
		for _, o := range union(overlaps(s, others)) {
			if o.Start > at {
				out = append(out, Span{at, o.Start})
			}
			at = max(at, o.End)
		}
		if at < s.End {
			out = append(out, Span{at, s.End})
		}
	}
	return out
}

// mean of the scores of the questions kept, in percent.
func mean(scores []SpanScore, keep func(int) bool) SpanScore {
	var sum SpanScore
	n := 0.0
	for i, s := range scores {
		if keep != nil && !keep(i) {
			continue
		}
		n++
		sum.Recall += s.Recall
		sum.Precision += s.Precision
		sum.IoU += s.IoU
		sum.Tokens += s.Tokens
	}
	if n == 0 {
		return sum
	}
	return SpanScore{percent(sum.Recall / n), percent(sum.Precision / n), percent(sum.IoU / n), math.Round(sum.Tokens / n)}
}

// omega is Precision_Ω of a splitter: the mean, over the questions, of the share of
// gold in all the chunks that touch it.
func (c *corpora) omega(s Splitter) float64 {
	chunks := make([][]Span, len(c.texts))
	for i, t := range c.texts {
		chunks[i] = s.Split(t)
	}
	sum := 0.0
	for _, q := range c.questions {
		var hit, touched []Span
		for _, ch := range chunks[q.corpus] {
			if o := overlaps(ch, q.gold); len(o) > 0 {
				hit, touched = append(hit, o...), append(touched, ch)
			}
		}
		all := c.total(q.corpus, union(append(touched, without(q.gold, hit)...)))
		if all > 0 {
			sum += float64(c.total(q.corpus, union(hit))) / float64(all)
		}
	}
	return percent(sum / float64(max(len(c.questions), 1)))
}

// readCorpora reads questions_df.csv and the corpora it names.
func readCorpora(dir string) (*corpora, error) {
	f, err := os.Open(filepath.Join(dir, "questions_df.csv"))
	if err != nil {
		return nil, fmt.Errorf("read the chunking evaluation: %w", err)
	}
	defer f.Close() // read only
	r := csv.NewReader(f)
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read questions_df.csv: %w", err)
	}
	col := map[string]int{}
	for i, h := range head {
		col[h] = i
	}
	for _, want := range []string{"question", "references", "corpus_id"} {
		if _, ok := col[want]; !ok {
			return nil, fmt.Errorf("read questions_df.csv: there is no column %q", want)
		}
	}
	c := &corpora{}
	seen := map[string]int{} // :: corpus → its number, -1 when it is not there
	var bytesAt [][]int      // :: corpus, character → byte
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read questions_df.csv: %w", err)
		}
		name := row[col["corpus_id"]]
		id, ok := seen[name]
		if !ok {
			if id, err = c.open(dir, name); err != nil {
				return nil, err
			}
			if seen[name] = id; id >= 0 {
				bytesAt = append(bytesAt, offsets(c.texts[id]))
			}
		}
		if id < 0 {
			continue
		}
		q, err := readQuestion(row[col["question"]], row[col["references"]], bytesAt[id])
		if err != nil {
			return nil, err
		}
		q.corpus = id
		c.questions = append(c.questions, q)
	}
	if len(c.questions) == 0 {
		return nil, fmt.Errorf("read the chunking evaluation: no question in %s is about a corpus that is there", dir)
	}
	return c, nil
}

// open reads a corpus; one that is not in the folder gets the number -1.
func (c *corpora) open(dir, name string) (int, error) {
	base := filepath.Base(name)
	for _, ext := range []string{".md", ".txt", ""} {
		b, err := os.ReadFile(filepath.Join(dir, base+ext))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return -1, fmt.Errorf("read the corpus %s: %w", name, err)
		}
		c.names, c.texts = append(c.names, base), append(c.texts, string(b))
		return len(c.names) - 1, nil
	}
	return -1, nil
}

// offsets is where each character of a text begins, and where the text ends.
func offsets(text string) []int {
	out := make([]int, 0, len(text)+1)
	for i := range text {
		out = append(out, i)
	}
	return append(out, len(text))
}

func readQuestion(text, references string, at []int) (spanQuestion, error) {
	var refs []struct {
		Start int `json:"start_index"`
		End   int `json:"end_index"`
	}
	if err := json.Unmarshal([]byte(references), &refs); err != nil {
		return spanQuestion{}, fmt.Errorf("read the references of %q: %w", text, err)
	}
	q := spanQuestion{text: text}
	for _, r := range refs {
		if r.Start < 0 || r.End < r.Start || r.End >= len(at) {
			return q, fmt.Errorf("read the references of %q: %d to %d is outside its corpus", text, r.Start, r.End)
		}
		q.gold = append(q.gold, Span{at[r.Start], at[r.End]})
	}
	return q, nil
}
