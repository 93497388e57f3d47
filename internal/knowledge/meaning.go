package knowledge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"resync/internal/embed"
	"resync/internal/retrieve"
)

// Vectors gives the vectors of texts, and keeps those of passages: an
// [embed.File] does.
type Vectors interface {
	Embed(ctx context.Context, texts []string, kind embed.Kind) ([][]float32, error)
	// Known returns what is kept already, nil for other texts; it asks nobody.
	Known(texts []string, kind embed.Kind) [][]float32
	// Model names what makes the vectors.
	Model() string
}

// MeaningState is how far the search by meaning is.
type MeaningState string

// The states.
const (
	MeaningOff      MeaningState = "off"      // no embedding model is configured
	MeaningBuilding MeaningState = "building" // passages are still embedded; those that are count
	MeaningReady    MeaningState = "ready"
	MeaningFailing  MeaningState = "failing" // the model does not answer; searches use words alone, or what was embedded
)

// MeaningStatus says what the search by meaning rests on.
type MeaningStatus struct {
	State    MeaningState `json:"state"`
	Model    string       `json:"model,omitempty"`
	Embedded int          `json:"embedded"`
	Passages int          `json:"passages"`
	// Rate is how many passages were embedded a second, ETA when it will be done at
	// that rate; zero when nothing is being embedded.
	Rate  float64   `json:"rate,omitempty"`
	ETA   time.Time `json:"eta,omitzero"`
	Error string    `json:"error,omitempty"`
}

// matrix is the vectors of a view's passages. It does not change.
type matrix struct {
	rows     *retrieve.Vectors
	coverage float64 // share of the passages that have a vector
}

// meaning is the part of a base that searches by meaning. The zero value is off.
type meaning struct {
	vectors Vectors
	wake    chan struct{} // a view was put in place

	mu     sync.Mutex
	status MeaningStatus
}

// Sizes and times of embedding in the background.
const (
	embedBatch   = 16              // passages in one request, so that a question does not wait long behind them
	publishEvery = 5 * time.Second // at most, what is embedded so far joins the searches
	retryFirst   = 5 * time.Second
	retryLast    = 5 * time.Minute
	// queryTime is how long a search waits for the vector of its question before it
	// goes on with words alone.
	queryTime = 1500 * time.Millisecond
)

// Meaning says how far the search by meaning is.
func (b *Base) Meaning() MeaningStatus {
	if b.meaning.vectors == nil {
		return MeaningStatus{State: MeaningOff, Passages: b.view.Load().all.Passages()}
	}
	b.meaning.mu.Lock()
	defer b.meaning.mu.Unlock()
	return b.meaning.status
}

// note changes the status.
func (m *meaning) note(change func(*MeaningStatus)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.status)
}

// EmbedPassages embeds what the base holds, and what comes to it, until ctx ends.
// Passages embedded before, in this process or an earlier one, are not embedded
// again. A model that does not answer is asked again after a while. Without a
// model it returns at once.
func (b *Base) EmbedPassages(ctx context.Context) {
	if b.meaning.vectors == nil {
		return
	}
	wait := retryFirst
	for ctx.Err() == nil {
		err := b.embedView(ctx, b.view.Load())
		if err == nil {
			wait = retryFirst
			select {
			case <-ctx.Done():
			case <-b.meaning.wake:
			}
			continue
		}
		b.meaning.fail(err)
		var answer *embed.Error
		if errors.As(err, &answer) {
			wait = max(wait, answer.RetryAfter)
		}
		b.pause(ctx, wait, err)
		wait = min(2*wait, retryLast)
	}
}

// fail notes why there are no vectors.
func (m *meaning) fail(err error) {
	m.note(func(s *MeaningStatus) { s.State, s.Error, s.Rate, s.ETA = MeaningFailing, err.Error(), 0, time.Time{} })
}

// pause waits until the model is asked again. A view that is put in place
// meanwhile gets the vectors that are known.
func (b *Base) pause(ctx context.Context, wait time.Duration, why error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-b.meaning.wake:
			v := b.view.Load()
			_, known, missing := b.known(v)
			if err := b.publish(v, known, len(missing)); err != nil {
				why = err
			}
			b.meaning.fail(why)
		}
	}
}

// known returns the texts of a view's passages, the vectors that are kept, and the
// rows without one.
func (b *Base) known(v *view) (texts []string, vectors [][]float32, missing []int) {
	texts = make([]string, v.all.Passages())
	for row := range texts {
		texts[row] = v.all.At(row).Meaning()
	}
	vectors = b.meaning.vectors.Known(texts, embed.Passage)
	for row, vector := range vectors {
		if vector == nil {
			missing = append(missing, row)
		}
	}
	return texts, vectors, missing
}

// embedView gives a view the vectors of its passages: at once those that are
// known, then the others as they come. It ends early when the view is not the
// current one any more.
func (b *Base) embedView(ctx context.Context, v *view) error {
	texts, known, missing := b.known(v)
	if err := b.publish(v, known, len(missing)); err != nil {
		return err
	}
	start, shown := time.Now(), time.Now()
	for from := 0; from < len(missing); from += embedBatch {
		if b.view.Load() != v {
			return nil // the next call does the newer one
		}
		rows := missing[from:min(from+embedBatch, len(missing))]
		batch := make([]string, len(rows))
		for i, row := range rows {
			batch[i] = texts[row]
		}
		vectors, err := b.meaning.vectors.Embed(ctx, batch, embed.Passage)
		if err != nil {
			return errors.Join(err, b.publish(v, known, len(missing)-from))
		}
		for i, row := range rows {
			known[row] = vectors[i]
		}
		left := len(missing) - from - len(rows)
		b.progress(start, from+len(rows), left)
		if time.Since(shown) >= publishEvery || left == 0 {
			if err := b.publish(v, known, left); err != nil {
				return err
			}
			shown = time.Now()
		}
	}
	return nil
}

