package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// machine is what cores looks at: how busy the process is, and what was set.
type machine struct {
	began time.Time

	mu   sync.Mutex
	busy float64 // cores in use
	used time.Duration
	at   time.Time
	sets []bool
}

func newMachine(busy float64) *machine {
	return &machine{busy: busy, at: time.Now(), began: time.Now()}
}

func (m *machine) spent() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.used += time.Duration(float64(now.Sub(m.at)) * m.busy)
	m.at = now
	return m.used
}

func (m *machine) load(busy float64) {
	m.spent()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = busy
}

// seen are the changes since the last look: true is one core.
func (m *machine) seen() []bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.sets
	m.sets = nil
	return out
}

// onMachine runs cores on a machine and gives do a handler whose calls take the time
// named in X-Takes.
func onMachine(t *testing.T, busy float64, do func(m *machine, call func(path string, takes time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(busy)
		c := &cores{used: m.spent, news: make(chan struct{}, 1), set: func(one bool) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.sets = append(m.sets, one)
		}}
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { c.run(ctx) })
		h := c.around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			d, err := time.ParseDuration(r.Header.Get("X-Takes"))
			if err != nil {
				t.Error(err)
			}
			time.Sleep(d)
		}))
		synctest.Wait()
		do(m, func(path string, takes time.Duration) {
			r := httptest.NewRequest(http.MethodPost, path, http.NoBody)
			r.Header.Set("X-Takes", takes.String())
			h.ServeHTTP(httptest.NewRecorder(), r)
		})
		cancel()
		loop.Wait()
		if c.one.Load() {
			t.Error("one core is left behind")
		}
	})
}

const callPath = "/llm/v1/chat/completions"

// many makes calls one after the other for a while.
func many(call func(string, time.Duration), path string, during time.Duration) {
	for end := time.Now().Add(during); time.Now().Before(end); {
		call(path, 10*time.Millisecond)
	}
}

// TestOneCoreForSingleCalls: one core while single calls are all there is, and all again
// when they end.
func TestOneCoreForSingleCalls(t *testing.T) {
	onMachine(t, 0.5, func(m *machine, call func(string, time.Duration)) {
		many(call, callPath, 3*time.Second)
		if diff := cmp.Diff([]bool{true}, m.seen()); diff != "" {
			t.Errorf("during the calls (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Second)
		if diff := cmp.Diff([]bool{false}, m.seen()); diff != "" {
			t.Errorf("after them (-want +got):\n%s", diff)
		}
		time.Sleep(time.Hour)
		call(callPath, 30*time.Second) // one long call
		if diff := cmp.Diff([]bool{true}, m.seen()); diff != "" {
			t.Errorf("during a long call (-want +got):\n%s", diff)
		}
	})
}

// TestAllCoresForMore: a second call at once and other work bring all cores back, and
// they stay for a while.
func TestAllCoresForMore(t *testing.T) {
	onMachine(t, 0.5, func(m *machine, call func(string, time.Duration)) {
		many(call, callPath, time.Second)
		m.seen()
		var two sync.WaitGroup
		two.Go(func() { call(callPath, 50*time.Millisecond) })
		two.Go(func() { call(callPath, 50*time.Millisecond) })
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]bool{false}, m.seen()); diff != "" {
			t.Errorf("with two calls (-want +got):\n%s", diff)
		}
		two.Wait()
		many(call, callPath, coreHold-200*time.Millisecond)
		if got := m.seen(); len(got) > 0 {
			t.Errorf("at once after them: %v", got)
		}
		many(call, callPath, time.Second)
		if diff := cmp.Diff([]bool{true}, m.seen()); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
		m.load(1)
		many(call, callPath, 2*coreLook)
		if diff := cmp.Diff([]bool{false}, m.seen()); diff != "" {
			t.Errorf("with other work (-want +got):\n%s", diff)
		}
		many(call, callPath, 10*time.Second)
		if got := m.seen(); len(got) > 0 {
			t.Errorf("while it goes on: %v", got)
		}
	})
}

// TestCoresAreLeftAlone: without calls for models, nothing is changed and nobody wakes.
func TestCoresAreLeftAlone(t *testing.T) {
	onMachine(t, 0.1, func(m *machine, call func(string, time.Duration)) {
		many(call, "/api/v1/version", 5*time.Second)
		time.Sleep(24 * time.Hour)
		if got := m.seen(); len(got) > 0 {
			t.Errorf("other requests: %v", got)
		}
	})
	onMachine(t, 1.5, func(m *machine, call func(string, time.Duration)) {
		many(call, callPath, 5*time.Second)
		if got := m.seen(); slices.Contains(got, true) {
			t.Errorf("on a busy machine: %v", got)
		}
	})
	if (*cores)(nil).around(http.NotFoundHandler()) == nil {
		t.Error("without it there is no handler")
	}
}

// TestCoresOfTheProcess: what is set is set, and set back.
func TestCoresOfTheProcess(t *testing.T) {
	all := runtime.GOMAXPROCS(0)
	c := newCores()
	if all < 2 {
		if c != nil {
			t.Error("there is nothing to spare on one core")
		}
		t.Skip("SKIPPED: this machine has one core")
	}
	if c == nil {
		t.Skip("SKIPPED: this system does not tell the processor time")
	}
	for range 3 {
		c.use(true)
		left := runtime.GOMAXPROCS(0)
		if runtime.GOOS == "linux" {
			left-- // it is held, says TestHeldProcessor
		}
		c.use(false)
		if left != 1 || runtime.GOMAXPROCS(0) != all {
			t.Errorf("%d, then %d of %d", left, runtime.GOMAXPROCS(0), all)
		}
	}
	if c.used() <= 0 {
		t.Errorf("the process has used %v", c.used())
	}
}

// running is how many goroutines are on a processor of the runtime, the caller with them.
func running() uint64 {
	s := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// become waits until so many goroutines run.
func become(t *testing.T, want uint64) {
	t.Helper()
	n := running()
	for end := time.Now().Add(10 * time.Second); n != want && time.Now().Before(end); n = running() {
		time.Sleep(100 * time.Microsecond)
	}
	if n != want {
		t.Errorf("%d goroutines run, want %d", n, want)
	}
}

// TestHeldProcessor: it counts as running while it is held, lets others go on and the world be stopped, and leaves nothing behind.
func TestHeldProcessor(t *testing.T) {
	others := goleak.IgnoreCurrent()
	release := holdProcessor()
	if release == nil {
		if runtime.GOOS == "linux" {
			t.Fatal("no processor can be held")
		}
		t.Skip("SKIPPED: no processor can be held on this system")
	}
	defer goleak.VerifyNone(t, others)
	if runtime.GOMAXPROCS(0) > 1 {
		become(t, 2) // this one and the one that holds
	}
	release()
	become(t, 1)
	for range 50 {
		release := holdProcessor()
		var done sync.WaitGroup
		for range 8 {
			done.Go(runtime.Gosched)
		}
		done.Wait()
		runtime.GC()
		release()
	}
}
