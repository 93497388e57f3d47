package evaluate

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"resync/chunk"
)

// beside is a file in the folder beside the project, or the test is skipped.
func beside(t *testing.T, lost string, elem ...string) string {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	p := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("SKIPPED, NOT RUN: %s (%v)", lost, err)
	}
	return p
}

// TestPredecessorIsAsItWas compares the re-created chunker with the numbers that
// were measured on the original over the same manuals.
func TestPredecessorIsAsItWas(t *testing.T) {
	for _, c := range []struct {
		manual                        string
		chunks, over, small, errorDoc int
	}{{"awstrmst.md", 828, 28, 115, 8}, {"awsdvmst.md", 249, 74, 23, 0}, {"awsaimst.md", 221, 4, 66, 0}} {
		b, err := os.ReadFile(beside(t, "the counts of the predecessor's chunks", "manuals", c.manual))
		if err != nil {
			t.Fatal(err)
		}
		n, over, small, errorDocs := 0, 0, 0, 0
		for _, ch := range Predecessor(string(b), c.manual, PredecessorTWSOptimized) {
			n++
			tokens := predTokens(ch.Content)
			over += b2i(tokens > 500)
			small += b2i(tokens < 20)
			errorDocs += b2i(ch.Type == "error_documentation")
		}
		t.Logf("%s: %d chunks (measured %d), %d over 500 tokens (%d), %d under 20 (%d), %d error documents (%d)",
			c.manual, n, c.chunks, over, c.over, small, c.small, errorDocs, c.errorDoc)
		if off := n - c.chunks; 8*max(off, -off) > c.chunks {
			t.Errorf("%s: %d chunks, the original made %d", c.manual, n, c.chunks)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestPredecessorKeepsItsFaults(t *testing.T) {
	text := "lost\n\n# The agent is mute\n\nNothing is heard.\n\n# Cause and solution:\n\nAWSBCV012E cause: the port. Run conman.\n"
	got := Predecessor(text, "T", PredecessorTWSOptimized)
	if len(got) != 2 || got[0].Section != "The agent is mute" || got[1].Section != "Cause and solution:" {
		t.Fatalf("%+v", got)
	}
	want := "[Context: Document: T | Section: Cause and solution: | Error codes documented: AWSBCV012E | TWS commands referenced: conman]\n\n" +
		"# Cause and solution:\n\nAWSBCV012E cause: the port. Run conman."
	if got[1].Contextualized != want {
		t.Errorf("%q", got[1].Contextualized)
	}
}

// TestSplittersAreLangChains compares the chunks with those that LangChain's
// splitters (langchain-text-splitters 1.1.3 with cl100k as length) made of the same
// file, as a hash over all of them.
func TestSplittersAreLangChains(t *testing.T) {
	for file, want := range goldenSplits {
		b, err := os.ReadFile(beside(t, "the comparison with LangChain's splitters", "eval", "chunking", file))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, s := range ChromaSplitters() {
			h := sha256.New()
			n := 0
			for _, sp := range s.Split(text) {
				h.Write([]byte(text[sp.Start:sp.End] + "\x00"))
				n++
			}
			if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want[s.Name] {
				t.Errorf("%s of %s: %d chunks, hash %s, want %s", s.Name, file, n, got, want[s.Name])
			}
		}
	}
}

func TestTokenWindowsEnd(t *testing.T) {
	enc := chunk.CL100K()
	text := strings.Repeat("a😀b ", 200)
	for _, c := range []struct{ size, overlap int }{{1, 0}, {10, 10}, {10, 50}, {7, 3}, {0, 0}, {5000, 2}} {
		end := 0
		for _, s := range TokenWindows(text, enc, c.size, c.overlap) {
			if s.Start > end || s.End <= s.Start {
				t.Fatalf("%v: window %v after %d", c, s, end)
			}
			end = max(end, s.End)
		}
		if end != len(text) {
			t.Errorf("%v: windows end at %d of %d", c, end, len(text))
		}
	}
}
