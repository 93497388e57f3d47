package sandbox

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/chunk/read"
)

// TestMain lets this test binary be the child as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		if os.Getenv("PATH") != "" || os.Getenv("HOME") != "" {
			fmt.Fprintln(os.Stderr, "the environment was handed down")
			os.Exit(1)
		}
		if err := Child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// file is a PDF being made: object k+1 is at[k].
type file struct {
	bytes.Buffer
	at []int
}

func newFile(objects ...string) *file {
	f := &file{}
	f.WriteString("%PDF-1.5\n")
	for _, o := range objects {
		f.object(o)
	}
	return f
}

func (f *file) object(o string) {
	f.at = append(f.at, f.Len())
	fmt.Fprintf(f, "%d 0 obj\n%s\nendobj\n", len(f.at), o)
}

// table ends the file with a cross-reference table.
func (f *file) table(trailer string) []byte {
	x := f.Len()
	fmt.Fprintf(f, "xref\n0 %d\n0000000000 65535 f \n", len(f.at)+1)
	for _, a := range f.at {
		fmt.Fprintf(f, "%010d 00000 n \n", a)
	}
	trailer = strings.ReplaceAll(trailer, "HERE", fmt.Sprint(x))
	fmt.Fprintf(f, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(f.at)+1, trailer, x)
	return f.Bytes()
}

// packed ends the file with a cross-reference stream in which the objects of inside
// stand in an object stream: the number of it by the number of the object.
func (f *file) packed(inside map[int]int, extra string) []byte {
	size := len(f.at) + 1
	for n := range inside {
		size = max(size, n+1)
	}
	size++ // the stream itself
	var rows bytes.Buffer
	for n := range size {
		row := make([]byte, 7)
		switch at, in := inside[n]; {
		case in:
			row[0] = 2
			binary.BigEndian.PutUint32(row[1:], uint32(at))
		case n > 0 && n <= len(f.at):
			row[0] = 1
			binary.BigEndian.PutUint32(row[1:], uint32(f.at[n-1]))
		}
		rows.Write(row)
	}
	x := f.Len()
	fmt.Fprintf(f, "%d 0 obj\n<< /Type /XRef /W [1 4 2] /Size %d /Root 1 0 R /Length %d %s >>\nstream\n", size-1, size, rows.Len(), extra)
	f.Write(rows.Bytes())
	fmt.Fprintf(f, "\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", x)
	return f.Bytes()
}

func stream(dict, s string) string {
	return fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(s), dict, s)
}

