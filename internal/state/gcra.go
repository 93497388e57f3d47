package state

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Limit is a rate: on average Rate units in Per, and up to Burst at once. A
// Burst of zero is Rate. The zero Limit does not limit.
type Limit struct {
	Rate  int
	Per   time.Duration
	Burst int
}

// IsZero reports whether nothing is limited.
func (l Limit) IsZero() bool { return l.Rate <= 0 || l.Per <= 0 }

func (l Limit) burst() int64 {
	if l.Burst > 0 {
		return int64(l.Burst)
	}
	return int64(l.Rate)
}

// interval is the time one unit costs, in microseconds, rounded up: never more than
// the rate.
func (l Limit) interval() int64 {
	return max((l.Per.Microseconds()+int64(l.Rate)-1)/int64(l.Rate), 1)
}

// Quota is one window a request is counted in.
type Quota struct {
	Key   string // who is limited in what, such as "chat:{alice}"; the part in braces decides the node of a cluster
	Limit Limit
	N     int  // units the request takes; 0 only looks
	Debt  bool // take the units even when there are not enough: for what is known only afterwards, such as tokens
}

// Decision is what a limiter says. With several quotas it speaks for the
// tightest: the one that refused, or the one with the least remaining.
type Decision struct {
	Allowed    bool
	Limit      Limit
	Remaining  int           // units that may be taken at once now
	RetryAfter time.Duration // until the refused units are there; 0 when allowed
	Reset      time.Duration // until all units are there again
}

// reading is the arithmetic of one quota, in microseconds.
type reading struct {
	refused          bool
	wait, reset, tat int64
	remaining        int64
}

// gcra is the generic cell rate algorithm (ITU-T I.371): tat is the time at
// which the bucket would be full again, and taking n units moves it n intervals
// ahead; a request whose new tat lies further ahead than the burst is refused.
// gcra.lua has the same lines.
func gcra(now, tat int64, q Quota) reading {
	interval, burst := q.Limit.interval(), q.Limit.burst()
	tat = max(tat, now)
	next := tat + interval*int64(q.N)
	r := reading{tat: next, wait: next - interval*burst - now}
	if r.wait > 0 && !q.Debt {
		r.refused, r.tat = true, tat
	} else {
		r.wait = 0
	}
	r.remaining = max((interval*burst-(r.tat-now))/interval, 0)
	r.reset = r.tat - now
	return r
}

// decide joins the readings of all quotas. Nothing is taken when one refuses.
func decide(qs []Quota, rs []reading) Decision {
	refused := false
	for _, r := range rs {
		refused = refused || r.refused
	}
	d := Decision{Allowed: !refused, Remaining: math.MaxInt}
	for i, r := range rs {
		wait := time.Duration(r.wait) * time.Microsecond
		if r.refused != refused || (refused && wait < d.RetryAfter) || (!refused && int(r.remaining) > d.Remaining) {
			continue
		}
		d.Limit, d.Remaining, d.RetryAfter, d.Reset = qs[i].Limit, int(r.remaining), wait, time.Duration(r.reset)*time.Microsecond
	}
	return d
}

// check refuses quotas that could never be met.
func check(qs []Quota) error {
	for i, q := range qs {
		switch {
		case q.Key == "" || q.N < 0 || q.Limit.IsZero():
			return fmt.Errorf("rate limit %q: needs a key, a limit and no negative units", q.Key)
		case int64(q.N) > q.Limit.burst() && !q.Debt:
			return fmt.Errorf("rate limit %q: %d units are more than %d, the most at once", q.Key, q.N, q.Limit.burst())
		case i > 0 && hashTag(q.Key) != hashTag(qs[0].Key):
			// A Redis Cluster takes one script to one node; refused everywhere, so that no
			// test without a cluster passes.
			return fmt.Errorf("rate limits %q and %q: keys that are counted together need the same {tag}", qs[0].Key, q.Key)
		}
	}
	return nil
}

// hashTag is the part of a key by which a cluster places it (Redis Cluster
// specification, "Hash tags").
func hashTag(key string) string {
	_, rest, ok := strings.Cut(key, "{")
	if tag, _, closed := strings.Cut(rest, "}"); ok && closed && tag != "" {
		return tag
	}
	return key
}

// buckets is the limiter in the memory of this process.
type buckets struct {
	mu  sync.Mutex
	tat map[string]int64
	due int // entries at which the full ones are swept out
}

// firstSweep is the number of buckets that are kept without looking for old ones.
const firstSweep = 4096

func newBuckets() *buckets { return &buckets{tat: map[string]int64{}, due: firstSweep} }

// take decides on all quotas together.
func (b *buckets) take(now time.Time, qs []Quota) Decision {
	us := now.UnixMicro()
	b.mu.Lock()
	defer b.mu.Unlock()
	rs := make([]reading, len(qs))
	for i, q := range qs {
		rs[i] = gcra(us, b.tat[q.Key], q)
	}
	d := decide(qs, rs)
	if !d.Allowed {
		return d
	}
	for i, q := range qs {
		if rs[i].tat > us {
			b.tat[q.Key] = rs[i].tat
		}
	}
	if len(b.tat) > b.due {
		for k, t := range b.tat {
			if t <= us {
				delete(b.tat, k)
			}
		}
		b.due = max(firstSweep, 2*len(b.tat))
	}
	return d
}

// gcraLua decides on all quotas in one atomic step, by the clock of the server,
// so that servers with different clocks share one limit.
//
//go:embed gcra.lua
var gcraLua string
