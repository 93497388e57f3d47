package plan

import (
	"context"
	"fmt"
	"sync"
	"time"

	"resync/hwa"
)

// Flow asks an engine what comes before and after a job; *hwa.Client is one.
type Flow interface {
	JobSuccessors(ctx context.Context, id string, depth int) ([]hwa.FlowNode, error)
	JobPredecessors(ctx context.Context, id string, depth int) ([]hwa.FlowNode, error)
}

// Edges answers graph questions that a snapshot without edges cannot: it asks
// the engine and keeps each answer for a while, since the same few jobs are
// asked about again and again while somebody works on them.
type Edges struct {
	src Flow
	ttl time.Duration
	now func() time.Time

	mu   sync.Mutex
	kept map[edgeKey]edgeAnswer
}

type edgeKey struct {
	id     string
	depth  int
	before bool
}

type edgeAnswer struct {
	at    time.Time
	nodes []hwa.FlowNode
}

// maxKept bounds the answers kept; past it the oldest goes.
const maxKept = 256

// NewEdges keeps answers of src for ttl. A nil now is time.Now.
func NewEdges(src Flow, ttl time.Duration, now func() time.Time) *Edges {
	if now == nil {
		now = time.Now
	}
	return &Edges{src: src, ttl: ttl, now: now, kept: make(map[edgeKey]edgeAnswer)}
}

// Successors lists what waits for a job, down to depth steps, and when the
// engine said so. The nodes are shared and must not be changed.
func (e *Edges) Successors(ctx context.Context, id string, depth int) ([]hwa.FlowNode, time.Time, error) {
	return e.get(ctx, edgeKey{id, depth, false}, e.src.JobSuccessors)
}

// Predecessors lists what a job waits for, as Successors does.
func (e *Edges) Predecessors(ctx context.Context, id string, depth int) ([]hwa.FlowNode, time.Time, error) {
	return e.get(ctx, edgeKey{id, depth, true}, e.src.JobPredecessors)
}

func (e *Edges) get(ctx context.Context, k edgeKey, ask func(context.Context, string, int) ([]hwa.FlowNode, error)) ([]hwa.FlowNode, time.Time, error) {
	now := e.now()
	e.mu.Lock()
	a, ok := e.kept[k]
	e.mu.Unlock()
	if ok && now.Sub(a.at) < e.ttl {
		return a.nodes, a.at, nil
	}
	nodes, err := ask(ctx, k.id, k.depth)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("ask the engine about the neighbours of job %s: %w", k.id, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) >= maxKept {
		e.dropOldest()
	}
	e.kept[k] = edgeAnswer{now, nodes}
	return nodes, now, nil
}

func (e *Edges) dropOldest() {
	var oldest edgeKey
	var at time.Time
	for k, a := range e.kept {
		if at.IsZero() || a.at.Before(at) {
			oldest, at = k, a.at
		}
	}
	delete(e.kept, oldest)
}
