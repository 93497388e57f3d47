package knowledge

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"resync/chunk"
	"resync/internal/embed"
	"resync/internal/outside"
	"resync/internal/retrieve"
)

// Outer searches documents that stand in an index outside the process, and keeps
// that index in step with a base. The index picks candidates; they are scored here as
// the default engine scores them.
type Outer struct {
	open  func(context.Context) (outside.Index, error)
	model outerModel

	mu    sync.Mutex
	index outside.Index // nil until it could be opened
	seen  *view         // whose passages rows are of
	rows  map[string]int
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
	outerCandidates = 512 // of which most places after the first hundred are never seen
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
		passages[i] = outside.Passage{ID: outerID(document, c.ID), Document: document, Title: c.Title, Path: c.Path, Kind: string(c.Kind), Text: c.Content,
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

// Search asks the index outside for candidates and orders them by the words of the
// base, which must hold the same documents.
func (o *Outer) Search(ctx context.Context, base *Base, question string, k int) ([]retrieve.Passage, error) {
	return o.search(ctx, base.view.Load(), question, retrieve.Options{K: k})
}

// search asks the index outside for candidates. They are scored here, each as it scores
// when this process searches alone: rarity, lengths, neighbours and documents are those
// of everything, so the two agree as long as the right passages are among the
// candidates.
func (o *Outer) search(ctx context.Context, v *view, question string, how retrieve.Options) ([]retrieve.Passage, error) {
	q := outside.Question{Text: question, Words: outside.Sparse{}, K: max(outerCandidates, 4*how.K)}
	for _, t := range retrieve.QuestionTerms(question) {
		at := outside.Term(t.Term)
		q.Words[at] = max(q.Words[at], t.Weight)
	}
	switch {
	case how.Dense != nil:
		q.Meaning = how.Dense.Query
	case o.model != nil:
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
	rows := o.rowsOf(v)
	how.Among = make([]int, 0, len(found))
	for _, c := range found {
		if row, ok := rows[c.ID]; ok {
			how.Among = append(how.Among, row)
		}
	}
	return v.all.Find(ctx, question, how)
}

// rowsOf are the rows of a view's passages by their ids outside.
func (o *Outer) rowsOf(v *view) map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == v {
		return o.rows
	}
	o.seen, o.rows = v, make(map[string]int, v.all.Passages())
	for i, d := range v.order {
		from, end := v.all.PassagesOf(i)
		for row := from; row < end; row++ {
			o.rows[outerID(d.name, v.all.ID(row))] = row
		}
	}
	return o.rows
}

// outerID names a passage outside, where ids of documents of the same text must differ.
func outerID(document, id string) string { return document + "#" + id }

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
func (b *Base) searchOuter(ctx context.Context, v *view, index *retrieve.Index, question string, how retrieve.Options) ([]retrieve.Passage, bool) {
	m := b.outer.Load()
	if m == nil || m.view != v || index != v.all {
		return nil, false
	}
	short, cancel := context.WithTimeout(ctx, outerTime)
	defer cancel()
	found, err := m.outer.search(short, v, question, how)
	return found, err == nil
}
