package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
	"resync/internal/plan"
)

// aboutStation diagnoses a workstation.
func (in *inquiry) aboutStation(t target) {
	w, err := in.stationByName(t.station)
	if err != nil {
		in.skipped("workstation "+t.station, err)
		in.rank(in.unreachable(err), in.lookupText(t), aboutPlan)
		in.sayHypotheses()
		return
	}
	f := &jobFacts{job: &hwa.JobInPlan{Workstation: w.Name}, ws: w, name: "a job there"}
	f.wsEv = in.noteWorkstation(w)
	in.sayStation(f)
	if in.ans.Intent == IntentStatus && !diagnosisRE.MatchString(in.q.Text) {
		return
	}
	findings := in.stationFindings(f)
	in.rank(findings, in.lookupText(t), aboutPlan)
	in.sayHypotheses()
}

func (in *inquiry) sayStation(f *jobFacts) {
	ws := workstationName(f)
	state := "not linked"
	if linked(f.ws) {
		state = "linked"
	}
	said := fmt.Sprintf("Workstation %s is %s", ws, state)
	if f.ws.Limit != nil {
		said += fmt.Sprintf(", limit %d", *f.ws.Limit)
	}
	if f.ws.Fence != nil {
		said += fmt.Sprintf(", fence %d", *f.ws.Fence)
	}
	in.say(said+".", f.wsEv)
}

// stationFindings are the gates that belong to a workstation, asked for
// themselves.
func (in *inquiry) stationFindings(f *jobFacts) []*finding {
	var out []*finding
	if w := f.ws; !linked(w) && w.SecurityLevel != "" && w.SecurityLevel != hwa.SecurityLevelNone && w.SSLPort != nil && *w.SSLPort == 0 {
		out = append(out, sslFinding(f.wsEv, []plan.Workstation{plan.FromWorkstation(w)}))
	}
	for _, g := range []gateCheck{
		{"agent_link", always, linkGate}, {"agent_initialised", always, initialisedGate}, {"agent_started", always, startedGate},
		{"job_manager", always, jobManagerGate}, {"workstation_limit", always, stationLimitGate},
	} {
		v := g.check(in, f)
		in.ans.Gates = append(in.ans.Gates, Gate{Gate: g.name, State: v.state, Text: v.text, Evidence: distinct(v.ev)})
		if v.finding != nil {
			out = append(out, v.finding)
		}
	}
	if f.ws.Ignore {
		v := suppressionGate(in, f)
		out = append(out, v.finding)
	}
	return out
}

func stationLimitGate(_ *inquiry, f *jobFacts) verdict {
	if f.ws.Limit == nil || *f.ws.Limit != 0 {
		return passed("limit is not 0", f.wsEv)
	}
	fd := limitFinding(f, 0)
	fd.claims = []claim{because("Workstation "+workstationName(f)+" has limit 0, so no job starts there except with priority hi or go.", f.wsEv)}
	return open("limit 0", fd, f.wsEv)
}

// aboutStream sums a job stream up and diagnoses its only failed job, if there
// is exactly one.
func (in *inquiry) aboutStream(t target) {
	var bad, openJobs []int
	total := 0
	for _, st := range t.streams {
		for _, i := range in.snap.JobsOf(st) {
			total++
			j := in.snap.Job(i)
			switch {
			case j.CommonStatus == string(hwa.CommonStatusError) || j.Status == "ABEND" || j.Status == "FAIL":
				bad = append(bad, i)
			case !in.snap.Done(i):
				openJobs = append(openJobs, i)
			}
		}
	}
	name := in.snap.Streams()[t.streams[0]].Name
	ev := in.planEvidence("Job stream "+name, fmt.Sprintf("job stream %s: %s, %d in error, %d open", name, plural(total, "job", "jobs"), len(bad), len(openJobs)))
	in.say(fmt.Sprintf("Job stream %s has %s, %d in error and %d open.", name, plural(total, "job", "jobs"), len(bad), len(openJobs)), ev)
	switch {
	case len(bad) == 1:
		in.aboutJob(target{jobs: bad, how: "the only job of the stream in error"})
	case len(bad) > 1:
		in.ambiguous(bad)
	case in.ans.Intent == IntentStatus:
	case len(openJobs) > 0:
		in.aboutJob(target{jobs: openJobs[:1], how: "the first open job of the stream"})
	default:
		in.rank(nil, in.lookupText(t), aboutPlan)
		in.sayHypotheses()
	}
}

// verbs are the actions a tool exists for.
var verbs = []struct {
	words []string
	tool  string
	risk  Risk
	done  string
}{
	{[]string{"rerun", "re-run", "restart", "re-start", "reexecut", "re-execut", "rode", "rodar", "reinici"}, toolRerun, RiskMutating, "rerun"},
	{[]string{"release", "liber"}, toolRelease, RiskMutating, "release"},
	{[]string{"hold", "segur"}, toolHold, RiskMutating, "hold"},
}

// action prepares what the operator asks for; the guarded path carries it out
// after approval. The target is never taken from a pronoun.
func (in *inquiry) action(t target) {
	switch {
	case len(t.jobs) > 1:
		in.ambiguous(t.jobs)
		return
	case len(t.unknown) > 0:
		in.unknown(t)
		return
	case !t.settled():
		in.askBack("Please name the target in full (WORKSTATION#STREAM.JOB): an action is never taken on something that was not named.")
		return
	}
	f, err := in.readJob(in.snap.Job(t.jobs[0]).ID)
	if err != nil {
		in.fromPlan(in.snap.Job(t.jobs[0]), err)
		return
	}
	in.noteJob(f)
	in.sayStatus(f)
	low := strings.ToLower(in.q.Text)
	for _, v := range verbs {
		if slices.ContainsFunc(v.words, func(w string) bool { return strings.Contains(low, w) }) {
			in.prepare(f, v.tool, v.done, v.risk)
			return
		}
	}
	in.say("There is no tool for that action; it has to be done outside Resync.", f.jobEv)
}

func (in *inquiry) prepare(f *jobFacts, tool, verb string, risk Risk) {
	args := map[string]any{"job": f.target()}
	if tool == toolRerun {
		if f.run == nil || f.run.ID == "" || waiting(f.job) {
			in.say(f.name+" has not run yet, so there is nothing to rerun.", f.jobEv)
			return
		}
	}
	in.ans.Actions = append(in.ans.Actions, Action{Tool: tool, Args: args, Reason: "asked for: " + verb + " " + f.name, Risk: risk})
	in.say("Ready to "+verb+" "+f.name+" after approval; nothing has been done yet.", f.jobEv)
}
