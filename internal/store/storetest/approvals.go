package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"resync/internal/store"
)

// sampleApproval needs one vote of somebody else and expires after 15 minutes.
func sampleApproval(runID string, now time.Time) store.Approval {
	return store.Approval{RunID: runID, Digest: "d1", Tool: "hold_job", RiskLevel: "high", Requester: "ana",
		RequestedAt: now, ExpiresAt: now.Add(15 * time.Minute), Needed: 1}
}

func testApprovals(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	t.Run("life", func(t *testing.T) { testApprovalLife(t, s, c) })
	t.Run("request refusals", func(t *testing.T) { testApprovalRequests(t, s, c) })
	t.Run("Defect06 votes", func(t *testing.T) { testVoteRules(t, s, c) })
	t.Run("use", func(t *testing.T) { testApprovalUse(t, s, c) })
	t.Run("64 at once", func(t *testing.T) { testApprovalRaces(t, s, c) })
	t.Run("lists", func(t *testing.T) { testApprovalLists(t, open) })
}

// ask requests an approval of a new run and returns the run's ID.
func ask(t *testing.T, s *store.Store, c *clock, change func(*store.Approval)) string {
	t.Helper()
	id := newRun(t, s)
	a := sampleApproval(id, c.Now())
	if change != nil {
		change(&a)
	}
	must(t, s.RequestApproval(t.Context(), a, store.Entry{Actor: "policy"}))
	return id
}

func testApprovalLife(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	id := ask(t, s, c, func(a *store.Approval) { a.Needed = 2 })
	run, err := s.Run(ctx, id)
	must(t, err)
	equal(t, "phase", "blocked_on_user", run.Phase)

	first := store.Vote{RunID: id, Approver: "bo", Decision: store.Approve, Reason: "ok", At: c.Now()}
	got, err := s.Vote(ctx, first)
	must(t, err)
	want := sampleApproval(id, c.Now())
	want.Needed = 2
	equal(t, "after one vote", store.Tally{Approval: want, State: store.ApprovalPending, Approvals: 1, Missing: 1, Votes: []store.Vote{first}}, got)
	if _, err := s.ClaimApproved(ctx, store.Entry{RunID: id}, "d1"); !errors.Is(err, store.ErrNotApproved) {
		t.Errorf("claim with one of two votes: %v", err)
	}
	got, err = s.Vote(ctx, store.Vote{RunID: id, Approver: "cy", Decision: store.Approve})
	must(t, err)
	equal(t, "state", store.ApprovalApproved, got.State)

	entry, err := s.ClaimApproved(ctx, store.Entry{RunID: id, Actor: "executor"}, "d1")
	must(t, err)
	equal(t, "event", store.EventExecuting, entry.Event)
	got, err = s.Approval(ctx, id)
	must(t, err)
	equal(t, "state", store.ApprovalUsed, got.State)
	equal(t, "used at", c.Now(), got.UsedAt)
	if _, err := s.Approval(ctx, "run_none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown approval: %v", err)
	}
}

