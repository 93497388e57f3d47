package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"resync/hwa"
	"resync/hwa/oql"
	"resync/internal/plan"
)

// planSwitch is when and how the current plan was put in place.
type planSwitch struct {
	at        time.Time
	runNumber int
	ev        []string
	makePlan  *jobFacts // MAKEPLAN and SWITCHPLAN of stream FINAL, nil when not found
	switchJob *jobFacts
	known     bool
}

// planSwitch reads the jobs of stream FINAL, which extend the plan, and the run
// number most workstations have. The answer is kept for the inquiry.
func (in *inquiry) planSwitch() planSwitch {
	if in.sw != nil {
		return *in.sw
	}
	sw := planSwitch{runNumber: in.planRun()}
	in.sw = &sw
	if in.snap == nil {
		return sw
	}
	for _, name := range []string{"MAKEPLAN", "SWITCHPLAN"} {
		f := in.finalJob(name)
		if f == nil {
			continue
		}
		sw.known = true
		if name == "MAKEPLAN" {
			sw.makePlan = f
			continue
		}
		sw.switchJob = f
		if f.run != nil && !failed(f.job) {
			sw.at = f.run.TimeInfo.ActualEndTime
			sw.ev = []string{f.jobEv, f.runEv}
		}
	}
	in.sw = &sw
	return sw
}

// finalJob reads the newest job of that name in a stream called FINAL that has
// run or failed; when none has, the one that is planned.
func (in *inquiry) finalJob(name string) *jobFacts {
	best, found := plan.Job{}, false
	for _, i := range in.snap.Resolve("@#@FINAL." + name).Jobs {
		j := in.snap.Job(i)
		ran, bestRan := !j.Started.IsZero(), !best.Started.IsZero()
		switch {
		case !found, ran && !bestRan, ran == bestRan && newer(j, best):
			best, found = j, true
		}
	}
	if !found || in.e.deps.Client == nil {
		return nil
	}
	f, err := in.readJob(best.ID)
	if err != nil {
		in.skipped("job "+best.FullName(), err)
		return nil
	}
	in.noteJob(f)
	return f
}

func newer(a, b plan.Job) bool {
	if !a.Started.Equal(b.Started) {
		return a.Started.After(b.Started)
	}
	return a.Scheduled.After(b.Scheduled)
}

// planRun is the run number most workstations work on: that of the plan.
func (in *inquiry) planRun() int {
	if in.snap == nil {
		return 0
	}
	count, best := map[int]int{}, 0
	for _, w := range in.snap.Workstations() {
		if w.RunNumber > 0 {
			count[w.RunNumber]++
		}
		if w.HasState("MASTER") && w.RunNumber > 0 {
			return w.RunNumber
		}
	}
	for n, c := range count {
		if c > count[best] || (c == count[best] && n > best) {
			best = n
		}
	}
	return best
}

func (in *inquiry) behind(w *hwa.WorkstationInPlan) (bool, int) {
	run := in.planRun()
	return w.RunNumber > 0 && run > 0 && w.RunNumber < run, run
}

// someInitialised reports whether this engine shows the initialised state at
// all: where none does, its absence means nothing.
func (in *inquiry) someInitialised() bool {
	if in.snap == nil {
		return false
	}
	return slices.ContainsFunc(in.snap.Workstations(), func(w plan.Workstation) bool { return w.HasState("IS_INITED") })
}

func (in *inquiry) notInitialised(ws, ev string, run, planRun int) *finding {
	said := "Workstation " + ws + " is not initialised with the current plan"
	if planRun > 0 {
		said += fmt.Sprintf(": it works on run number %d, the plan has run number %d", run, planRun)
		ev2 := in.note(Evidence{Kind: "plan", Title: "Run number of the plan", Source: "GET /plan/workstation", Text: fmt.Sprintf("plan run number %d", planRun), AsOf: in.snap.AsOf()})
		return in.notInitialisedFinding(ws, said, ev, ev2)
	}
	return in.notInitialisedFinding(ws, said, ev)
}

func (in *inquiry) notInitialisedFinding(ws, said string, ev ...string) *finding {
	return &finding{incident: true,
		station: true, cause: "workstation_not_initialised", title: "Workstation " + ws + " did not get the new plan", weight: 0.87,
		claims: []claim{because(said+".", ev...)},
		check:  "Check whether mailman still runs on the workstation and what writer says in its standard list.",
		remedy: "Wait for mailman to end there, or stop the workstation, wait, and link it again (conman stop, conman link).",
		query:  []string{"remote workstation does not initialize after JnextPlan mailman is still active"},
	}
}

