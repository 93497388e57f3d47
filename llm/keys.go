package llm

import (
	"sync"
	"time"
)

// How long a key rests after a refusal. A key may be repaired at the provider,
// so none is given up for good.
const (
	restCredential = time.Minute
	restQuota      = time.Minute
	restRate       = time.Second // when the provider does not say
	restMost       = time.Hour   // however long it says
)

// keyring hands out a target's keys: the first one that is not resting, so that
// the provider's caches stay warm. A target without keys has one empty key.
type keyring struct {
	mu    sync.Mutex
	keys  []string
	until []time.Time // :: index of the key → when its rest ends
	why   []*Error    // :: index of the key → why it rests
}

func newKeyring(keys []string) *keyring {
	if len(keys) == 0 {
		keys = []string{""}
	}
	return &keyring{keys: keys, until: make([]time.Time, len(keys)), why: make([]*Error, len(keys))}
}

// pick returns the first key that does not rest and has not been tried in this
// round. When there is none, it returns -1 and when the first one wakes, with
// why it rests.
func (k *keyring) pick(now time.Time, tried uint64) (index int, wakes time.Time, why *Error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, u := range k.until {
		resting := now.Before(u)
		switch {
		case !resting && tried&(1<<min(i, 63)) != 0:
		case !resting:
			return i, time.Time{}, nil
		case wakes.IsZero() || u.Before(wakes):
			wakes, why = u, k.why[i]
		}
	}
	return -1, wakes, why
}

// rest takes a key out for the time its refusal calls for.
func (k *keyring) rest(i int, now time.Time, e *Error) {
	pause := time.Duration(0)
	switch e.Class {
	case Credential:
		pause = restCredential
	case Quota:
		pause = max(restQuota, e.RetryAfter)
	case RateLimit:
		pause = e.RetryAfter
		if pause == 0 {
			pause = restRate
		}
	case Transient:
		pause = e.RetryAfter // a 503 may ask for a pause too
	}
	if pause <= 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if until := now.Add(min(pause, restMost)); until.After(k.until[i]) {
		k.until[i], k.why[i] = until, e
	}
}

// usable counts the keys that do not rest.
func (k *keyring) usable(now time.Time) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, u := range k.until {
		if !now.Before(u) {
			n++
		}
	}
	return n
}
