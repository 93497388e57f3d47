package state

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// The monitor's times. A Redis that stops answering is noticed within
// fresh + hedge + lookTime of the first request that relies on it.
const (
	fresh     = 50 * time.Millisecond  // an answer this young is believed
	lookTime  = 100 * time.Millisecond // longest wait for an answer to a look
	hedge     = 50 * time.Millisecond  // after which a second look goes out beside one that waits
	awayEvery = 150 * time.Millisecond // mean time between looks at a Redis that is away
	doubts    = 2                      // looks in a row that must fail before Redis counts as away
)

// monitor decides whether Redis is there. Looks come at jittered times, at once
// when a call has failed or somebody relies on an old answer, and often while
// Redis is away, so that it is back as soon as it answers.
type monitor struct {
	look     func(context.Context) error
	explain  func(error) string
	every    time.Duration
	onChange func(Status)
	nudge    chan struct{}

	answered atomic.Int64 // time of the last answer, UnixNano
	away     atomic.Bool

	mu      sync.Mutex
	mode    Mode
	since   time.Time
	reason  string
	latency time.Duration
	outages int
	down    time.Duration // of outages that are over
	failed  int           // looks in a row
}

func newMonitor(every time.Duration, look func(context.Context) error, explain func(error) string, onChange func(Status)) *monitor {
	if every <= 0 {
		every = 3 * time.Second
	}
	if onChange == nil {
		onChange = func(Status) {}
	}
	return &monitor{look: look, explain: explain, every: every, onChange: onChange, nudge: make(chan struct{}, 1), mode: Unknown, since: time.Now()}
}

// run looks until ctx ends.
func (m *monitor) run(ctx context.Context) {
	timer := time.NewTimer(m.pause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-m.nudge:
		}
		m.once(ctx)
		timer.Reset(m.pause())
	}
}

// pause is the time to the next look: half to one and a half of the mean, so
// that many servers do not look at once.
func (m *monitor) pause() time.Duration {
	m.mu.Lock()
	mean := m.every
	switch {
	case m.mode == Degraded:
		mean = awayEvery
	case m.failed > 0:
		mean = 2 * time.Millisecond
	}
	m.mu.Unlock()
	return mean/2 + rand.N(mean)
}

// once looks and draws the conclusion. A look that waits gets a second one beside it:
// both have their whole time, and what is frozen is known 50 ms sooner than by one
// after the other. One answer is enough for Redis to be there.
func (m *monitor) once(ctx context.Context) {
	var looks sync.WaitGroup
	defer looks.Wait()
	type seen struct {
		took time.Duration
		err  error
	}
	results, under := make(chan seen, 2), 0
	launch := func() {
		under++
		looks.Go(func() {
			lookCtx, cancel := context.WithTimeout(ctx, lookTime)
			defer cancel()
			start := time.Now()
			err := m.look(lookCtx)
			results <- seen{time.Since(start), err}
		})
	}
	launch()
	second := time.NewTimer(hedge)
	defer second.Stop()
	for under > 0 {
		select {
		case <-second.C:
			if m.answering() {
				launch()
			}
		case r := <-results:
			under--
			switch {
			case ctx.Err() != nil:
				return
			case r.err == nil:
				m.answer(r.took)
				return
			}
			m.fail(r.err)
		}
	}
}

// answering reports whether Redis counts as there.
func (m *monitor) answering() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mode == Normal
}

// fail notes a look without an answer.
func (m *monitor) fail(err error) {
	m.mu.Lock()
	m.failed++
	enough := m.failed >= doubts || m.mode != Normal
	m.mu.Unlock()
	if enough {
		m.setAway(err)
	}
}

// answer notes that Redis is there.
func (m *monitor) answer(took time.Duration) {
	m.answered.Store(time.Now().UnixNano())
	m.mu.Lock()
	m.latency, m.failed = took, 0
	changed := m.mode != Normal
	if changed {
		if m.mode == Degraded {
			m.down += time.Since(m.since)
		}
		m.mode, m.since, m.reason = Normal, time.Now(), ""
		m.away.Store(false)
	}
	m.mu.Unlock()
	if changed {
		m.onChange(m.status())
	}
}

// setAway notes that Redis is away, or why it still is.
func (m *monitor) setAway(err error) {
	m.mu.Lock()
	changed := m.mode != Degraded
	if changed {
		m.mode, m.since = Degraded, time.Now()
		m.outages++
		m.away.Store(true)
	}
	m.reason = m.explain(err)
	m.mu.Unlock()
	if changed {
		m.onChange(m.status())
	}
}

// suspect asks for a look now.
func (m *monitor) suspect() {
	select {
	case m.nudge <- struct{}{}:
	default:
	}
}

// touch asks for a look when the last answer is old.
func (m *monitor) touch() {
	if !m.away.Load() && time.Now().UnixNano()-m.answered.Load() > int64(fresh) {
		m.suspect()
	}
}

func (m *monitor) status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Mode: m.mode, Since: m.since, Reason: m.reason, Latency: m.latency, Outages: m.outages, Down: m.down}
	if at := m.answered.Load(); at > 0 {
		s.LastOK = time.Unix(0, at)
	}
	if m.mode == Degraded {
		s.Down += time.Since(m.since)
	}
	return s
}