func testApprovalRequests(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	done := newRun(t, s)
	_, err := s.Append(ctx, store.Entry{RunID: done, Event: store.EventRefused})
	must(t, err)
	for _, tc := range []struct {
		name   string
		runID  string
		change func(*store.Approval)
		want   error
	}{
		{"second one", ask(t, s, c, nil), func(*store.Approval) {}, store.ErrExists},
		{"unknown run", "run_none", func(*store.Approval) {}, store.ErrNotFound},
		{"run with outcome", done, func(*store.Approval) {}, store.ErrAlreadyFinal},
		{"no digest", newRun(t, s), func(a *store.Approval) { a.Digest = "" }, store.ErrInvalid},
		{"no votes needed", newRun(t, s), func(a *store.Approval) { a.Needed = 0 }, store.ErrInvalid},
		{"no requester", newRun(t, s), func(a *store.Approval) { a.Requester = "" }, store.ErrInvalid},
		{"never valid", newRun(t, s), func(a *store.Approval) { a.ExpiresAt = a.RequestedAt }, store.ErrInvalid},
	} {
		a := sampleApproval(tc.runID, c.Now())
		tc.change(&a)
		if err := s.RequestApproval(ctx, a, store.Entry{}); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func testVoteRules(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	approve := func(who string) store.Vote { return store.Vote{Approver: who, Decision: store.Approve} }
	reject := func(who string) store.Vote { return store.Vote{Approver: who, Decision: store.Reject} }
	for _, tc := range []struct {
		name   string
		change func(*store.Approval)
		before []store.Vote
		wait   time.Duration
		vote   store.Vote
		want   error
	}{
		{"requester approves", nil, nil, 0, approve("ana"), store.ErrSelfApproval},
		{"requester approves where allowed", func(a *store.Approval) { a.AllowSelf = true }, nil, 0, approve("ana"), nil},
		{"requester withdraws", nil, nil, 0, reject("ana"), nil},
		{"same person twice", func(a *store.Approval) { a.Needed = 2 }, []store.Vote{approve("bo")}, 0, approve("bo"), store.ErrDuplicateVote},
		{"changes their mind", func(a *store.Approval) { a.Needed = 2 }, []store.Vote{approve("bo")}, 0, reject("bo"), store.ErrDuplicateVote},
		{"after approval", nil, []store.Vote{approve("bo")}, 0, reject("cy"), store.ErrDecided},
		{"after rejection", nil, []store.Vote{reject("bo")}, 0, approve("cy"), store.ErrDecided},
		{"a moment before expiry", nil, nil, 15*time.Minute - time.Millisecond, approve("bo"), nil},
		{"at expiry", nil, nil, 15 * time.Minute, approve("bo"), store.ErrExpired},
		{"no name", nil, nil, 0, approve(""), store.ErrInvalid},
		{"no decision", nil, nil, 0, store.Vote{Approver: "bo", Decision: "maybe"}, store.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id := ask(t, s, c, tc.change)
			for _, v := range tc.before {
				v.RunID = id
				_, err := s.Vote(ctx, v)
				must(t, err)
			}
			c.Advance(tc.wait)
			tc.vote.RunID = id
			if _, err := s.Vote(ctx, tc.vote); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	void := ask(t, s, c, nil)
	must(t, s.VoidApproval(ctx, void, "the job moved"))
	if _, err := s.Vote(ctx, store.Vote{RunID: void, Approver: "bo", Decision: store.Approve}); !errors.Is(err, store.ErrVoid) {
		t.Errorf("vote on a void approval: %v", err)
	}
}

func testApprovalUse(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	granted := func() string {
		id := ask(t, s, c, nil)
		_, err := s.Vote(ctx, store.Vote{RunID: id, Approver: "bo", Decision: store.Approve})
		must(t, err)
		return id
	}
	id := granted()
	for _, step := range []struct {
		digest string
		want   error
	}{{"d2", store.ErrDigestMismatch}, {"", store.ErrDigestMismatch}, {"d1", nil}, {"d1", store.ErrUsed}} {
		if err := s.ConsumeApproval(ctx, id, step.digest); !errors.Is(err, step.want) {
			t.Errorf("digest %q: got %v, want %v", step.digest, err, step.want)
		}
	}
	if err := s.VoidApproval(ctx, id, "late"); !errors.Is(err, store.ErrUsed) {
		t.Errorf("void a used approval: %v", err)
	}
	late := granted()
	c.Advance(15 * time.Minute)
	if err := s.ConsumeApproval(ctx, late, "d1"); !errors.Is(err, store.ErrExpired) {
		t.Errorf("granted, then expired: %v", err)
	}
	void := granted()
	must(t, s.VoidApproval(ctx, void, "the job moved"))
	if err := s.ConsumeApproval(ctx, void, "d1"); !errors.Is(err, store.ErrVoid) {
		t.Errorf("granted, then void: %v", err)
	}

	// What ClaimApproved refuses leaves the approval unspent.
	claimed := granted()
	_, err := s.AppendClaim(ctx, store.Entry{RunID: claimed})
	must(t, err)
	if _, err := s.ClaimApproved(ctx, store.Entry{RunID: claimed}, "d1"); !errors.Is(err, store.ErrAlreadyClaimed) {
		t.Errorf("claim a claimed run: %v", err)
	}
	tally, err := s.Approval(ctx, claimed)
	must(t, err)
	equal(t, "state after a refused claim", store.ApprovalApproved, tally.State)
}

func testApprovalRaces(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	id := ask(t, s, c, func(a *store.Approval) { a.Needed = 2 })
	votes := 0
	for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) error {
		_, err := s.Vote(ctx, store.Vote{RunID: id, Approver: fmt.Sprint("p", i), Decision: store.Approve})
		return err
	}) {
		switch {
		case err == nil:
			votes++
		case !errors.Is(err, store.ErrDecided):
			t.Errorf("a late voter got %v", err)
		}
	}
	equal(t, "votes counted", 2, votes)

	same := ask(t, s, c, func(a *store.Approval) { a.Needed = 2 })
	votes = 0
	for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) error {
		_, err := s.Vote(ctx, store.Vote{RunID: same, Approver: "bo", Decision: store.Approve})
		return err
	}) {
		if err == nil {
			votes++
		}
	}
	equal(t, "votes of one person", 1, votes)

	used := 0
	for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) (err error) {
		if i%2 == 0 {
			return s.ConsumeApproval(ctx, id, "d1")
		}
		_, err = s.ClaimApproved(ctx, store.Entry{RunID: id}, "d1")
		return err
	}) {
		switch {
		case err == nil:
			used++
		case !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrAlreadyClaimed):
			t.Errorf("a loser got %v", err)
		}
	}
	equal(t, "uses", 1, used)
}

