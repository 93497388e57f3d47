package app

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// A call that only passes through to a model costs more in waking processors than in
// work: net/http starts a goroutine for each request, and with a second core idle the
// runtime wakes it to look for something to do, twice a request. While single calls are
// all there is, the program keeps to one core (docs/adr/0009).
const (
	coreLook  = 100 * time.Millisecond // how often the load is looked at while there are calls
	coreRest  = time.Second            // without a call the looking ends
	coreHold  = 2 * time.Second        // how long all cores stay in use once they were needed
	coreAlone = 0.8                    // share of a core up to which the program is taken to do nothing else
	coreFull  = 0.9                    // share of the one core from which it is too little
)

// cores decides how many cores the program uses. Its methods may be called at any time.
type cores struct {
	set  func(one bool)       // must not be called at the same time as itself
	used func() time.Duration // processor time of the process so far
	news chan struct{}        // has something when the load must be looked at now

	under  atomic.Int64 // calls under way
	most   atomic.Int64 // the most at once since the last look
	begun  atomic.Int64
	asleep atomic.Bool // nobody looks
	one    atomic.Bool
}

// newCores is nil where there is only one core, or the processor time is not known.
func newCores() *cores {
	all := runtime.GOMAXPROCS(0)
	if all < 2 || processorTime() == 0 {
		return nil
	}
	asked := os.Getenv("GOMAXPROCS") != ""
	var release func()
	return &cores{used: processorTime, news: make(chan struct{}, 1), set: func(one bool) {
		if release != nil {
			release()
			release = nil
		}
		switch {
		case one:
			if release = holdProcessor(); release != nil {
				runtime.GOMAXPROCS(2) // one of which is held
			} else {
				runtime.GOMAXPROCS(1)
			}
		case asked:
			runtime.GOMAXPROCS(all)
		default:
			runtime.SetDefaultGOMAXPROCS() // it follows the limits of a container, which may have changed
		}
	}}
}

// around counts the calls for models that pass through h.
func (c *cores) around(h http.Handler) http.Handler {
	if c == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/llm/") {
			h.ServeHTTP(w, r)
			return
		}
		c.enter()
		defer c.under.Add(-1)
		h.ServeHTTP(w, r)
	})
}

func (c *cores) enter() {
	c.begun.Add(1)
	n := c.under.Add(1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	if c.asleep.Load() || n > 1 && c.one.Load() {
		select {
		case c.news <- struct{}{}:
		default: // it is known
		}
	}
}

// run looks at the load until ctx ends, while there are calls. In the end all cores are
// in use.
func (c *cores) run(ctx context.Context) {
	defer c.use(false)
	for {
		c.asleep.Store(true)
		if c.under.Load() == 0 {
			select {
			case <-ctx.Done():
				return
			case <-c.news:
			}
		}
		c.asleep.Store(false)
		if !c.watch(ctx) {
			return
		}
	}
}

// watch looks at the load until there are no calls any more; false when ctx has ended.
func (c *cores) watch(ctx context.Context) bool {
	tick := time.NewTicker(coreLook)
	defer tick.Stop()
	at, used, begun := time.Now(), c.used(), c.begun.Load()
	last, hold := at, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-c.news:
			if c.one.Load() && c.under.Load() > 1 {
				c.use(false)
				hold = time.Now().Add(coreHold)
			}
			continue
		case <-tick.C:
		}
		now, u, n, most := time.Now(), c.used(), c.begun.Load(), c.most.Swap(c.under.Load())
		share := float64(u-used) / float64(max(now.Sub(at), 1))
		if n != begun || c.under.Load() > 0 {
			last = now
		}
		at, used, begun = now, u, n
		switch one := c.one.Load(); {
		case now.Sub(last) >= coreRest:
			c.use(false)
			return true
		case one && (most > 1 || share > coreFull):
			c.use(false)
			hold = now.Add(coreHold)
		case !one && most == 1 && share < coreAlone && now.After(hold):
			c.use(true)
		}
	}
}

// use changes how many cores are in use, where that is another number.
func (c *cores) use(one bool) {
	if c.one.Swap(one) != one {
		c.set(one)
	}
}
