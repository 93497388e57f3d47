package read

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRow20PDFInACircle: files that would keep the library going for ever, or take the
// process down, are stopped in this process.
func TestRow20PDFInACircle(t *testing.T) {
	const catalog, tree = "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
	mute := "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"
	drawn := stream("BT /F1 10 Tf (x) Tj ET")
	good := portable([]string{catalog, tree, mute, drawn}, "")
	again := portable([]string{catalog, tree, mute, drawn}, "/Prev 00000")
	again = bytes.Replace(again, []byte("/Prev 00000"), fmt.Appendf(nil, "/Prev %05d", bytes.LastIndex(again, []byte("\nxref"))+1), 1)
	deep := strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000)
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"a page that is its own parent", "took more than", portable([]string{catalog, tree, "<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>", drawn}, "")},
		{"tables that go on with themselves", "took more than", again},
		{"a stream whose length it holds", "refer to each other without end", lengthInside()},
		{"nested arrays", "damaged PDF", portable([]string{catalog, tree, mute, deep}, "")},
		{"nested dictionaries", "damaged PDF", portable([]string{catalog, tree, mute, strings.Repeat("<</A ", 200_000) + strings.Repeat(">>", 200_000)}, "")},
		{"a table that begins at 10^9", "more objects than", bytes.Replace(good, []byte("xref\n0 "), []byte("xref\n3000000000 "), 1)},
		{"its second section", "more objects than", bytes.Replace(good, []byte("trailer"), []byte("99999999 1\n0000000000 00000 f\ntrailer"), 1)},
		{"a size of 10^12", "more objects than", bytes.Replace(good, []byte("/Size 5"), []byte("/S#69ze 1000000000000"), 1)},
		{"an index of 10^9", "more objects than", bytes.Replace(good, []byte("/Size 5"), []byte("/Size 5 /Index [0 5 1000000000 1]"), 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lim := DefaultLimits()
			if strings.HasPrefix(c.want, "took") {
				lim.Time = 300 * time.Millisecond
			}
			_, err := Document("a.pdf", c.data, lim)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// lengthInside is a file whose object stream says that its length stands inside it.
func lengthInside() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	at := b.Len()
	b.WriteString("2 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Length 3 0 R >>\nstream\n1 0 << /Type /Catalog >>\nendstream\nendobj\n")
	rows := []byte{0, 0, 0, 0, 2, 0, 2, 0, 1, byte(at >> 8), byte(at), 0, 2, 0, 2, 0}
	x := b.Len()
	fmt.Fprintf(&b, "4 0 obj\n<< /Type /XRef /W [1 2 1] /Size 4 /Root 1 0 R /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(rows), rows, x)
	return b.Bytes()
}

// TestLargeFilesAreNoForgeries: places in a file beyond the number of objects are no
// claim of objects.
func TestLargeFilesAreNoForgeries(t *testing.T) {
	for _, s := range []string{
		"startxref\n999999999\n%%EOF", "\nxref\n5 1\n0999999999 00000 n\ntrailer", "/Size 8388607", "/Index [0 8388607]", "/Sizes 99999999999", "/Size", "/Index [", "/", "\nxref",
		"/Length 99999999999", "/Index [1 2] 99999999999", "/Size 12/Prev 99999999999", "\nxref\n0 1\n0000000000 65535 f\n7 1\n0999999999 00000 n\ntrailer",
	} {
		if err := plausible([]byte(s)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// BenchmarkHostilePDF shows linear time: four times the file takes four times as long.
func BenchmarkHostilePDF(b *testing.B) {
	for name, unit := range map[string]string{"tables": "\nxref\n0 8388607\n", "entries": "\nxref\n0 9\n0 0 n\n", "indexes": "/Index [1 ", "slashes": "/"} {
		for _, n := range []int{1 << 18, 1 << 20} {
			data := bytes.Repeat([]byte(unit), n/len(unit))
			b.Run(fmt.Sprintf("%s/%dkB", name, n>>10), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					_ = plausible(data)
				}
			})
		}
	}
}

func FuzzPlausible(f *testing.F) {
	for _, s := range []string{"/Size 99999999999", "\nxref\n99999999 1", "/S#69ze[", "/Index [ 1 99999999", "\nxref\n0 99999999999999999999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := plausible(data); err != nil && !bytes.Contains(data, []byte("xref")) && !bytes.Contains(data, []byte("/")) {
			t.Fatalf("%q: %v", data, err)
		}
	})
}
