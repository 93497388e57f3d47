package breaker

import (
	"context"
	"errors"
	"testing"
	"time"
)

func BenchmarkSuccess(b *testing.B) {
	br := New(Settings{Name: "x"})
	b.ReportAllocs()
	for b.Loop() {
		p, err := br.Acquire()
		if err != nil {
			b.Fatal(err)
		}
		p.Done(Success, nil)
	}
}

func BenchmarkSuccessParallel(b *testing.B) {
	br := New(Settings{Name: "x"})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p, err := br.Acquire()
			if err != nil {
				b.Fatal(err)
			}
			p.Done(Success, nil)
		}
	})
}

func BenchmarkSuccessWindow(b *testing.B) {
	br := New(Settings{Name: "x", Failures: 5, Rate: 0.5, Slow: time.Second, SlowRate: 0.5})
	b.ReportAllocs()
	for b.Loop() {
		p, err := br.Acquire()
		if err != nil {
			b.Fatal(err)
		}
		p.Done(Success, nil)
	}
}

func BenchmarkOpenReject(b *testing.B) {
	br := New(Settings{Name: "x", Failures: 1, Delay: time.Hour})
	p, _ := br.Acquire()
	p.Done(Failure, errors.New("down"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := br.Acquire(); err == nil {
			b.Fatal("let through")
		}
	}
}

func BenchmarkDo(b *testing.B) {
	br, ctx := New(Settings{Name: "x"}), context.Background()
	fn := func(context.Context) (int, error) { return 1, nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Do(ctx, br, fn, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRegistryGet(b *testing.B) {
	r := NewRegistry()
	for _, s := range Contract() {
		if _, err := r.Register(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Get("tws_api"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun is breaker, retry and timeout together: the whole of what stands
// before a call. context.WithTimeout alone is most of it.
func BenchmarkRun(b *testing.B) {
	r := NewRegistry()
	if _, err := r.Register(Settings{Name: "x"}); err != nil {
		b.Fatal(err)
	}
	p := &Policy{Attempts: 3, Timeout: 30 * time.Second, Budget: NewBudget(0.1, 10)}
	ctx := context.Background()
	fn := func(context.Context) (int, error) { return 1, nil }
	b.ReportAllocs()
	for b.Loop() {
		p.Breaker, _ = r.Get("x")
		if _, err := Run(ctx, p, fn); err != nil {
			b.Fatal(err)
		}
	}
}
