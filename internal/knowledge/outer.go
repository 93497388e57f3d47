package knowledge

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"resync/chunk"
	"resync/internal/embed"
	"resync/internal/outside"
	"resync/internal/retrieve"
)

// Outer searches documents that stand in an index outside the process, and keeps
// that index in step with a base. The index picks candidates; they are ordered here
// as the default engine would and their two orders are joined.
type Outer struct {
	open  func(context.Context) (outside.Index, error)
	model outerModel

	mu    sync.Mutex
	index outside.Index // nil until it could be opened
}

// outerModel makes vectors; nil is words alone.
type outerModel interface {
	Embed(ctx context.Context, texts []string, kind embed.Kind) ([][]float32, error)
}

// NewOuter searches an index. A model, which may be nil, gives the vectors.
func NewOuter(index outside.Index, model outerModel) *Outer {
	return &Outer{index: index, model: model}
}

// OpenOuter searches an index that is opened when it is first needed, and tried
// again until that succeeds, so that a start does not wait for the server.
func OpenOuter(open func(context.Context) (outside.Index, error), model outerModel) *Outer {
	return &Outer{open: open, model: model}
}

// at is the index, opened.
func (o *Outer) at(ctx context.Context) (outside.Index, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.index != nil {
		return o.index, nil
	}
	x, err := o.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the index outside: %w", err)
	}
	o.index = x
	return x, nil
}

// BM25F of an index outside, with the averages of manuals: an index that is filled
// bit by bit does not know its own yet.
const (
	outerSaturation = 1.2
	outerCandidates = 400
)

var (
	outerWeight  = [3]float64{3, 0.7, 1} // title, path, body
	outerAverage = [3]float64{5, 10, 110}
	outerLength  = [3]float64{0.4, 0.3, 0.65}
)

// outerWords are the words of a passage with their saturated frequency.
func outerWords(title string, path []string, body string) outside.Sparse {
	fields := [3][]string{retrieve.Terms(title), nil, retrieve.Terms(body)}
	for i, p := range path {
		if i < len(path)-1 {
			fields[1] = append(fields[1], retrieve.Terms(p)...)
		}
	}
	sum := map[string]float64{}
	for f, terms := range fields {
		norm := 1 - outerLength[f] + outerLength[f]*float64(len(terms))/outerAverage[f]
		for _, t := range terms {
			sum[t] += outerWeight[f] / norm
		}
	}
	for _, c := range retrieve.CodeTerms(title + "\n" + body) {
		sum[c]++
	}
	out := outside.Sparse{}
	for t, w := range sum {
		out[outside.Term(t)] += float32(w * (outerSaturation + 1) / (outerSaturation + w))
	}
	return out
}

// Put stores the passages of a document outside.
func (o *Outer) Put(ctx context.Context, document string, chunks []chunk.Chunk) error {
	passages := make([]outside.Passage, len(chunks))
	texts := make([]string, len(chunks))
	for i, c := range chunks {
		plain := chunk.Plain(c.Content)
		passages[i] = outside.Passage{ID: document + "#" + c.ID, Document: document, Title: c.Title, Path: c.Path, Kind: string(c.Kind), Text: c.Content,
			Start: c.Start, End: c.End, Line: c.Line, Last: c.EndLine, Words: outerWords(c.Title, c.Path, plain)}
		texts[i] = c.Section() + "\n" + plain
	}
	if o.model != nil && len(texts) > 0 {
		vectors, err := o.model.Embed(ctx, texts, embed.Passage)
		if err != nil {
			return fmt.Errorf("vectors of %s: %w", document, err)
		}
		for i := range passages {
			passages[i].Meaning = vectors[i]
		}
	}
	x, err := o.at(ctx)
	if err != nil {
		return err
	}
	return x.Upsert(ctx, document, passages)
}

// Remove takes a document out.
func (o *Outer) Remove(ctx context.Context, document string) error {
	x, err := o.at(ctx)
	if err != nil {
		return err
	}
	return x.Delete(ctx, document)
}

// Fill stores every searchable document of a base outside. Each document changes at
// once; progress, if any, is called after each.
func (o *Outer) Fill(ctx context.Context, b *Base, progress func(done, total int, name string)) error {
	v := b.view.Load()
	for i, d := range v.order {
		if err := o.Put(ctx, d.name, v.passages(d.name)); err != nil {
			return fmt.Errorf("store %s outside: %w", d.name, err)
		}
		if progress != nil {
			progress(i+1, len(v.order), d.name)
		}
	}
	return nil
}