// progress notes how fast passages are embedded.
func (b *Base) progress(start time.Time, done, left int) {
	took := time.Since(start)
	if took <= 0 {
		return
	}
	rate := float64(done) / took.Seconds()
	b.meaning.note(func(s *MeaningStatus) {
		s.Embedded, s.Rate = s.Passages-left, rate
		s.ETA = time.Now().Add(time.Duration(float64(left) / rate * float64(time.Second)))
	})
}

// publish lets the searches of a view use the vectors there are; left passages
// have none yet and are like nothing.
func (b *Base) publish(v *view, vectors [][]float32, left int) error {
	n := len(vectors)
	b.meaning.note(func(s *MeaningStatus) {
		*s = MeaningStatus{State: MeaningBuilding, Model: b.meaning.vectors.Model(), Embedded: n - left, Passages: n, Rate: s.Rate, ETA: s.ETA}
		if left == 0 {
			s.State, s.Rate, s.ETA = MeaningReady, 0, time.Time{}
		}
	})
	if left == n {
		return nil
	}
	var rows *retrieve.Vectors
	var none []float32
	for _, vector := range vectors {
		if vector != nil {
			var err error
			if rows, err = retrieve.NewVectors(len(vector)); err != nil {
				return fmt.Errorf("search by meaning: %w", err)
			}
			none = make([]float32, len(vector))
			break
		}
	}
	rows.Grow(n)
	for _, vector := range vectors {
		if vector == nil {
			vector = none
		}
		if err := rows.Append(vector); err != nil {
			return fmt.Errorf("search by meaning: %w", err)
		}
	}
	v.matrix.Store(&matrix{rows, float64(n-left) / float64(n)})
	return nil
}

// search finds passages in an index of a view, by words and, as far as there are
// vectors, by meaning; a reranker then orders the best. When the question cannot be
// embedded in time, or the reranker fails, words alone decide.
func (b *Base) search(ctx context.Context, v *view, index *retrieve.Index, q Query, k int) ([]retrieve.Passage, Ranking, error) {
	o, question := retrieve.Options{K: k}, q.Text
	anew := b.rerank.Model != nil && !q.wordsOnly
	if anew {
		o.K = max(k, b.rerank.Candidates)
	}
	if m := v.matrix.Load(); m != nil {
		o.Dense = b.dense(ctx, v, m, index, question)
	}
	found, ok := b.searchOuter(ctx, v, index, question, o)
	if !ok {
		var err error
		if found, err = index.Find(ctx, question, o); err != nil {
			return nil, Ranking{}, err
		}
	}
	ranking := Ranking{By: byWords}
	if anew {
		found, ranking = b.reorder(ctx, question, found)
	}
	return found[:min(len(found), k)], ranking, nil
}

// dense is what the vectors contribute to one search, or nil.
func (b *Base) dense(ctx context.Context, v *view, m *matrix, index *retrieve.Index, question string) *retrieve.Dense {
	rows := m.rows
	if index != v.all {
		if rows = v.rowsOf(m, index); rows == nil {
			return nil
		}
	}
	short, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	vectors, err := b.meaning.vectors.Embed(short, []string{question}, embed.Query)
	if err != nil {
		if ctx.Err() == nil {
			b.meaning.fail(err)
		}
		return nil
	}
	b.meaning.note(func(s *MeaningStatus) {
		if s.State == MeaningFailing { // it answers again
			s.State, s.Error = MeaningBuilding, ""
			if s.Embedded == s.Passages {
				s.State = MeaningReady
			}
		}
	})
	return &retrieve.Dense{Vectors: rows, Query: vectors[0], Known: m.coverage, Model: b.meaning.vectors.Model()}
}

// rowsOf picks the rows of a part's passages. They stand in the same order in
// both indexes.
func (v *view) rowsOf(m *matrix, index *retrieve.Index) *retrieve.Vectors {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.parts {
		p := &v.parts[i]
		if p.index != index {
			continue
		}
		if p.rows == nil || p.from != m {
			p.rows, p.from = pick(m.rows, v.all, index), m
		}
		return p.rows
	}
	return nil // dropped meanwhile; words alone decide
}

// pick copies the rows of those passages of all that are in part.
func pick(rows *retrieve.Vectors, all, part *retrieve.Index) *retrieve.Vectors {
	out, err := retrieve.NewVectors(rows.Dims())
	if err != nil {
		return nil
	}
	out.Grow(part.Passages())
	type place struct {
		id, document string
		start        int
	}
	at := make(map[place]int, all.Passages())
	for row := range all.Passages() {
		p := all.At(row)
		at[place{p.ID, p.Document, p.Start}] = row
	}
	for row := range part.Passages() {
		p := part.At(row)
		from, ok := at[place{p.ID, p.Document, p.Start}]
		if !ok || out.AppendRow(rows, from) != nil {
			return nil
		}
	}
	return out
}
