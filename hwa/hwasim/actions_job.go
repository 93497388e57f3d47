package hwasim

import (
	"fmt"
	"time"
)

// refusal is a business error of the engine: HTTP 500 with codes on the wire.
type refusal struct {
	code string
	text string
}

func (r *refusal) Error() string { return r.code + " " + r.text }

func refuse(code, format string, args ...any) error {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

// jobAction is what can be done to a job: the right it needs, when it is
// possible and what it does.
type jobAction struct {
	right right
	can   func(*Sim, int32) bool
	do    func(*Sim, int32, *actionArgs)
}

// actionArgs carries the parameters of an action.
type actionArgs struct {
	priority   int
	limit      int
	fence      int
	conditions []string
	deps       []dep
	depIDs     []string
	rerun      rerunDetails
	user       string
}

type rerunDetails struct {
	Priority    *int           `json:"priority"`
	StartTime   *time.Time     `json:"startTime"`
	StepName    string         `json:"stepName"`
	UserLogin   string         `json:"userLogin"`
	From        string         `json:"jobDefinitionDbIdentifier"`
	FromKey     string         `json:"jobDefinitionDbKey"`
	SameStation bool           `json:"rerunJobOnSameWorkstation"`
	Successors  *successorsArg `json:"successorsInfo"`
}

type successorsArg struct {
	Depth int      `json:"depth"`
	IDs   []string `json:"successorsIds"`
}

func (s *Sim) isWaiting(ji int32) bool {
	j := &s.jobs[ji]
	return j.st.waiting() && !j.has(fCanceled)
}

func (s *Sim) isRunning(ji int32) bool { return s.jobs[ji].running() }

func jobActions() map[string]jobAction {
	return map[string]jobAction{
		"hold":    {rightHold, func(s *Sim, ji int32) bool { return s.isWaiting(ji) && s.jobs[ji].prio > 0 }, (*Sim).doHold},
		"release": {rightRelease, func(s *Sim, ji int32) bool { return s.isWaiting(ji) && s.jobs[ji].prio == 0 }, (*Sim).doRelease},
		"cancel": {rightCancel, func(s *Sim, ji int32) bool { return !s.jobs[ji].has(fCanceled) && s.jobs[ji].st != stSucc },
			func(s *Sim, ji int32, _ *actionArgs) { s.cancelNow(ji) }},
		"cancel-pending":           {rightCancel, (*Sim).isWaiting, (*Sim).doCancelPending},
		"kill":                     {rightKill, (*Sim).isRunning, func(s *Sim, ji int32, _ *actionArgs) { s.killNow(ji) }},
		"confirm-succ":             {rightConfirm, (*Sim).canConfirmSucc, (*Sim).doConfirmSucc},
		"confirm-abend":            {rightConfirm, (*Sim).canConfirmAbend, (*Sim).doConfirmAbend},
		"rerun":                    {rightRerun, (*Sim).canRerun, (*Sim).doRerun},
		"update-priority":          {rightPriority, (*Sim).isWaiting, (*Sim).doPriority},
		"add-dependencies":         {rightDeps, (*Sim).isWaiting, (*Sim).doAddDeps},
		"remove-dependencies":      {rightDeps, (*Sim).isWaiting, (*Sim).doRemoveDeps},
		"release-dependencies":     {rightRelease, (*Sim).isWaiting, (*Sim).doReleaseDeps},
		"release-all-dependencies": {rightRelease, (*Sim).isWaiting, (*Sim).doReleaseAll},
	}
}

func (s *Sim) canConfirmSucc(ji int32) bool {
	switch s.jobs[ji].st {
	case stExec, stPend, stAbend, stSuppr:
		return !s.jobs[ji].has(fCanceled)
	}
	return false
}

func (s *Sim) canConfirmAbend(ji int32) bool {
	st := s.jobs[ji].st
	return (st == stExec || st == stPend) && !s.jobs[ji].has(fCanceled)
}

func (s *Sim) canRerun(ji int32) bool { return s.jobs[ji].st.ended() }

func (s *Sim) doHold(ji int32, _ *actionArgs) {
	j := &s.jobs[ji]
	j.setPriority(0)
	s.setWaiting(j, stHold)
}

// setPriority keeps the priority a release goes back to when the new one is 0.
func (j *job) setPriority(n int) {
	if n == 0 && j.prio > 0 {
		j.saved = j.prio
	}
	j.prio = int8(n)
}

func (st *stream) setPriority(n int) {
	if n == 0 && st.prio > 0 {
		st.saved = st.prio
	}
	st.prio = int8(n)
}

func (s *Sim) doRelease(ji int32, _ *actionArgs) {
	j := &s.jobs[ji]
	j.prio = j.saved
	if j.prio == 0 {
		j.prio = max(j.orig, 1)
	}
	s.refresh(ji)
}

func (s *Sim) doCancelPending(ji int32, _ *actionArgs) {
	s.jobs[ji].set(fCancelPending, true)
	s.refresh(ji)
}

func (s *Sim) doConfirmSucc(ji int32, _ *actionArgs) {
	j := &s.jobs[ji]
	j.last().flags |= rfConfirmed
	j.last().flags &^= rfLost
	s.finish(ji, stSucc)
}

func (s *Sim) doConfirmAbend(ji int32, _ *actionArgs) {
	j := &s.jobs[ji]
	r := j.last()
	r.flags |= rfConfirmed
	r.flags &^= rfLost
	if r.rc == 0 {
		r.rc = 1
	}
	s.finish(ji, stAbend)
}

func (s *Sim) doPriority(ji int32, a *actionArgs) {
	j := &s.jobs[ji]
	j.setPriority(a.priority)
	s.ws[j.ws].dirty = true
	s.refresh(ji)
}

// doRerun appends a run. Its dependencies were met before, so only time, limit,
// fence, resources and agent can still hold it.
func (s *Sim) doRerun(ji int32, a *actionArgs) {
	d := a.rerun
	kind := runRerun
	switch {
	case d.StepName != "":
		kind = runStep
	case d.From != "" || d.FromKey != "":
		kind = runFrom
	}
	j := &s.jobs[ji]
	j.set(fRerun, true)
	j.set(fCanceled, false)
	j.attempts = 0
	s.dropRestartPrompts(ji)
	r := s.newRun(ji, kind)
	r.step = d.StepName
	j.prio = 10
	if d.Priority != nil {
		j.prio = int8(*d.Priority)
	}
	s.rerunSuccessors(ji, d.Successors)
	if d.StartTime != nil && s.sec(*d.StartTime) > s.now {
		j.start = s.sec(*d.StartTime)
		s.schedule(j.start, evTime, ji, 0)
		return
	}
	j.start = 0
	if j.prio > 0 {
		s.launchAgain(ji)
	}
}

// rerunSuccessors puts successors that already ran back into the plan.
func (s *Sim) rerunSuccessors(ji int32, arg *successorsArg) {
	if arg == nil || arg.Depth == 0 && len(arg.IDs) == 0 {
		return
	}
	only := map[string]bool{}
	for _, id := range arg.IDs {
		only[id] = true
	}
	for _, k := range s.reach(ji, max(arg.Depth, 1), s.successors) {
		t := &s.jobs[k]
		if t.st.ended() && (len(only) == 0 || only[t.id.String()]) {
			s.newRun(k, runRerun)
			t.set(fRerun, true)
		}
	}
}

// dropRestartPrompts closes recovery prompts a rerun made pointless.
func (s *Sim) dropRestartPrompts(ji int32) {
	for i := range s.prompts {
		if p := &s.prompts[i]; p.kind == "Restart Prompt" && p.owner == ji && p.st == prAsked {
			p.st, p.answered = prNo, s.now
		}
	}
}

func (s *Sim) doReleaseAll(ji int32, _ *actionArgs) {
	j := &s.jobs[ji]
	for i := range j.deps {
		j.deps[i].released = true
	}
	if j.start > s.now {
		j.start = s.now
	}
	j.set(fReleased, true)
	s.refresh(ji)
}

// confirmText says why an action does not fit the state a job is in.
func (s *Sim) wrongState(ji int32, action string) error {
	j := &s.jobs[ji]
	return refuse("AWSBIN076E", "The action %s cannot be performed on the job %q: the job is in an incorrect state (%s).", action, s.jobKey(j), j.st)
}

// jobKey is WS#STREAM.JOB, with the folder when it is not the root.
func (s *Sim) jobKey(j *job) string { return s.streamKey(&s.streams[j.stream]) + "." + j.name }

func (s *Sim) streamKey(st *stream) string {
	folder := st.def.folder
	if folder == "/" {
		folder = ""
	}
	return s.ws[st.ws].name + "#" + folder + st.name
}