// Search asks the index outside for candidates and orders them here.
func (o *Outer) Search(ctx context.Context, question string, k int, documents ...string) ([]retrieve.Passage, error) {
	q := outside.Question{Text: question, Words: outside.Sparse{}, Documents: documents, K: max(outerCandidates, k)}
	for _, t := range retrieve.QuestionTerms(question) {
		at := outside.Term(t.Term)
		q.Words[at] = max(q.Words[at], t.Weight)
	}
	if o.model != nil {
		vectors, err := o.model.Embed(ctx, []string{question}, embed.Query)
		if err != nil {
			return nil, fmt.Errorf("the vector of the question: %w", err)
		}
		q.Meaning = vectors[0]
	}
	x, err := o.at(ctx)
	if err != nil {
		return nil, err
	}
	found, err := x.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	return order(ctx, question, found, k)
}

// order ranks candidates: mostly by the default engine over them alone, and by what
// the server says, which knows how rare a word is among all passages.
func order(ctx context.Context, question string, found []outside.Candidate, k int) ([]retrieve.Passage, error) {
	if len(found) == 0 {
		return nil, nil
	}
	chunks := map[string][]chunk.Chunk{}
	var names []string
	outer := map[string]float64{}
	top := found[0].Score
	for _, c := range found {
		if chunks[c.Document] == nil {
			names = append(names, c.Document)
		}
		chunks[c.Document] = append(chunks[c.Document], chunk.Chunk{ID: c.ID, Source: c.Document, Document: c.Document, Title: c.Title, Path: c.Path,
			Kind: chunk.Kind(c.Kind), Content: c.Text, Start: c.Start, End: c.End, Line: c.Line, EndLine: c.Last})
		outer[c.ID] = c.Score / max(top, 1e-9)
	}
	var segments []*retrieve.Segment
	for _, n := range names {
		list := chunks[n]
		sort.Slice(list, func(i, j int) bool { return list[i].Start < list[j].Start })
		segments = append(segments, retrieve.AnalyseChunks(retrieve.Document{Name: n, Builtin: IsHandbook(n) && len(names) > 1}, list))
	}
	inner, err := retrieve.New(segments...).Find(ctx, question, retrieve.Options{K: min(len(found), 100)})
	if err != nil || len(inner) == 0 {
		return nil, err
	}
	best := inner[0].Score
	for i := range inner {
		p := &inner[i]
		p.Parts = append(p.Parts, retrieve.Part{Name: "the index outside", Value: outer[p.ID]})
		p.Score = innerShare*p.Score/max(best, 1e-9) + (1-innerShare)*outer[p.ID]
	}
	sort.SliceStable(inner, func(i, j int) bool { return inner[i].Score > inner[j].Score })
	return inner[:min(len(inner), k)], nil
}

// innerShare is what the default engine's own order counts beside the server's.
const innerShare = 0.9

// mirrored is an index outside that holds the documents of a view.
type mirrored struct {
	outer *Outer
	view  *view
}

// mirrorPoll is how often the mirror looks whether the documents have changed.
const mirrorPoll = 500 * time.Millisecond

// Mirror keeps an index outside in step with the base until ctx ends. Searches of
// the whole base use it once it holds everything, and this process again from the
// moment a document changes until the index has followed, or while the server does
// not answer. After a failure it tries again when retry has passed.
func (b *Base) Mirror(ctx context.Context, o *Outer, retry time.Duration, log *slog.Logger) {
	sent := map[string]*held{} // :: cited name → what the index holds
	wait := time.NewTimer(0)
	defer wait.Stop()
	defer b.outer.Store(nil)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		next := mirrorPoll
		v := b.view.Load()
		if m := b.outer.Load(); m == nil || m.view != v {
			if err := o.follow(ctx, v, sent); err != nil {
				if ctx.Err() == nil {
					log.Warn("the index outside does not hold all documents; this process searches meanwhile", "err", err)
				}
				next = retry
			} else {
				b.outer.Store(&mirrored{o, v})
			}
		}
		wait.Reset(next)
	}
}

// follow makes the index hold the documents of a view.
func (o *Outer) follow(ctx context.Context, v *view, sent map[string]*held) error {
	for _, d := range v.order {
		if sent[d.name] == d {
			continue
		}
		if err := o.Put(ctx, d.name, v.passages(d.name)); err != nil {
			return fmt.Errorf("store %s outside: %w", d.name, err)
		}
		sent[d.name] = d
	}
	for name := range sent {
		if v.docs[name] != nil {
			continue
		}
		if err := o.Remove(ctx, name); err != nil {
			return fmt.Errorf("remove %s outside: %w", name, err)
		}
		delete(sent, name)
	}
	return nil
}

// outerTime is how long a search waits for the index outside before this process
// searches itself.
const outerTime = 3 * time.Second

// searchOuter asks the index outside, when it holds what is to be searched.
func (b *Base) searchOuter(ctx context.Context, v *view, index *retrieve.Index, question string, k int) ([]retrieve.Passage, bool) {
	m := b.outer.Load()
	if m == nil || m.view != v || index != v.all {
		return nil, false
	}
	short, cancel := context.WithTimeout(ctx, outerTime)
	defer cancel()
	found, err := m.outer.Search(short, question, k)
	return found, err == nil
}
