package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
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
	ev := in.planEvidence("Search for "+name+" in the plan", text)
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

// sayStatus states how the job stands.
func (in *inquiry) sayStatus(f *jobFacts) {
	said := f.name + " is in " + status(f.job)
	if sub := substatus(f.job); sub != "" {
		said += " (" + sub + ")"
	}
	ev := []string{f.jobEv}
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
			in.sayOnce(cl.text, cl.ev...)
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
	in.say("The manual describes this under “"+d.p.Title+"”.", id)
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

// aboutPlan diagnoses the plan as a whole.
func (in *inquiry) aboutPlan() {
	w, text := aboutPlan, in.q.Text
	if generic(text) {
		w, text = aboutAnything, ""
	}
	findings := in.observe()
	if len(in.codes) == 0 {
		findings = append(findings, in.rules(text)...)
	}
	if in.snap == nil {
		findings = append(findings, in.probe()...)
		w = aboutOutage
	}
	if text == "" {
		if in.snap != nil {
			in.sayCounts()
		}
		findings = append(findings, in.failures()...)
	}
	in.rank(findings, text, w)
	in.sayHypotheses()
}

// generic reports whether a question says nothing that could be looked up.
func generic(text string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		if w = trimWord(w); len(w) > 2 && !genericWords[w] {
			return false
		}
	}
	return true
}

var genericWords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`what what's whats wrong with tonight tonight's plan the production night batch happening happened going why any anything problem problems there
		run runs running started start starts starting not isn't doesn't don't didn't yet still wait waits waiting ready hold held stuck blocked block blocks
		for minutes minute hours hour since and can abend abended abends ended end fail fails exec succ its roda rodando executa parado
		are is was has have been did does our my this now today current status everything something broken failed failing jobs job late
		que qual está esta errado com plano noite hoje aconteceu acontecendo algum problema problemas por porque`) {
		m[w] = true
	}
	return m
}()

// probe asks the engine for a sign of life when no plan could be read.
func (in *inquiry) probe() []*finding {
	ctx, cancel := in.reading()
	defer cancel()
	_, err := in.e.deps.Client.EngineInfo(ctx)
	if err == nil {
		return nil
	}
	in.skipped("the plan, and with it every name in the question", err)
	return in.unreachable(err)
}

// unreachable is what an engine that does not answer, or refuses the login,
// points at.
func (in *inquiry) unreachable(err error) []*finding {
	ev := in.engineDown(err)
	switch hwa.KindOf(err) {
	case hwa.KindAuth, hwa.KindForbidden:
		return []*finding{{
			cause: "engine_refused_login", title: "The engine refuses the login", weight: 0.8,
			claims: []claim{because("The engine's API refuses the user this program logs in with.", ev)},
			check:  "Check user and password, and whether the same user fails elsewhere.",
			query:  []string{"user is not authorized to access the server user name and password useropts"},
		}}
	case hwa.KindUnreachable, hwa.KindTimeout, hwa.KindOutage, hwa.KindTLS:
		return []*finding{{
			cause: "engine_unreachable", title: "The engine's application server does not answer", weight: 0.8,
			claims: []claim{because("The engine's API does not answer.", ev)},
			check:  "Check whether the application server (Liberty) runs on the master, and read its logs.",
			query:  []string{"unable to establish communication with the server application server is down start Liberty"},
		}}
	}
	return nil
}

// failures turns the jobs in error into findings for "what is wrong tonight".
func (in *inquiry) failures() []*finding {
	jobs, err := in.failedJobs(50)
	if err != nil {
		in.skipped("the jobs in error", err)
	}
	var out []*finding
	for _, j := range jobs {
		if len(out) == 3 || strings.EqualFold(j.JobStreamName, "FINAL") {
			continue
		}
		f := &jobFacts{job: j, run: j.LastRun(), name: fullName(j)}
		in.noteJob(f)
		out = append(out, in.whyFailed(f, in.readLog(f))...)
	}
	return out
}

// finish joins the sentences and checks them.
func (in *inquiry) finish() {
	Check(in.ans)
	var b strings.Builder
	for i, s := range in.ans.Sentences {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.Text + marker(s.Evidence))
	}
	in.ans.Text = b.String()
}
