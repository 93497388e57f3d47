package embed

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counting is an embedder that counts what it was asked.
type counting struct {
	texts []string
	fail  error
	name  string
}

func (c *counting) Embed(_ context.Context, texts []string, _ Kind) ([][]float32, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	c.texts = append(c.texts, texts...)
	var out [][]float32
	for _, t := range texts {
		out = append(out, letters(t))
	}
	return out, nil
}

func (c *counting) Model() string   { return c.name }
func (c *counting) Dimensions() int { return 4 }

func TestCachedAsksOnce(t *testing.T) {
	source := &counting{name: "m"}
	c := NewCached(source, 3)
	ask := func(kind Kind, texts ...string) {
		t.Helper()
		got, err := c.Embed(t.Context(), texts, kind)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			if diff := cmp.Diff(letters(text), got[i]); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
	}
	ask(Query, "a", "b", "a")
	ask(Query, "b", "a")
	ask(Passage, "a") // another kind may have another vector
	ask(Query, "c", "a")
	ask(Query, "b") // was the one not used for longest
	if diff := cmp.Diff([]string{"a", "b", "a", "c", "b"}, source.texts); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	source.fail = errors.New("down")
	ask(Query, "b") // is remembered all the same
	if _, err := c.Embed(t.Context(), []string{"b", "new"}, Query); !errors.Is(err, source.fail) {
		t.Errorf("got %v", err)
	}
}

func TestFileKeepsVectors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v")
	source := &counting{name: "m"}
	f, err := OpenFile(path, source)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"a", "bb", "ccc", "a"}
	want, err := f.Embed(t.Context(), texts, Passage)
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}

	alone, err := OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := alone.Embed(t.Context(), texts, Passage)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || alone.Model() != "m" || alone.Dimensions() != 4 || alone.Len() != 3 {
		t.Errorf("%v, %s of %d, %d vectors (-saved +read):\n%s", err, alone.Model(), alone.Dimensions(), alone.Len(), diff)
	}
	if known := alone.Known([]string{"bb", "new"}, Passage); known[0] == nil || known[1] != nil {
		t.Errorf("known: %v", known)
	}
	if _, err := alone.Embed(t.Context(), []string{"a"}, Query); !errors.Is(err, ErrNotInFile) {
		t.Errorf("a text that is not in it: %v", err)
	}

	if err := alone.Close(); err != nil {
		t.Error(err)
	}

	source.texts = nil
	more, err := OpenFile(path, source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := more.Embed(t.Context(), []string{"bb", "new"}, Passage); err != nil || more.Close() != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new"}, source.texts); diff != "" {
		t.Errorf("embedded again (-want +got):\n%s", diff)
	}
	if _, err := OpenFile(path, &counting{name: "other"}); !errors.Is(err, ErrVectorFile) {
		t.Errorf("vectors of another model: %v", err)
	}
}

// A crash cuts the last record; damage elsewhere is found.
func TestFileAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v")
	source := &counting{name: "m"}
	f, err := OpenFile(path, source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Embed(t.Context(), []string{"a", "bb"}, Query); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.IndexByte(whole, '\n') + 1
	record := (len(whole) - head) / 2
	for cutAt := range len(whole) {
		if err := os.WriteFile(path, whole[:cutAt], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(path, source)
		if cutAt < head {
			if !errors.Is(err, ErrVectorFile) {
				t.Fatalf("cut in the head at %d: %v", cutAt, err)
			}
			continue
		}
		if err != nil || f.Len() != (cutAt-head)/record {
			t.Fatalf("cut at %d: %v", cutAt, err)
		}
		if _, err := f.Embed(t.Context(), []string{"a", "bb"}, Query); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(path)
		if err != nil || len(again) != len(whole) {
			t.Fatalf("cut at %d: %d bytes instead of %d: %v", cutAt, len(again), len(whole), err)
		}
	}
	bad := bytes.Clone(whole)
	bad[head+5] ^= 1
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, nil); !errors.Is(err, ErrVectorFile) {
		t.Errorf("a damaged record: %v", err)
	}
	if _, err := OpenFile(path+"x", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Questions do not make the file grow.
func TestKeptKeepsPassagesOnly(t *testing.T) {
	source := &counting{name: "m"}
	k, err := OpenKept(filepath.Join(t.TempDir(), "v"), source)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, kind := range []Kind{Query, Passage} {
			if _, err := k.Embed(t.Context(), []string{"a"}, kind); err != nil {
				t.Fatal(err)
			}
		}
	}
	if k.Len() != 1 || len(source.texts) != 2 {
		t.Errorf("%d vectors in the file, asked %v", k.Len(), source.texts)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}
