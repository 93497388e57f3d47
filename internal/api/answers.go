package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"resync/internal/agent"
	"resync/internal/auth"
	"resync/internal/diagnose"
	"resync/internal/knowledge"
	"resync/internal/state"
	"resync/tool"
)

// answerTTL is how long an answer from documents is kept.
const answerTTL = 24 * time.Hour

// Answers keeps what a language model wrote about passages of documents. Two questions are the
// same when they have the same words in the same order, letter case,
// punctuation and the words of politeness aside; nothing is guessed. What
// depends on the plan or on an engine is never kept.
type Answers struct {
	s      *state.State
	models string                                 // who would be asked
	counts [2]struct{ hits, misses atomic.Int64 } // with the shared state, and without
}

// NewAnswers keeps answers in s. models names the language models that make them:
// others make others.
func NewAnswers(s *state.State, models ...string) *Answers {
	return &Answers{s: s, models: strings.Join(models, "\x00")}
}

// filler are words that do not change what is asked.
func filler(word string) bool {
	switch word {
	case "please", "pls", "kindly", "hi", "hello", "hey", "thanks", "thank", "the", "a", "an", "me", "tell", "can", "you", "could":
		return true
	}
	return false
}

// normalQuestion reduces a question to the words that matter, in their order.
func normalQuestion(q string) string {
	words := strings.FieldsFunc(strings.ToLower(q), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_#@/.-", r)
	})
	kept := words[:0:0]
	for _, w := range words {
		if w = strings.Trim(w, ".-"); w != "" && !filler(w) {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		kept = words
	}
	return strings.Join(kept, " ")
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

// key is where an answer is kept.
func (s answerScope) key(question string) string {
	h := sha256.New()
	roles := slices.Sorted(slices.Values(s.roles))
	for _, part := range slices.Concat([]string{s.kind, normalQuestion(question), strings.Join(roles, ","), s.models}, s.pieces) {
		fmt.Fprintf(h, "%d:%s,", len(part), part) // netstrings: no two lists of parts read alike
	}
	return "answer:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// kept is an answer with the time it was made.
type kept[T any] struct {
	At    time.Time `json:"at"`
	Value T         `json:"value"`
}

// recall returns what is kept under a key, or makes and keeps it. at is when it
// was made; found says that it was there.
func recall[T any](ctx context.Context, a *Answers, key string, trouble func(error), fresh func() (T, error)) (v T, at time.Time, found bool, err error) {
	raw, ok, away := a.s.Get(ctx, key)
	trouble(away)
	count := &a.counts[0]
	if away != nil || !a.s.Status().Available() {
		count = &a.counts[1]
	}
	var k kept[T]
	if ok && json.Unmarshal(raw, &k) == nil && !k.At.IsZero() {
		count.hits.Add(1)
		return k.Value, k.At, true, nil
	}
	count.misses.Add(1)
	if k.Value, err = fresh(); err != nil {
		return v, at, false, err
	}
	k.At = time.Now().UTC()
	if raw, merr := json.Marshal(k); merr == nil { // what cannot be written is made again the next time
		trouble(a.s.Set(ctx, key, raw, answerTTL))
	}
	return k.Value, k.At, false, nil
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
	old  *age // of what was found; nil when it was written now
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
	got, at, found, err := recall(ctx, w.s.Answers, scope.key(question), w.post.trouble, func() (v written, err error) {
		v.Text, v.By, v.Used, err = w.s.Writer.Write(ctx, question, passages)
		return v, err
	})
	if err != nil {
		return "", "", nil, err
	}
	if found {
		old := max(time.Since(at), 0)
		w.old = &age{Cached: true, Seconds: old.Round(time.Millisecond).Seconds(), FetchedAt: at, Freshness: diagnose.Freshness(old)}
		w.post.age = w.old
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
	said, at, found, err := recall(ctx, c.a, scope.key(question), postureOf(ctx).trouble, func() (agent.Phrased, error) {
		return c.next.Phrase(ctx, who, question, evidence)
	})
	said.At, said.Cached = at, found
	return said, err
}

// AnswerStats is how often answers were found in the cache.
type AnswerStats struct {
	Hits, Misses         int64 // while the state was shared
	LessHits, LessMisses int64 // while it was away
}

// Stats returns how often answers were found since the start.
func (a *Answers) Stats() AnswerStats {
	return AnswerStats{a.counts[0].hits.Load(), a.counts[0].misses.Load(), a.counts[1].hits.Load(), a.counts[1].misses.Load()}
}