func deflated(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

const catalog, tree = "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
const font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"

// page is an ordinary PDF of one page, in which the form /X0 draws itself.
func page(text string) []byte {
	return newFile(catalog, tree, "<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 4 0 R >> /XObject << /X0 6 0 R >> >> /Contents 5 0 R >>", font,
		stream("", "BT /F1 10 Tf 50 700 Td ("+text+") Tj ET /X0 Do"),
		stream("/Type /XObject /Subtype /Form /Resources << /XObject << /X0 6 0 R >> >>", "/X0 Do")).table("")
}

// forged are files that end or occupy a careless reader, with what is said of them.
func forged() map[string]struct {
	data []byte
	want string
} {
	type entry = struct {
		data []byte
		want string
	}
	mute := "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"
	nested := func(open, end string) []byte {
		const n = 300_000
		return newFile(catalog, tree, mute, strings.Repeat(open, n)+strings.Repeat(end, n)).table("")
	}
	objects := stream("/Type /ObjStm /N 1 /First 4", "1 0 << /Type /Catalog /Pages 2 0 R >>")
	return map[string]entry{
		"an object stream that holds itself": {newFile("null", tree, mute).packed(map[int]int{1: 5, 5: 5}, ""), "refer to each other without end"},
		"a stream whose length it holds": {newFile("null", tree, mute, strings.Replace(objects, "/Length 37", "/Length 6 0 R", 1)).
			packed(map[int]int{1: 4, 6: 4}, ""), "refer to each other without end"},
		"object streams that extend each other": {newFile("null", tree, mute, stream("/Type /ObjStm /N 0 /First 4 /Extends 4 0 R", "1 0 null")).
			packed(map[int]int{1: 4}, ""), "took more than"},
		"a page that is its own parent":     {newFile(catalog, tree, "<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>", stream("", "BT /F1 10 Tf (x) Tj ET")).table(""), "took more than"},
		"tables that go on with themselves": {newFile(catalog, tree, mute, stream("", "")).table("/Prev HERE"), "took more than"},
		"a table of 10^12 objects":          {newFile(catalog, tree, mute).packed(nil, "/Size 1000000000000"), "more objects than a PDF can have"},
		"a table that begins at 10^9":       {bytes.Replace(newFile(catalog, tree, mute).table(""), []byte("xref\n0 "), []byte("xref\n3000000000 "), 1), "more objects than a PDF can have"},
		"nested arrays":                     {nested("[", "]"), "damaged PDF"},
		"nested dictionaries":               {nested("<</A ", ">>"), "damaged PDF"},
		"a tree of pages in a circle":       {newFile(catalog, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>").table(""), "refers to itself"},
		"a string of 64 MB packed twice":    {nil, "of memory"}, // bomb(), when it is needed
		"a font with 10^15 characters": {newFile(catalog, tree, "<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
			"<< /Type /Font /Encoding /Identity-H /ToUnicode 6 0 R >>", stream("", "BT /F1 10 Tf (x) Tj ET"),
			stream("", "begincmap 1000000000000000 beginbfchar endbfchar")).table(""), "of memory"},
	}
}

// bomb is a file whose catalog stands behind a string of 64 MB in a file of a few hundred bytes.
func bomb() []byte {
	inner := deflated("1 0 (" + strings.Repeat("x", 64<<20))
	outer := deflated(inner)
	return newFile("null", tree, "null", stream("/Type /ObjStm /N 1 /First 4 /Filter [/FlateDecode /FlateDecode]", outer)).packed(map[int]int{1: 4}, "")
}

func small(t *testing.T) *Reader {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return New(exe, Bounds{Time: time.Minute, Memory: 192 << 20, Stack: 16 << 20})
}

// TestRow20ForgedPDFEndsAChildOnly: each of these files would end or occupy a process;
// the parent says why it was refused, and reads the next one.
func TestRow20ForgedPDFEndsAChildOnly(t *testing.T) {
	quick, patient := small(t), small(t)
	quick.bounds.CPU = time.Second
	for name, c := range forged() {
		t.Run(name, func(t *testing.T) {
			if raced && (strings.HasPrefix(c.want, "took") || c.want == "of memory") && !strings.HasPrefix(name, "tables") {
				t.Skip("SKIPPED, NOT RUN: a child with the race detector takes too long to run out of time or memory")
			}
			if c.data == nil {
				c.data = bomb()
			}
			t.Parallel()
			r := patient
			if strings.HasPrefix(c.want, "took") {
				r = quick
			}
			_, err := r.As(context.Background(), read.PDF, "forged.pdf", c.data, read.DefaultLimits())
			var bad *read.Refused
			if !errors.As(err, &bad) || !strings.Contains(bad.Reason, c.want) || bad.Name != "forged.pdf" {
				t.Fatalf("%v, want a refusal with %q", err, c.want)
			}
		})
	}
}

func TestDocumentsComeBackWhole(t *testing.T) {
	r, data := small(t), page("The agent is mute.")
	want, err := read.As(read.PDF, "a.pdf", data, read.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.As(context.Background(), read.PDF, "a.pdf", data, read.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in the process and in a child (-here +child):\n%s", diff)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"damaged":   {data[:len(data)/2], "damaged PDF"},
		"empty":     {[]byte(" "), "it is empty"},
		"too large": {bytes.Repeat([]byte("x"), 2<<20), "at most 1 MB are read"},
	} {
		lim := read.DefaultLimits()
		lim.Bytes = 1 << 20
		if _, err := r.As(context.Background(), read.PDF, "b.pdf", c.data, lim); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "b.pdf: ") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTheCallerLeaves(t *testing.T) {
	r := small(t)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := r.As(ctx, read.PDF, "a.pdf", forged()["tables that go on with themselves"].data, read.DefaultLimits())
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*read.Refused)) {
		t.Errorf("%v, want the caller's own deadline and no refusal", err)
	}
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	if _, err := r.As(ctx, read.PDF, "a.pdf", page("x"), read.DefaultLimits()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while all children are busy: %v", err)
	}
}

func TestAProgramThatCannotStartIsNoRefusal(t *testing.T) {
	r := New("/no/such/program", DefaultBounds())
	_, err := r.As(context.Background(), read.PDF, "a.pdf", page("x"), read.DefaultLimits())
	if err == nil || errors.As(err, new(*read.Refused)) || !strings.Contains(err.Error(), "in a process of its own") {
		t.Errorf("%v", err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	lim := read.DefaultLimits()
	for _, c := range []struct{ out, want string }{
		{"", "ended early"}, {"{}", "ended early"}, {"nonsense\n", "its answer"}, {`{"size":9}` + "\nabc", "its text ended early"},
		{`{"size":-1}` + "\n", "larger than is taken"}, {`{"size":99999999999}` + "\n", "larger than is taken"},
		{`{"size":3,"pages":[{"Number":1,"Start":9}]}` + "\nabc", "its page 1 begins at 9 of 3"},
		{`{"refused":"it is blue"}` + "\n", "it is blue"}, {strings.Repeat(" ", maxAnswer+10000), "does not end"},
	} {
		if _, err := receive(strings.NewReader(c.out), lim); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %q", c.out, err, c.want)
		}
	}
	got, err := receive(strings.NewReader(`{"title":"T","size":3,"pages":[{"Number":1,"Start":0}]}`+"\nabc"), lim)
	if err != nil || got.Text != "abc" || got.Title != "T" || len(got.Pages) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, in := range []string{"", "x", "nonsense\n", `{"format":"pdf","limits":{"Bytes":100}}`} {
		if err := Child(strings.NewReader(in), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "read the request") {
			t.Errorf("request %q: %v", in, err)
		}
	}
}

func TestThisProgramIsNotResync(t *testing.T) {
	if got := Program(); got != "" {
		t.Errorf("a test would start %q, and so itself", got)
	}
	got, err := Document()(context.Background(), read.PDF, "a.pdf", page("Hello there."), read.DefaultLimits())
	if err != nil || !strings.Contains(got.Text, "Hello there.") {
		t.Errorf("%q, %v", got.Text, err)
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "a minute", 2 * time.Minute: "2 minutes", 90 * time.Second: "90 seconds", 1500 * time.Millisecond: "1.5 seconds"} {
		if got := lasting(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestRow20TheClock: a child that has processor time left is ended at its deadline.
func TestRow20TheClock(t *testing.T) {
	r := small(t)
	r.bounds.Time = 700 * time.Millisecond
	_, err := r.As(context.Background(), read.PDF, "a.pdf", forged()["tables that go on with themselves"].data, read.DefaultLimits())
	if !errors.As(err, new(*read.Refused)) || !strings.Contains(err.Error(), "took more than 0.7 seconds;") {
		t.Errorf("%v", err)
	}
}

func FuzzReceive(f *testing.F) {
	for _, s := range []string{"", "{}\n", `{"size":3}` + "\nabc", `{"refused":"x"}` + "\n", `{"size":-1}` + "\n", `{"pages":[{"Number":1,"Start":9}]}` + "\n"} {
		f.Add([]byte(s))
	}
	lim := read.DefaultLimits()
	lim.Expanded = 1 << 10
	f.Fuzz(func(t *testing.T, out []byte) {
		got, err := receive(bytes.NewReader(out), lim)
		if err == nil && (len(got.Text) > len(out) || int64(len(got.Text)) > maxText(lim)) {
			t.Fatalf("%d bytes of text from %d", len(got.Text), len(out))
		}
		for _, p := range got.Pages {
			if p.Start < 0 || p.Start > len(got.Text) {
				t.Fatalf("page %d begins at %d of %d", p.Number, p.Start, len(got.Text))
			}
		}
	})
}
