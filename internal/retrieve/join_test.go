package retrieve

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// randomText draws a small document of few words, so that terms are shared.
func randomText(t *rapid.T) string {
	words := []string{"agent", "link", "AWSBCV082I", "plan", "database", "locked", "JnextPlan", "calendário", "servidor", "the", "optman ls"}
	var b strings.Builder
	for range rapid.IntRange(1, 4).Draw(t, "sections") {
		b.WriteString("# " + strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(t, "title"), " ") + "\n\n")
		b.WriteString(strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 30).Draw(t, "body"), " ") + "\n\n")
	}
	return b.String()
}

// written is the index as a file.
func written(t interface{ Fatal(...any) }, x *Index) []byte {
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestJoinIsNew: whatever was added, changed, removed and moved before, and through a
// file or not, an index joined out of others is that of the documents analysed now.
func TestJoinIsNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := New()
		var docs []Document
		for step := range rapid.IntRange(1, 5).Draw(t, "steps") {
			var pieces []Piece
			var next []Document
			for i, d := range docs {
				switch rapid.SampledFrom([]string{"keep", "keep", "keep", "drop", "change"}).Draw(t, "old") {
				case "keep":
					pieces, next = append(pieces, Piece{Index: now, Doc: i}), append(next, d)
				case "change":
					d.Text = randomText(t)
					pieces, next = append(pieces, Piece{Segment: Analyse(d)}), append(next, d)
				}
			}
			for range rapid.IntRange(0, 3).Draw(t, "new") {
				d := Document{Name: fmt.Sprint("d", rapid.IntRange(0, 99).Draw(t, "name"), ".", step), Text: randomText(t)}
				at := rapid.IntRange(0, len(next)).Draw(t, "at")
				pieces, next = slices.Insert(pieces, at, Piece{Segment: Analyse(d)}), slices.Insert(next, at, d)
			}
			if len(next) > 1 && rapid.Bool().Draw(t, "turn") { // the old order is lost
				slices.Reverse(pieces)
				slices.Reverse(next)
			}
			now, docs = Join(pieces...), next
			if rapid.Bool().Draw(t, "file") {
				var err error
				if now, err = Open(written(t, now)); err != nil {
					t.Fatal(err)
				}
			}
		}
		var segments []*Segment
		for _, d := range docs {
			segments = append(segments, Analyse(d))
		}
		fresh := New(segments...)
		if !bytes.Equal(written(t, now), written(t, fresh)) {
			t.Fatalf("joined: %d documents, %d passages, %d terms; analysed: %d, %d, %d", now.Documents(), now.Passages(), len(now.nameFrom),
				fresh.Documents(), fresh.Passages(), len(fresh.nameFrom))
		}
		if err := now.check(); err != nil {
			t.Fatal(err)
		}
	})
}