// observe looks at the plan as a whole and reports what is wrong with it.
func (in *inquiry) observe() []*finding {
	if in.e.deps.Client == nil {
		return nil
	}
	if in.snap == nil {
		in.skipped("the plan has not been read yet", nil)
		return nil
	}
	var out []*finding
	sw := in.planSwitch()
	for _, f := range []*jobFacts{sw.makePlan, sw.switchJob} {
		if f != nil && failed(f.job) {
			out = append(out, in.planJobFailed(f))
		}
	}
	out = append(out, in.stations(sw)...)
	if lost := in.runningSinceSwitch(sw); lost != nil {
		out = append(out, lost)
	}
	return out
}

// planJobFailed explains a failed job of stream FINAL: its log has the codes.
func (in *inquiry) planJobFailed(f *jobFacts) *finding {
	fd := &finding{incident: true,
		cause: strings.ToLower(f.job.Name) + "_failed", title: f.job.Name + " failed, so the plan was not extended", weight: 0.86,
		check: "Check the job log and messages.log of the planner; make sure that no other planner action is running.",
		query: []string{f.job.Name + " failed JnextPlan problems"},
	}
	if strings.EqualFold(f.job.Name, "SWITCHPLAN") {
		fd.title = "SWITCHPLAN failed, so the new plan is not in place"
	}
	fd.claims = []claim{because(f.name+" is in "+status(f.job)+".", f.jobEv)}
	if run := in.planRun(); run > 0 {
		ev := in.note(Evidence{Kind: "plan", Title: "Run number of the plan", Source: "GET /plan/workstation", Text: fmt.Sprintf("plan run number %d", run), AsOf: in.snap.AsOf()})
		fd.claims = append(fd.claims, because(fmt.Sprintf("The plan still has run number %d.", run), ev))
	}
	lg := in.readLog(f)
	in.readLogInto(fd, f, lg)
	if lg != nil && len(lg.signals) > 0 {
		fd.query = append([]string{strings.Join(lg.codes, " ") + " " + clip(lg.signals[0].Text, 200)}, fd.query...)
	}
	return fd
}

// runningSinceSwitch finds jobs that the plan shows running since before it was
// switched.
func (in *inquiry) runningSinceSwitch(sw planSwitch) *finding {
	if sw.at.IsZero() {
		return nil
	}
	var since []plan.Job
	for _, i := range in.snap.Filter(plan.Filter{Status: []string{string(hwa.JobStatusExec)}}).Jobs {
		if j := in.snap.Job(i); !j.Started.IsZero() && j.Started.Before(sw.at) && j.Ended.IsZero() {
			since = append(since, j)
		}
	}
	if len(since) == 0 {
		return nil
	}
	slices.SortFunc(since, func(a, b plan.Job) int { return a.Started.Compare(b.Started) })
	var rows []string
	for _, j := range since[:min(len(since), 20)] {
		rows = append(rows, line("job", j.FullName(), "status", j.Status, "started", stamp(j.Started), "estimated", span(j.Estimated)))
	}
	ev := in.note(Evidence{Kind: "plan", Title: "Jobs in EXEC since before the plan switch", Source: "GET /plan/job", AsOf: in.snap.AsOf(),
		Text: fmt.Sprintf("%s\n%s", plural(len(since), "job", "jobs"), strings.Join(rows, "\n"))})
	return in.lostEventFinding(since[0].FullName(), stamp(since[0].Started), sw, ev)
}

// engineDown records that the engine does not answer.
func (in *inquiry) engineDown(err error) string {
	return in.note(Evidence{Kind: "plan", Title: "The engine does not answer", Source: "GET /engine/info", Text: err.Error()})
}

// stationByName reads one workstation that a question is about.
func (in *inquiry) stationByName(name string) (*hwa.WorkstationInPlan, error) {
	ctx, cancel := in.reading()
	defer cancel()
	return in.workstation(ctx, "", name)
}

// failedJobs lists jobs in error, straight from the engine when it answers.
func (in *inquiry) failedJobs(most int) ([]*hwa.JobInPlan, error) {
	ctx, cancel := in.reading()
	defer cancel()
	var out []*hwa.JobInPlan
	filter := hwa.Where(oql.Eq("jobruns.commonStatus", string(hwa.CommonStatusError)))
	for j, err := range in.e.deps.Client.Jobs(ctx, hwa.ListOptions{Filter: filter, Limit: most}) {
		if err != nil {
			return out, err
		}
		if failed(j) {
			out = append(out, j)
		}
	}
	return out, nil
}
