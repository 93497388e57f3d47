package storetest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"resync/internal/store"
)

// keyTTL and keyLease are those of the claims in these tests.
const (
	keyTTL   = 7 * 24 * time.Hour
	keyLease = 30 * time.Second
)

// keyBench is a store with a clock that makes claims.
type keyBench struct {
	*testing.T
	s *store.Store
	c *clock
	n int
}

// claim asks for a key as a new owner.
func (b *keyBench) claim(scope, key, print string, retake bool) store.KeyClaim {
	b.Helper()
	b.n++
	got, err := b.s.ClaimKey(b.Context(), store.KeyRequest{Scope: scope, Key: key, Fingerprint: print, Owner: "owner " + strconv.Itoa(b.n),
		TTL: keyTTL, Lease: keyLease, Retake: retake})
	must(b.T, err)
	return got
}

func (b *keyBench) state(what string, want store.KeyState, got store.KeyClaim) {
	b.Helper()
	equal(b.T, what, want, got.State)
}

func testKeys(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	for _, group := range []struct {
		name string
		run  func(*keyBench)
	}{{"life", keyLife}, {"release", keyRelease}, {"a dead owner", keyDeadOwner}, {"a linked run", keyLinked}, {"Defect3 the late owner is fenced", keyFenced},
		{"invalid", keyInvalid}, {"Defect3 64 at once", keyRace}, {"prune", keyPrune}} {
		t.Run(group.name, func(t *testing.T) { group.run(&keyBench{T: t, s: s, c: c}) })
	}
}

func keyLife(b *keyBench) {
	ctx := b.Context()
	first := b.claim("ana", "k", "f1", true)
	equal(b.T, "first", store.KeyClaim{State: store.KeyFresh, Scope: "ana", Key: "k", Owner: "owner 1", Fence: 1, Since: b.c.Now(), Until: b.c.Now().Add(keyLease)}, first)
	b.state("again", store.KeyInProgress, b.claim("ana", "k", "f1", true))
	b.state("other request", store.KeyMismatch, b.claim("ana", "k", "f2", true))
	b.state("other scope", store.KeyFresh, b.claim("bo", "k", "f2", true))
	answer := store.KeyAnswer{Status: 409, Header: http.Header{"Content-Type": {"text/plain"}, "X-Two": {"a", "b"}}, Body: []byte{0, 0xff, '"', '\n'}}
	must(b.T, b.s.CompleteKey(ctx, first, answer))
	replay := b.claim("ana", "k", "f1", true)
	b.state("replay", store.KeyReplay, replay)
	equal(b.T, "answer", answer, replay.Answer)
	b.state("other request after the answer", store.KeyMismatch, b.claim("ana", "k", "f2", true))
	b.c.Advance(keyTTL - time.Millisecond)
	b.state("last moment", store.KeyReplay, b.claim("ana", "k", "f1", true))
	b.c.Advance(time.Millisecond)
	second := b.claim("ana", "k", "f2", false)
	b.state("expired", store.KeyFresh, second)
	equal(b.T, "fence", int64(2), second.Fence)
	must(b.T, b.s.CompleteKey(ctx, second, store.KeyAnswer{Status: 204}))
	equal(b.T, "an answer without body", store.KeyAnswer{Status: 204}, b.claim("ana", "k", "f2", false).Answer, cmpopts.EquateEmpty())
}

func keyRelease(b *keyBench) {
	ctx := b.Context()
	k := b.claim("ana", "r", "f1", true)
	must(b.T, b.s.ReleaseKey(ctx, k))
	again := b.claim("ana", "r", "f2", true)
	b.state("after the release", store.KeyFresh, again)
	must(b.T, b.s.CompleteKey(ctx, again, store.KeyAnswer{Status: 200}))
	other := again
	other.Scope = "bo"
	for name, err := range map[string]error{
		"complete twice":             b.s.CompleteKey(ctx, again, store.KeyAnswer{Status: 500}),
		"release once complete":      b.s.ReleaseKey(ctx, again),
		"extend once complete":       b.s.ExtendKey(ctx, again, keyLease),
		"complete what was released": b.s.CompleteKey(ctx, k, store.KeyAnswer{}),
		"another scope's release":    b.s.ReleaseKey(ctx, other),
	} {
		if !errors.Is(err, store.ErrFenced) {
			b.Errorf("%s: %v", name, err)
		}
	}
}

// keyDeadOwner: an owner that extends its lease is alive, one that does not is
// dead; who may take over says the request.
func keyDeadOwner(b *keyBench) {
	k := b.claim("ana", "dead", "f", false)
	b.c.Advance(keyLease - time.Millisecond)
	b.state("within the lease", store.KeyInProgress, b.claim("ana", "dead", "f", true))
	must(b.T, b.s.ExtendKey(b.Context(), k, keyLease))
	b.c.Advance(keyLease - time.Millisecond)
	b.state("extended", store.KeyInProgress, b.claim("ana", "dead", "f", true))
	b.c.Advance(time.Millisecond)
	b.state("dead, effects unknown", store.KeyIndeterminate, b.claim("ana", "dead", "f", false))
	b.state("dead, other request", store.KeyMismatch, b.claim("ana", "dead", "f2", true))
	next := b.claim("ana", "dead", "f", true)
	b.state("dead, no run was begun", store.KeyFresh, next)
	equal(b.T, "fence", k.Fence+1, next.Fence)
	for name, err := range map[string]error{"complete": b.s.CompleteKey(b.Context(), k, store.KeyAnswer{}), "extend": b.s.ExtendKey(b.Context(), k, keyLease)} {
		if !errors.Is(err, store.ErrFenced) {
			b.Errorf("%s by the dead owner: %v", name, err)
		}
	}
}

