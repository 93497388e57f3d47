package peers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/sony/gobreaker/v2"

	"resync/breaker"
)

var errDown = errors.New("down")

func one(context.Context) (int, error) { return 1, nil }

// way is one library's way to make the call that is measured.
type way struct {
	name string
	call func() error
}

// run measures the ways in one round, each by itself and from all processors.
func run(b *testing.B, wantErr bool, ways []way) {
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := w.call(); (err != nil) != wantErr {
					b.Fatal(err)
				}
			}
		})
		b.Run(w.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := w.call(); (err != nil) != wantErr {
						b.Error(err)
					}
				}
			})
		})
	}
}

func gobreakerFor(window time.Duration) *gobreaker.CircuitBreaker[int] {
	s := gobreaker.Settings{Name: "x", MaxRequests: 1, Timeout: time.Hour, ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 }}
	if window > 0 {
		s.Interval, s.BucketPeriod = window, window/10
	}
	return gobreaker.NewCircuitBreaker[int](s)
}

func failsafeFor() circuitbreaker.CircuitBreaker[int] {
	return circuitbreaker.NewBuilder[int]().WithFailureThreshold(5).WithDelay(time.Hour).Build()
}

// BenchmarkBreakerSuccess is one successful call under a closed breaker.
func BenchmarkBreakerSuccess(b *testing.B) {
	ctx := context.Background()
	ours := breaker.New(breaker.Settings{Name: "x", Failures: 5})
	rate := breaker.New(breaker.Settings{Name: "x", Failures: 5, Rate: 0.5, Window: time.Minute})
	sony, sonyRolling, fail := gobreakerFor(0), gobreakerFor(time.Minute), failsafeFor()
	exec := failsafe.With[int](failsafeFor())
	permit := func(br *breaker.Breaker) func() error {
		return func() error {
			p, err := br.Acquire()
			if err == nil {
				p.Done(breaker.Success, nil)
			}
			return err
		}
	}
	run(b, false, []way{
		{"resync/permit", permit(ours)},
		{"resync/permit+rate window", permit(rate)},
		{"resync/Do", func() error { _, err := breaker.Do(ctx, ours, one, nil); return err }},
		{"gobreaker/Execute", func() error { _, err := sony.Execute(func() (int, error) { return 1, nil }); return err }},
		{"gobreaker/Execute+rolling window", func() error { _, err := sonyRolling.Execute(func() (int, error) { return 1, nil }); return err }},
		{"failsafe/permit", func() error {
			if !fail.TryAcquirePermit() {
				return errDown
			}
			fail.RecordSuccess()
			return nil
		}},
		{"failsafe/executor", func() error { _, err := exec.Get(func() (int, error) { return 1, nil }); return err }},
	})
}

// BenchmarkBreakerRejects is a call refused by an open breaker.
func BenchmarkBreakerRejects(b *testing.B) {
	ours, sony, fail := breaker.New(breaker.Settings{Name: "x", Failures: 5, Delay: time.Hour}), gobreakerFor(0), failsafeFor()
	for range 5 {
		p, err := ours.Acquire()
		if err != nil {
			b.Fatal(err)
		}
		p.Done(breaker.Failure, errDown)
		_, _ = sony.Execute(func() (int, error) { return 0, errDown })
		fail.RecordFailure()
	}
	exec := failsafe.With[int](fail)
	run(b, true, []way{
		{"resync", func() error { _, err := ours.Acquire(); return err }},
		{"gobreaker", func() error { _, err := sony.Execute(func() (int, error) { return 1, nil }); return err }},
		{"failsafe/permit", func() error {
			if fail.TryAcquirePermit() {
				return nil
			}
			return errDown
		}},
		{"failsafe/executor", func() error { _, err := exec.Get(func() (int, error) { return 1, nil }); return err }},
	})
}

// BenchmarkBreakerRetryTimeout is a successful call under all three.
func BenchmarkBreakerRetryTimeout(b *testing.B) {
	ctx := context.Background()
	p := &breaker.Policy{
		Breaker: breaker.New(breaker.Settings{Name: "x", Failures: 5}), Attempts: 3, Timeout: 30 * time.Second, Budget: breaker.NewBudget(0.1, 10),
	}
	exec := failsafe.With[int](retrypolicy.NewBuilder[int]().WithMaxRetries(2).Build(), failsafeFor(), timeout.New[int](30*time.Second))
	run(b, false, []way{
		{"context.WithTimeout alone", func() error {
			_, cancel := context.WithTimeout(ctx, 30*time.Second)
			cancel()
			return nil
		}},
		{"resync", func() error { _, err := breaker.Run(ctx, p, one); return err }},
		{"failsafe", func() error {
			_, err := exec.GetWithExecution(func(e failsafe.Execution[int]) (int, error) { return one(e.Context()) })
			return err
		}},
	})
}
