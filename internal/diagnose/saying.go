package diagnose

import (
	"fmt"
	"slices"
	"strings"
)

// sayStatus states how the job stands.
func (in *inquiry) sayStatus(f *jobFacts) {
	said := f.name + " is in " + status(f.job)
	if sub := substatus(f.job); sub != "" {
		said += " (" + sub + ")"
	}
	ev := []string{f.jobEv}
	in.aboutOne = true
	if r := f.run; r != nil && r.ReturnCode != nil && failed(f.job) {
		said += fmt.Sprintf(" with return code %d", *r.ReturnCode)
		ev = append(ev, f.runEv)
	}
	if r := f.run; r != nil && !r.TimeInfo.ActualStartTime.IsZero() {
		said += ", started " + stamp(r.TimeInfo.ActualStartTime)
		if !r.TimeInfo.ActualEndTime.IsZero() {
			said += ", ended " + stamp(r.TimeInfo.ActualEndTime)
		}
		ev = append(ev, f.runEv)
	}
	in.say(said+".", ev...)
}

// sayHypotheses puts the first hypothesis into sentences and names the others.
func (in *inquiry) sayHypotheses() {
	if len(in.ans.Hypotheses) == 0 {
		in.sayNothing()
		return
	}
	h := in.ans.Hypotheses[0]
	c := in.best
	switch {
	case c.fd != nil:
		for _, cl := range c.fd.claims {
			if !cl.stated || !in.aboutOne {
				in.sayOnce(cl.text, cl.ev...)
			}
		}
		if c.documentedProblem() {
			in.sayDocumented(c.docs[0], h.Citations[0])
		}
		in.sayAdvice(c.fd, h.Citations)
	default:
		in.sayDocumented(c.docs[0], h.Citations[0])
	}
	in.sayOthers()
}

// sayAdvice says what to check and what to do. The advice is a rule of the
// product that is built in; it is shown as such beside the passages cited.
func (in *inquiry) sayAdvice(fd *finding, citations []string) {
	text := joinParts(fd.remedy, fd.check)
	if text == "" {
		return
	}
	rule := in.note(Evidence{Kind: "gate", Title: "Rule for " + fd.cause, Text: text, Source: "built-in rule of Resync"})
	in.say(fd.remedy, append(slices.Clone(citations), rule)...)
	in.say(fd.check, append(slices.Clone(citations), rule)...)
}

func (in *inquiry) sayOnce(text string, ev ...string) {
	if !slices.ContainsFunc(in.ans.Sentences, func(s Sentence) bool { return s.Text == text }) {
		in.say(text, ev...)
	}
}

// sayDocumented quotes cause and fix of a passage.
func (in *inquiry) sayDocumented(d documented, id string) {
	in.say(bookName(d.p)+" describes this under “"+d.p.Title+"”.", id)
	in.say(d.ex.Cause, id)
	in.say(d.ex.Fix, id)
	if d.ex.Cause == "" && d.ex.Fix == "" {
		in.say(d.ex.Symptom, id)
	}
}

func (in *inquiry) sayOthers() {
	var titles, ev []string
	for _, h := range in.ans.Hypotheses[1:] {
		if h.Confidence < 0.4 || len(titles) == 2 || len(h.Title) > 90 {
			break
		}
		titles = append(titles, lowerFirst(h.Title))
		ev = append(append(ev, h.Evidence...), h.Citations...)
	}
	if len(titles) > 0 {
		in.say("Less likely: "+strings.Join(titles, "; ")+".", ev...)
	}
}

// sayNothing admits that no cause was found.
func (in *inquiry) sayNothing() {
	var ev []string
	for _, e := range in.ans.Evidence {
		if e.Kind == "job" || e.Kind == "plan" || e.Kind == "workstation" {
			ev = append(ev, e.ID)
		}
	}
	if len(ev) == 0 {
		ev = append(ev, in.note(Evidence{Kind: "plan", Title: "What was looked at", Text: "no fact and no passage that fits the question", Source: "documents"}))
	}
	in.say("Nothing that was examined explains it.", ev...)
}

func (in *inquiry) sayBlocks(f *jobFacts) { in.sayBlocked(in.blocks(f)) }

func (in *inquiry) sayBlocked(r *BlocksResult) {
	ev := in.seenTitle("What waits for " + r.Job)
	if ev == "" {
		return
	}
	if r.Total == 0 {
		in.say("No open job waits for "+r.Job+".", ev)
		return
	}
	in.say(fmt.Sprintf("%s behind %s: %s.", waitFor(r.Total), r.Job, nearest(r.Blocked)), ev)
	if r.Critical > 0 || r.AtRisk > 0 {
		in.say(fmt.Sprintf("Among them %s and %s at risk.", plural(r.Critical, "critical job", "critical jobs"), plural(r.AtRisk, "deadline", "deadlines")), ev)
	}
}

func waitFor(n int) string {
	if n == 1 {
		return "1 open job waits"
	}
	return fmt.Sprintf("%d open jobs wait", n)
}

func nearest(list []Blocked) string {
	var out []string
	for _, b := range list {
		out = append(out, b.Job)
	}
	return joinNames(out, 3)
}

func (in *inquiry) seenTitle(title string) string {
	for _, e := range in.ans.Evidence {
		if e.Title == title {
			return e.ID
		}
	}
	return ""
}

// finish joins the sentences and checks them.
func (in *inquiry) finish() { in.ans.Finish() }

// Finish checks the sentences and joins them to the text. What the check does not
// confirm is marked in the text when the words are a language model's.
func (a *Answer) Finish() {
	Check(a)
	var b strings.Builder
	for i, s := range a.Sentences {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.Text + marker(s.Evidence))
		if a.Mode == ModeModel && !s.Confirmed {
			b.WriteString(" (not confirmed)")
		}
	}
	a.Text = b.String()
}
