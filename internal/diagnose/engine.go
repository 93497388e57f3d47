package diagnose

import (
	"context"
	"time"

	"resync/hwa"
	"resync/internal/plan"
)

// Deps is what an [Engine] works with. Every field may be nil: without a
// client questions are answered from the documents alone, without passages
// from the engine alone.
type Deps struct {
	Client   *hwa.Client
	Plan     func() *plan.Snapshot // the current plan; may return nil before the first sync
	Passages Passages
	Now      func() time.Time // the engine's time; time.Now when nil
}

// Engine answers questions about one plan. It keeps nothing between questions
// but the graph around jobs just asked about, and may be used by many goroutines.
type Engine struct {
	deps  Deps
	edges *plan.Edges
}

// edgesKept is how long the engine's word on what follows a job is used again.
const edgesKept = 10 * time.Second

// New makes an Engine.
func New(d Deps) *Engine {
	e := &Engine{deps: d}
	if d.Client != nil {
		e.edges = plan.NewEdges(d.Client, edgesKept, d.Now)
	}
	return e
}

func (e *Engine) now() time.Time {
	if e.deps.Now != nil {
		return e.deps.Now()
	}
	return time.Now()
}

// Question is what is asked. Only Text is needed; the other fields overrule
// what would be read out of it.
type Question struct {
	Text   string
	Jobs   []string // names or plan ids of the jobs meant
	Codes  []string // message codes to explain in addition to those in Text
	Intent Intent

	// OnEvidence, when set, is called with each fact as soon as it is found,
	// from the goroutine that asked.
	OnEvidence func(Evidence)
}

// readTimeout bounds one reading of the engine inside a diagnosis: a question
// is answered with what came in time.
const readTimeout = 8 * time.Second

func (in *inquiry) reading() (context.Context, context.CancelFunc) {
	return context.WithTimeout(in.ctx, readTimeout)
}
