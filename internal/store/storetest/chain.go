package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"resync/internal/store"
)

func testChain(t *testing.T, open OpenFunc) {
	ctx := t.Context()
	t.Run("intact", func(t *testing.T) {
		s, _ := open(t)
		v, err := s.VerifyJournal(ctx)
		must(t, err)
		equal(t, "empty journal", store.Verification{}, v)
		last := fillJournal(t, s)
		v, err = s.VerifyJournal(ctx)
		must(t, err)
		equal(t, "filled journal", store.Verification{Entries: last.Seq, Head: last.Hash}, v)
	})

	t.Run("the engine refuses changes", func(t *testing.T) {
		s, raw := open(t)
		id := fillJournal(t, s).RunID
		must(t, s.RequestApproval(ctx, sampleApproval(id, time.Now()), store.Entry{}))
		_, err := s.Vote(ctx, store.Vote{RunID: id, Approver: "bo", Decision: store.Reject})
		must(t, err)
		for _, statement := range []string{
			`update journal set actor = 'eve' where seq = 3`, `delete from journal where seq = 3`,
			`update runs set args = '{}'`, `delete from runs`,
			`update votes set decision = 'approve'`, `delete from votes`,
		} {
			if _, err := raw.ExecContext(ctx, statement); err == nil {
				t.Errorf("accepted: %s", statement)
			}
		}
	})

	t.Run("a head that was set back", func(t *testing.T) {
		s, raw := open(t)
		last := fillJournal(t, s)
		if _, err := raw.ExecContext(ctx, `update journal_head set seq = seq - 1`); err != nil {
			t.Fatal(err)
		}
		_, err := s.Append(ctx, store.Entry{RunID: last.RunID, Event: "note"})
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("append behind the end: %v", err)
		}
	})

	// Somebody who gets past the triggers is noticed by the chain.
	for _, c := range []struct {
		name, tamper string
		seq          int64 // where it is noticed
	}{
		{"edited actor", `update journal set actor = 'eve' where seq = 5`, 5},
		{"edited detail", `update journal set detail = '{"λ":"e"}' where seq = 6`, 6},
		{"edited time", `update journal set at = at + 1 where seq = 2`, 2},
		{"edited kind", `update journal set kind = 'note' where seq = 4`, 4},
		{"edited run of an entry", `update journal set run_id = (select id from runs where id <> journal.run_id) where seq = 7`, 7},
		{"removed", `delete from journal where seq = 9`, 9},
		{"removed at the end", `delete from journal where seq = (select seq from journal_head)`, 22},
		{"removed at the start", `delete from journal where seq = 1`, 1},
		{"all removed", `delete from journal`, 1},
		{"swapped", `update journal set seq = case seq when 4 then -5 when 5 then -4 end where seq in (4, 5);
			update journal set seq = -seq where seq < 0`, 4},
		{"inserted", `insert into journal select seq + 1, run_id, at, event, actor, detail, kind, '', hash, prev
			from journal where seq = (select seq from journal_head)`, 23},
		{"head gone", `delete from journal_head`, 23},
		{"proposal changed", `update runs set args = '{"job":"PROD"}' where id = (select run_id from journal where seq = 2)`, 2},
		{"proposal gone", `delete from runs where id = (select run_id from journal where seq = 2)`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, raw := open(t)
			fillJournal(t, s)
			disarm(t, s, raw)
			_, err := raw.ExecContext(ctx, c.tamper)
			must(t, err)
			_, err = s.VerifyJournal(ctx)
			var chain *store.ChainError
			if !errors.As(err, &chain) || chain.Seq != c.seq {
				t.Errorf("got %v, want it noticed at entry %d", err, c.seq)
			}
		})
	}
}

// fillJournal writes 22 entries about two runs and returns the last one.
func fillJournal(t *testing.T, s *store.Store) store.Entry {
	t.Helper()
	a, b := newRun(t, s), newRun(t, s)
	var last store.Entry
	for i := range 20 {
		var err error
		last, err = s.Append(t.Context(), store.Entry{
			RunID: []string{a, b}[i%2], Event: fmt.Sprint("note", i), Actor: "ana", Detail: []byte(`{"λ":"é"}`),
		})
		must(t, err)
	}
	return last
}

// disarm removes the triggers and foreign keys that keep the tables from being
// changed, as an attacker with the database's password would.
func disarm(t *testing.T, s *store.Store, raw *sql.DB) {
	t.Helper()
	statements := []string{`drop trigger runs_no_update`, `drop trigger runs_no_delete`,
		`drop trigger journal_no_update`, `drop trigger journal_no_delete`}
	if s.Engine() == "postgres" {
		statements = []string{`drop trigger runs_append_only on runs`, `drop trigger journal_append_only on journal`,
			`alter table journal drop constraint journal_run_id_fkey`}
	}
	for _, st := range statements {
		_, err := raw.ExecContext(t.Context(), st)
		must(t, err)
	}
}
