package app

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: looks come every five seconds or so; an engine that answers them and
// fails again is tried after twice the time, up to the breaker's delay, and from
// the beginning after it has been well for two of them.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{first: 5 * time.Second, longest: time.Minute}
		for _, mean := range []time.Duration{5, 10, 20, 40, 60, 60} {
			mean *= time.Second
			if got := p.next(); got < mean/2 || got > mean*3/2 {
				t.Errorf("a pause of %s, want %s or so", got, mean)
			}
			p.tried(time.Now())
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		if got := p.next(); got > 8*time.Second {
			t.Errorf("a pause of %s although it was well for two minutes", got)
		}
	})
}
