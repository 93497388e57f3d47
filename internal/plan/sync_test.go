package plan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"resync/hwa"
)

// listing is a Source that lists what it is given and can fail after some jobs.
type listing struct {
	jobs     []*hwa.JobInPlan
	streams  []*hwa.JobStreamInPlan
	stations []*hwa.WorkstationInPlan
	failAt   int // job at which the list breaks; 0 never
}

var errBroken = errors.New("the connection broke")

func (l *listing) JobHeads(context.Context, hwa.ListOptions) iter.Seq2[*hwa.JobHead, error] {
	return func(yield func(*hwa.JobHead, error) bool) {
		for i, j := range l.jobs {
			if l.failAt > 0 && i == l.failAt {
				yield(nil, errBroken)
				return
			}
			if !yield(j.Head(), nil) {
				return
			}
		}
	}
}

func (l *listing) JobStreams(context.Context, hwa.ListOptions) iter.Seq2[*hwa.JobStreamInPlan, error] {
	return each(l.streams)
}

func (l *listing) Workstations(context.Context, hwa.ListOptions) iter.Seq2[*hwa.WorkstationInPlan, error] {
	return each(l.stations)
}

func each[T any](list []*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func nightListing() *listing {
	limit, prio, rc := 0, 10, 8
	job := func(n int, name string, deps int) *hwa.JobInPlan {
		return &hwa.JobInPlan{
			ID: testID(n), Name: name, Folder: "/FIN/", Workstation: "/BANK_01", JobStreamID: "s1", JobStreamName: "PAY", JobStreamWorkstation: "/BANK_01",
			Priority: &prio, LastRunCommonStatus: hwa.CommonStatusWaiting, LastRunCompositeStatus: hwa.JobCompositeStatus{Status: hwa.JobStatusHold},
			DependenciesStats: &hwa.DependenciesStats{NumberOfDependencies: deps, NumberOfUnresolvedDependencies: deps},
			TimeRestrictions:  hwa.TimeRestrictions{DeadlineTime: t0.Add(time.Hour)}, JobOptions: hwa.JobOptions{Critical: true},
		}
	}
	first := job(1, "PAYROLL_NET", 0)
	first.LastRunCommonStatus, first.LastRunCompositeStatus.Status = hwa.CommonStatusError, hwa.JobStatusAbend
	first.JobRuns = []hwa.JobRun{{ID: testID(101), ReturnCode: &rc, LastInRerunChain: true,
		TimeInfo: hwa.TimeInfo{ActualStartTime: t0, ActualEndTime: t0.Add(time.Minute), EstimatedDuration: hwa.Duration(time.Minute)}}}
	return &listing{
		jobs:     []*hwa.JobInPlan{first, job(2, "PAYROLL_BANK", 1)},
		streams:  []*hwa.JobStreamInPlan{{ID: "s1", Name: "PAY", Folder: "/FIN/", Workstation: "/BANK_01", Limit: &limit}},
		stations: []*hwa.WorkstationInPlan{{ID: "w1", Name: "/BANK_01", Limit: &limit, ActiveStates: []hwa.WorkstationState{hwa.WorkstationStateLinked}, RunNumber: 7}},
	}
}

func TestSync(t *testing.T) {
	live := &Live{Now: func() time.Time { return t0 }}
	s, err := live.Sync(t.Context(), nightListing())
	if err != nil {
		t.Fatal(err)
	}
	if live.Snapshot() != s || s.Len() != 2 || !s.AsOf().Equal(t0) {
		t.Errorf("snapshot of %d jobs as of %v", s.Len(), s.AsOf())
	}
	i, ok := s.ByID(testID(1))
	j := s.Job(i)
	if !ok || j.FullName() != "BANK_01#/FIN/PAY.PAYROLL_NET" || j.ReturnCode != 8 || !j.Flags.Has(FlagHasReturnCode|FlagCritical) || j.RunID != testID(101) {
		t.Errorf("job = %+v", j)
	}
	if s.EdgesKnown() {
		t.Error("the short listing carries no dependencies and a job has one: edges must be unknown")
	}
	if w, ok := s.Workstation("bank_01"); !ok || w.Limit != 0 || w.Fence != -1 || !w.Linked() || w.RunNumber != 7 {
		t.Errorf("workstation = %+v", w)
	}
	if st := s.Streams()[0]; st.Limit != 0 || st.Jobs != 2 {
		t.Errorf("stream = %+v", st)
	}
}

func TestSyncThatBreaksLeavesTheOldPlan(t *testing.T) {
	live := &Live{}
	old, err := live.Sync(t.Context(), nightListing())
	if err != nil {
		t.Fatal(err)
	}
	broken := nightListing()
	broken.failAt = 1
	if _, err := live.Sync(t.Context(), broken); !errors.Is(err, errBroken) {
		t.Errorf("error = %v, want the broken connection", err)
	}
	if live.Snapshot() != old {
		t.Error("half a plan replaced a whole one")
	}
}

func TestReadersDuringSync(t *testing.T) {
	live := &Live{}
	if _, err := live.Sync(t.Context(), nightListing()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				s := live.Snapshot()
				s.Filter(Filter{Text: "payroll", Limit: 1})
				s.Successors(0, 0, false)
				s.DeadlinesAtRisk(1)
				s.Resolve("PAYROLL_NETT")
			}
		})
	}
	for range 50 {
		if _, err := live.Sync(t.Context(), nightListing()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

type flowSource struct{ asked int }

func (f *flowSource) JobSuccessors(_ context.Context, id string, _ int) ([]hwa.FlowNode, error) {
	f.asked++
	if id == "bad" {
		return nil, errBroken
	}
	return []hwa.FlowNode{{Job: &hwa.JobInPlan{ID: id + "+1"}}}, nil
}

func (f *flowSource) JobPredecessors(ctx context.Context, id string, d int) ([]hwa.FlowNode, error) {
	return f.JobSuccessors(ctx, id+"-", d)
}

func TestEdgesAreKeptForAWhile(t *testing.T) {
	src, now := &flowSource{}, t0
	e := NewEdges(src, time.Minute, func() time.Time { return now })
	for range 3 {
		nodes, at, err := e.Successors(t.Context(), "a", 2)
		if err != nil || len(nodes) != 1 || !at.Equal(t0) {
			t.Fatalf("successors = %v at %v, %v", nodes, at, err)
		}
	}
	if src.asked != 1 {
		t.Errorf("asked %d times within a minute, want once", src.asked)
	}
	now = t0.Add(2 * time.Minute)
	if _, at, _ := e.Successors(t.Context(), "a", 2); !at.Equal(now) || src.asked != 2 {
		t.Errorf("after two minutes: asked %d times, as of %v", src.asked, at)
	}
	if _, _, err := e.Predecessors(t.Context(), "a", 2); err != nil || src.asked != 3 {
		t.Errorf("predecessors are another question: asked %d times, %v", src.asked, err)
	}
	if _, _, err := e.Successors(t.Context(), "bad", 1); !errors.Is(err, errBroken) {
		t.Errorf("error = %v", err)
	}
	for i := range 2 * maxKept {
		if _, _, err := e.Successors(t.Context(), fmt.Sprint("n", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.kept) > maxKept {
		t.Errorf("%d answers kept, at most %d wanted", len(e.kept), maxKept)
	}
}
