package hwasim

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is a situation the engine can be put into.
type Fault struct {
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Scenario string `json:"scenario,omitempty"` // S01 to S20 of the evaluation set
}

// Situation says where an injected fault shows.
type Situation struct {
	Fault       string `json:"fault"`
	Scenario    string `json:"scenario,omitempty"`
	Job         string `json:"job,omitempty"` // WS#STREAM.JOB
	JobID       string `json:"jobId,omitempty"`
	Workstation string `json:"workstation,omitempty"`
	Summary     string `json:"summary"`
}

// faultSpec is a fault with the way to make it. inject returns the job concerned, or -1.
type faultSpec struct {
	Fault
	inject func(*Sim) (int32, error)
	quiet  bool // a transport fault: there is no job
}

func (s *Sim) faultSpecs() []faultSpec {
	return slices.Concat(runFaults(), planFaults(), stationFaults(), gateFaults(), logFaults(), transportFaults())
}

// Faults lists what Inject knows, the situations of the evaluation set first.
func (s *Sim) Faults() []Fault { return Faults() }

// Faults lists what Inject knows, the situations of the evaluation set first.
func Faults() []Fault {
	var out []Fault
	for _, f := range (*Sim)(nil).faultSpecs() {
		out = append(out, f.Fault)
	}
	slices.SortStableFunc(out, func(a, b Fault) int {
		switch {
		case a.Scenario == b.Scenario:
			return 0
		case a.Scenario == "":
			return 1
		case b.Scenario == "":
			return -1
		}
		return strings.Compare(a.Scenario, b.Scenario)
	})
	return out
}

