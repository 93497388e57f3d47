package plan

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"resync/hwa"
)

// Source lists a plan; *hwa.Client is one.
type Source interface {
	JobHeads(ctx context.Context, opt hwa.ListOptions) iter.Seq2[*hwa.JobHead, error]
	JobStreams(ctx context.Context, opt hwa.ListOptions) iter.Seq2[*hwa.JobStreamInPlan, error]
	Workstations(ctx context.Context, opt hwa.ListOptions) iter.Seq2[*hwa.WorkstationInPlan, error]
}

// Live holds the newest snapshot. Its zero value is ready to use and has none.
type Live struct {
	current atomic.Pointer[Snapshot]
	Now     func() time.Time // time.Now when nil
}

// Snapshot is the newest complete picture, or nil before the first sync.
func (l *Live) Snapshot() *Snapshot { return l.current.Load() }

// Set replaces the picture, for a plan that was not read from an engine.
func (l *Live) Set(s *Snapshot) { l.current.Store(s) }

// Sync reads the whole plan and, only when all of it came, puts it in place of
// the one before. A plan that fails halfway leaves the old picture standing,
// with its older AsOf.
//
// The short job listing carries no dependencies: see Snapshot.EdgesKnown and
// [Edges].
func (l *Live) Sync(ctx context.Context, src Source) (*Snapshot, error) {
	now := time.Now
	if l.Now != nil {
		now = l.Now
	}
	b := NewBuilder(now())
	if err := addWorkstations(ctx, b, src); err != nil {
		return nil, fmt.Errorf("read the workstations of the plan: %w", err)
	}
	// Streams and jobs are two listings of their own; reading them at the same
	// time keeps both ends busy.
	g, gctx := errgroup.WithContext(ctx)
	var streams []listedStream
	g.Go(func() (err error) {
		streams, err = listStreams(gctx, src)
		return err
	})
	g.Go(func() error { return addJobs(gctx, b, src) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, st := range streams {
		b.AddStream(st.stream, st.preds)
	}
	s := b.Build()
	l.current.Store(s)
	return s, nil
}

// listedStream is a job stream with what it follows.
type listedStream struct {
	stream Stream
	preds  []Ref
}

func listStreams(ctx context.Context, src Source) ([]listedStream, error) {
	var out []listedStream
	for s, err := range src.JobStreams(ctx, hwa.ListOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("read the job streams of the plan: %w", err)
		}
		st, preds := FromStream(s)
		out = append(out, listedStream{st, preds})
	}
	return out, nil
}

func addWorkstations(ctx context.Context, b *Builder, src Source) error {
	for w, err := range src.Workstations(ctx, hwa.ListOptions{}) {
		if err != nil {
			return err
		}
		b.AddWorkstation(FromWorkstation(w))
	}
	return nil
}

func addJobs(ctx context.Context, b *Builder, src Source) error {
	for h, err := range src.JobHeads(ctx, hwa.ListOptions{}) {
		if err != nil {
			return fmt.Errorf("read the jobs of the plan: %w", err)
		}
		b.AddJob(fromHead(h), nil)
	}
	return nil
}
