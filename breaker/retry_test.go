package breaker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// R9: what is down for a minute is asked at most 1.1 times as often as it is
// wanted, with the breaker out of the way and only the budget to hold.
func TestRetriesDoNotAmplifyAnOutage(t *testing.T) {
	for name, b := range map[string]*Settings{"budget alone": nil, "with a breaker": {Name: "x", Failures: 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Policy{Attempts: 3, Timeout: time.Second, Budget: NewBudget(0.1, 10)}
				if b != nil {
					p.Breaker = New(*b)
				}
				requests, attempts := 0, 0
				for start := time.Now(); time.Since(start) < time.Minute; {
					requests++
					_, err := Run(t.Context(), p, func(context.Context) (int, error) { attempts++; return 0, errDown })
					if err == nil {
						t.Fatal("no error")
					}
					time.Sleep(50 * time.Millisecond)
				}
				if float64(attempts) > 1.1*float64(requests) {
					t.Errorf("%d attempts for %d requests", attempts, requests)
				}
				t.Logf("%d attempts for %d requests", attempts, requests)
				if b == nil && attempts != requests+10 {
					t.Errorf("%d retries, want the reserve of 10", attempts-requests)
				}
			})
		})
	}
}

// What is well earns: after an outage has used the reserve up, ten successes buy
// one retry, and never more than the reserve is saved.
func TestSuccessEarnsRetries(t *testing.T) {
	b := NewBudget(0.1, 2)
	for i, want := range []bool{true, true, false} {
		if b.Spend() != want {
			t.Errorf("retry %d: %v", i+1, !want)
		}
	}
	for range 9 {
		b.Earn()
	}
	if b.Spend() {
		t.Error("nine successes bought a retry")
	}
	for range 1000 {
		b.Earn()
	}
	bought := 0
	for bought < 5 && b.Spend() {
		bought++
	}
	if bought != 2 {
		t.Errorf("a thousand successes saved %d retries, want the reserve of 2", bought)
	}
}

func TestRun(t *testing.T) {
	again := func(error) (bool, time.Duration) { return true, 20 * time.Second }
	for _, tt := range []struct {
		name     string
		p        Policy
		fails    int // attempts that fail
		deadline time.Duration
		want     int // attempts made
		ok       bool
	}{
		{"first time lucky", Policy{Attempts: 3}, 0, 0, 1, true},
		{"third time lucky", Policy{Attempts: 3}, 2, 0, 3, true},
		{"never", Policy{Attempts: 3}, 9, 0, 3, false},
		{"the zero policy", Policy{}, 9, 0, 1, false},
		{"a write goes out once", Policy{Attempts: 3, Write: true}, 9, 0, 1, false},
		{"no budget", Policy{Attempts: 3, Budget: NewBudget(0, 0)}, 9, 0, 1, false},
		{"a budget for one", Policy{Attempts: 3, Budget: NewBudget(0, 1)}, 9, 0, 2, false},
		{"no time left for the pause asked for", Policy{Attempts: 3, Again: again}, 9, 10 * time.Second, 1, false},
		{"time enough", Policy{Attempts: 2, Again: again}, 1, time.Minute, 2, true},
		{"the breaker opens in the middle", Policy{Attempts: 9, Breaker: New(Settings{Name: "x", Failures: 2})}, 9, 0, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				n := 0
				_, err := Run(ctx, &tt.p, func(context.Context) (int, error) {
					if n++; n <= tt.fails {
						return 0, errDown
					}
					return n, nil
				})
				if n != tt.want || (err == nil) != tt.ok {
					t.Errorf("%d attempts, %v; want %d", n, err, tt.want)
				}
			})
		})
	}
}

// One attempt has its own time, and all together end with the caller's.
func TestRunKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Policy{Attempts: 5, Timeout: 3 * time.Second, Wait: time.Second}
		hang := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		_, err := Run(ctx, p, hang)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 10*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(3500*time.Millisecond, stop)
		began = time.Now()
		if _, err = Run(ctx, p, hang); time.Since(began) != 3500*time.Millisecond {
			t.Errorf("a caller who left after 3.5 s was kept %s: %v", time.Since(began), err)
		}
	})
}

func TestBackoffDoublesWithJitter(t *testing.T) {
	p := &Policy{Wait: time.Second, MaxWait: 8 * time.Second}
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 5: 8 * time.Second, 64: 8 * time.Second} {
		seen := map[time.Duration]bool{}
		for range 50 {
			d := p.backoff(n)
			if d < want/2 || d > want {
				t.Fatalf("after attempt %d: %s, want %s to %s", n, d, want/2, want)
			}
			seen[d] = true
		}
		if len(seen) < 10 {
			t.Errorf("after attempt %d: only %d different waits of 50", n, len(seen))
		}
	}
}
