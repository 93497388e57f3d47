package tool

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// memory is a ledger for tests. Like the real one it sends everything through
// JSON, so that a value that does not survive the store fails here too.
type memory struct {
	now func() time.Time

	mu        sync.Mutex
	seq       int64
	runs      map[string]Run
	order     []string
	journal   []Entry
	approvals map[string]Approval
	undos     map[string]UndoRecord
	failNext  map[Event]error // :: event → error the next append of it returns
}

func newMemory(now func() time.Time) *memory {
	return &memory{now: now, runs: map[string]Run{}, approvals: map[string]Approval{}, undos: map[string]UndoRecord{}, failNext: map[Event]error{}}
}

func through[T any](v T) T {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

func (m *memory) CreateRun(_ context.Context, r Run, entries []Entry, a Approval) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[r.ID] = through(r)
	m.order = append(m.order, r.ID)
	m.approvals[a.RunID] = a
	return m.add(append(entries, Entry{RunID: a.RunID, At: a.RequestedAt, Event: EvBlocked, Actor: a.Requester})...)
}

func (m *memory) add(entries ...Entry) error {
	for _, e := range entries {
		if err := m.failNext[e.Event]; err != nil {
			delete(m.failNext, e.Event)
			return err
		}
		if m.final(e.Event) && m.outcome(e.RunID) != "" {
			return ErrDecided
		}
		m.seq++
		e.Seq = m.seq
		m.journal = append(m.journal, through(e))
	}
	return nil
}

func (m *memory) final(ev Event) bool {
	return slices.Contains([]Event{EvDone, EvError, EvCancelled, EvUnknown, EvRejected, EvVoided}, ev)
}

func (m *memory) outcome(id string) Event {
	for _, e := range m.journal {
		if e.RunID == id && m.final(e.Event) {
			return e.Event
		}
	}
	return ""
}

func (m *memory) state(id string) (RunState, error) {
	r, ok := m.runs[id]
	if !ok {
		return RunState{}, ErrNotFound
	}
	st := RunState{Run: r}
	for _, e := range m.journal {
		if e.RunID == id {
			st.Entries = append(st.Entries, e)
		}
	}
	return st, nil
}

func (m *memory) LoadRun(_ context.Context, id string) (RunState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state(id)
}

func (m *memory) ListRuns(_ context.Context, f RunFilter) ([]RunState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []RunState
	for _, id := range slices.Backward(m.order) {
		st, _ := m.state(id)
		if !f.Active || st.Outcome() == "" {
			out = append(out, st)
		}
	}
	return out, nil
}

func (m *memory) Append(_ context.Context, entries ...Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add(entries...)
}

func (m *memory) Unsettled(context.Context) ([]RunState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []RunState
	for _, id := range m.order {
		st, _ := m.state(id)
		settled := st.Has(EvVerified) || st.Has(EvUnverified) || st.Has(EvReconciled)
		if st.Has(EvExecuting) && !settled && slices.Contains([]Event{"", EvUnknown, EvDone}, m.outcome(id)) {
			out = append(out, st)
		}
	}
	return out, nil
}

func (m *memory) LoadEnvelope(_ context.Context, id string) (RunState, Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st, err := m.state(id)
	if err != nil {
		return st, Approval{}, err
	}
	a, err := m.tally(id)
	return st, a, err
}

func (m *memory) FindPending(_ context.Context, requester, digest string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, id := range slices.Backward(m.order) {
		if a, err := m.tally(id); err == nil && a.Status == ApprovalPending && a.Requester == requester && a.Digest == digest {
			out = append(out, id)
		}
	}
	return out, nil
}

func (m *memory) tally(id string) (Approval, error) {
	a, ok := m.approvals[id]
	if !ok {
		return a, ErrNotFound
	}
	switch {
	case a.Status != ApprovalPending:
	case slices.ContainsFunc(a.Votes, func(v Vote) bool { return !v.Approve }):
		a.Status = ApprovalRejected
	case !m.now().Before(a.ExpiresAt):
		a.Status = ApprovalExpired
	case a.Missing() == 0:
		a.Status = ApprovalApproved
	}
	a.Votes = slices.Clone(a.Votes)
	return a, nil
}

func (m *memory) LoadApproval(_ context.Context, id string) (Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tally(id)
}

func (m *memory) ListApprovals(_ context.Context, s ApprovalStatus, _ int) ([]Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Approval
	for _, id := range slices.Backward(m.order) {
		if a, err := m.tally(id); err == nil && (s == "" || a.Status == s) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (m *memory) CastVote(_ context.Context, v Vote, entries func(Approval) []Entry) (Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.tally(v.RunID)
	switch {
	case err != nil:
		return a, err
	case a.Status == ApprovalExpired:
		return a, ErrExpired
	case a.Status != ApprovalPending:
		return a, ErrDecided
	case slices.ContainsFunc(a.Votes, func(o Vote) bool { return o.Approver == v.Approver }):
		return a, ErrDuplicateVote
	}
	stored := m.approvals[v.RunID]
	stored.Votes = append(stored.Votes, v)
	m.approvals[v.RunID] = stored
	if a, err = m.tally(v.RunID); err == nil {
		err = m.add(entries(a)...)
	}
	return a, err
}

func (m *memory) ClaimApproved(_ context.Context, e Entry, digest string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.tally(e.RunID)
	switch {
	case err != nil:
		return err
	case a.Status == ApprovalUsed:
		return ErrAlreadyClaimed
	case a.Status == ApprovalExpired:
		return ErrExpired
	case a.Status != ApprovalApproved:
		return ErrDecided
	case a.Digest != digest:
		return ErrDigest
	}
	a.Status = ApprovalUsed
	m.approvals[e.RunID] = a
	return m.add(e)
}

func (m *memory) VoidApproval(_ context.Context, id, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.tally(id)
	if err != nil {
		return err
	}
	if a.Status == ApprovalUsed {
		return ErrAlreadyClaimed
	}
	a.Status = ApprovalVoid
	m.approvals[id] = a
	return nil
}

func (m *memory) PutUndo(_ context.Context, u UndoRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, dup := m.undos[u.RunID]; !dup {
		m.undos[u.RunID] = through(u)
	}
	return nil
}

func (m *memory) LoadUndo(_ context.Context, id string) (UndoRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.undos[id]
	if !ok {
		return u, ErrNotFound
	}
	return u, nil
}

func (m *memory) ListUndos(_ context.Context, now time.Time) ([]UndoRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []UndoRecord
	for _, id := range slices.Backward(m.order) {
		if u, ok := m.undos[id]; ok && u.ExpiresAt.After(now) && u.UndoneBy == "" {
			out = append(out, u)
		}
	}
	return out, nil
}

func (m *memory) ClaimUndo(_ context.Context, id, by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.undos[id]
	if !ok {
		return ErrNotFound
	}
	if u.UndoneBy != "" {
		return ErrAlreadyClaimed
	}
	u.UndoneBy = by
	m.undos[id] = u
	return nil
}

func (m *memory) ReleaseUndo(_ context.Context, id, by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.undos[id]
	if u.UndoneBy != by {
		return ErrAlreadyClaimed
	}
	u.UndoneBy = ""
	m.undos[id] = u
	return nil
}