// Inject puts the engine into a situation at the current virtual time. Several
// can be combined. It fails when the plan has nothing left to show it on.
func (s *Sim) Inject(name string) (Situation, error) {
	for _, f := range s.faultSpecs() {
		if f.Name != name {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		ji, err := f.inject(s)
		if err != nil {
			return Situation{}, fmt.Errorf("hwasim: fault %s: %w", name, err)
		}
		sit := Situation{Fault: name, Scenario: f.Scenario, Summary: f.Summary}
		if ji >= 0 && !f.quiet {
			j := &s.jobs[ji]
			sit.Job, sit.JobID, sit.Workstation = s.jobKey(j), j.id.String(), s.ws[j.ws].name
		}
		return sit, nil
	}
	return Situation{}, fmt.Errorf("hwasim: fault %q is unknown; the simulator knows %s", name, strings.Join(faultNames(), ", "))
}

func faultNames() []string {
	var out []string
	for _, f := range Faults() {
		out = append(out, f.Name)
	}
	return out
}

// victim finds the job a fault is shown on: the one the night's story has for
// it, or, when that one is past it, another job that runs or waits now.
func (s *Sim) victim(key string) (int32, error) {
	name, jobName := splitJob(key)
	fallback := int32(-1)
	for _, si := range s.sorder {
		st := &s.streams[si]
		wanted := s.ws[st.ws].name+"#"+st.name == name
		for _, ji := range st.jobs {
			j := &s.jobs[ji]
			if !j.running() && !j.st.waiting() || j.has(fCanceled) || j.every > 0 || st.def.isFinal() {
				continue
			}
			if wanted && j.name == jobName {
				return ji, nil
			}
			if fallback < 0 && j.st == stExec && len(j.succ) > 0 && s.ws[j.ws].problem == failNone {
				fallback = ji
			}
		}
	}
	if fallback < 0 {
		return 0, fmt.Errorf("no job is left that could show it")
	}
	return fallback, nil
}

// splitJob cuts WS#STREAM.JOB into WS#STREAM and JOB.
func splitJob(key string) (stream, job string) {
	if i := strings.LastIndexByte(key, '.'); i > strings.IndexByte(key, '#') {
		return key[:i], key[i+1:]
	}
	return key, ""
}

// findKey finds the newest instance of WS#STREAM.JOB in the plan.
func (s *Sim) findKey(key string) (int32, bool) {
	name, jobName := splitJob(key)
	for i := len(s.sorder) - 1; i >= 0; i-- {
		st := &s.streams[s.sorder[i]]
		if s.ws[st.ws].name+"#"+st.name != name {
			continue
		}
		for _, ji := range st.jobs {
			if s.jobs[ji].name == jobName {
				return ji, true
			}
		}
	}
	return 0, false
}

// unstart takes a running job back to before its launch.
func (s *Sim) unstart(ji int32) {
	j := &s.jobs[ji]
	if j.running() {
		s.setWaiting(j, stHold) // before give, which would launch others otherwise
		j.runs[len(j.runs)-1] = run{st: stHold, ws: j.ws, kind: j.last().kind}
		s.giveQuietly(ji)
		s.notBegun(j.stream)
	}
}

// notBegun forgets that a stream has started when none of its jobs has.
func (s *Sim) notBegun(si int32) {
	st := &s.streams[si]
	for _, ji := range st.jobs {
		if s.jobs[ji].runs[0].submitted != 0 {
			return
		}
	}
	st.began = 0
	s.giveStream(si)
}

// giveQuietly returns slots and units without letting others use them at once.
func (s *Sim) giveQuietly(ji int32) {
	j := &s.jobs[ji]
	if !j.slot {
		return
	}
	j.slot = false
	s.ws[j.ws].running--
	s.streams[j.stream].running--
	if j.held {
		j.held = false
		s.book(j.deps, ji, -1)
	}
}

// free satisfies everything a waiting job waits for, so that only launch gates remain.
func (s *Sim) free(ji int32) {
	j := &s.jobs[ji]
	for i := range j.deps {
		if j.deps[i].kind != depResource && !s.satisfied(&j.deps[i]) {
			j.deps[i].released = true
		}
	}
	st := &s.streams[j.stream]
	for i := range st.deps {
		if st.deps[i].kind != depResource && !s.satisfied(&st.deps[i]) {
			st.deps[i].released = true
		}
	}
	j.start, st.start = min(j.start, s.now), min(st.start, s.now)
	if j.prio == 0 {
		j.prio = 10
	}
	if st.prio == 0 {
		st.prio = 10
	}
}

// makeReady has the job READY since some time ago, behind whatever launch gate
// the fault has shut.
func (s *Sim) makeReady(ji int32, ago vsec) {
	s.unstart(ji)
	s.free(ji)
	j := &s.jobs[ji]
	s.setWaiting(j, stReady)
	j.readyAt = s.now - ago
	j.start = min(j.start, j.readyAt)
	s.enqueue(ji)
	s.dispatch(j.ws)
}

// runningSince has the job EXEC since some time ago.
func (s *Sim) runningSince(ji int32, ago vsec) {
	j := &s.jobs[ji]
	if !j.running() {
		s.free(ji)
		s.setWaiting(j, stReady)
		s.launch(ji)
	}
	r := j.last()
	if j.st != stExec {
		s.schedule(max(s.now+60, s.now-ago+vsec(max(r.dur, 1))), evEnd, ji, len(j.runs))
	}
	if j.st != stExec || r.start > s.now-ago {
		r.start = s.now - ago
	}
	r.submitted = min(r.submitted, r.start)
	if r.submitted == 0 {
		r.submitted = r.start
	}
	j.st, r.st = stExec, stExec
	if st := &s.streams[j.stream]; st.began == 0 || st.began > r.start {
		st.began = r.start
	}
}

// abend ends the job in error some time ago.
func (s *Sim) abend(ji int32, f failure, rc int32, ranFor, ago vsec) {
	s.runningSince(ji, ranFor+ago)
	r := s.jobs[ji].last()
	r.rc, r.failure, r.end = rc, f, s.now-ago
	if f == failScript {
		r.start = r.end - ranFor
	}
	s.afterRerun(ji, f, rc)
	s.finish(ji, stAbend)
}

// afterRerun plans what a rerun of a job with a fault brings.
func (s *Sim) afterRerun(ji int32, f failure, rc int32) {
	if s.cfg.RerunOutcome == RerunAbend {
		s.outcomes[ji] = outcome{failure: f, rc: rc, dur: 120, repeat: -1}
		return
	}
	s.outcomes[ji] = outcome{dur: 180}
}