// keyLinked: once a run is linked nobody takes over and nothing is given up;
// the run says where to look.
func keyLinked(b *keyBench) {
	k := b.claim("ana", "linked", "f", true)
	ctx := store.WithKey(b.Context(), k)
	id := store.NewID("run")
	_, err := b.s.CreateRun(ctx, sampleRun(id), store.Entry{Actor: "ana"})
	must(b.T, err)
	if err := b.s.ReleaseKey(ctx, k); !errors.Is(err, store.ErrFenced) {
		b.Errorf("release of a key with a run: %v", err)
	}
	b.c.Advance(keyLease)
	got := b.claim("ana", "linked", "f", true)
	b.state("dead, run begun", store.KeyIndeterminate, got)
	equal(b.T, "run", id, got.RunID)
	must(b.T, b.s.CompleteKey(ctx, k, store.KeyAnswer{Status: 200})) // not dead after all
	b.state("answered late", store.KeyReplay, b.claim("ana", "linked", "f", true))
	_, err = b.s.AppendClaim(ctx, store.Entry{RunID: id}) // goes on in the background
	must(b.T, err)
	b.state("a run that goes on changes no answer", store.KeyReplay, b.claim("ana", "linked", "f", true))
}

// keyFenced: whoever was taken over can begin, decide and claim nothing any
// more, but the outcome of what it had begun is always recorded.
func keyFenced(b *keyBench) {
	old := b.claim("ana", "fenced", "f", true)
	ctx := store.WithKey(b.Context(), old)
	begun := newRun(b, b.s)
	_, err := b.s.AppendClaim(b.Context(), store.Entry{RunID: begun})
	must(b.T, err)
	waiting := newRun(b, b.s)
	must(b.T, b.s.RequestApproval(b.Context(), store.Approval{RunID: waiting, Digest: "d1", Tool: "t", RiskLevel: "high", Requester: "ana",
		RequestedAt: b.c.Now(), ExpiresAt: b.c.Now().Add(time.Hour), Needed: 1, AllowSelf: true}, store.Entry{}))
	b.c.Advance(keyLease)
	b.state("taken over", store.KeyFresh, b.claim("ana", "fenced", "f", true))
	id := store.NewID("run")
	_, create := b.s.CreateRun(ctx, sampleRun(id), store.Entry{})
	_, vote := b.s.Vote(ctx, store.Vote{RunID: waiting, Approver: "bo", Decision: store.Approve})
	_, claim := b.s.AppendClaim(ctx, store.Entry{RunID: waiting})
	for name, err := range map[string]error{"create": create, "vote": vote, "claim": claim} {
		if !errors.Is(err, store.ErrFenced) {
			b.Errorf("%s by a fenced owner: %v", name, err)
		}
	}
	if _, err := b.s.Run(b.Context(), id); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("a fenced owner made a run: %v", err)
	}
	_, err = b.s.Append(ctx, store.Entry{RunID: begun, Event: store.EventDone})
	must(b.T, err)
}

func keyInvalid(b *keyBench) {
	good := store.KeyRequest{Scope: "ana", Key: "k", Fingerprint: "f", Owner: "o", TTL: time.Hour, Lease: time.Minute}
	for name, change := range map[string]func(*store.KeyRequest){
		"no key": func(r *store.KeyRequest) { r.Key = "" }, "no owner": func(r *store.KeyRequest) { r.Owner = "" },
		"no ttl": func(r *store.KeyRequest) { r.TTL = 0 }, "no lease": func(r *store.KeyRequest) { r.Lease = 0 },
		"not text": func(r *store.KeyRequest) { r.Key = "a\x00b" },
	} {
		r := good
		change(&r)
		if _, err := b.s.ClaimKey(b.Context(), r); !errors.Is(err, store.ErrInvalid) {
			b.Errorf("%s: %v", name, err)
		}
	}
}

// keyRace: of 64 racers on one key one does the work; RESYNC_LONG makes it the
// 1,000 rounds of issue 4.
func keyRace(b *keyBench) {
	rounds := 20
	if os.Getenv("RESYNC_LONG") != "" {
		rounds = 1000
	}
	for round := range rounds {
		key := "race " + strconv.Itoa(round)
		var mu sync.Mutex
		executions, replays := 0, 0
		for _, err := range contenders(b.Context(), contention, func(ctx context.Context, i int) error {
			got, err := b.s.ClaimKey(ctx, store.KeyRequest{Scope: "ana", Key: key, Fingerprint: "f", Owner: strconv.Itoa(i), TTL: keyTTL, Lease: keyLease, Retake: true})
			if err != nil {
				return err
			}
			mu.Lock()
			switch got.State {
			case store.KeyFresh:
				executions++
			case store.KeyReplay:
				replays++
			}
			mu.Unlock()
			if got.State == store.KeyFresh {
				return b.s.CompleteKey(ctx, got, store.KeyAnswer{Status: 200})
			}
			return nil
		}) {
			must(b.T, err)
		}
		if executions != 1 {
			b.Fatalf("round %d: %d of %d racers got the key", round, executions, contention)
		}
	}
	b.Logf("%d rounds of %d racers: one execution in each", rounds, contention)
}

func keyPrune(b *keyBench) {
	b.c.Advance(30 * 24 * time.Hour)
	b.claim("ana", "young", "f", false)
	n, err := b.s.PruneKeys(b.Context())
	must(b.T, err)
	if n < 3 {
		b.Errorf("pruned %d keys, want at least the 3 old ones", n)
	}
	b.state("young key", store.KeyInProgress, b.claim("ana", "young", "f", false))
}
