package state

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"resync/breaker"
)

func TestKeysOfOneCallShareATag(t *testing.T) {
	q := func(key string) Quota { return Quota{Key: key, Limit: Limit{Rate: 1, Per: time.Second}, N: 1} }
	for _, tt := range []struct {
		a, b string
		ok   bool
	}{{"x:{ana}", "y:{ana}", true}, {"x:{ana}", "y:{ben}", false}, {"x", "y", false}, {"x:{}", "y:{}", false}, {"{a}{b}", "{a}", true}, {"x", "x", true}} {
		if err := check([]Quota{q(tt.a), q(tt.b)}); (err == nil) != tt.ok {
			t.Errorf("%s and %s: %v", tt.a, tt.b, err)
		}
	}
}

// The limiter in Lua and the one in memory decide alike, whatever is asked of
// them and however the time passes.
func TestLuaAndMemoryDecideAlike(t *testing.T) {
	mini := miniredis.RunT(t)
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{mini.Addr()}, Protocol: 2})
	t.Cleanup(func() { _ = client.Close() }) // the test is over
	r := &remote{client: client, script: redis.NewScript(gcraLua), b: breaker.New(breaker.Settings{Name: "redis"})}
	r.m = newMonitor(time.Hour, func(context.Context) error { return nil }, explain, nil)
	now := time.UnixMicro(1_800_000_000_000_000)
	rapid.Check(t, func(t *rapid.T) {
		mini.FlushAll()
		b := newBuckets()
		limits := map[string]Limit{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 5_000_000).Draw(t, "µs")) * time.Microsecond)
			mini.SetTime(now)
			var qs []Quota
			for _, key := range []string{"a", "b"}[:rapid.IntRange(1, 2).Draw(t, "windows")] {
				if limits[key].IsZero() {
					limits[key] = Limit{rapid.IntRange(1, 50).Draw(t, "rate"), time.Duration(rapid.IntRange(1, 60).Draw(t, "s")) * time.Second, rapid.IntRange(0, 20).Draw(t, "burst")}
				}
				debt := rapid.Bool().Draw(t, "debt")
				n := rapid.IntRange(0, int(limits[key].burst())).Draw(t, "units")
				if debt {
					n = rapid.IntRange(0, 200).Draw(t, "debt units")
				}
				qs = append(qs, Quota{key, limits[key], n, debt})
			}
			want := b.take(now, qs)
			got, err := r.allow(context.Background(), qs)
			if err != nil {
				t.Fatalf("%+v: %v", qs, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%+v (-memory +Redis):\n%s", qs, diff)
			}
		}
	})
}

// No more than the burst at once, and no more than the rate on average.
func TestGCRAKeepsItsPromise(t *testing.T) {
	b := newBuckets()
	l := Limit{Rate: 10, Per: time.Second, Burst: 3}
	now := time.UnixMicro(1_800_000_000_000_000)
	allowed := 0
	for range 10_000 { // 10 s in steps of 1 ms
		if b.take(now, []Quota{{"k", l, 1, false}}).Allowed {
			allowed++
		}
		now = now.Add(time.Millisecond)
	}
	if allowed < 100 || allowed > 103 {
		t.Errorf("%d in 10 s, want 100 and the burst", allowed)
	}
	d := b.take(now, []Quota{{"k", l, 3, false}})
	if d.Allowed || d.RetryAfter <= 0 {
		t.Fatalf("%+v", d)
	}
	if d := b.take(now.Add(d.RetryAfter), []Quota{{"k", l, 3, false}}); !d.Allowed {
		t.Errorf("RetryAfter was too short: %+v", d)
	}
}

// Buckets that are full again are forgotten.
func TestBucketsAreSwept(t *testing.T) {
	b := newBuckets()
	now := time.UnixMicro(1_800_000_000_000_000)
	for i := range 100_000 {
		b.take(now.Add(time.Duration(i)*time.Millisecond), []Quota{{string(rune(i)) + "k", Limit{Rate: 10, Per: time.Second}, 1, false}})
	}
	if n := len(b.tat); n > 2*firstSweep {
		t.Errorf("%d buckets are kept", n)
	}
}

func TestMemoryHasRoomForSoMuch(t *testing.T) {
	now := time.Now()
	m := newMemory(10 * (overhead + 11))
	for i := range 20 {
		m.set(string(rune('a'+i)), make([]byte, 10), time.Minute, now)
		m.get("a", now) // stays in use
	}
	if _, ok := m.get("a", now); !ok {
		t.Error("what is used goes first")
	}
	if n, size := m.usage(); n != 10 || size > m.room {
		t.Errorf("%d entries of %d bytes", n, size)
	}
	if m.set("big", make([]byte, 1<<20), time.Minute, now); len(m.entries) != 10 {
		t.Error("one value took all the room")
	}
	if _, ok := m.get("a", now.Add(time.Hour)); ok {
		t.Error("a value outlived its time")
	}
	m.drop("t")
	if n, _ := m.usage(); n != 8 {
		t.Errorf("%d entries after two went", n)
	}
}

func BenchmarkAllowMemory(b *testing.B) {
	bk := newBuckets()
	q := []Quota{{"chat:{alice}", Limit{Rate: 1 << 30, Per: time.Second}, 1, false}}
	for b.Loop() {
		bk.take(time.Now(), q)
	}
}
