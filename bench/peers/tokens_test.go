package peers

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
	"github.com/pkoukk/tiktoken-go-loader/assets"

	"resync/chunk"
)

var update = flag.Bool("update", false, "write the vocabularies of package chunk anew")

// encodings are ours, by the name tiktoken-go has for them.
func encodings() map[string]*chunk.BPE {
	return map[string]*chunk.BPE{"cl100k_base": chunk.CL100K(), "o200k_base": chunk.O200K()}
}

// TestVocabulariesAreThoseOfTheLoader compares the files inside package chunk with
// the ones they were made from. With -update it writes them.
func TestVocabulariesAreThoseOfTheLoader(t *testing.T) {
	for name, b := range map[string]string{"cl100k": "cl100k_base", "o200k": "o200k_base"} {
		want := vocabulary(t, b)
		file := filepath.Join("..", "..", "chunk", "ranks", name+".bin")
		if *update {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, flate.BestCompression)
			if err == nil {
				_, err = w.Write(want)
			}
			if err == nil {
				err = w.Close()
			}
			if err == nil {
				err = os.WriteFile(file, out.Bytes(), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the vocabulary %s of the loader (%v); run this test with -update", file, b, err)
		}
	}
}

// vocabulary is the loader's file in our form: the tokens in rank order, each as
// its length and its bytes.
func vocabulary(t *testing.T, name string) []byte {
	raw, err := assets.Assets.ReadFile(name + ".tiktoken")
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	next := 0
	for sc := bufio.NewScanner(bytes.NewReader(raw)); sc.Scan(); next++ {
		word, rank, _ := strings.Cut(sc.Text(), " ")
		token, err := base64.StdEncoding.DecodeString(word)
		if err != nil || rank != strconv.Itoa(next) {
			t.Fatalf("%s: line %d: %q (%v)", name, next+1, sc.Text(), err)
		}
		out = append(binary.AppendUvarint(out, uint64(len(token))), token...)
	}
	return out
}

// peer is tiktoken-go with the loader's vocabulary.
func peer(t testing.TB, name string) *tiktoken.Tiktoken {
	t.Helper()
	tiktoken.SetBpeLoader(loader.NewOfflineLoader())
	enc, err := tiktoken.GetEncoding(name)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

// corpora are the texts beside the project.
func corpora(t testing.TB) map[string]string {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	out := map[string]string{}
	for _, glob := range []string{"manuals/*.md", "eval/chunking/*.md", "hwa/*.json", "attacks/blns.json"} {
		files, _ := filepath.Glob(filepath.Join(root, glob))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(f)] = string(b)
		}
	}
	if len(out) == 0 {
		t.Skipf("SKIPPED, NOT COMPARED: no corpora below %s", root)
	}
	return out
}

func TestTokensAreThoseOfTiktoken(t *testing.T) {
	texts := corpora(t)
	for name, ours := range encodings() {
		theirs := peer(t, name)
		total := 0
		for file, text := range texts {
			text = strings.ToValidUTF8(text, "\ufffd")
			want, got := theirs.EncodeOrdinary(text), ours.Encode(text)
			if !slices.Equal(want, got) {
				t.Errorf("%s of %s: %d tokens, want %d", name, file, len(got), len(want))
			}
			if n := ours.Count(text); n != len(want) {
				t.Errorf("%s of %s: counted %d tokens, want %d", name, file, n, len(want))
			}
			total += len(want)
		}
		t.Logf("%s: %d files, %d tokens", name, len(texts), total)
	}
}

func FuzzTokensAreThoseOfTiktoken(f *testing.F) {
	for _, s := range []string{"", "don't DON'T 'sTuff", "a  b\t\n \n  c ", "12345 6", "ǅ中A中a'Ll x", "e\u0301E\u0301 \u0301A", "!!!\n\n/ x", "\u00a0\u2028 x",
		strings.Repeat("ab", 300), strings.Repeat(" ", 200) + "x", "한국어 テスト ªº ²³ ⅷ", "😀👨‍👩‍👧", "\u017f's 'ſ", "a/b/c//\r\n/", "CamelCaseWord HTTPServer", "\x00\x00"} {
		f.Add(s)
	}
	theirs := map[string]*tiktoken.Tiktoken{"cl100k_base": peer(f, "cl100k_base"), "o200k_base": peer(f, "o200k_base")}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		for name, ours := range encodings() {
			want, got := theirs[name].EncodeOrdinary(text), ours.Encode(text)
			if !slices.Equal(want, got) {
				t.Fatalf("%s of %q: %v, want %v", name, text, got, want)
			}
			if n := ours.Count(text); n != len(want) {
				t.Fatalf("%s of %q: counted %d, want %d", name, text, n, len(want))
			}
			if back, err := ours.Decode(got); err != nil || back != text {
				t.Fatalf("%s: %q came back as %q (%v)", name, text, back, err)
			}
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	var all strings.Builder
	for _, text := range corpora(b) {
		all.WriteString(text)
	}
	text := all.String()
	for name, ours := range encodings() {
		b.Run("ours/"+name+"/warm", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				ours.Count(text)
			}
		})
		theirs := peer(b, name)
		b.Run("tiktoken-go/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				theirs.EncodeOrdinary(text)
			}
		})
	}
}
