package refactor

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// Edit replaces the bytes [Start, End) of a file.
type Edit struct {
	Start, End int
	New        string
}

// applyEdits returns src with the edits made. Edits may come in any order and
// must not overlap; equal ones count once.
func applyEdits(src []byte, edits []Edit) ([]byte, error) {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		if a.End != b.End {
			return a.End - b.End
		}
		return strings.Compare(a.New, b.New)
	})
	edits = slices.Compact(edits)
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.Start < at || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("edit of bytes %d-%d overlaps another or leaves the file", e.Start, e.End)
		}
		out.Write(src[at:e.Start])
		out.WriteString(e.New)
		at = e.End
	}
	out.Write(src[at:])
	return out.Bytes(), nil
}

// editGo is applyEdits for Go source: a file that was gofmt-clean stays so (an
// import whose path changes may have to be sorted anew), any other keeps every
// byte that was not edited.
func editGo(src []byte, edits []Edit) ([]byte, error) {
	out, err := applyEdits(src, edits)
	if err != nil {
		return nil, err
	}
	if clean, err := format.Source(src); err != nil || !bytes.Equal(clean, src) {
		return out, nil
	}
	done, err := format.Source(out)
	if err != nil {
		return nil, fmt.Errorf("the edited file does not parse: %w", err)
	}
	return done, nil
}
