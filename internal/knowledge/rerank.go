package knowledge

import (
	"context"
	"log/slog"
	"time"

	"resync/internal/retrieve"
)

// Rerank orders the best passages of a search anew. The zero value leaves the order of
// words.
type Rerank struct {
	// Model says how well each passage answers the question; nil is none.
	Model retrieve.Reranker
	// Name is shown in explanations.
	Name string
	// Candidates is how many passages it is given.
	Candidates int
	// Timeout is how long a search waits for it before words alone decide.
	Timeout time.Duration
}

// Ranking says what put the passages of a search in order.
type Ranking struct {
	By   string `json:"by"`             // the reranker's name, or "words"
	Note string `json:"note,omitempty"` // why a configured reranker did not
}

// byWords is the ranking without a reranker.
const byWords = "words"

// RerankBy sets what orders passages anew. It is called before the base is searched by
// several at once.
func (b *Base) RerankBy(r Rerank) { b.rerank = r }

// reorder lets the reranker order what was found. When it fails the order of words
// stays, and the ranking says why.
func (b *Base) reorder(ctx context.Context, question string, found []retrieve.Passage) ([]retrieve.Passage, Ranking) {
	r := b.rerank
	if r.Model == nil || len(found) < 2 {
		return found, Ranking{By: byWords}
	}
	short, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	ordered, err := retrieve.Reorder(short, r.Model, r.Name, question, found, r.Candidates)
	if err != nil {
		if ctx.Err() == nil {
			b.opt.Log.LogAttrs(ctx, slog.LevelWarn, "the reranker failed; words decide the order", slog.String("reranker", r.Name), slog.Any("err", err))
		}
		return found, Ranking{By: byWords, Note: r.Name + " could not order the passages, words decided: " + err.Error()}
	}
	return ordered, Ranking{By: r.Name}
}
