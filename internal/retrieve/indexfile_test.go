package retrieve

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// manyTexts are documents with headings, codes, pointers and Portuguese.
func manyTexts(t testing.TB) *Index {
	t.Helper()
	when := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	return index(t,
		Document{Name: "guide.md", Text: guide, Version: "10.2.5", Authority: 2, Updated: when, Tags: []string{"ops"}},
		Document{Name: "handbook/a.md", Text: "# The agent is mute\n\nThe agent is mute.\n\nCause and solution: Call the vendor.\n", Builtin: true},
		Document{Name: "notas.md", Text: "# O agente não responde\n\nO agente parou. Reinicie o agente e veja o log.\n"},
	)
}

var someQuestions = []string{"agent does not link", "AWSBCV082I", "plan database locked", "o agente parou", "calendar", "zoo"}

func found(t testing.TB, x *Index, o Options) [][]Passage {
	t.Helper()
	var out [][]Passage
	for _, q := range someQuestions {
		p, err := x.Find(context.Background(), q, o)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestIndexFileFindsWhatTheIndexFinds(t *testing.T) {
	x := manyTexts(t)
	name := filepath.Join(t.TempDir(), "index")
	if err := x.WriteFile(name); err != nil {
		t.Fatal(err)
	}
	y, err := OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(found(t, x, Options{K: 5}), found(t, y, Options{K: 5})); diff != "" {
		t.Errorf("found (-memory +file):\n%s", diff)
	}
	if diff := cmp.Diff(x.docs, y.docs); diff != "" {
		t.Errorf("documents (-memory +file):\n%s", diff)
	}
	if err := y.Close(); err != nil {
		t.Error(err)
	}
	if err := y.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestEmptyIndexFile(t *testing.T) {
	var b bytes.Buffer
	if _, err := New().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	x, err := Open(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := search(t, x, "agent", 3); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

// TestBrokenIndexFileIsRefused: cut anywhere, or with one byte changed anywhere, a
// file is refused; nothing that opens can lead a search outside of it.
func TestBrokenIndexFileIsRefused(t *testing.T) {
	var b bytes.Buffer
	if _, err := manyTexts(t).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for cut := 0; cut < len(whole)-fileAlign; cut += 37 {
		if _, err := Open(whole[:cut]); !errors.Is(err, ErrBroken) {
			t.Fatalf("cut to %d of %d bytes: %v", cut, len(whole), err)
		}
	}
	padding := 0
	for at := 0; at < len(whole); at += 11 {
		changed := bytes.Clone(whole)
		changed[at] ^= 0x41
		x, err := Open(changed)
		if err == nil { // a byte between two parts
			padding++
			found(t, x, Options{K: 3})
			continue
		}
		if !errors.Is(err, ErrBroken) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	}
	if limit := len(whole) / 11 / 4; padding > limit {
		t.Errorf("%d of the changed bytes were not noticed", padding)
	}
	if _, err := OpenFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(empty); !errors.Is(err, ErrBroken) {
		t.Errorf("an empty file: %v", err)
	}
}

// FuzzOpen changes bytes and repairs the checksums, so that only the checks of the
// numbers stand between the file and the search.
func FuzzOpen(f *testing.F) {
	var b bytes.Buffer
	if _, err := manyTexts(f).WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	whole := b.Bytes()
	f.Add(0, byte(1), 3)
	f.Add(200, byte(0xff), 8)
	f.Add(len(whole)/2, byte(7), 0)
	f.Fuzz(func(t *testing.T, at int, with byte, part int) {
		data := bytes.Clone(whole)
		x := &Index{}
		var docs []byte
		n := len(x.pieces(&docs))
		row := data[filePartsAt+filePart*(max(part, -part)%n):]
		from, size := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(row[8:])
		if size == 0 || at < 0 {
			return
		}
		body := data[from : from+size]
		body[at%len(body)] ^= with
		binary.LittleEndian.PutUint32(row[20:], crc32.Checksum(body, castagnoli))
		table := align(fileHead + filePart*n)
		binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[filePartsAt:table], castagnoli))
		y, err := Open(data)
		if err != nil {
			if !errors.Is(err, ErrBroken) {
				t.Fatal(err)
			}
			return
		}
		for _, q := range someQuestions {
			if _, err := y.Search(context.Background(), q, 5); err != nil {
				t.Fatal(err)
			}
			if _, err := y.Spans(context.Background(), q, Modes()[0], Filter{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
