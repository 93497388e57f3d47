package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"
	"pgregory.net/rapid"
)

// keptPool is a pool of one connection over a new file, and how many statements that
// connection keeps.
func keptPool(t testing.TB) (db *sql.DB, keeps func() int) {
	t.Helper()
	db, err := sqlitePool(filepath.Join(t.TempDir(), "k.db"), url.Values{"_pragma": {"journal_mode(WAL)"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db, func() (n int) {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.Raw(func(c any) error { n = len(c.(*keeper).known); return nil })
		return n
	}
}

func keptExec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestStatementsAreKept(t *testing.T) {
	db, keeps := keptPool(t)
	keptExec(t, db, "create table t (k integer primary key, v text not null unique)")
	keptExec(t, db, "pragma user_version = 3")
	if n := keeps(); n != 0 {
		t.Errorf("%d statements kept of a schema and a setting", n)
	}
	for i := range 3 {
		keptExec(t, db, "insert into t (k, v) values (?, ?)", i, fmt.Sprint("v", i))
	}
	for i := range 3 {
		var v string
		if err := db.QueryRow("select v from t where k = ?", i).Scan(&v); err != nil || v != fmt.Sprint("v", i) {
			t.Errorf("row %d: %q, %v", i, v, err)
		}
	}
	if n := keeps(); n != 2 {
		t.Errorf("%d statements kept, want 2", n)
	}

	t.Run("a query inside itself", func(t *testing.T) {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		const query = "select k from t where k >= ? order by k"
		all := func(from int, each func(int)) {
			rows, err := tx.Query(query, from)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var k int
				if err := rows.Scan(&k); err != nil {
					t.Fatal(err)
				}
				each(k)
			}
		}
		var got []string
		all(0, func(outer int) { all(1, func(inner int) { got = append(got, fmt.Sprint(outer, inner)) }) })
		if diff := cmp.Diff([]string{"0 1", "0 2", "1 1", "1 2", "2 1", "2 2"}, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("an error is forgotten", func(t *testing.T) {
		for range 2 {
			var e *sqlite.Error
			if _, err := db.Exec("insert into t (k, v) values (?, ?)", 10, "v1"); !errors.As(err, &e) {
				t.Errorf("a value twice: %v", err)
			}
		}
		keptExec(t, db, "insert into t (k, v) values (?, ?)", 10, "v10")
	})

	t.Run("rows given up", func(t *testing.T) {
		for range 2 {
			rows, err := db.Query("select k from t order by k")
			if err != nil {
				t.Fatal(err)
			}
			if !rows.Next() {
				t.Error("no row")
			}
			rows.Close()
		}
		keptExec(t, db, "insert into t (k, v) values (11, 'v11')") // nothing reads any more
	})

	t.Run("another schema", func(t *testing.T) {
		const query = "select * from t where k = ?"
		columns := func() (names []string) {
			rows, err := db.Query(query, 0)
			if err == nil {
				names, err = rows.Columns()
				err = errors.Join(err, rows.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		if diff := cmp.Diff([]string{"k", "v"}, columns()); diff != "" {
			t.Error(diff)
		}
		keptExec(t, db, "alter table t add column w text")
		if diff := cmp.Diff([]string{"k", "v", "w"}, columns()); diff != "" {
			t.Error(diff)
		}
		keptExec(t, db, "drop table t")
		if _, err := db.Query(query, 0); err == nil {
			t.Error("a table that is gone was read")
		}
	})

	t.Run("a text that is no SQL", func(t *testing.T) {
		if _, err := db.Exec("select from where"); err == nil {
			t.Error("it was carried out")
		}
	})
}

func TestOldStatementsGo(t *testing.T) {
	db, keeps := keptPool(t)
	// A column more in each text, so that none is kept already.
	for i := range 3 * statementsKept {
		var n int
		if err := db.QueryRow(fmt.Sprintf("select %d", i)).Scan(&n); err != nil || n != i {
			t.Fatalf("%d, %v", n, err)
		}
		if err := db.QueryRow("select -1").Scan(&n); err != nil { // used again and again: stays
			t.Fatal(err)
		}
	}
	if n := keeps(); n != statementsKept {
		t.Errorf("%d statements kept, want %d", n, statementsKept)
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.Raw(func(c any) error {
		if c.(*keeper).known["select -1"] == nil {
			t.Error("what was used last went")
		}
		return nil
	})
}

// TestEndedCallsLeaveStatements: a caller who goes away while a statement runs spoils
// it for nobody.
func TestEndedCallsLeaveStatements(t *testing.T) {
	db, _ := keptPool(t)
	const query = "with recursive c (n) as (select 1 union all select n + 1 from c where n < ?) select count(*) from c"
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			var n int
			ended <- db.QueryRowContext(ctx, query, 1<<40).Scan(&n)
		}()
		cancel()
		if err := <-ended; err == nil {
			t.Error("2^40 rows were counted")
		}
		var n int
		if err := db.QueryRow(query, 1000).Scan(&n); err != nil || n != 1000 {
			t.Errorf("%d, %v", n, err)
		}
	}
}

// TestKeptStatementsTellTheSame compares a connection that keeps its statements with one
// that does not, over the same random work.
func TestKeptStatementsTellTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kept, _ := keptPool(t)
		plain, err := sql.Open("sqlite", sqliteDSN(filepath.Join(t.TempDir(), "p.db"), nil))
		if err != nil {
			rt.Fatal(err)
		}
		defer plain.Close()
		plain.SetMaxOpenConns(1)
		for _, db := range []*sql.DB{kept, plain} {
			keptExec(t, db, "create table t (k integer primary key, v text unique)")
		}
		type work struct {
			exec func(string, ...any) (sql.Result, error)
			read func(string, ...any) (*sql.Rows, error)
		}
		sides := []work{{kept.Exec, kept.Query}, {plain.Exec, plain.Query}}
		var open []*sql.Tx
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			k, v := rapid.IntRange(0, 5).Draw(rt, "k"), rapid.SampledFrom([]any{"a", "b", nil, ""}).Draw(rt, "v")
			step := rapid.SampledFrom([]string{"insert", "upsert", "update", "delete", "read", "begin", "commit", "rollback"}).Draw(rt, "step")
			switch {
			case step == "begin" && open == nil:
				for i, db := range []*sql.DB{kept, plain} {
					tx, err := db.Begin()
					if err != nil {
						rt.Fatal(err)
					}
					open, sides[i] = append(open, tx), work{tx.Exec, tx.Query}
				}
				continue
			case (step == "commit" || step == "rollback") && open != nil:
				for i, tx := range open {
					if err := map[string]func() error{"commit": tx.Commit, "rollback": tx.Rollback}[step](); err != nil {
						rt.Fatal(err)
					}
					db := []*sql.DB{kept, plain}[i]
					sides[i] = work{db.Exec, db.Query}
				}
				open = nil
				continue
			}
			var said [2]string
			for i, side := range sides {
				said[i] = keptStep(side.exec, side.read, step, k, v)
			}
			if said[0] != said[1] {
				rt.Fatalf("%s %d %v: %s with statements kept, %s without", step, k, v, said[0], said[1])
			}
		}
		for _, tx := range open {
			_ = tx.Rollback() // nothing is looked at any more
		}
	})
}

// keptStep is one step of the comparison and what came of it.
func keptStep(exec func(string, ...any) (sql.Result, error), read func(string, ...any) (*sql.Rows, error), step string, k int, v any) string {
	texts := map[string]string{
		"insert": "insert into t (k, v) values (?1, ?2)",
		"upsert": "insert into t (k, v) values (?1, ?2) on conflict (k) do update set v = excluded.v returning v",
		"update": "update t set v = ?2 where k >= ?1",
		"delete": "delete from t where k = ?1 or v = ?2",
		"read":   "select v from t where k >= ?1 and ?2 is not 'b' order by k",
	}
	query, known := texts[step]
	if !known {
		return "nothing"
	}
	if step != "read" && step != "upsert" {
		res, err := exec(query, k, v)
		if err != nil {
			return err.Error()
		}
		n, err := res.RowsAffected()
		return fmt.Sprint(n, err)
	}
	rows, err := read(query, k, v)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var out []sql.NullString
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			return err.Error()
		}
		out = append(out, s)
	}
	return fmt.Sprint(out, rows.Err())
}
