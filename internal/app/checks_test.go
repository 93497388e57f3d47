package app

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resync/internal/health"
)

// TestRoom: the disk of the data directory, which a test cannot fill.
func TestRoom(t *testing.T) {
	const gb = 1 << 30
	for _, tt := range []struct {
		avail, size uint64
		err         error
		want        health.Status
	}{
		{50 * gb, 100 * gb, nil, health.Pass},
		{4 * gb, 100 * gb, nil, health.Warn},        // less than 5 %
		{900 << 20, 2 * gb, nil, health.Warn},       // less than 1 GB
		{90 << 20, 100 * gb, nil, health.Fail},      // nothing is sure to be written
		{0, 0, errors.New("not told"), health.Skip}, // asked in vain
	} {
		got := room(filepath.Join(t.TempDir(), "not", "there", "yet"), func(string) (uint64, uint64, error) { return tt.avail, tt.size, tt.err })
		if got.Status != tt.want {
			t.Errorf("%d of %d: %+v", tt.avail, tt.size, got)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.max")
	for text, want := range map[string]health.Status{"max\n": health.Pass, "268435456\n": health.Warn} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := memory(file); got.Status != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := memory(file + ".none"); got.Status != health.Skip {
		t.Errorf("no file: %+v", got)
	}
}

func TestFileModes(t *testing.T) {
	dir := t.TempDir()
	settings, data := filepath.Join(dir, "resync.yaml"), filepath.Join(dir, "data")
	db := filepath.Join(data, "resync.db")
	for _, err := range []error{os.Mkdir(data, 0o700), os.WriteFile(settings, nil, 0o600), os.WriteFile(db, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func() health.Result { return fileModes(settings, data, "sqlite:"+db).Run(t.Context()) }
	if got := look(); got.Status != health.Pass {
		t.Errorf("closed: %+v", got)
	}
	if err := os.Chmod(db, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := look(); got.Status != health.Warn || !strings.Contains(got.Output, db+" has 0644") {
		t.Errorf("open: %+v", got)
	}
}

func TestValidity(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		from, until time.Duration
		want        health.Status
	}{
		{-time.Hour, 30 * 24 * time.Hour, health.Pass}, {-time.Hour, 13 * 24 * time.Hour, health.Warn},
		{-2 * time.Hour, -time.Hour, health.Fail}, {time.Hour, 2 * time.Hour, health.Fail},
	} {
		if got := validity(&x509.Certificate{NotBefore: now.Add(tt.from), NotAfter: now.Add(tt.until)}, now); got.Status != tt.want {
			t.Errorf("%v to %v: %+v", tt.from, tt.until, got)
		}
	}
}
