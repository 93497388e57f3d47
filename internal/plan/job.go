package plan

import (
	"strings"
	"time"
)

// Flags are the yes/no facts of a job, packed.
type Flags uint16

// The flags of a job; their names follow the fields of JobInPlanV2.
const (
	FlagCritical Flags = 1 << iota
	FlagLate
	FlagUntilGone
	FlagDeadlinePassed
	FlagNoOperation
	FlagNeedsConfirmation
	FlagCanceled
	FlagCancelPending
	FlagHasReturnCode
	FlagEvery
)

// Has reports whether every flag of f is set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Job is one job of a plan, unpacked. Times are UTC and zero when the plan
// gives none. Index is its position in the snapshot it was read from and has
// no meaning outside it.
type Job struct {
	Index             int
	ID, RunID         string // RunID is the last run: what job logs and reruns ask for
	Name              string
	Folder            string
	Workstation       string // where it runs
	Stream, StreamID  string
	StreamWorkstation string
	Status, SubStatus string // exactly as the engine sent them
	CommonStatus      string
	Priority          int
	ReturnCode        int // meaningful with FlagHasReturnCode
	Flags             Flags
	Scheduled         time.Time
	NotBefore         time.Time // start time restriction
	Until             time.Time // latest start
	Deadline          time.Time
	Started, Ended    time.Time
	Estimated         time.Duration
	Dependencies      int
	Unresolved        int
}

// FullName is the name operators type: WORKSTATION#STREAM.JOB, with the folder
// before the stream when it is not the root folder.
func (j Job) FullName() string {
	ws := j.StreamWorkstation
	if ws == "" {
		ws = j.Workstation
	}
	return FullName(j.Folder, ws, j.Stream, j.Name)
}

// FullName joins the parts of a job's name as [Job.FullName] does.
func FullName(folder, workstation, stream, job string) string {
	var b strings.Builder
	b.WriteString(strings.TrimPrefix(workstation, "/"))
	b.WriteByte('#')
	if f := strings.Trim(folder, "/"); f != "" {
		b.WriteString("/" + f + "/")
	}
	b.WriteString(stream + "." + job)
	return b.String()
}

// Stream is one job stream of a plan. Deadline zero means none.
type Stream struct {
	ID, Name, Folder, Workstation string
	Status, SubStatus             string
	Limit, Priority               int
	Scheduled, Deadline           time.Time
	Jobs                          int
}

// Workstation is one workstation of a plan with the facts gates depend on.
type Workstation struct {
	ID, Name, Folder, Type, Domain string
	States                         []string // as in WorkstationStateEnum
	Limit, Fence                   int
	RunNumber                      int
	SecurityLevel                  string
	SSLPort                        int
	Ignored                        bool
}

// HasState reports whether the workstation shows the state.
func (w Workstation) HasState(state string) bool {
	for _, s := range w.States {
		if s == state {
			return true
		}
	}
	return false
}

// Linked reports whether the workstation is linked by any of the ways the
// engine names.
func (w Workstation) Linked() bool {
	for _, s := range w.States {
		switch s {
		case "LINKED", "FULLY_LINKED", "DIRECTLY_LINKED", "HOST_LINKED", "TCP_IP_LINKED", "EXTENDED_LINKED":
			return true
		}
	}
	return false
}
