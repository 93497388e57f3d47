package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"resync/hwa/msgcode"
	"resync/internal/plan"
)

// Answer answers a question. The error is that of a context that ended; every
// other failure is told inside the answer.
func (e *Engine) Answer(ctx context.Context, q Question) (*Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("answer the question: %w", err)
	}
	in := e.inquire(ctx, q)
	in.ans.Intent = q.Intent
	if q.Intent == "" {
		in.ans.Intent = Classify(q.Text)
	}
	in.codes = distinct(append(normalised(q.Codes), codeTexts(q.Text)...))
	in.noteCodes(in.codes)
	in.answer()
	in.finish()
	return in.ans, nil
}

func normalised(codes []string) []string {
	var out []string
	for _, c := range codes {
		if n, ok := msgcode.Normalize(c); ok {
			c = n.Text
		}
		out = append(out, c)
	}
	return out
}

// noteCodes records what the form of a code tells: its component and severity.
func (in *inquiry) noteCodes(codes []string) {
	for _, text := range codes {
		c, ok := msgcode.Normalize(text)
		if !ok {
			continue
		}
		what := line("code", c.Text, "severity", c.Severity.Word())
		if comp, ok := msgcode.Component(c.Family); ok {
			what += "; component " + comp
		}
		in.note(Evidence{Kind: "code", Title: "Message code " + c.Text, Text: what, Source: "message code table"})
	}
}

// answer takes the way that fits the question.
func (in *inquiry) answer() {
	t := in.find()
	switch {
	case in.ans.Intent == IntentAskBack && t.empty():
		in.askBack("Please say what it is about: a job (WORKSTATION#STREAM.JOB), a workstation, a message code, or the plan.")
	case in.ans.Intent == IntentAction:
		in.action(t)
	case len(t.jobs) > 1 && in.ans.Intent != IntentKnowledge:
		in.ambiguous(t.jobs)
	case t.settled() && in.ans.Intent != IntentKnowledge:
		in.aboutJob(t)
	case t.station != "" && in.ans.Intent != IntentKnowledge:
		in.aboutStation(t)
	case len(t.streams) > 0 && in.ans.Intent != IntentKnowledge:
		in.aboutStream(t)
	case in.ans.Intent == IntentStatus && in.e.deps.Client != nil && aboutObjects(in.q.Text):
		in.planStatus()
	case len(t.unknown) > 0 && in.ans.Intent != IntentKnowledge && len(in.codes) == 0:
		in.unknown(t)
	case in.ans.Intent == IntentStatus && in.e.deps.Client != nil:
		in.planStatus()
	case in.ans.Intent == IntentKnowledge || in.e.deps.Client == nil:
		in.fromDocuments()
	default:
		in.aboutPlan()
	}
}

// fromDocuments answers without an engine: from the manuals and the rules of
// the product.
func (in *inquiry) fromDocuments() {
	var rules []*finding
	if len(in.codes) == 0 {
		rules = in.rules(in.q.Text)
	}
	in.rank(rules, in.q.Text, weights{finding: 1, document: 1})
	in.sayHypotheses()
}

func (t target) empty() bool {
	return len(t.jobs) == 0 && t.station == "" && len(t.streams) == 0 && len(t.unknown) == 0 && !t.planner
}

// askBack answers with a question.
func (in *inquiry) askBack(text string, evidence ...string) {
	in.ans.Intent = IntentAskBack
	in.say(text, evidence...)
}

func (in *inquiry) planEvidence(title, text string) string {
	asOf := in.now
	if in.snap != nil {
		asOf = in.snap.AsOf()
	}
	return in.note(Evidence{Kind: "plan", Title: title, Text: text, Source: "GET /plan/job", AsOf: asOf})
}

// unknown says that a name is not in the plan and offers the nearest ones.
func (in *inquiry) unknown(t target) {
	name := t.unknown[0]
	var near []string
	for _, s := range t.suggestions {
		near = append(near, s.Name)
		for _, i := range s.Jobs {
			in.candidate(i)
		}
	}
	text := fmt.Sprintf("no job, job stream or workstation called %s among %s", name, plural(in.snap.Len(), "job", "jobs"))
	if len(near) > 0 {
		text += "; names like it: " + strings.Join(near, ", ")
	}
	ev := in.planEvidence("Search for "+name+" in the plan", text+"; names have the form WORKSTATION#STREAM.JOB")
	in.say(fmt.Sprintf("The plan as of now has nothing called %s.", name), ev)
	if len(near) > 0 {
		in.askBack("Did you mean "+orList(near)+"?", ev)
		return
	}
	in.askBack("Please give the name as WORKSTATION#STREAM.JOB.", ev)
}