func testApprovalLists(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	want := map[store.ApprovalState]string{} // :: state → the run in it
	want[store.ApprovalExpired] = ask(t, s, c, nil)
	c.Advance(15 * time.Minute)
	next := func(state store.ApprovalState, decision string) string {
		id := ask(t, s, c, func(a *store.Approval) { a.RiskLevel, a.Tool = "critical", "rerun_job" })
		want[state] = id
		if decision != "" {
			_, err := s.Vote(ctx, store.Vote{RunID: id, Approver: "bo", Decision: decision})
			must(t, err)
		}
		c.Advance(time.Second)
		return id
	}
	next(store.ApprovalPending, "")
	next(store.ApprovalApproved, store.Approve)
	next(store.ApprovalRejected, store.Reject)
	must(t, s.VoidApproval(ctx, next(store.ApprovalVoid, store.Approve), "moved"))
	must(t, s.ConsumeApproval(ctx, next(store.ApprovalUsed, store.Approve), "d1"))

	all, err := s.Approvals(ctx, store.ApprovalFilter{})
	must(t, err)
	equal(t, "total", 6, all.Total)
	equal(t, "by tool", map[string]int{"hold_job": 1, "rerun_job": 5}, all.ByTool)
	equal(t, "by risk", map[string]int{"high": 1, "critical": 5}, all.ByRiskLevel)
	for state, id := range want {
		got, err := s.Approvals(ctx, store.ApprovalFilter{State: state})
		must(t, err)
		if got.Total != 1 || len(got.Approvals) != 1 || got.Approvals[0].RunID != id || got.Approvals[0].State != state {
			t.Errorf("%s: %+v", state, got)
		}
	}
	page, err := s.Approvals(ctx, store.ApprovalFilter{Limit: 2, Offset: 1})
	must(t, err)
	equal(t, "second and third newest", all.Approvals[1:3], page.Approvals)
	equal(t, "total on a page", 6, page.Total)
	none, err := s.Approvals(ctx, store.ApprovalFilter{Requester: "zoe"})
	must(t, err)
	equal(t, "nobody's", store.ApprovalList{ByTool: map[string]int{}, ByRiskLevel: map[string]int{}}, none, cmpopts.EquateEmpty())
}

