package read

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"
)

// What is wrong with a forged PDF, as far as it can be told in this process.
var (
	errCircle = errors.New("its parts refer to each other without end; it is damaged or forged: print it to a new PDF")
	errClaims = errors.New("it claims more objects than a PDF can have; it is damaged or forged: print it to a new PDF")
)

// guard is the file as the library of PDF reads it. The library follows references
// through the file without remembering where it was, so a forged file can keep it
// going in a circle or down a recursion that ends the process. Each step reads the
// file, and that is where the guard stops it: the library gives up when the file cannot
// be read.
type guard struct {
	io.ReaderAt
	until time.Time
	most  time.Duration
	reads int
	bad   error // why it was stopped
}

// lookEvery is how many reads go by between two looks at the clock and the stack;
// maxFrames is how many calls may be open. The library allows objects of 1000 levels,
// with two calls each.
const lookEvery, maxFrames = 16, 6000

func newGuard(data []byte, lim Limits) *guard {
	most := lim.Time
	if most <= 0 {
		most = DefaultLimits().Time
	}
	return &guard{ReaderAt: bytes.NewReader(data), until: time.Now().Add(most), most: most}
}

// ReadAt reads as the file does, unless the reading has got out of hand.
func (g *guard) ReadAt(p []byte, off int64) (int, error) {
	if g.reads++; g.bad == nil && g.reads%lookEvery == 0 {
		var pc [1]uintptr
		switch {
		case time.Now().After(g.until):
			g.bad = fmt.Errorf("reading it took more than %g seconds; split it, or print it to a new PDF", g.most.Seconds())
		case runtime.Callers(maxFrames, pc[:]) > 0:
			g.bad = errCircle
		}
	}
	if g.bad != nil {
		return 0, g.bad
	}
	return g.ReaderAt.ReadAt(p, off)
}

// maxObjects is the most indirect objects a PDF may have (ISO 32000-1, annex C.2). The
// library makes room for as many as a file claims.
const maxObjects = 8_388_607

// plausible refuses a file whose tables claim objects beyond maxObjects. It looks at the
// numbers after Size and Index and at the sections of cross-reference tables, wherever
// they stand; names may be spelt with # and two digits for a letter.
func plausible(data []byte) error {
	for rest := data; ; {
		i := bytes.IndexByte(rest, '/')
		if i < 0 {
			break
		}
		var name string
		if name, rest = pdfName(rest[i+1:]); name == "Size" || name == "Index" {
			if claims(rest) {
				return errClaims
			}
		}
	}
	for rest := data; ; {
		i := bytes.Index(rest, []byte("xref"))
		if i < 0 {
			return nil
		}
		here := i > 0 && isBlank(rest[i-1]) // not the end of startxref
		if rest = rest[i+4:]; here && tableClaims(rest) {
			return errClaims
		}
	}
}

// tableClaims is claims for the sections of a cross-reference table: a first number and
// how many objects there are, then three words for each.
func tableClaims(s []byte) bool {
	for {
		var first, n string
		first, s = token(s)
		n, s = token(s)
		from, err1 := strconv.Atoi(first)
		count, err2 := strconv.Atoi(n)
		switch {
		case errors.Is(err1, strconv.ErrRange) || errors.Is(err2, strconv.ErrRange):
			return true
		case err1 != nil || err2 != nil:
			return false // the trailer, or no table
		case from > maxObjects || count > maxObjects || from+count > maxObjects+1:
			return true
		}
		for range count {
			if s = entry(s); s == nil {
				return false
			}
		}
	}
}

// entry is what follows an entry of a cross-reference table, nil when there is none: it
// then ends at another table at the latest, so that no byte is looked at twice.
func entry(s []byte) []byte {
	_, s = token(s)
	_, s = token(s)
	kind, s := token(s)
	if kind != "n" && kind != "f" {
		return nil
	}
	return s
}

// token is the next word of s and what follows it.
func token(s []byte) (string, []byte) {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	n := 0
	for n < len(s) && n < 32 && !isBlank(s[n]) {
		n++
	}
	return string(s[:n]), s[n:]
}

// isBlank says whether a byte is white space to PDF.
func isBlank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

// pdfName reads a name after its slash, as long as one that matters can be.
func pdfName(s []byte) (name string, rest []byte) {
	var buf [8]byte
	out := buf[:0]
	for len(s) > 0 && len(out) < cap(buf) {
		c := s[0]
		if c <= ' ' || bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 {
			break
		}
		if s = s[1:]; c == '#' && len(s) > 1 {
			if v, err := strconv.ParseUint(string(s[:2]), 16, 8); err == nil {
				c, s = byte(v), s[2:]
			}
		}
		out = append(out, c)
	}
	return string(out), s
}

// claims says whether the number that follows is larger than maxObjects, or one of those
// between brackets.
func claims(s []byte) bool {
	list := false
	for len(s) > 0 && (isBlank(s[0]) || s[0] == '[') {
		list = list || s[0] == '['
		s = s[1:]
	}
	n := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			if n = n*10 + int(c-'0'); n > maxObjects {
				return true
			}
		case list && isBlank(c):
			n = 0
		case c != '+':
			return false
		}
	}
	return false
}
