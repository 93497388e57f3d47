package telemetry

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"resync/breaker"
)

func TestBreakerCollector(t *testing.T) {
	r := breaker.NewRegistry()
	for _, s := range breaker.Contract() {
		if _, err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	b, err := r.Get("redis")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p, err := b.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		p.Done(breaker.Failure, errors.New("down"))
	}
	if _, err := b.Acquire(); err == nil {
		t.Fatal("let through")
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(NewBreakerCollector(r.Snapshot))
	got := scrape(t, reg)
	for _, line := range []string{
		`resync_breaker_state{name="redis"} 1`, `resync_breaker_state{name="tws_api"} 0`, `resync_breaker_consecutive_failures{name="siem"} 0`,
		`resync_breaker_calls_total{name="redis",outcome="failure"} 3`, `resync_breaker_calls_total{name="redis",outcome="success"} 0`,
		`resync_breaker_calls_total{name="redis",outcome="ignored"} 0`, `resync_breaker_rejected_total{name="redis"} 1`,
		`resync_breaker_opened_total{name="redis"} 1`, `resync_breaker_would_open_total{name="redis"} 0`, `resync_breaker_fallbacks_total{name="redis"} 0`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if n := strings.Count(got, "{name="); n != 14*10 {
		t.Errorf("%d series, want 140", n)
	}
}
