package llm

import (
	"context"
	"sync/atomic"
	"time"
)

// stopper is a context that ends when its timer does. The timer can be set
// anew, which a context with a deadline cannot: first it bounds the wait for
// the first piece of a stream, then each silence in it.
type stopper struct {
	ctx    context.Context
	cancel context.CancelFunc
	timer  *time.Timer
	fired  atomic.Bool
	bound  time.Duration
}

func newStopper(parent context.Context, d time.Duration) *stopper {
	s := &stopper{bound: d}
	s.ctx, s.cancel = context.WithCancel(parent)
	s.timer = time.AfterFunc(d, func() {
		s.fired.Store(true)
		s.cancel()
	})
	return s
}

// extend sets the timer to d from now. It must not be called at the same time
// as itself.
func (s *stopper) extend(d time.Duration) {
	s.bound = d
	s.timer.Reset(d)
}

// expired reports whether the timer ended the context.
func (s *stopper) expired() bool { return s.fired.Load() }

// limit is the bound last set.
func (s *stopper) limit() time.Duration { return s.bound }

// end releases the timer and the context.
func (s *stopper) end() {
	s.timer.Stop()
	s.cancel()
}
