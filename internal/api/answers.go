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

	"resync/internal/agent"
	"resync/internal/auth"
	"resync/internal/diagnose"
	"resync/internal/knowledge"
	"resync/internal/state"
	"resync/internal/wording"
	"resync/tool"
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
// be besides, where an embedding model can tell. Such pairs lie above it with the
// models that were tried (docs/operations.md).
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
func (s answerScope) key(question string) string {
	h := sha256.New()
	roles := slices.Sorted(slices.Values(s.roles))
	for _, part := range slices.Concat([]string{s.kind, form(question), strings.Join(roles, ","), s.models}, s.pieces) {
		fmt.Fprintf(h, "%d:%s,", len(part), part) // netstrings: no two lists of parts read alike
	}
	return "answer:" + hex.EncodeToString(h.Sum(nil)[:16])
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
}

// recall returns what is kept under a key for a question of the same form, or makes
// and keeps it.
func recall[T any](ctx context.Context, a *Answers, key, question string, trouble func(error), fresh func() (T, error)) (v T, was recalled, err error) {
	raw, ok, away := a.s.Get(ctx, key)
	trouble(away)
	count := &a.counts[0]
	if away != nil || !a.s.Status().Available() {
		count = &a.counts[1]
	}
	var k kept[T]
	if ok && json.Unmarshal(raw, &k) == nil && !k.At.IsZero() && a.serves(ctx, k.Question, question) {
		count.hits.Add(1)
		was = recalled{at: k.At, found: true}
		if !sameWords(k.Question, question) {
			was.askedAs = k.Question
			a.near.Add(1)
		}
		return k.Value, was, nil
	}
	count.misses.Add(1)
	k = kept[T]{Question: question}
	if k.Value, err = fresh(); err != nil {
		return v, was, err
	}
	k.At = time.Now().UTC()
	if raw, merr := json.Marshal(k); merr == nil { // what cannot be written is made again the next time
		trouble(a.s.Set(ctx, key, raw, answerTTL))
	}
	return k.Value, recalled{at: k.At}, nil
}

// written is what a writer made of passages.
type written struct {
	Text string `json:"text"`
	By   string `json:"by"`
	Used []int  `json:"used"`
}

// cachedWriter lets a writer write what has not been written before, for one
// request.
type cachedWriter struct {
	s    *server
	who  auth.Identity
	post *posture
	old  *age   // of what was found; nil when it was written now
	as   string // the question what was found was written for, when it has other words
}

// writer is who phrases answers for a request; nil when passages speak for
// themselves.
func (s *server) writer(ctx context.Context) *cachedWriter {
	if s.Writer == nil {
		return nil
	}
	return &cachedWriter{s: s, who: identityOf(ctx), post: postureOf(ctx)}
}

// Write answers from the cache or lets the writer write.
func (w *cachedWriter) Write(ctx context.Context, question string, passages []knowledge.Hit) (text, by string, used []int, err error) {
	scope := answerScope{kind: "query", roles: w.who.Roles.Names(), models: w.s.Answers.models}
	for _, p := range passages {
		scope.pieces = append(scope.pieces, p.Source(), p.Text)
	}
	got, was, err := recall(ctx, w.s.Answers, scope.key(question), question, w.post.trouble, func() (v written, err error) {
		v.Text, v.By, v.Used, err = w.s.Writer.Write(ctx, question, passages)
		return v, err
	})
	if err != nil {
		return "", "", nil, err
	}
	if was.found {
		old := max(time.Since(was.at), 0)
		w.old = &age{Cached: true, Seconds: old.Round(time.Millisecond).Seconds(), FetchedAt: was.at, Freshness: diagnose.Freshness(old)}
		w.post.age, w.as = w.old, was.askedAs
	}
	return got.Text, got.By, got.Used, nil
}

// Phraser keeps what next says about passages of documents. Only answers from
// documents come to a phraser: facts of the plan are never kept.
func (a *Answers) Phraser(next agent.Phraser) agent.Phraser { return cachedPhraser{a, next} }

type cachedPhraser struct {
	a    *Answers
	next agent.Phraser
}

// Phrase says it again, or for the first time.
func (c cachedPhraser) Phrase(ctx context.Context, who tool.Identity, question string, evidence []diagnose.Evidence) (agent.Phrased, error) {
	scope := answerScope{kind: "chat", roles: who.Roles, models: c.a.models}
	for _, e := range evidence {
		scope.pieces = append(scope.pieces, e.ID, e.Source, e.Title, e.Text)
	}
	said, was, err := recall(ctx, c.a, scope.key(question), question, postureOf(ctx).trouble, func() (agent.Phrased, error) {
		return c.next.Phrase(ctx, who, question, evidence)
	})
	said.At, said.Cached, said.AskedAs = was.at, was.found, was.askedAs
	return said, err
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
