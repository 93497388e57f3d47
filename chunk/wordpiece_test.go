package chunk

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nrun\n##ning\n##s\nthe\njob\n.\n=\ncafe\n漢\na\n##b\n"

func wordPiece(t testing.TB) *WordPiece {
	t.Helper()
	w, err := NewWordPiece(strings.NewReader(vocabulary))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWordPiece(t *testing.T) {
	w := wordPiece(t)
	for _, c := range []struct {
		text string
		want []int
	}{
		{"", nil}, {"  \n ", nil}, {"Running the jobs.", []int{4, 5, 7, 8, 6, 9}}, {"CAFÉ a≠a", []int{11, 13, 10, 13}},
		{"漢漢", []int{12, 12}}, {"unknown", []int{1}}, {"a\u200bb", []int{13, 14}}, {strings.Repeat("a", 101), []int{1}}, {"a\x00b", []int{13, 14}},
	} {
		got := w.Encode(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", c.text, diff)
		}
		if n := w.Count(c.text); n != len(c.want) {
			t.Errorf("%q: counted %d, want %d", c.text, n, len(c.want))
		}
	}
	for name, bad := range map[string]string{"no [UNK]": "a\nb\n", "twice": "[UNK]\na\na\n", "empty": ""} {
		if _, err := NewWordPiece(strings.NewReader(bad)); err == nil {
			t.Errorf("a vocabulary with %s was taken", name)
		}
	}
}

// TestWordPieceLedger: the ledger holds for WordPiece too, whose blanks are no tokens
// and whose longest words are one.
func TestWordPieceLedger(t *testing.T) {
	w := wordPiece(t)
	rapid.Check(t, func(t *rapid.T) {
		c := mustNew(t, func(cfg *Config) {
			drawConfig(t)(cfg)
			cfg.Tokenizer = w
		})
		text := drawText(t)
		within(t, c, text, cutAll(t, c, text))
	})
}

// TestWordPieceIsHuggingFaces compares ids with those of the tokenizers library;
// bench/peers/py/wordpiece.py makes the second file.
func TestWordPieceIsHuggingFaces(t *testing.T) {
	vocab, want, ok := strings.Cut(os.Getenv("RESYNC_WORDPIECE"), ",")
	if !ok {
		t.Skip("SKIPPED, NOT COMPARED: ids of WordPiece (RESYNC_WORDPIECE=vocab.txt,want.jsonl, see bench/peers/py/wordpiece.py)")
	}
	v, err := os.Open(vocab)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWordPiece(v)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<20)
	files, total := 0, 0
	for sc.Scan() {
		var row struct {
			File string
			IDs  []int
		}
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(row.File)
		if err != nil {
			t.Fatal(err)
		}
		got := w.Encode(string(text))
		if !slices.Equal(got, row.IDs) || w.Count(string(text)) != len(got) {
			k := 0
			for k < min(len(got), len(row.IDs)) && got[k] == row.IDs[k] {
				k++
			}
			t.Errorf("%s: %d ids, want %d; they differ from %d on", row.File, len(got), len(row.IDs), k)
		}
		files, total = files+1, total+len(row.IDs)
	}
	t.Logf("%d files, %d ids", files, total)
}
