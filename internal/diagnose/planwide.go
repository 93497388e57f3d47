package diagnose

import (
	"slices"
	"strings"

	"resync/hwa"
	"resync/internal/plan"
)

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
		findings = append(findings, in.stuck()...)
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
		f := &jobFacts{job: j, run: j.LastRun(), name: plan.NameOf(j)}
		in.noteJob(f)
		out = append(out, in.whyFailed(f, in.readLog(f))...)
	}
	return out
}

// mostStuck is how many waiting jobs are looked into for "what is wrong
// tonight": each costs some readings.
const mostStuck = 3

// stuck looks into jobs that wait although their time has come, those first
// that wait for something nobody may be working on.
func (in *inquiry) stuck() []*finding {
	if in.snap == nil {
		return nil
	}
	var out []*finding
	for _, w := range in.overdue() {
		f, err := in.readJob(w.id)
		if err != nil {
			in.skipped("job "+w.id, err)
			continue
		}
		in.noteJob(f)
		gates := len(in.ans.Gates)
		found := in.why(f)
		in.ans.Gates = in.ans.Gates[:gates] // the gates of one job mean nothing in an answer about the plan
		if len(found) > 0 && found[0].weight > otherStage {
			// Beside a job that failed, one that waits comes second; one that
			// waits for its turn under a limit, last.
			found[0].weight *= 0.85
			if w.rank <= waitsForTurn {
				found[0].weight *= 0.7
			}
			out = append(out, found[0])
		}
	}
	return out
}

// waiter is a job that waits, with how much it deserves a look.
type waiter struct {
	id   string
	rank int
}

// waitsForTurn is the rank of a job that a limit holds back, which is often as
// planned.
const waitsForTurn = 2

// overdue picks the jobs to look into.
func (in *inquiry) overdue() []waiter {
	var all []waiter
	for i := range in.snap.Len() {
		j := in.snap.Job(i)
		if r := waitRank(j); r > 0 && !j.Scheduled.After(in.now) && !j.NotBefore.After(in.now) {
			all = append(all, waiter{j.ID, r})
		}
	}
	slices.SortStableFunc(all, func(a, b waiter) int { return b.rank - a.rank })
	out := all[:min(len(all), mostStuck)]
	if n := len(all) - len(out); n > 0 {
		in.skipped(plural(n, "further job that waits", "further jobs that wait")+" although due: ask about them by name", nil)
	}
	return out
}

// waitRank says how much a waiting job deserves a look: most, when what it waits
// for does not come by itself; 0 when it waits for its turn.
func waitRank(j plan.Job) int {
	r := 0
	switch hwa.JobSubStatus(j.SubStatus) {
	case hwa.JobSubStatusHoldPriorityZero, hwa.JobSubStatusHoldWaitingForPrompt, hwa.JobSubStatusHoldWaitingForInput,
		hwa.JobSubStatusReadyWaitingForAgent, hwa.JobSubStatusReadySuppressed, hwa.JobSubStatusReadyWaitingForUserIntervention:
		r = 4
	case hwa.JobSubStatusHoldWaitingForFile, hwa.JobSubStatusReadyWaitingForResources:
		r = 3
	case hwa.JobSubStatusReadyWaitingForLimit:
		r = waitsForTurn
	}
	switch {
	case hwa.JobStatus(j.Status) == hwa.JobStatusPend || hwa.JobStatus(j.Status) == hwa.JobStatusFence || hwa.JobStatus(j.Status) == hwa.JobStatusSuppr:
		r = 4
	case hwa.JobStatus(j.Status) == hwa.JobStatusReady && j.SubStatus == "":
		r = 3
	}
	if r > 0 && j.Flags.Has(plan.FlagLate) {
		r++
	}
	return r
}
