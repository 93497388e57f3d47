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

// stations looks for workstations that are not linked, not initialised or
// without a job manager.
func (in *inquiry) stations(sw planSwitch) []*finding {
	var unlinked, behind, noJobman, ssl []plan.Workstation
	all := 0
	inited := in.someInitialised()
	for _, w := range in.snap.Workstations() {
		if w.Ignored || runsElsewhere(hwa.WorkstationType(w.Type)) || w.Type == string(hwa.WorkstationTypeWorkloadBroker) {
			continue
		}
		all++
		switch {
		case !w.Linked() && w.SecurityLevel != "" && w.SecurityLevel != "NONE" && w.SSLPort == 0 && w.Type != string(hwa.WorkstationTypeAgent):
			ssl = append(ssl, w)
		case !w.Linked() && !w.HasState("JOBMAN_UP"):
			noJobman = append(noJobman, w)
		case sw.runNumber > 0 && w.RunNumber > 0 && w.RunNumber < sw.runNumber || inited && !w.HasState("IS_INITED") && w.Type != string(hwa.WorkstationTypeAgent):
			behind = append(behind, w)
		case !w.Linked():
			unlinked = append(unlinked, w)
		}
	}
	var out []*finding
	add := func(list []plan.Workstation, build func(ev string, list []plan.Workstation) *finding, title string) {
		if len(list) > 0 {
			out = append(out, build(in.noteStations(title, list, all), list))
		}
	}
	add(ssl, sslFinding, "Secured workstations without SSL port")
	add(behind, in.behindFinding, "Workstations without the current plan")
	add(noJobman, deadFinding, "Workstations that are down")
	add(unlinked, in.unlinkedFindings, "Workstations that are not linked")
	return out
}

func (in *inquiry) noteStations(title string, list []plan.Workstation, all int) string {
	var rows []string
	for _, w := range list[:min(len(list), 20)] {
		rows = append(rows, line("workstation", w.Name, "type", w.Type, "states", strings.Join(w.States, " "), "run number", nonZero(w.RunNumber),
			"security level", w.SecurityLevel, "SSL port", portText(w), "limit", w.Limit))
	}
	text := fmt.Sprintf("%d of %s\n%s", len(list), plural(all, "workstation", "workstations"), strings.Join(rows, "\n"))
	return in.note(Evidence{Kind: "workstation", Title: title, Text: text, Source: "GET /plan/workstation", AsOf: in.snap.AsOf()})
}

func portText(w plan.Workstation) string {
	if w.SSLPort < 0 {
		return ""
	}
	return fmt.Sprint(w.SSLPort)
}

func names(list []plan.Workstation) string {
	var out []string
	for _, w := range list {
		out = append(out, w.Name)
	}
	return joinNames(out, 4)
}

func sslFinding(ev string, list []plan.Workstation) *finding {
	return &finding{incident: true,
		station: true, cause: "ssl_port_zero", title: "A secured workstation has SSL port 0", weight: 0.85,
		claims: []claim{because("Not linked, with a security level set and SSL port 0: "+names(list)+".", ev)},
		check:  "Check the SSL port statement in the localopts file of the agent and of its domain manager, and the port in the workstation definition.",
		remedy: "Set the SSL port in localopts to the right number, then stop and restart netman there.",
		query:  []string{"using SSL no connection between fault-tolerant agent and its domain manager SSL port localopts"},
	}
}

func (in *inquiry) behindFinding(ev string, list []plan.Workstation) *finding {
	fd := in.notInitialisedFinding(names(list), fmt.Sprintf("Without the current plan: %s", names(list)), ev)
	fd.weight = 0.8
	return fd
}

func deadFinding(ev string, list []plan.Workstation) *finding {
	return &finding{incident: true,
		cause: "workstation_down", title: "Workstations without jobman and link", weight: 0.8,
		claims: []claim{because("Neither linked nor with their job manager up: "+names(list)+".", ev)},
		check:  "Check the standard list (stdlist) of batchman, mailman and jobman there for codes, and whether the machine is up.",
		remedy: "If the processes were just stopped, start the workstation (conman start); otherwise repair what the code names first.",
		query:  []string{"batchman and other processes fail on a fault-tolerant agent", "fault-tolerant agent processes stopped mailman jobman"},
	}
}

// manyUnlinked is the share of workstations from which on a common cause is
// likelier than trouble on each of them.
const manyUnlinked = 3

func (in *inquiry) unlinkedFindings(ev string, list []plan.Workstation) *finding {
	fd := &finding{incident: true,
		cause: "workstations_not_linked", title: "Workstations are not linked", weight: 0.78,
		claims: []claim{because("Not linked: "+names(list)+".", ev)},
		check:  "Check with conman sc, and in the mailman messages of the domain manager, why the link went.",
		remedy: "Link the workstation (conman link) once its machine and netman run.",
		query:  []string{"domain manager cannot link to a fault-tolerant agent", "fault-tolerant agents not linking to master domain manager"},
	}
	if len(list) < manyUnlinked {
		return fd
	}
	fd.cause, fd.title, fd.weight = "many_unlinked", "Many workstations lost their link together", 0.84
	fd.claims = []claim{because(fmt.Sprintf("%d workstations are not linked: %s.", len(list), names(list)), ev)}
	fd.query = []string{"fault-tolerant agents unlink from mailman on a domain manager after JnextPlan"}
	fd.check = "Check in the log of the domain manager whether mailman unlinked them one after the other."
	fd.remedy = "If mailman unlinks them by timeout, its time-outs (localopts) are too short for the backlog; see the documented steps."
	if sw := in.planSwitch(); !sw.at.IsZero() {
		fd.claims = append(fd.claims, because("The plan was switched at "+stamp(sw.at)+".", sw.ev...))
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