// testApprovalMachine compares the store with a model of an approval that is
// written down separately, over random sequences of votes, waits, uses and
// withdrawals.
func testApprovalMachine(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	rapid.Check(t, func(r *rapid.T) {
		m := &approvalModel{s: s, c: c, needed: rapid.IntRange(1, 3).Draw(r, "needed"), self: rapid.Bool().Draw(r, "self"), votes: map[string]string{}}
		m.id = ask(t, s, c, func(a *store.Approval) { a.Needed, a.AllowSelf, a.Tool = m.needed, m.self, a.RunID })
		m.expires = c.Now().Add(15 * time.Minute)
		r.Repeat(map[string]func(*rapid.T){
			"vote": m.vote, "use": m.use, "void": m.void, "wait": m.wait, "list": m.list, "": m.check,
		})
	})
}

type approvalModel struct {
	s          *store.Store
	c          *clock
	id         string
	needed     int
	self       bool
	votes      map[string]string // :: approver → decision
	used, gone bool
	expires    time.Time
}

func (m *approvalModel) state() store.ApprovalState {
	yes := 0
	for who, d := range m.votes {
		if d == store.Reject && !m.used && !m.gone {
			return store.ApprovalRejected
		}
		if d == store.Approve && (m.self || who != "ana") {
			yes++
		}
	}
	switch {
	case m.used:
		return store.ApprovalUsed
	case m.gone:
		return store.ApprovalVoid
	case !m.c.Now().Before(m.expires):
		return store.ApprovalExpired
	case yes >= m.needed:
		return store.ApprovalApproved
	}
	return store.ApprovalPending
}

func (m *approvalModel) vote(r *rapid.T) {
	v := store.Vote{RunID: m.id, Approver: rapid.SampledFrom([]string{"ana", "bo", "cy", "di"}).Draw(r, "who"),
		Decision: rapid.SampledFrom([]string{store.Approve, store.Approve, store.Approve, store.Reject}).Draw(r, "decision")}
	_, twice := m.votes[v.Approver]
	may := m.state() == store.ApprovalPending && !twice && (m.self || v.Approver != "ana" || v.Decision == store.Reject)
	if _, err := m.s.Vote(context.Background(), v); (err == nil) != may {
		r.Fatalf("vote %+v in state %s: %v", v, m.state(), err)
	}
	if may {
		m.votes[v.Approver] = v.Decision
	}
}

func (m *approvalModel) use(r *rapid.T) {
	digest := rapid.SampledFrom([]string{"d1", "d1", "d2"}).Draw(r, "digest")
	may := m.state() == store.ApprovalApproved && digest == "d1"
	if err := m.s.ConsumeApproval(context.Background(), m.id, digest); (err == nil) != may {
		r.Fatalf("use in state %s: %v", m.state(), err)
	}
	m.used = m.used || may
}

func (m *approvalModel) void(r *rapid.T) {
	if !rapid.Bool().Draw(r, "really") {
		return
	}
	may := !m.used && !m.gone
	if err := m.s.VoidApproval(context.Background(), m.id, "moved"); (err == nil) != may {
		r.Fatalf("void in state %s: %v", m.state(), err)
	}
	m.gone = m.gone || may
}

func (m *approvalModel) wait(r *rapid.T) {
	m.c.Advance(time.Duration(rapid.IntRange(0, 300).Draw(r, "seconds")) * time.Second)
}

// check compares the store's state with the model's.
func (m *approvalModel) check(r *rapid.T) {
	t, err := m.s.Approval(context.Background(), m.id)
	if err != nil || t.State != m.state() {
		r.Fatalf("state is %s (%v), want %s", t.State, err, m.state())
	}
}

// list does the same for the state derived in SQL. The tool's name is the
// run's, which makes the list short.
func (m *approvalModel) list(r *rapid.T) {
	list, err := m.s.Approvals(context.Background(), store.ApprovalFilter{State: m.state(), Tool: m.id})
	if err != nil || list.Total != 1 || len(list.Approvals) != 1 || list.Approvals[0].RunID != m.id {
		r.Fatalf("listed under %s: %+v (%v)", m.state(), list, err)
	}
}
