// Package read turns documents as people have them into the text that is cut,
// searched and cited: Markdown, plain text, HTML, PDF with text, Word (.docx) and
// descriptions of REST interfaces (OpenAPI, JSON or YAML).
//
//	t, err := read.Document("runbook.docx", data, read.DefaultLimits())
//	chunks := chunk.Document(t.Text, "runbook.docx")
//
// Headings, lists, code and tables come out as Markdown, so that the chunker sees
// the structure. Offsets of passages point into Text.Text, the extracted text, not
// into the file; [Text.Page] turns one into a page of a PDF, and Records name the
// operations of an interface.
//
// Everything is read from memory: nothing is fetched, executed or written, and no
// archive inside a document is opened. What cannot be read is a [*Refused] that
// tells the operator why and what to do. Limits bound the work before it is done.
//
// A PDF from a stranger is read best in a process of its own. The reader stops files
// whose objects refer to each other in a circle, claim absurd numbers or take too long,
// but two kinds it cannot stop, and each ends the process: a cross-reference stream that
// puts an object stream inside itself, and a font or a packed string that uses up the
// memory.
package read

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"resync/chunk"
)

// Format is the form of a document.
type Format string

// The formats.
const (
	Markdown Format = "markdown"
	Plain    Format = "text"
	HTML     Format = "html"
	PDF      Format = "pdf"
	DOCX     Format = "docx"
	OpenAPI  Format = "openapi"
)

// Limits bound what one document may cost.
type Limits struct {
	// Bytes is the most the file may have.
	Bytes int
	// Expanded is the most any compressed part of it may become.
	Expanded int
	// Ratio is how many times its size a part of an archive of more than 1 MB may
	// expand to.
	Ratio int
	// Entries is the most files in an archive, Pages the most of a PDF.
	Entries, Pages int
	// Time is how long reading a PDF may take; 0 is that of DefaultLimits.
	Time time.Duration
}

// DefaultLimits are 64 MB a file, 128 MB expanded at most 200-fold, 5000 files in an
// archive, 10000 pages, two minutes.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Expanded: 128 << 20, Ratio: 200, Entries: 5000, Pages: 10_000, Time: 2 * time.Minute}
}

// Text is a document that was read.
type Text struct {
	Format Format
	// Title is what the document calls itself, "" when it does not.
	Title string
	// Text is valid UTF-8, for the readers of all formats.
	Text string
	// Pages are where the pages begin in Text, in order: of a PDF, and of HTML that marks
	// its page breaks as electronic books do (role="doc-pagebreak").
	Pages []Page
	// Records are the operations of an interface, in the order of Text.
	Records []Record
	// Notes say what was left out, for the operator: "3 of 12 pages hold no text".
	Notes []string
}

// Page is where a page begins: its number from 1 and the byte offset in the text.
type Page struct{ Number, Start int }

// Record is one operation: text[Start:End] describes it.
type Record struct {
	ID, Method, Path, Summary string
	Start, End                int
}

// Page is the number of the page that holds the byte at offset, 0 when the document
// has no pages.
func (t Text) Page(offset int) int {
	i := sort.Search(len(t.Pages), func(k int) bool { return t.Pages[k].Start > offset })
	if i == 0 {
		return 0
	}
	return t.Pages[i-1].Number
}

// Mark gives passages of the text, which a chunker made, the numbers of their pages.
func (t Text) Mark(chunks []chunk.Chunk) {
	for _, c := range chunks {
		if c.Metadata != nil && c.End > c.Start {
			c.Metadata.PageStart, c.Metadata.PageEnd = t.Page(c.Start), t.Page(c.End-1)
		}
	}
}

// Refused is a document that cannot be read.
type Refused struct {
	// Name is the document's, Reason a clause about it ("it is encrypted; …").
	Name, Reason string
}

func (e *Refused) Error() string { return e.Name + ": " + e.Reason }

// Detect tells the format by the content; the name decides between forms of plain
// text. It does not look for damage.
func Detect(name string, data []byte) Format {
	head := bytes.TrimLeft(data[:min(len(data), 1024)], "\ufeff \t\r\n")
	low := bytes.ToLower(head)
	ext := strings.ToLower(path.Ext(name))
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return DOCX
	case ext == ".json" || ext == ".yaml" || ext == ".yml":
		return OpenAPI
	case ext == ".html" || ext == ".htm" || bytes.HasPrefix(low, []byte("<!doctype html")) || bytes.HasPrefix(low, []byte("<html")):
		return HTML
	case ext == ".md" || ext == ".markdown":
		return Markdown
	}
	return Plain
}