func (in *inquiry) candidate(i int) {
	j := in.snap.Job(i)
	c := Candidate{Job: j.FullName(), Status: j.Status, ID: j.ID}
	if !slices.Contains(in.ans.Candidates, c) && len(in.ans.Candidates) < 20 {
		in.ans.Candidates = append(in.ans.Candidates, c)
	}
}

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// ambiguous lists what a name can mean.
func (in *inquiry) ambiguous(jobs []int) {
	var rows []string
	for _, i := range jobs {
		in.candidate(i)
		j := in.snap.Job(i)
		if len(rows) < 10 {
			rows = append(rows, fmt.Sprintf("%s (%s, scheduled %s)", j.FullName(), j.Status, stamp(j.Scheduled)))
		}
	}
	ev := in.planEvidence("Jobs the question can mean", fmt.Sprintf("%d jobs: %s", len(jobs), strings.Join(rows, "; ")))
	in.say(fmt.Sprintf("%d jobs fit: %s.", len(jobs), joinNames(rows, 5)), ev)
	in.askBack("Which one do you mean?", ev)
}

// aboutJob diagnoses one job.
func (in *inquiry) aboutJob(t target) {
	j := in.snap.Job(t.jobs[0])
	if t.how != "" {
		ev := in.planEvidence("The job meant", line("job", j.FullName(), "status", j.Status, "chosen as", t.how))
		in.say("I take the question to mean "+j.FullName()+".", ev)
	}
	f, err := in.readJob(j.ID)
	if err != nil {
		in.fromPlan(j, err)
		return
	}
	in.noteJob(f)
	in.sayStatus(f)
	if in.ans.Intent == IntentStatus && !diagnosisRE.MatchString(in.q.Text) {
		in.sayLog(f)
		return
	}
	var findings []*finding
	if failed(f.job) {
		findings = in.whyFailed(f, in.readLog(f))
		in.readAround(f)
		in.gatesOf(f)
	} else {
		findings = in.why(f)
	}
	w := aboutJob
	if len(findings) == 0 {
		w = aboutPlan
	}
	in.rank(findings, in.lookupText(t), w)
	if len(in.ans.Hypotheses) > 0 || waiting(f.job) || failed(f.job) {
		in.sayHypotheses()
	}
	if failed(f.job) || waiting(f.job) || blocksRE.MatchString(in.q.Text) {
		in.sayBlocks(f)
	}
}

// lookupText is the question without the names of the plan: manuals know no
// job of ours.
func (in *inquiry) lookupText(t target) string {
	text := in.q.Text
	for _, name := range in.mentions(text) {
		text = strings.ReplaceAll(text, name, "")
	}
	if len(in.codes) == 0 && generic(text) {
		return "" // "why is it not running" has no words to look up
	}
	return text
}

// gatesOf records the gates of a job that has failed, for completeness.
func (in *inquiry) gatesOf(f *jobFacts) {
	for _, v := range in.walk(f) {
		in.ans.Gates = append(in.ans.Gates, Gate{Gate: v.name, State: v.state, Text: v.text, Evidence: distinct(v.ev)})
	}
}

// fromPlan answers with what the last sync knew of a job that cannot be read.
func (in *inquiry) fromPlan(j plan.Job, err error) {
	in.skipped("job "+j.FullName()+" (live)", err)
	ev := in.note(Evidence{Kind: "job", Title: "Job " + j.FullName(), Source: "plan as of " + stamp(in.snap.AsOf()), AsOf: in.snap.AsOf(),
		Text: line("job", j.FullName(), "status", j.Status, "substatus", j.SubStatus, "priority", j.Priority, "runs on", j.Workstation, "read", stamp(in.snap.AsOf()))})
	said := j.FullName() + " was in " + j.Status
	if j.SubStatus != "" {
		said += " (" + j.SubStatus + ")"
	}
	in.say(said+" when the plan was last read at "+stamp(in.snap.AsOf())+"; the engine could not be asked now.", ev)
	in.blocksKnown(j)
	in.rank(in.unreachable(err), in.lookupText(target{})+" "+strings.ToLower(strings.ReplaceAll(j.SubStatus, "_", " ")), aboutPlan)
	in.sayHypotheses()
}

func (in *inquiry) blocksKnown(j plan.Job) {
	if !in.snap.EdgesKnown() {
		return
	}
	r := &BlocksResult{Job: j.FullName()}
	in.blocksFromPlan(r, j.Index)
	in.sayBlocked(r)
}
