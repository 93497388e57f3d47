package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"resync/hwa"
	"resync/hwa/oql"
	"resync/internal/plan"
)

var errNoEngine = errors.New("no engine is configured")

// readJob reads a job by id, with its dependencies and runs.
func (in *inquiry) readJob(id string) (*jobFacts, error) {
	if in.e.deps.Client == nil {
		return nil, errNoEngine
	}
	ctx, cancel := in.reading()
	defer cancel()
	j, err := in.e.deps.Client.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	return &jobFacts{job: j, run: j.LastRun(), name: plan.NameOf(j)}, nil
}

// readAround reads what the gates of a job look at, at the same time: stream,
// workstation, the engine's own explanation, running jobs, resources, prompts.
// What fails is listed in NotExamined; the rest is used.
func (in *inquiry) readAround(f *jobFacts) {
	ctx, cancel := in.reading()
	defer cancel()
	var g errgroup.Group
	g.SetLimit(6)
	var skips [6]func()
	skip := func(k int, what string, err error) { skips[k] = func() { in.skipped(what, err) } }
	g.Go(func() error {
		if err := in.readStream(ctx, f); err != nil {
			skip(0, "job stream "+f.job.JobStreamName, err)
		}
		return nil
	})
	g.Go(func() error {
		if err := in.readWorkstation(ctx, f); err != nil {
			skip(1, "workstation "+f.job.Workstation, err)
		}
		return nil
	})
	if waiting(f.job) {
		g.Go(func() error {
			var err error
			if f.issues, err = in.e.deps.Client.JobIssues(ctx, hwa.ListOptions{Filter: hwa.WithID(f.job.ID)}); err != nil {
				skip(2, "the engine's own explanation (issues) of "+f.name, err)
			}
			return nil
		})
		g.Go(func() error {
			if err := in.readRunning(ctx, f); err != nil {
				skip(3, "jobs running on "+f.job.Workstation, err)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions report through skip and never fail
	if waiting(f.job) {
		if err := in.readResources(ctx, f); err != nil {
			skip(4, "resources of "+f.name, err)
		}
	}
	for _, s := range skips {
		if s != nil {
			s()
		}
	}
	in.noteAround(f)
}

func (in *inquiry) noteAround(f *jobFacts) {
	if f.stream != nil {
		in.noteStream(f)
	}
	if f.ws != nil {
		f.wsEv = in.noteWorkstation(f.ws)
	}
	in.noteIssues(f)
	in.noteRunning(f)
}

func (in *inquiry) readStream(ctx context.Context, f *jobFacts) error {
	if f.job.JobStreamID == "" {
		return errors.New("the job names no job stream id")
	}
	s, err := in.e.deps.Client.JobStream(ctx, f.job.JobStreamID)
	if err == nil {
		f.stream = s
	}
	return err
}

func (in *inquiry) readWorkstation(ctx context.Context, f *jobFacts) error {
	w, err := in.workstation(ctx, f.job.WorkstationID, f.job.Workstation)
	if err == nil {
		f.ws = w
	}
	return err
}

// workstation reads a workstation by id, or by name when no id is known.
func (in *inquiry) workstation(ctx context.Context, id, name string) (*hwa.WorkstationInPlan, error) {
	c := in.e.deps.Client
	if c == nil {
		return nil, errNoEngine
	}
	name = strings.TrimPrefix(name, "/")
	if id == "" && in.snap != nil {
		if w, ok := in.snap.Workstation(name); ok {
			id = w.ID
		}
	}
	if id != "" {
		return c.Workstation(ctx, id)
	}
	for w, err := range c.Workstations(ctx, hwa.ListOptions{Filter: hwa.Where(oql.Eq("name", name)), Limit: 1}) {
		return w, err
	}
	return nil, fmt.Errorf("workstation %s is not in the plan", name)
}

// readRunning lists what runs on the job's workstation.
func (in *inquiry) readRunning(ctx context.Context, f *jobFacts) error {
	ws := strings.TrimPrefix(f.job.Workstation, "/")
	filter := hwa.Where(oql.And(oql.Eq("workstation", f.job.Workstation), oql.Eq("jobruns.commonStatus", string(hwa.CommonStatusRunning))))
	const most = 500 // a limit is 1,024 at most; beyond this the count alone matters
	for j, err := range in.e.deps.Client.JobHeads(ctx, hwa.ListOptions{Filter: filter, Limit: most}) {
		if err != nil {
			return err
		}
		if j.CommonStatus == hwa.CommonStatusRunning && strings.EqualFold(strings.TrimPrefix(j.Workstation, "/"), ws) {
			f.running = append(f.running, runningJob{name: j.Name, stream: j.JobStreamName})
		}
	}
	f.counted = true
	return nil
}

// readResources reads the resources the job needs with their holders.
func (in *inquiry) readResources(ctx context.Context, f *jobFacts) error {
	f.resources = map[string]*hwa.ResourceInPlan{}
	var names []string
	deps := f.job.Dependencies
	if f.stream != nil { // a stream's resources are held for its jobs
		deps = append(deps[:len(deps):len(deps)], f.stream.Dependencies...)
	}
	for _, d := range deps {
		if d.DependencyType == hwa.DependencyTypeResource && !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var unread []string
	for r, err := range in.e.deps.Client.Resources(ctx, hwa.ListOptions{Filter: hwa.Where(oql.In("name", names...)), Limit: 100}) {
		if err != nil {
			return err
		}
		full, err := in.e.deps.Client.Resource(ctx, r.ID) // lists may leave the holders out
		if err != nil {
			full, unread = r, append(unread, r.Name)
		}
		f.resources[resourceKey(r.Workstation, r.Name)] = full
	}
	if len(unread) > 0 {
		return fmt.Errorf("holders of %s could not be read", strings.Join(unread, ", "))
	}
	return nil
}
