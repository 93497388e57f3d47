package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store"
)

// TestBitFlips: whatever single bit of the file flips, either something says so
// or every run and journal entry still reads as it was written (R15).
func TestBitFlips(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "resync.db")
	s := openAt(t, path)
	for range 60 {
		id := put(t, s, store.NewID("run"))
		for i := range 3 {
			if _, err := s.Append(t.Context(), store.Entry{RunID: id, Event: fmt.Sprint("note", i), Actor: "ana", Detail: []byte(`{"a":"b"}`)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := readAll(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Close() // folds the write-ahead log into the file
	clean, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	noticed := 0
	const flips = 60
	for i := range flips {
		bit := random.IntN(len(clean) * 8)
		dirty := append([]byte(nil), clean...)
		dirty[bit/8] ^= 1 << (bit % 8)
		name := filepath.Join(dir, fmt.Sprint("flip", i))
		if err := os.WriteFile(name, dirty, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readFlipped(t, name)
		if err != nil {
			noticed++
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("bit %d flipped, nothing noticed it:\n%s", bit, diff)
		}
		os.Remove(name)
	}
	t.Logf("%d of %d flips were noticed; the others changed nothing that is read", noticed, flips)
	if noticed == 0 {
		t.Error("no flip was noticed: the test proves nothing")
	}
}

func readFlipped(t *testing.T, path string) ([]store.RunStatus, error) {
	s, err := store.Open(t.Context(), path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if _, err := s.VerifyJournal(t.Context()); err != nil {
		return nil, err
	}
	return readAll(s)
}

func readAll(s *store.Store) ([]store.RunStatus, error) {
	return s.Runs(context.Background(), store.RunFilter{Limit: 1000})
}
