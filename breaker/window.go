package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// slices in a window: the finer, the smoother old calls leave it.
const parts = 10

// window counts calls over a sliding time in parts. Counting a good call takes
// no lock unless a part begins. A call that is counted while its part is being
// cleared a whole window later may land in the new one; that is one call in a
// rate and harmless.
type window struct {
	width int64 // of a part, nanoseconds
	mu    sync.Mutex
	part  [parts]part
	dirty atomic.Int64 // number of the last part a bad or slow call fell in, plus 1
}

type part struct {
	number          atomic.Int64 // which stretch of time it counts, plus 1
	good, bad, slow atomic.Int64 // slow ones are also among good or bad
}

func newWindow(d time.Duration) *window { return &window{width: max(int64(d)/parts, 1)} }

// at returns the part of an instant, emptied if it still held an earlier one.
func (w *window) at(now int64) *part {
	n := now/w.width + 1
	p := &w.part[n%parts]
	if p.number.Load() == n {
		return p
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.number.Load() < n {
		p.good.Store(0)
		p.bad.Store(0)
		p.slow.Store(0)
		p.number.Store(n)
	}
	return p
}

// addOK counts a good call; it is false when there is no window.
func (w *window) addOK(now int64) bool {
	if w == nil {
		return false
	}
	w.at(now).good.Add(1)
	return true
}

func (w *window) add(now int64, bad, slow bool) {
	p := w.at(now)
	if bad {
		p.bad.Add(1)
	} else {
		p.good.Add(1)
	}
	if slow {
		p.slow.Add(1)
	}
	if bad || slow {
		w.dirty.Store(now/w.width + 1)
	}
}

// bad reports whether the window may hold a bad or slow call.
func (w *window) bad(now int64) bool {
	if w == nil {
		return true
	}
	d := w.dirty.Load()
	return d != 0 && now/w.width+1-d < parts
}

// sum adds the parts that are not older than the window.
func (w *window) sum(now int64) (calls, bad, slow int64) {
	n := now/w.width + 1
	for i := range w.part {
		p := &w.part[i]
		if got := p.number.Load(); got > max(n-parts, 0) && got <= n {
			b := p.bad.Load()
			calls, bad, slow = calls+p.good.Load()+b, bad+b, slow+p.slow.Load()
		}
	}
	return calls, bad, slow
}

// clear forgets all calls.
func (w *window) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.part {
		w.part[i].number.Store(0)
	}
	w.dirty.Store(0)
}
