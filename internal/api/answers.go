package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"resync/internal/state"
)

// answerTTL is how long an answer from documents is kept. A change of the
// documents makes it unreachable at once, because their revision is in its key.
const answerTTL = 24 * time.Hour

// Answers keeps answers that depend on documents alone. Two questions are the
// same when they have the same words in the same order, letter case,
// punctuation and the words of politeness aside; nothing is guessed. What
// depends on the plan or on an engine is never kept.
type Answers struct {
	s      *state.State
	counts [2]struct{ hits, misses atomic.Int64 } // with the shared state, and without
}

// NewAnswers keeps answers in s.
func NewAnswers(s *state.State) *Answers { return &Answers{s: s} }

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

// answerKey is where an answer is kept. Kind tells answers of different forms
// apart.
func answerKey(kind, revision, question string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + revision + "\x00" + normalQuestion(question)))
	return "answer:" + hex.EncodeToString(sum[:16])
}

// Through answers from the cache or by make, whose result must come from the
// documents of the given revision alone. Without a revision nothing is kept.
func (a *Answers) Through(ctx context.Context, kind, revision, question string, make func() (any, error)) (v any, cached bool, trouble, err error) {
	if revision == "" {
		v, err = make()
		return v, false, nil, err
	}
	key := answerKey(kind, revision, question)
	raw, found, trouble := a.s.Get(ctx, key)
	count := &a.counts[0]
	if trouble != nil || !a.s.Status().Available() {
		count = &a.counts[1]
	}
	if found {
		count.hits.Add(1)
		return json.RawMessage(raw), true, trouble, nil
	}
	count.misses.Add(1)
	if v, err = make(); err != nil {
		return nil, false, trouble, err
	}
	raw, err = json.Marshal(v)
	if err != nil {
		return nil, false, trouble, err
	}
	if e := a.s.Set(ctx, key, raw, answerTTL); e != nil {
		trouble = e
	}
	return v, false, trouble, nil
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
