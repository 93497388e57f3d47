package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"resync/internal/state"
	"resync/internal/wording"
)

// answerTTL is how long an answer from documents is kept.
const answerTTL = 24 * time.Hour

// Answers keeps what a language model wrote about passages of documents. Two
// questions are the same when they have the same [wording.Form], which takes
// nothing away that could matter; nothing is guessed. What depends on the plan or
// on an engine is never kept.
type Answers struct {
	s      *state.State
	models string                                 // who would be asked
	close  Closeness                              // nil: the words alone decide
	counts [2]struct{ hits, misses atomic.Int64 } // with the shared state, and without
	near   atomic.Int64                           // hits whose question had other words
}

// NewAnswers keeps answers in s. models names the language models that make them:
// others make others.
func NewAnswers(s *state.State, models ...string) *Answers {
	return &Answers{s: s, models: strings.Join(models, "\x00")}
}

// Closeness says how close two questions are in meaning: the cosine of their
// vectors.
type Closeness func(ctx context.Context, a, b string) (float64, error)

// leastCloseness is how close two questions of the same form in other words must
// be besides, where an embedding model can tell. MiniLM finds 58 of 63 such pairs so
// close, and 110 of 130 that ask something else too: closeness can refuse and never
// decide (docs/operations.md).
const leastCloseness = 0.8

// closenessTime is how long an embedding model is waited for.
const closenessTime = 2 * time.Second

// RequireCloseness lets an embedding model have a say: an answer that was made for
// other words is then given only when the model finds the questions close. It can
// only refuse; a model that does not answer refuses. Call it before the first
// question.
func (a *Answers) RequireCloseness(c Closeness) { a.close = c }

// serves reports whether an answer kept for one question of a form may be given to
// another one.
func (a *Answers) serves(ctx context.Context, kept, asked string) bool {
	if a.close == nil || sameWords(kept, asked) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, closenessTime)
	defer cancel()
	near, err := a.close(ctx, kept, asked)
	return err == nil && near >= leastCloseness // who cannot tell is asked again; the model's check says why it is away
}

// sameWords reports whether two questions differ in nothing but white space, letter
// case and the mark at their end.
func sameWords(a, b string) bool {
	plain := func(s string) string { return strings.TrimRight(strings.Join(strings.Fields(s), " "), ".?! ") }
	return strings.EqualFold(plain(a), plain(b))
}

// answerScope is what besides the question decides an answer: the rights of who
// asks, the models that would be asked, and the very passages it is made from,
// whose texts and order the index gives. When a document changes, a correction is
// approved or the index is made anew, they are others, and the old answer is not
// found any more.
type answerScope struct {
	kind   string // query or chat: their words are made for other places
	roles  []string
	models string
	pieces []string // source and text of each passage
}

// form is what stands for a question; one of marks alone stands for itself.
func form(question string) string { return cmp.Or(wording.Form(question), question) }

// key is where an answer is kept.
func (s answerScope) key(question string) string { return s.name("answer:", question, s.pieces) }

// wordingKey is where it is kept in which words a question was put last.
func (s answerScope) wordingKey(question string) string { return s.name("asked:", question, nil) }

func (s answerScope) name(prefix, question string, pieces []string) string {
	h := sha256.New()
	roles := slices.Sorted(slices.Values(s.roles))
	for _, part := range slices.Concat([]string{s.kind, form(question), strings.Join(roles, ","), s.models}, pieces) {
		fmt.Fprintf(h, "%d:%s,", len(part), part) // netstrings: no two lists of parts read alike
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:16])
}

// kept is an answer with the question it was made for and the time.
type kept[T any] struct {
	At       time.Time `json:"at"`
	Question string    `json:"question"`
	Value    T         `json:"value"`
}

// recalled is what is kept of an answer that was found, besides the answer.
type recalled struct {
	at      time.Time // when it was made
	askedAs string    // the question it was made for, "" when that has the same words
	found   bool      // false: it was made now
	refused bool      // one was there, and the embedding model refused it
}

// look returns what is kept under a key for a question of the same form. away says
// why nobody could look.
func look[T any](ctx context.Context, a *Answers, key, question string, trouble func(error)) (v T, was recalled, away error) {
	raw, ok, away := a.s.Get(ctx, key)
	trouble(away)
	var k kept[T]
	if !ok || json.Unmarshal(raw, &k) != nil || k.At.IsZero() {
		return v, was, away
	}
	if !a.serves(ctx, k.Question, question) {
		return v, recalled{refused: true}, away
	}
	was = recalled{at: k.At, found: true}
	if !sameWords(k.Question, question) {
		was.askedAs = k.Question
	}
	return k.Value, was, away
}

// found counts an answer that was there.
func (a *Answers) found(away error, was recalled) {
	a.count(away).hits.Add(1)
	if was.askedAs != "" {
		a.near.Add(1)
	}
}

func (a *Answers) count(away error) *struct{ hits, misses atomic.Int64 } {
	if away != nil || !a.s.Status().Available() {
		return &a.counts[1]
	}
	return &a.counts[0]
}

// answering is how one question comes to its answer.
type answering[T any] struct {
	scope    answerScope
	question string
	trouble  func(error) // hears of trouble with the shared state
	// other looks for the answer that was made for the same question in other words;
	// nil where nobody can.
	other func(words string) (T, recalled)
	fresh func() (T, error)
}

// recall returns what is kept for a question of the same form and the same
// passages, what other finds, or makes and keeps it.
func recall[T any](ctx context.Context, a *Answers, q answering[T]) (v T, was recalled, err error) {
	key := q.scope.key(q.question)
	v, was, away := look[T](ctx, a, key, q.question, q.trouble)
	if !was.found && !was.refused && away == nil && q.other != nil {
		if words := a.wording(ctx, q.scope, q.question, q.trouble); words != "" {
			v, was = q.other(words)
		}
	}
	if was.found {
		a.found(away, was)
		return v, was, nil
	}
	a.count(away).misses.Add(1)
	k := kept[T]{Question: q.question}
	if k.Value, err = q.fresh(); err != nil {
		return v, was, err
	}
	k.At = time.Now().UTC()
	if raw, merr := json.Marshal(k); merr == nil { // what cannot be written is made again the next time
		q.trouble(a.s.Set(ctx, key, raw, answerTTL))
		q.trouble(a.s.Set(ctx, q.scope.wordingKey(q.question), []byte(q.question), answerTTL))
	}
	return k.Value, recalled{at: k.At}, nil
}

// wording returns the other words in which the same question was put before and
// whose answer may serve; "" when there are none.
func (a *Answers) wording(ctx context.Context, scope answerScope, question string, trouble func(error)) string {
	raw, ok, away := a.s.Get(ctx, scope.wordingKey(question))
	trouble(away)
	before := string(raw)
	if !ok || sameWords(before, question) || form(before) != form(question) || !a.serves(ctx, before, question) {
		return ""
	}
	return before
}

// AnswerStats is how often answers were found in the cache.
type AnswerStats struct {
	Hits, Misses         int64 // while the state was shared
	LessHits, LessMisses int64 // while it was away
	OtherWords           int64 // hits whose question had other words
}

// Stats returns how often answers were found since the start.
func (a *Answers) Stats() AnswerStats {
	return AnswerStats{a.counts[0].hits.Load(), a.counts[0].misses.Load(), a.counts[1].hits.Load(), a.counts[1].misses.Load(), a.near.Load()}
}
