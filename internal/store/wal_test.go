package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"resync/internal/store"
)

// TestTheLogStaysSmall: readers that overlap all the time keep SQLite from beginning its
// log anew, and it grew for as long as they did (48 MB in a soak beside other work).
func TestTheLogStaysSmall(t *testing.T) {
	const large = 1 << 20
	path := filepath.Join(t.TempDir(), "resync.db")
	s := openAt(t, path)
	s.SetLargeLog(large)
	id := put(t, s, store.NewID("run"))
	ctx, stop := context.WithCancel(t.Context())
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 20 * time.Millisecond)
			for ctx.Err() == nil {
				tx, err := other.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				if err := tx.QueryRowContext(t.Context(), "select count(*) from runs").Scan(&n); err != nil {
					t.Error(err)
				}
				time.Sleep(60 * time.Millisecond)
				if err := tx.Rollback(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var largest int64
	end := time.Now().Add(10 * time.Second)
	for written := 0; written < 12*large && time.Now().Before(end); {
		for range 20 {
			put(t, s, store.NewID("run"))
		}
		log, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, log.Size())
		written += 20 * 20_000 // at least five pages each
	}
	stop()
	wg.Wait()
	t.Logf("the log was %d bytes at most", largest)
	if most := int64(8 * large); largest > most {
		t.Errorf("the log grew to %d bytes, want %d at most", largest, most)
	}
	if _, err := s.Run(t.Context(), id); err != nil {
		t.Error(err)
	}
}