// Document reads a document in the format that [Detect] finds. An error is a
// *Refused; a file that is not what its name says is refused.
func Document(name string, data []byte, lim Limits) (Text, error) {
	format, err := Check(name, data)
	if err != nil {
		return Text{}, err
	}
	return As(format, name, data, lim)
}

// Check is [Detect] that refuses a file that is not what its name says.
func Check(name string, data []byte) (Format, error) {
	format, ext := Detect(name, data), strings.ToLower(path.Ext(name))
	if (ext == ".pdf" && format != PDF || ext == ".docx" && format != DOCX) && len(bytes.TrimSpace(data)) > 0 {
		if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")) {
			return "", &Refused{name, errOffice.Error()}
		}
		return "", &Refused{name, "its name ends in " + ext + ", but its content is something else; it may be damaged or misnamed"}
	}
	return format, nil
}

// As reads a document in a known format.
func As(format Format, name string, data []byte, lim Limits) (t Text, err error) {
	if len(data) > lim.Bytes {
		return Text{}, &Refused{name, fmt.Sprintf("it has %d MB, at most %d MB are read; split it", len(data)>>20, lim.Bytes>>20)}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return Text{}, &Refused{name, "it is empty"}
	}
	switch format {
	case PDF:
		t, err = readPDF(data, lim)
	case DOCX:
		t, err = readDOCX(data, lim)
	default:
		t, err = readPlain(format, data)
	}
	if err == nil && strings.TrimSpace(t.Text) == "" {
		err = errors.New("it holds no text")
	}
	if err != nil {
		return Text{}, &Refused{name, err.Error()}
	}
	t.Format = format
	return t, nil
}

// readPlain reads the formats that are text.
func readPlain(format Format, data []byte) (Text, error) {
	s, note, err := decode(data)
	if err != nil {
		return Text{}, err
	}
	var t Text
	switch format {
	case HTML:
		t = readHTML(s)
	case OpenAPI:
		t, err = readOpenAPI(s)
	case Markdown, Plain:
		t = Text{Text: s}
	default:
		return Text{}, fmt.Errorf("its format %q is not known", format)
	}
	if note != "" {
		t.Notes = append(t.Notes, note)
	}
	return t, err
}

// decode makes UTF-8 of UTF-8 with or without a mark and of UTF-16 with one.
func decode(data []byte) (text, note string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
		if err != nil {
			return "", "", errors.New("it begins as UTF-16 but is damaged; save it as UTF-8")
		}
		return string(out), "it was UTF-16 and is kept as UTF-8", nil
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return "", "", errOffice
	case bytes.IndexByte(data, 0) >= 0:
		return "", "", errors.New("it holds zero bytes, so it is no text")
	case !utf8.Valid(data):
		i := 0
		for i < len(data) {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		return "", "", fmt.Errorf("it is not UTF-8 (byte %d); convert it, for example with iconv -f WINDOWS-1252 -t UTF-8", i)
	}
	return strings.TrimPrefix(string(data), "\ufeff"), "", nil
}

var errOffice = errors.New("it is a file of Microsoft Office before 2007, or an encrypted one; save it as .docx without a password")

// lines collects text with at most one blank line in a row.
type lines struct {
	b    strings.Builder
	n    int  // line breaks at the end
	last byte // the last byte that is no line break
}

func (w *lines) text(s string) {
	if s != "" {
		w.b.WriteString(s)
		w.n, w.last = 0, s[len(s)-1]
	}
}

// gap ends the line, and with two the paragraph.
func (w *lines) gap(n int) {
	if w.b.Len() == 0 {
		return
	}
	for ; w.n < n; w.n++ {
		w.b.WriteByte('\n')
	}
}

// cell makes the text of a table's cell fit one line.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

// row writes a row of a Markdown table, with the line below it after the first.
func (w *lines) row(cells []string, first bool) {
	w.gap(1)
	w.text("|")
	for _, c := range cells {
		w.text(" " + cell(c) + " |")
	}
	w.gap(1)
	if first {
		w.text("|" + strings.Repeat("---|", len(cells)))
		w.gap(1)
	}
}
