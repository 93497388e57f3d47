package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"resync/internal/knowledge"
	"resync/internal/state"
)

// answerTTL is how long an answer from documents is kept.
const answerTTL = 24 * time.Hour

// Answers keeps what a language model wrote about passages of documents. Two questions are the
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

// answerKey is where an answer is kept: by the question, and by the very
// passages it was made from. When a document changes, so do the passages, and
// the old answer is not found any more.
func answerKey(question string, passages []knowledge.Hit) string {
	h := sha256.New()
	h.Write([]byte(normalQuestion(question)))
	for _, p := range passages {
		fmt.Fprintf(h, "\x00%s\x00%s", p.Source(), p.Text)
	}
	return "answer:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// written is what a writer made of passages.
type written struct {
	Text string `json:"text"`
	By   string `json:"by"`
	Used []int  `json:"used"`
}

// cachedWriter lets a writer write what has not been written before.
type cachedWriter struct {
	a       *Answers
	next    knowledge.Writer
	trouble func(error) // hears of a cache that does not work
}

// writer is who phrases answers for a request; nil when passages speak for
// themselves.
func (s *server) writer(ctx context.Context) knowledge.Writer {
	if s.Writer == nil {
		return nil
	}
	return cachedWriter{s.Answers, s.Writer, postureOf(ctx).trouble}
}

// Write answers from the cache or lets the writer write.
func (w cachedWriter) Write(ctx context.Context, question string, passages []knowledge.Hit) (text, by string, used []int, err error) {
	key := answerKey(question, passages)
	raw, found, trouble := w.a.s.Get(ctx, key)
	w.trouble(trouble)
	count := &w.a.counts[0]
	if trouble != nil || !w.a.s.Status().Available() {
		count = &w.a.counts[1]
	}
	var got written
	if found && json.Unmarshal(raw, &got) == nil {
		count.hits.Add(1)
		return got.Text, got.By, got.Used, nil
	}
	count.misses.Add(1)
	got.Text, got.By, got.Used, err = w.next.Write(ctx, question, passages)
	if err != nil {
		return "", "", nil, err
	}
	if raw, err = json.Marshal(got); err == nil {
		w.trouble(w.a.s.Set(ctx, key, raw, answerTTL))
	}
	return got.Text, got.By, got.Used, nil
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
