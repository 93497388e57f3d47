package read

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/ledongthuc/pdf"
)

// readPDF reads the text of a PDF page by page. Larger type becomes a heading, lines
// that stand on most pages (running heads, page numbers) are dropped.
func readPDF(data []byte, lim Limits) (t Text, err error) {
	if err := plausible(data); err != nil {
		return Text{}, err
	}
	file := newGuard(data, lim)
	defer func() { // the library gives up on damage by panicking
		if p := recover(); p != nil {
			t, err = Text{}, fmt.Errorf("it is a damaged PDF (%v); print it to a new PDF", p)
		}
		if file.bad != nil {
			t, err = Text{}, file.bad
		}
	}()
	r, err := pdf.NewReader(file, int64(len(data)))
	switch {
	case errors.Is(err, pdf.ErrInvalidPassword):
		return Text{}, errors.New("it is encrypted; save it without a password")
	case err != nil && strings.Contains(err.Error(), "encrypt"):
		return Text{}, fmt.Errorf("it is encrypted in a way that is not supported (%w); save it without a password", err)
	case err != nil:
		return Text{}, fmt.Errorf("it is a damaged PDF (%w); print it to a new PDF", err)
	}
	pages, err := pagesOf(r, lim)
	if err != nil {
		return Text{}, err
	}
	w := pdfText{budget: lim.Expanded}
	for i, p := range pages {
		if err := w.page(p); err != nil {
			return Text{}, fmt.Errorf("its page %d %w", i+1, err)
		}
	}
	t = w.finish()
	t.Title = strings.TrimSpace(strings.ToValidUTF8(r.Trailer().Key("Info").Key("Title").Text(), ""))
	if w.empty == len(pages) {
		return Text{}, errors.New("none of its pages holds text; it is probably scanned: run it through a text recognition (OCR) first")
	}
	if w.empty > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of %d pages hold no text (they may be scanned)", w.empty, len(pages)))
	}
	return t, nil
}

// maxDepth is how deep the tree of pages may be; a deeper one refers to itself.
const maxDepth = 40

// pagesOf walks the tree of pages within the limits, whatever counts it claims.
func pagesOf(r *pdf.Reader, lim Limits) ([]pdf.Page, error) {
	var out []pdf.Page
	steps := 0
	var walk func(v pdf.Value, depth int) error
	walk = func(v pdf.Value, depth int) error {
		if steps++; depth > maxDepth || steps > 4*lim.Pages {
			return errors.New("its tree of pages refers to itself; print it to a new PDF")
		}
		if v.Key("Type").Name() != "Pages" {
			if len(out) >= lim.Pages {
				return fmt.Errorf("it has more than %d pages; split it", lim.Pages)
			}
			out = append(out, pdf.Page{V: v})
			return nil
		}
		kids := v.Key("Kids")
		for i := range kids.Len() {
			if err := walk(kids.Index(i), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(r.Trailer().Key("Root").Key("Pages"), 0)
}

// pdfLine is a line of a page.
type pdfLine struct {
	text string
	size float64 // of the type
	gap  float64 // to the line above, in sizes
	page int
	edge bool // first or last line of its page
}

type pdfText struct {
	lines  []pdfLine
	pages  int
	empty  int
	budget int // bytes that pages may still expand to
}

// page reads the lines of one page.
func (w *pdfText) page(p pdf.Page) error {
	w.pages++
	if err := w.spend(p.V.Key("Contents")); err != nil {
		return err
	}
	from := len(w.lines)
	var cur strings.Builder
	var y, end, size, above float64
	flush := func() {
		s := strings.TrimSpace(strings.ToValidUTF8(cur.String(), ""))
		cur.Reset()
		if s == "" {
			return
		}
		gap := 0.0
		if above != 0 && size > 0 {
			gap = math.Abs(above-y) / size
		}
		w.lines = append(w.lines, pdfLine{text: s, size: math.Round(size*2) / 2, gap: gap, page: w.pages})
		above = y
	}
	for _, c := range p.Content().Text {
		if c.S == "\n" {
			continue
		}
		if cur.Len() > 0 && math.Abs(c.Y-y) > 0.4*max(size, 1) {
			flush()
		}
		if cur.Len() == 0 {
			y, size = c.Y, c.FontSize
		} else if c.X-end > 0.2*max(c.FontSize, 1) && c.W > 0 {
			cur.WriteByte(' ')
		}
		cur.WriteString(c.S)
		size = max(size, c.FontSize)
		end = c.X + c.W
	}
	flush()
	if len(w.lines) == from {
		w.empty++
		return nil
	}
	w.lines[from].edge, w.lines[len(w.lines)-1].edge = true, true
	return nil
}

// spend unpacks the streams of a page once within the budget, so that a bomb among
// them is found before its content is kept.
func (w *pdfText) spend(v pdf.Value) error {
	if v.Kind() == pdf.Array {
		for i := range v.Len() {
			if err := w.spend(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if v.Kind() != pdf.Stream {
		return nil
	}
	r := v.Reader()
	n, err := io.Copy(io.Discard, io.LimitReader(r, int64(w.budget)+1))
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if w.budget -= int(n); w.budget < 0 {
		return errors.New("expands to more than is taken; this is a zip bomb or no ordinary document")
	}
	if err != nil {
		return fmt.Errorf("is damaged (%w); print it to a new PDF", err)
	}
	return nil
}

// finish drops running lines and writes the text.
func (w *pdfText) finish() Text {
	running := w.running()
	body, sizes := w.sizes()
	var out lines
	t := Text{}
	for _, ln := range w.lines {
		if len(t.Pages) == 0 || t.Pages[len(t.Pages)-1].Number != ln.page {
			if ln.page > 1 {
				out.gap(1)
			}
			t.Pages = append(t.Pages, Page{ln.page, out.b.Len()})
		}
		if ln.edge && running[masked(ln.text)] {
			continue
		}
		level := sort.Search(len(sizes), func(k int) bool { return sizes[k] <= ln.size }) + 1
		switch {
		case ln.size >= 1.15*body && len(ln.text) < 120 && level <= len(sizes):
			out.gap(2)
			out.text(strings.Repeat("#", min(level, 3)) + " " + ln.text)
			out.gap(2)
		case ln.gap > 1.7:
			out.gap(2)
			out.text(ln.text)
		default:
			out.gap(1)
			out.text(ln.text)
		}
	}
	out.gap(1)
	t.Text = out.b.String()
	return t
}

// sizes are the size of the running text, and the larger ones, largest first.
func (w *pdfText) sizes() (body float64, larger []float64) {
	count := map[float64]int{}
	for _, ln := range w.lines {
		count[ln.size] += len(ln.text)
	}
	for s, n := range count {
		if n > count[body] || n == count[body] && s < body {
			body = s
		}
	}
	for s := range count {
		if s >= 1.15*body {
			larger = append(larger, s)
		}
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(larger)))
	return body, larger
}

// running are the first and last lines that stand on more than half of the pages,
// whatever their numbers.
func (w *pdfText) running() map[string]bool {
	out := map[string]bool{}
	if w.pages < 4 {
		return out
	}
	count := map[string]int{}
	for _, ln := range w.lines {
		if ln.edge {
			count[masked(ln.text)]++
		}
	}
	for s, n := range count {
		if 2*n > w.pages {
			out[s] = true
		}
	}
	return out
}

// masked is a line with its numbers as one mark.
func masked(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r >= '0' && r <= '9' }), "#")
}
