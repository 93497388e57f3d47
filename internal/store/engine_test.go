package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func openTemp(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func setPragma(t *testing.T, db *sql.DB, pragma string) {
	t.Helper()
	if _, err := db.Exec("pragma " + pragma); err != nil {
		t.Fatal(err)
	}
}

func propose(s *Store, reason string) (string, error) {
	id := NewID("run")
	_, err := s.CreateRun(context.Background(), Run{ID: id, Tool: "t", User: "u", Reason: reason}, Entry{})
	return id, err
}

// TestDurabilitySettings: reliability-security.md §2 R2 measured that NORMAL
// loses acknowledged commits at power loss and FULL does not.
func TestDurabilitySettings(t *testing.T) {
	s := openTemp(t)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
		var got string
		if err := s.w.QueryRow("pragma " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

// TestStorageFull: writes refuse, reads go on, and writing works again once
// there is room, without reopening.
func TestStorageFull(t *testing.T) {
	s := openTemp(t)
	id, err := propose(s, "before")
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := s.w.QueryRow("pragma page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	setPragma(t, s.w, "max_page_count = 1") // SQLite raises this to the present size
	if _, err := propose(s, strings.Repeat("x", 100_000)); !errors.Is(err, ErrStorageFull) {
		t.Errorf("write on a full disk: %v", err)
	}
	if st, err := s.Run(t.Context(), id); err != nil || st.Reason != "before" {
		t.Errorf("read on a full disk: %v", err)
	}
	setPragma(t, s.w, "max_page_count = 1000000")
	if _, err := propose(s, strings.Repeat("x", 100_000)); err != nil {
		t.Errorf("write after making room: %v", err)
	}
	if v, err := s.VerifyJournal(t.Context()); err != nil || v.Entries != 2 {
		t.Errorf("journal afterwards: %+v %v", v, err)
	}
}

func TestBusy(t *testing.T) {
	s := openTemp(t)
	setPragma(t, s.w, "busy_timeout = 20")
	other, err := sql.Open("sqlite", s.where)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("begin immediate"); err != nil {
		t.Fatal(err)
	}
	if _, err := propose(s, ""); !errors.Is(err, ErrBusy) {
		t.Errorf("write while another process writes: %v", err)
	}
	if _, err := s.Runs(t.Context(), RunFilter{}); err != nil {
		t.Errorf("read while another process writes: %v", err)
	}
	if _, err := other.Exec("rollback"); err != nil {
		t.Fatal(err)
	}
	if _, err := propose(s, ""); err != nil {
		t.Errorf("write afterwards: %v", err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := openTemp(t)
	_, err := s.reader().exec(t.Context(), `delete from users`)
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("write through a reading connection: %v", err)
	}
}

// TestCancelledWrite: a write whose context ended leaves nothing behind, and the
// single writing connection is free again.
func TestCancelledWrite(t *testing.T) {
	s := openTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.update(ctx, func(c conn) error {
		if _, err := c.exec(ctx, `insert into users (name, roles, password_hash, disabled, created_at, updated_at) values ('eve','','',0,0,0)`); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled write: %v", err)
	}
	if users, err := s.Users(t.Context()); err != nil || len(users) != 0 {
		t.Errorf("left behind: %v %v", users, err)
	}
	if _, err := propose(s, ""); err != nil {
		t.Errorf("write afterwards: %v", err)
	}
}

// TestWaitingWriterGivesUp: a writer queued behind another one respects its
// own deadline.
func TestWaitingWriterGivesUp(t *testing.T) {
	s := openTemp(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- s.update(context.Background(), func(conn) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.update(ctx, func(conn) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRebind(t *testing.T) {
	for in, want := range map[string]string{
		"select 1":                     "select 1",
		"?":                            "$1",
		"a = ? and b in (?,?) limit ?": "a = $1 and b in ($2,$3) limit $4",
	} {
		if got := (dialect{numbered: true}).rebind(in); got != want {
			t.Errorf("rebind(%q) = %q, want %q", in, got, want)
		}
		if got := (dialect{}).rebind(in); got != in {
			t.Errorf("rebind(%q) = %q without numbers", in, got)
		}
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	var perMilli []string
	for range 200 {
		id := NewID("run")
		if len(id) != len("run_")+26 || !strings.HasPrefix(id, "run_") || strings.Trim(id[4:], "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("odd ID %q", id)
		}
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
	}
	for range 20 {
		perMilli = append(perMilli, NewID("x"))
		time.Sleep(2 * time.Millisecond)
	}
	if !slices.IsSorted(perMilli) {
		t.Errorf("IDs of different milliseconds are out of order: %v", perMilli)
	}
}

func TestMillis(t *testing.T) {
	if got := at(ms(time.Time{})); !got.IsZero() {
		t.Errorf("the zero time became %v", got)
	}
	in := time.Date(2026, 11, 22, 3, 4, 5, 678_900_000, time.FixedZone("CET", 3600))
	if got, want := at(ms(in)), time.Date(2026, 11, 22, 2, 4, 5, 678_000_000, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
