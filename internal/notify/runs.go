package notify

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"resync/breaker"
	"resync/tool"
)

// Run is the event of a step of a run, false for a step that nobody has to be woken
// for. Base is the console's address; "" leaves the link out.
func Run(st tool.RunState, step tool.Event, base string) (Event, bool) {
	e := Event{ID: st.ID + "/" + string(step), At: time.Now(), Facts: runFacts(st), Link: base,
		Data: map[string]any{"run_id": st.ID, "tool": st.Tool, "engine": st.Engine, "target": st.Target, "user": st.User, "risk": st.Risk.Level.String(), "phase": step}}
	entry, ok := st.Find(step)
	if ok {
		e.At = entry.At
	}
	what := st.Tool + " on " + st.Target
	word := func(key string) string { s, _ := entry.Detail[key].(string); return s }
	switch step {
	case tool.EvBlocked:
		e.Kind, e.Severity, e.Title, e.Text = ApprovalNeeded, Warning, what+" waits for an approval", "Nothing happens on the engine until somebody approves it. "+st.Reason
	case tool.EvVerified:
		e.Kind, e.Severity, e.Title, e.Text = ActionDone, Good, what+" is done", "The plan shows the effect."
	case tool.EvUnverified:
		e.Kind, e.Severity, e.Title, e.Text = ActionUnverified, Warning, what+" was accepted, but its effect does not show", "The engine accepted the action; the plan did not show the effect in time. Look at the job before you act again."
	case tool.EvUnknown:
		e.Kind, e.Severity, e.Title, e.Text = ActionUnknown, Critical, "It is not known whether "+what+" was carried out", "Resync looks in the plan until it knows, and sends nothing twice. Do not repeat the action before that. "+word("error")
	case tool.EvError:
		e.Kind, e.Severity, e.Title, e.Text = ActionFailed, Critical, what+" failed", word("error")
	case tool.EvReconciled:
		e.settle(what, st)
	default:
		return Event{}, false
	}
	e.Text = strings.TrimSpace(e.Text)
	return e, true
}

// settle completes the event of an unknown outcome that is now known.
func (e *Event) settle(what string, st tool.RunState) {
	e.Kind, e.Severity, e.Title, e.Text = ActionFailed, Warning, what+" was not carried out", "Its outcome was unknown; the plan shows that it did not happen. It can be asked for again."
	if st.Outcome() == tool.EvDone {
		e.Kind, e.Severity, e.Title, e.Text = ActionDone, Good, what+" is done", "Its outcome was unknown; the plan shows the effect."
	}
}

func runFacts(st tool.RunState) []Fact {
	return []Fact{{"Action", st.Tool}, {"Target", st.Target}, {"Engine", st.Engine}, {"Asked by", st.User}, {"Risk", st.Risk.Level.String()},
		{"Reason", st.Reason}, {"Ticket", st.Ticket}, {"Run", st.ID}}
}

// Missed is the last step of a run that somebody would have been told of: what is
// told anew at a start, in case the process died between the step and the telling.
// An action that was accepted long ago and that nobody has looked after since counts
// as one whose effect was not seen.
func Missed(st tool.RunState, now time.Time, base string) (Event, bool) {
	step := st.Phase()
	if entry, ok := st.Find(tool.EvDone); ok && step == tool.EvDone {
		if now.Sub(entry.At) < 5*time.Minute {
			return Event{}, false // another server may be looking after it
		}
		step = tool.EvUnverified
	}
	return Run(st, step, base)
}

// Parts remembers what is away, so that each outage is told once at its begin and
// once at its end.
type Parts struct {
	server string // who says so
	link   string

	mu   sync.Mutex
	away map[string]time.Time
}

// NewParts is for the parts a server looks at. Link is the console's address.
func NewParts(server, link string) *Parts {
	return &Parts{server: server, link: link, away: map[string]time.Time{}}
}

// Breaker is the event of a breaker's change of state, false when it begins or ends
// no outage. A breaker that tries (half_open) has not healed yet.
func (p *Parts) Breaker(t breaker.Transition, critical bool) (Event, bool) {
	switch {
	case t.To.Refuses():
		cause := t.Cause
		if t.By != "" {
			cause = fmt.Sprintf("%s switched it off: %s", t.By, t.Cause)
		}
		return p.Away("circuit breaker "+t.Name, cause, critical, t.At)
	case t.To == breaker.Closed || t.To == breaker.Disabled:
		return p.Back("circuit breaker "+t.Name, t.At)
	}
	return Event{}, false
}

// Away is the event that a part is away; false when that was told.
func (p *Parts) Away(part, cause string, critical bool, at time.Time) (Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, told := p.away[part]; told {
		return Event{}, false
	}
	p.away[part] = at
	e := Event{ID: p.id("away", part, at), Kind: Degraded, At: at, Severity: Warning, Title: part + ": calls are refused", Text: cause, Link: p.link,
		Facts: []Fact{{"Part", part}, {"Server", p.server}}, Data: map[string]any{"part": part, "server": p.server, "critical": critical, "cause": cause}}
	if critical {
		e.Severity = Critical
	}
	return e, true
}

// Back is the event that a part is back; false when it was not away.
func (p *Parts) Back(part string, at time.Time) (Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since, told := p.away[part]
	if !told {
		return Event{}, false
	}
	delete(p.away, part)
	took := max(at.Sub(since), 0).Round(time.Second)
	return Event{ID: p.id("back", part, at), Kind: Healed, At: at, Severity: Good, Title: part + " works again", Text: "It was away for " + took.String() + ".", Link: p.link,
		Facts: []Fact{{"Part", part}, {"Server", p.server}, {"Away for", took.String()}}, Data: map[string]any{"part": part, "server": p.server, "seconds": took.Seconds()}}, true
}

func (p *Parts) id(what, part string, at time.Time) string {
	return strings.Join([]string{p.server, what, part, at.UTC().Format(time.RFC3339Nano)}, "/")
}
