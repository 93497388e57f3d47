package state

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// grant is what was let through at a moment, in microseconds.
type grant struct{ at, units int64 }

// most is what a limit allows between two moments, both included.
func (l Limit) most(from, to int64) int64 {
	return l.burst() + (to-from)*int64(l.Rate)/l.Per.Microseconds()
}

// within says which window holds more than the limit, or nothing.
func within(l Limit, got []grant) (from, to grant, sum int64, ok bool) {
	for i := range got {
		sum = 0
		for _, g := range got[i:] {
			if sum += g.units; sum > l.most(got[i].at, g.at) {
				return got[i], g, sum, false
			}
		}
	}
	return from, to, 0, true
}

// Whatever is asked, however the time passes, and whatever is counted twice because a
// connection broke after the server had counted: no window between any two moments
// holds more units than burst and rate allow, a bucket that counted twice never has
// more than one that counted once, and what a decision promises is there.
func TestGCRAKeepsItsPromiseInEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limit{rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(1, 90_000_000)).Draw(t, "rate"), time.Duration(rapid.IntRange(1, 90).Draw(t, "s")) * time.Second, rapid.IntRange(0, 25).Draw(t, "burst")}
		q := func(n int) []Quota { return []Quota{{"k", l, n, false}} }
		real, once := newBuckets(), newBuckets() // once: the same grants, none counted twice
		now := time.UnixMicro(1_800_000_000_000_000)
		var got []grant
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "later") { // many come at the same moment
				now = now.Add(time.Duration(rapid.OneOf(rapid.Int64Range(0, 2*l.interval()), rapid.Int64Range(0, 2*l.Per.Microseconds())).Draw(t, "µs")) * time.Microsecond)
			}
			n := rapid.IntRange(0, int(l.burst())).Draw(t, "units")
			switch rapid.IntRange(0, 2).Draw(t, "few") {
			case 0:
				n = min(n, 3)
			case 1: // all there is
				n = real.take(now, q(0)).Remaining
			}
			d := real.take(now, q(n))
			if d.Allowed && rapid.IntRange(0, 3).Draw(t, "broke") == 0 {
				d = real.take(now, q(n)) // its answer was lost; the second one is what the caller hears
			}
			if d.Allowed {
				got = append(got, grant{now.UnixMicro(), int64(n)})
				once.take(now, q(n))
			}
			if real.tat["k"] < once.tat["k"] {
				t.Fatalf("counted twice it has more: %d before %d", real.tat["k"], once.tat["k"])
			}
			promised(t, real, l, now, n, d)
		}
		if from, to, sum, ok := within(l, got); !ok {
			t.Fatalf("%d units in %d µs of %+v, which allows %d", sum, to.at-from.at, l, l.most(from.at, to.at))
		}
	})
}

// promised asks whether what a decision says is there, on a copy: Remaining at once and
// not one more, everything after Reset and not a microsecond before, and what was
// refused after RetryAfter and not a microsecond before.
func promised(t *rapid.T, b *buckets, l Limit, now time.Time, n int, d Decision) {
	t.Helper()
	takes := func(at time.Time, units int64) bool {
		c := newBuckets()
		c.tat["k"] = b.tat["k"]
		return c.take(at, []Quota{{"k", l, int(units), false}}).Allowed
	}
	left := int64(d.Remaining)
	switch {
	case left < 0 || left > l.burst():
		t.Fatalf("%d remain of %d", left, l.burst())
	case !takes(now, left):
		t.Fatalf("%+v promises %d units, and they are refused", d, left)
	case left < l.burst() && takes(now, left+1):
		t.Fatalf("%+v: there is one unit more", d)
	case !takes(now.Add(d.Reset), l.burst()):
		t.Fatalf("%+v: not everything is there after Reset", d)
	case d.Reset > 0 && takes(now.Add(d.Reset-time.Microsecond), l.burst()):
		t.Fatalf("%+v: everything is there before Reset", d)
	case d.Allowed != (d.RetryAfter == 0):
		t.Fatalf("%+v", d)
	case !d.Allowed && (!takes(now.Add(d.RetryAfter), int64(n)) || takes(now.Add(d.RetryAfter-time.Microsecond), int64(n))):
		t.Fatalf("%+v: RetryAfter is not the moment at which %d units are there", d, n)
	}
}
