package state_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"resync/internal/state"
	"resync/internal/state/statetest"
)

// TestCluster: the suite of the backends on a Redis Cluster, news between servers,
// and one of three masters that goes away: a third of the keys with it, which counts
// as away whatever key is asked for.
func TestCluster(t *testing.T) {
	f := statetest.StartCluster(t)
	st := open(t, state.Settings{URL: f.URL(), FailFast: true})
	t.Run("cache", func(t *testing.T) { testCache(t, st) })
	t.Run("limits", func(t *testing.T) { testLimits(t, st) })
	t.Run("all slots", func(t *testing.T) {
		other := open(t, state.Settings{URL: f.URL(), FailFast: true}) // has nothing of its own
		for i := range 100 {                                           // keys of all masters
			key := fmt.Sprintf("k%d", i)
			must(t, st.Set(t.Context(), key, []byte(key), time.Minute))
			if v, found, err := other.Get(t.Context(), key); !found || err != nil || string(v) != key {
				t.Fatalf("%s: %q, %v, %v", key, v, found, err)
			}
		}
	})
	t.Run("news", func(t *testing.T) {
		other := open(t, state.Settings{URL: f.URL(), FailFast: true})
		ctx, cancel := context.WithCancel(t.Context())
		heard, done := make(chan string, 64), make(chan struct{})
		go func() { defer close(done); other.Listen(ctx, "news", func(d []byte) { heard <- string(d) }) }()
		defer func() { cancel(); <-done }()
		eventually(t, "the news", func() bool {
			must(t, st.Publish(t.Context(), "news", []byte("hello")))
			select {
			case got := <-heard:
				return got == "hello"
			case <-time.After(20 * time.Millisecond):
				return false
			}
		})
	})
	masters := f.Servers[:1]
	if os.Getenv("RESYNC_LONG") == "1" {
		masters = f.Servers
	}
	for i, s := range masters {
		t.Run(fmt.Sprintf("master %d away", i+1), func(t *testing.T) {
			s.Kill()
			start := time.Now()
			eventually(t, "the outage", func() bool { st.Touch(); return !st.Status().Available() })
			shown := time.Since(start)
			why := st.Status().Reason
			for i := range 10 { // whoever has the key
				if _, _, err := st.Get(t.Context(), fmt.Sprintf("unknown%d", i)); !errors.Is(err, state.ErrUnavailable) {
					t.Errorf("a call while a third is away: %v", err)
				}
			}
			s.Run()
			eventually(t, "the cluster to be well", f.Well)
			start = time.Now()
			eventually(t, "the end of the outage", func() bool { return st.Status().Available() })
			t.Logf("shown after %s (%s), its end %s after the cluster served", shown, why, time.Since(start))
			must(t, st.Set(t.Context(), "after", []byte("x"), time.Minute))
		})
	}
}

// TestTLS: an encrypted connection, and certificates that must not be trusted.
func TestTLS(t *testing.T) {
	s := statetest.StartTLS(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	st := open(t, state.Settings{URL: s.URL(), FailFast: true})
	testCache(t, st)
	testLimits(t, st)
	expired := statetest.StartTLS(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	for name, tt := range map[string]struct{ url, says string }{
		"an unknown authority": {"rediss://" + s.TLSAddr, "redis.url, as ?ca_file=PATH"},
		"expired":              {expired.URL(), "has expired"},
		"no TLS at a TLS port": {"redis://" + s.TLSAddr, ""},
		"TLS at a plain port":  {"rediss://" + s.Addr, ""},
	} {
		eventually(t, name, func() bool { // a busy machine may be too late for the certificate
			_, err := state.Open(t.Context(), state.Settings{URL: tt.url, FailFast: true, Backoff: time.Millisecond})
			if !errors.Is(err, state.ErrUnavailable) {
				t.Fatalf("%s: %v", name, err)
			}
			if said := strings.Contains(err.Error(), tt.says); said || !strings.Contains(err.Error(), "in time") {
				if !said {
					t.Errorf("%s: the error does not say %q: %v", name, tt.says, err)
				}
				return true
			}
			return false
		})
	}
	s.Kill()
	eventually(t, "the outage", func() bool { st.Touch(); return !st.Status().Available() })
	s.Run()
	eventually(t, "the end", func() bool { return st.Status().Available() })
}

// aclUser is the user of docs/tiers.md: it may touch Resync's keys and channels, and
// nothing else.
const aclUser = "resync on >pass-word ~resync:* &resync:* -@all +@connection +get +set +del +time +eval +evalsha +publish +subscribe +unsubscribe"

// TestACL: a user with the fewest rights, one with a wrong password, one that may
// not write.
func TestACL(t *testing.T) {
	var args []string
	for _, user := range []string{aclUser, "reader on >pass-word ~resync:* &resync:* -@all +@connection +get", "default off"} {
		args = append(append(args, "--user"), strings.Fields(user)...)
	}
	s := statetest.Start(t, args...)
	st := open(t, state.Settings{URL: "redis://resync:pass-word@" + s.Addr, FailFast: true})
	testCache(t, st)
	testLimits(t, st)
	must(t, st.Publish(t.Context(), "news", []byte("x")))
	for name, user := range map[string]string{"a wrong password": "resync:wrong@", "an unknown user": "nobody:pass-word@", "no user": ""} {
		if _, err := state.Open(t.Context(), state.Settings{URL: "redis://" + user + s.Addr, FailFast: true}); !errors.Is(err, state.ErrAuth) {
			t.Errorf("%s: %v", name, err)
		}
	}
	reader := open(t, state.Settings{URL: "redis://reader:pass-word@" + s.Addr, CheckEvery: 20 * time.Millisecond})
	eventually(t, "the refusal", func() bool { reader.Touch(); return reader.Status().Mode == state.Degraded })
	if why := reader.Status().Reason; why != "Redis refuses the user name or the password" && !strings.Contains(why, "may not") {
		t.Errorf("reason %q", why)
	}
}
