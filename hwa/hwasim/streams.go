package hwasim

// streamStats counts the jobs of a stream.
type streamStats struct {
	jobs, succ, exec, abend, fail, undecided, waiting, canceled, suppr, ready int
	error                                                                     bool
}

func (s *Sim) stats(si int32) streamStats {
	var c streamStats
	for _, ji := range s.streams[si].jobs {
		j := &s.jobs[ji]
		c.jobs++
		switch {
		case j.has(fCanceled) && !j.running():
			c.canceled++
		case j.st == stSucc:
			c.succ++
		case j.st == stExec:
			c.exec++
		case j.st == stAbend:
			c.abend++
			c.error = c.error || !j.has(fReleasedDeps)
		case j.st == stFail:
			c.fail++
			c.error = true
		case j.st == stSuppr:
			c.suppr++
		default:
			c.waiting++
			if j.st != stHold {
				c.ready++
			}
		}
	}
	return c
}

// streamStatus derives the internal status of a job stream from its jobs:
// anything executing makes it EXEC; an error with nothing left to run STUCK,
// or ABEND when only finished jobs remain.
func (s *Sim) streamStatus(si int32, c streamStats) string {
	st := &s.streams[si]
	switch {
	case st.has(fCanceled) && c.exec == 0:
		return "CANCL"
	case c.jobs > 0 && c.succ+c.canceled == c.jobs:
		return "SUCC"
	case c.exec > 0:
		return "EXEC"
	case c.error && c.ready > 0:
		return "EXEC"
	case c.error && c.waiting > 0:
		return "STUCK"
	case c.error && c.fail > 0 && c.abend == 0:
		return "FAIL"
	case c.error || c.abend > 0 && c.waiting+c.suppr == 0:
		return "ABEND"
	case !s.streamOpen(si):
		return "HOLD"
	case c.succ+c.abend > 0 || c.ready > 0 && st.began != 0:
		return "EXEC"
	case c.suppr > 0 && c.waiting == 0:
		return "SUPPR"
	}
	return "READY"
}

var streamCommon = map[string]string{"CANCL": "CANCELED", "SUCC": "SUCCESSFUL", "EXEC": "RUNNING", "STUCK": "BLOCKED", "ABEND": "ERROR",
	"FAIL": "ERROR", "HOLD": "WAITING", "READY": "READY", "SUPPR": "SUPPRESS"}

func (s *Sim) streamCommon(si int32, status string) string {
	if st := &s.streams[si]; st.prio == 0 && (status == "HOLD" || status == "READY") {
		return "HELD"
	}
	return streamCommon[status]
}

// substatus says why a waiting job waits: the first unmet gate in the order the
// product shows them.
func (s *Sim) substatus(ji int32) string {
	j := &s.jobs[ji]
	switch j.st {
	case stHold:
		return s.holdReason(j)
	case stReady:
		return s.readyReason(ji)
	case stIntro:
		return "READY_SUBMITTED"
	case stSuppr:
		if j.has(fIgnored) {
			return "SUPPR_WORKSTATION_IGNORED"
		}
		if s.open(j.deps, notResource) > 0 || s.open(s.streams[j.stream].deps, notResource) > 0 {
			return "SUPPR_UNSATISFIED_DEPENDENCY"
		}
		return "READY_SUPPRESSED"
	}
	return ""
}

func (s *Sim) holdReason(j *job) string {
	st := &s.streams[j.stream]
	switch {
	case j.prio == 0 || st.prio == 0:
		return "HOLD_PRIORITY_ZERO"
	case s.open(j.deps, isFollows) > 0 || s.open(st.deps, isFollows) > 0:
		return "HOLD_WAITING_FOR_PREDECESSOR"
	case j.start > s.now || st.start > s.now:
		return "HOLD_WAITING_FOR_TIME"
	case s.open(j.deps, isPrompt) > 0 || s.open(st.deps, isPrompt) > 0:
		return "HOLD_WAITING_FOR_PROMPT"
	case s.open(j.deps, isFile) > 0 || s.open(st.deps, isFile) > 0:
		return "HOLD_WAITING_FOR_FILE"
	}
	return ""
}

func (s *Sim) readyReason(ji int32) string {
	switch s.launchGate(ji) {
	case gateAgent:
		return "READY_WAITING_FOR_AGENT"
	case gateLimit, gateStreamLimit:
		return "READY_WAITING_FOR_LIMIT"
	case gateResource:
		return "READY_WAITING_FOR_RESOURCES"
	}
	return ""
}

var jobCommon = [...]string{stHold: "WAITING", stReady: "READY", stIntro: "WAITING", stWait: "WAITING", stExec: "RUNNING", stPend: "WAITING",
	stSucc: "SUCCESSFUL", stAbend: "ERROR", stFail: "ERROR", stSuppr: "SUPPRESS"}

func (s *Sim) commonStatus(j *job) string {
	switch {
	case j.has(fCanceled) && !j.running():
		return "CANCELED"
	case j.st.waiting() && (j.prio == 0 || s.streams[j.stream].prio == 0):
		return "HELD"
	}
	return jobCommon[j.st]
}
