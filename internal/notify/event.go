// Package notify tells other systems what matters at 3 a.m.: an action that waits
// for an approval or came to nothing, a job that ended in error, a part that is
// away or back.
//
// What happens is an [Event]. [Outbox.Tell] keeps it, one row of the job queue for
// each [Target] that wants it, and a worker for each target delivers it: at least
// once, with the same id each time, after a crash as after a refusal. A receiver
// tells repetitions by that id. Nobody who acts on an engine waits for any of it.
package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what happened. The names are part of the wire: receivers branch on them.
type Kind string

// The kinds of events.
const (
	ApprovalNeeded   Kind = "approval.needed"        // an action waits for a person
	ActionDone       Kind = "action.done"            // the plan shows the effect
	ActionFailed     Kind = "action.failed"          // the engine refused, or it was not done
	ActionUnverified Kind = "action.unverified"      // accepted, but the plan did not show it in time
	ActionUnknown    Kind = "action.outcome_unknown" // nobody knows whether the engine acted
	JobAbend         Kind = "job.abend"              // a job of the plan ended in error
	StreamAbend      Kind = "stream.abend"           // a job stream did
	Degraded         Kind = "service.degraded"       // a part Resync needs is away
	Healed           Kind = "service.healed"         // it is back
	Test             Kind = "test"                   // an administrator tries a target
)

// Kinds lists what a target can ask for. Test is not among them: it goes to the
// target that is tried.
func Kinds() []Kind {
	return []Kind{ApprovalNeeded, ActionDone, ActionFailed, ActionUnverified, ActionUnknown, JobAbend, StreamAbend, Degraded, Healed}
}

// ParseKinds reads a filter: names of kinds, or of their groups (action, service).
// None is all.
func ParseKinds(words []string) ([]Kind, error) {
	var out []Kind
	for _, w := range words {
		w = strings.ToLower(strings.TrimSpace(w))
		found := false
		for _, k := range Kinds() {
			group, _, _ := strings.Cut(string(k), ".")
			if string(k) == w || group == w {
				found = true
				if !slices.Contains(out, k) {
					out = append(out, k)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("%q is no kind of event; there are: %s", w, joinKinds())
		}
	}
	return out, nil
}

func joinKinds() string {
	var out []string
	for _, k := range Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

// Severity is how loud a message is.
type Severity string

// The severities, with the colours Teams has for them.
const (
	Good     Severity = "good"
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Fact is one line of a message: a name and its value.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Event is one thing that happened.
type Event struct {
	// ID names what happened, the same on every server and after every restart:
	// "run_…/blocked_on_user". What has the same ID is told once.
	ID       string
	Kind     Kind
	At       time.Time
	Severity Severity
	Title    string // one line
	Text     string // what to do, or why
	Facts    []Fact // for people, in order
	Link     string // to the console; "" is none
	Data     any    // for programs
	// About is the target whose own breaker this is about; it is not told.
	About string
	// Again is set when it is told at a start in case nobody was told before.
	Again bool
}

// message is an event as it waits in the queue.
type message struct {
	Kind     Kind            `json:"kind"`
	At       time.Time       `json:"at"`
	Severity Severity        `json:"severity"`
	Title    string          `json:"title"`
	Text     string          `json:"text,omitempty"`
	Facts    []Fact          `json:"facts,omitempty"`
	Link     string          `json:"link,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Bounds of what is sent: a card is read on a telephone, and Teams refuses what is
// larger than 28 kB.
const (
	maxText  = 2000 // characters
	maxFact  = 300
	maxFacts = 16
	maxData  = 16 << 10 // bytes
)

// encode makes the message of an event. Text passes the redactor: what an engine
// says in an error may hold more than it should.
func encode(e Event, redact func(string) string) (json.RawMessage, error) {
	m := message{Kind: e.Kind, At: e.At.UTC(), Severity: e.Severity, Title: shorten(redact(e.Title), maxFact), Text: shorten(redact(e.Text), maxText), Link: e.Link}
	for _, f := range e.Facts[:min(len(e.Facts), maxFacts)] {
		if f.Value != "" {
			m.Facts = append(m.Facts, Fact{f.Name, shorten(redact(f.Value), maxFact)})
		}
	}
	if e.Data != nil {
		raw, err := json.Marshal(e.Data)
		if err != nil {
			return nil, fmt.Errorf("the data of an event %s: %w", e.Kind, err)
		}
		if clean := redact(string(raw)); json.Valid([]byte(clean)) {
			raw = []byte(clean)
		} else if clean != string(raw) {
			raw = []byte(`{"left_out":"it holds a secret"}`) // what was removed broke the JSON
		}
		if len(raw) > maxData {
			raw = []byte(`{"left_out":"it is too large"}`)
		}
		m.Data = raw
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding an event %s: %w", e.Kind, err)
	}
	return raw, nil
}

// shorten cuts a text after so many characters.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}
