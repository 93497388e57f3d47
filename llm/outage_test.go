package llm_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"resync/breaker"
	"resync/llm"
)

// R6 and R9, in virtual time: one, two and three models that are down for a minute,
// in each way, under ten requests a second. Each model is asked at most 1.1 times for
// each request, with the breakers and without them, and no request outlives the
// chain's budget by even a nanosecond. What is well answers meanwhile, and what was
// down is used again afterwards.
func TestOutageOfAMinute(t *testing.T) {
	const budget = 6 * time.Second
	for name, down := range map[string]step{"refused": fault(llm.Transient, ""), "silent": {hang: true}, "503": {err: &llm.Error{Class: llm.Transient, Status: 503}}} {
		for broken := 1; broken <= 3; broken++ {
			for _, with := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%d of 3/breakers %v", name, broken, with), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						models := []*scripted{{}, {}, {}}
						for i := range models {
							models[i].steps = []step{{}}
							if i < broken {
								models[i].steps = []step{down}
							}
						}
						breakers := breaker.NewRegistry()
						c := chainOf(t, func(o *llm.Options) {
							o.Budget = budget
							for i := range o.Targets {
								o.Targets[i].Timeout = time.Second
							}
							if with {
								o.Breaker = func(provider string) *breaker.Breaker {
									b, err := breakers.Ensure(breaker.Settings{Name: "llm_" + provider, Failures: 5, Delay: time.Minute})
									if err != nil {
										t.Error(err)
									}
									return b
								}
							}
						}, models...)
						requests := askForAMinute(t, c, budget, broken == 3)
						for i, m := range models[:broken] {
							if n := m.count(); float64(n) > 1.1*float64(requests) {
								t.Errorf("model %c was asked %d times for %d requests", 'A'+i, n, requests)
							}
						}
						for _, m := range models {
							m.mu.Lock()
							m.steps = []step{{}}
							m.mu.Unlock()
						}
						time.Sleep(time.Minute)
						if r, err := c.Complete(t.Context(), ask("x")); err != nil || r.Target != "A" {
							t.Errorf("after the outage: %+v, %v", r, err)
						}
					})
				})
			}
		}
	}
}

// askForAMinute asks ten times a second; nobody waits for an earlier answer.
func askForAMinute(t *testing.T, c *llm.Chain, budget time.Duration, allDown bool) (requests int) {
	t.Helper()
	type end struct {
		took time.Duration
		err  error
	}
	done := make(chan end, 1000)
	for start := time.Now(); time.Since(start) < time.Minute; requests++ {
		go func() {
			began := time.Now()
			_, err := c.Complete(t.Context(), ask("x"))
			done <- end{time.Since(began), err}
		}()
		time.Sleep(100 * time.Millisecond)
	}
	for range requests {
		e := <-done
		if e.took > budget {
			t.Errorf("a request outlived the budget by %s", e.took-budget)
		}
		if (e.err != nil) != allDown {
			t.Errorf("all down is %v, and the answer is %v", allDown, e.err)
		}
	}
	return requests
}
