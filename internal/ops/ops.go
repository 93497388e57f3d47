// Package ops holds the operator's tools over Workload Automation, one file a
// kind: what each reads or writes, how risky it is, how its effect is verified
// and what takes it back. The tools act only when the executor of package tool
// runs them; nothing else in Resync writes to an engine.
package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"resync/hwa"
	"resync/internal/plan"
	"resync/tool"
)

// Deps is what the tools work with. Client and Snapshot are required.
type Deps struct {
	Client *hwa.Client
	// Snapshot returns the present picture of the plan.
	Snapshot func(context.Context) (*plan.Snapshot, error)
	// Diagnose answers "why" about one job by its plan id.
	Diagnose func(ctx context.Context, jobID string) (any, error)
	// Impact answers "what does it block" about one job by its plan id.
	Impact func(ctx context.Context, jobID string) (any, error)
	// Search finds passages of the knowledge base.
	Search func(ctx context.Context, query string, k int) (any, error)
}

// Tools returns the whole catalog.
func Tools(d Deps) ([]*tool.Tool, error) {
	if d.Client == nil || d.Snapshot == nil {
		return nil, errors.New("ops: a client and a plan are needed")
	}
	var out []*tool.Tool
	var errs []error
	for _, mk := range []func(Deps) (*tool.Tool, error){
		jobStatus, jobLog, jobHistory, predecessors, successors, impact, diagnosis,
		workstationStatus, resourceAvailability, prompts, planSummary, searchKnowledge,
		rerunJob, holdJob, releaseJob, updateJobPriority, updateWorkstationLimit,
	} {
		t, err := mk(d)
		out, errs = append(out, t), append(errs, err)
	}
	return out, errors.Join(errs...)
}

// JobArg names one job.
type JobArg struct {
	Job string `json:"job" jsonschema:"the job: WORKSTATION#STREAM.JOB as shown in the plan, or its plan id"`
}

// NameError says why a name does not mean one object of the plan.
type NameError struct {
	Name       string
	Candidates []string // what it can mean, when it is ambiguous
	DidYouMean []string // what is near, when it means nothing
	Known      []string // what there is, where nearness is not known
}

// Error lists the candidates or the near names.
func (e *NameError) Error() string {
	switch {
	case len(e.Candidates) > 0:
		return fmt.Sprintf("%q can mean %d things, name one of them: %s", e.Name, len(e.Candidates), strings.Join(first(e.Candidates, 10), ", "))
	case len(e.DidYouMean) > 0:
		return fmt.Sprintf("nothing in the plan is named %q; did you mean %s?", e.Name, strings.Join(first(e.DidYouMean, 5), ", "))
	case len(e.Known) > 10:
		return fmt.Sprintf("nothing in the plan is named %q; there are %d others, such as %s", e.Name, len(e.Known), strings.Join(first(e.Known, 10), ", "))
	case len(e.Known) > 0:
		return fmt.Sprintf("nothing in the plan is named %q; there are %s", e.Name, strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("nothing in the plan is named %q", e.Name)
}

// RefusedError says why an action makes no sense on its target as it is now.
type RefusedError struct{ Reason string }

// Error gives the reason.
func (e *RefusedError) Error() string { return e.Reason }

func refused(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

func first(list []string, n int) []string { return list[:min(n, len(list))] }

// jobID finds the plan id of the one job a name means. It never guesses.
func (d Deps) jobID(ctx context.Context, name string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return "", &tool.ArgError{Field: "job", Problem: "it is empty"}
	}
	snap, err := d.Snapshot(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the plan to find %s: %w", name, err)
	}
	r := snap.Resolve(name)
	if r.Unique() {
		return snap.Job(r.Jobs[0]).ID, nil
	}
	ne := &NameError{Name: name}
	for _, i := range r.Jobs {
		ne.Candidates = append(ne.Candidates, snap.Job(i).FullName())
	}
	for _, s := range r.DidYouMean {
		ne.DidYouMean = append(ne.DidYouMean, s.Name)
	}
	if r.Kind == plan.KindWorkstation {
		ne.DidYouMean = []string{"a job of workstation " + r.Workstation}
	}
	return "", ne
}

// job reads the one job a name means, fresh from the engine.
func (d Deps) job(ctx context.Context, name string) (*hwa.JobInPlan, error) {
	id, err := d.jobID(ctx, name)
	if err != nil {
		return nil, err
	}
	j, err := d.Client.Job(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading job %s: %w", name, err)
	}
	return j, nil
}

// engineError passes a failed write on, marked when the engine may have acted.
func engineError(err error) error {
	var e *hwa.Error
	if errors.As(err, &e) && e.MayHaveActed {
		return errors.Join(err, tool.ErrMaybeActed)
	}
	return err
}

func justification(m tool.Meta) hwa.Justification {
	text := m.Reason
	if text == "" {
		text = "no reason given"
	}
	text = fmt.Sprintf("%s (%s via Resync, %s)", text, m.User, m.RunID)
	return hwa.Justification{Category: "Resync", Description: clip(text, 512), TicketNum: clip(m.Ticket, 128)}
}

// clip shortens a text to n bytes at a rune's edge.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func valueOf(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}
