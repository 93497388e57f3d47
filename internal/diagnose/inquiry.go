package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"resync/internal/plan"
)

// inquiry is the state of one question: the evidence found so far and what
// could not be looked at. It is used by one goroutine; concurrent reads gather
// their results first and note them afterwards, so that evidence is numbered
// the same way every time.
type inquiry struct {
	ctx      context.Context
	e        *Engine
	q        Question
	now      time.Time
	snap     *plan.Snapshot // nil when there is no plan
	ans      *Answer
	seen     map[string]string // kind, source and title → evidence id
	codes    []string          // message codes of the question
	missing  map[string]bool
	sw       *planSwitch // read once
	aboutOne bool        // the answer opens with the status of one job
	best     *candidate  // behind the first hypothesis
}

func (e *Engine) inquire(ctx context.Context, q Question) *inquiry {
	in := &inquiry{ctx: ctx, e: e, q: q, now: e.now().UTC(), seen: map[string]string{}, missing: map[string]bool{}}
	if e.deps.Plan != nil {
		in.snap = e.deps.Plan()
	}
	in.ans = &Answer{
		Question: q.Text, Mode: "offline", AsOf: in.now,
		Sentences: []Sentence{}, Hypotheses: []Hypothesis{}, Evidence: []Evidence{}, Blocked: []Blocked{},
		Gates: []Gate{}, NotExamined: []string{}, Candidates: []Candidate{}, Actions: []Action{},
	}
	return in
}

// note records a fact and returns its id; the same fact keeps its id.
func (in *inquiry) note(ev Evidence) string {
	key := ev.Kind + "|" + ev.Source + "|" + ev.Title
	if id, ok := in.seen[key]; ok {
		return id
	}
	ev.ID = fmt.Sprintf("e%d", len(in.ans.Evidence)+1)
	if ev.AsOf.IsZero() {
		ev.AsOf = in.now
	}
	in.seen[key] = ev.ID
	in.ans.Evidence = append(in.ans.Evidence, ev)
	if in.q.OnEvidence != nil {
		in.q.OnEvidence(ev)
	}
	return ev.ID
}

// skipped records something that was not looked at, and why. The reason of an
// error is its text for operators.
func (in *inquiry) skipped(what string, err error) {
	if err != nil {
		what += ": " + err.Error()
	}
	if !in.missing[what] {
		in.missing[what] = true
		in.ans.NotExamined = append(in.ans.NotExamined, what)
	}
}

// say appends a sentence that rests on the evidence given.
func (in *inquiry) say(text string, evidence ...string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	evidence = slices.DeleteFunc(slices.Clone(evidence), func(id string) bool { return id == "" })
	slices.SortFunc(evidence, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) // e9 before e10
	in.ans.Sentences = append(in.ans.Sentences, Sentence{Text: text, Evidence: slices.Compact(evidence)})
}

// marker is how a sentence refers to evidence in running text: [3] for e3.
func marker(ids []string) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, " [%s]", strings.TrimPrefix(id, "e"))
	}
	return b.String()
}

// stamp writes a time as answers and evidence alike show it, so that the two
// can be compared.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "not set"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span writes a duration for people.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
