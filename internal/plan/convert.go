package plan

import (
	"strings"

	"resync/hwa"
)

// FromJob takes over a job of the engine's listing and the predecessors it
// carries (none in listings asked without dependencies).
func FromJob(j *hwa.JobInPlan) (Job, []Ref) {
	out := fromHead(j.Head())
	if j.JobStatusFlags.JobStreamCancelled {
		out.Flags |= FlagCanceled
	}
	return out, Predecessors(j.Dependencies)
}

// Predecessors are the jobs and streams among dependencies, members of joins
// included.
func Predecessors(deps []hwa.Dependency) []Ref {
	var out []Ref
	for _, d := range deps {
		switch d.DependencyType {
		case hwa.DependencyTypeInternal, hwa.DependencyTypeExternalJob:
			out = append(out, Ref{JobID: d.JobID})
		case hwa.DependencyTypeExternalJobStream:
			out = append(out, Ref{StreamID: d.JobStreamID})
		case hwa.DependencyTypeJoin:
			out = append(out, Predecessors(d.Members)...)
		}
	}
	return out
}

// FromStream takes over a job stream of the engine's listing.
func FromStream(s *hwa.JobStreamInPlan) (Stream, []Ref) {
	return Stream{
		ID: s.ID, Name: s.Name, Folder: s.Folder, Workstation: trimSlash(s.Workstation),
		Status: string(s.CompositeStatus.Status), SubStatus: string(s.CompositeStatus.Substatus),
		Limit: hwa.ValueOr(s.Limit, -1), Priority: hwa.ValueOr(s.Priority, -1),
		Scheduled: s.SchedTime, Deadline: s.TimeRestrictions.DeadlineTime,
	}, Predecessors(s.Dependencies)
}

// FromWorkstation takes over a workstation. Limit and Fence are -1 when the
// engine does not send them.
func FromWorkstation(w *hwa.WorkstationInPlan) Workstation {
	out := Workstation{
		ID: w.ID, Name: trimSlash(w.Name), Folder: w.Folder, Type: string(w.Type), Domain: w.DomainName,
		Limit: hwa.ValueOr(w.Limit, -1), Fence: hwa.ValueOr(w.Fence, -1), RunNumber: w.RunNumber,
		SecurityLevel: string(w.SecurityLevel), SSLPort: hwa.ValueOr(w.SSLPort, -1), Ignored: w.Ignore,
	}
	for _, st := range w.ActiveStates {
		out.States = append(out.States, string(st))
	}
	return out
}

func trimSlash(s string) string { return strings.TrimPrefix(s, "/") }

// fromHead takes over a job of the short listing. Its strings may be kept, its
// pointers not.
func fromHead(h *hwa.JobHead) Job {
	out := Job{
		ID: h.ID, RunID: h.LastRun.ID, Name: h.Name, Folder: h.Folder, Workstation: trimSlash(h.Workstation),
		Stream: h.JobStreamName, StreamID: h.JobStreamID, StreamWorkstation: trimSlash(h.JobStreamWorkstation),
		Status: string(h.Status), SubStatus: string(h.Substatus), CommonStatus: string(h.CommonStatus),
		Priority: hwa.ValueOr(h.Priority, -1), Scheduled: h.SchedTime, NotBefore: h.StartTime, Until: h.LatestStartTime,
		Deadline: h.DeadlineTime, Started: h.LastRun.ActualStartTime, Ended: h.LastRun.ActualEndTime,
		Estimated:    h.EstimatedDuration.Duration(),
		Dependencies: h.Stats.NumberOfDependencies, Unresolved: h.Stats.NumberOfUnresolvedDependencies,
	}
	if h.LastRun.ReturnCode != nil {
		out.ReturnCode = *h.LastRun.ReturnCode
		out.Flags |= FlagHasReturnCode
	}
	for _, f := range []struct {
		on   bool
		flag Flags
	}{
		{h.Critical, FlagCritical}, {h.NoOperation, FlagNoOperation}, {h.RequiresConfirmation, FlagNeedsConfirmation},
		{h.Every, FlagEvery}, {h.Late, FlagLate}, {h.UntilGone, FlagUntilGone}, {h.DeadlinePassed, FlagDeadlinePassed},
		{h.Canceled, FlagCanceled}, {h.CancelPending, FlagCancelPending},
	} {
		if f.on {
			out.Flags |= f.flag
		}
	}
	return out
}

// NameOf is the name of a job as the engine sent it, in the form of
// [Job.FullName]. A job without a stream workstation is named by its own.
func NameOf(j *hwa.JobInPlan) string {
	ws := j.JobStreamWorkstation
	if ws == "" {
		ws = j.Workstation
	}
	return FullName(j.Folder, ws, j.JobStreamName, j.Name)
}
