package chunk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPassagesOfManualsStay holds the passages of the manuals: a change that only
// makes the work faster leaves every offset, id, token count and name as it was. The
// digests are of the JSON of all passages, so no text of a manual stands here. A
// change that is meant to cut otherwise prints the new digests.
func TestPassagesOfManualsStay(t *testing.T) {
	files := []string{manual(t, "awstrmst.md")}
	want := map[string]string{
		"tws_optimized":   "f1e34b39ec37e60ad34d0d2e",
		"structure_aware": "4eb5bbc27f9ffdbed9a34f8a",
		"semantic":        "f727420f82ae1d3d84ddb6c2",
		"hierarchical":    "d3c0e36e5508cd8859a6468b",
		"recursive":       "ed9cdef1189824f54dbd0f26",
		"fixed_size":      "52b6f7ff00c5093c74800d89",
		"small, o200k":    "cf6a5e1bfbdaa6d2bde54f9c",
		"Document":        "9d9a8d73c0d23fb990086a9d",
		"Text":            "ba3d57416dee0143ea853bb6",
		"Plain":           "626e843e96cd6091ec538d3f",
	}
	if os.Getenv("RESYNC_LONG") != "" {
		all, err := filepath.Glob(filepath.Join(filepath.Dir(files[0]), "*.md"))
		if err != nil || len(all) < 8 {
			t.Fatalf("the manuals: %d files, %v", len(all), err)
		}
		files, want = all, map[string]string{
			"tws_optimized":   "f2267f9dc69a62e69948e833",
			"structure_aware": "1c5728417b2db8c13b391ee2",
			"semantic":        "f3f48eaecd13b754184e09e8",
			"hierarchical":    "685d8e9f1b09cbc1fca2ff37",
			"recursive":       "0aa21b6ecefac477a0fa0767",
			"fixed_size":      "47db7d36d64abc92cb1804b4",
			"small, o200k":    "49b7e0c1292a03393f408436",
			"Document":        "db1c23946391a26987a5d450",
			"Text":            "c8001bbc687ae45642f30ee6",
			"Plain":           "df324112c6e5021c30e89f1a",
		}
	}
	slices.Sort(files)
	for _, s := range Strategies() {
		c := mustNew(t, func(cfg *Config) { cfg.Strategy = s })
		digest(t, want, string(s), files, func(text, name string) []Chunk {
			got, err := c.Document(context.Background(), text, name)
			if err != nil {
				t.Fatal(err)
			}
			return got
		})
	}
	odd := mustNew(t, func(cfg *Config) {
		cfg.Tokenizer, cfg.MaxTokens, cfg.PreserveMaxTokens, cfg.MinTokens = O200K(), 180, 700, 60
		cfg.PreserveTables, cfg.PreserveProcedures = false, false
	})
	digest(t, want, "small, o200k", files, func(text, name string) []Chunk {
		got, err := odd.Document(context.Background(), text, name)
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
	digest(t, want, "Document", files, Document)
	digest(t, want, "Text", files, func(text, _ string) []Chunk {
		var out []Chunk
		for _, part := range Text(text, 200) {
			out = append(out, Chunk{Content: part})
		}
		return out
	})
	digest(t, want, "Plain", files, func(text, _ string) []Chunk { return []Chunk{{Content: Plain(text)}} })
}

func digest(t *testing.T, want map[string]string, what string, files []string, cut func(text, name string) []Chunk) {
	t.Helper()
	sum, n := sha256.New(), 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		enc := json.NewEncoder(sum)
		for _, c := range cut(strings.ToValidUTF8(string(data), "\ufffd"), filepath.Base(file)) {
			if err := enc.Encode(c); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	got := hex.EncodeToString(sum.Sum(nil)[:12])
	if got != want[what] {
		t.Errorf("%q: %q of %d passages, want %q", what, got, n, want[what])
	}
}
