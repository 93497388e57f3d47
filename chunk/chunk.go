// Package chunk cuts a manual, runbook or note into passages that can be
// searched and cited.
//
// It is written for manuals as they are found, above all for PDFs turned into
// Markdown by OCR: every heading is of one level, a problem and its "Cause and
// solution" stand under two headings, tables are HTML, contents pages and
// indexes look like text. [Document] makes the section tree again, keeps a
// problem and its solution in one passage, keeps tables, fenced blocks and
// numbered procedures whole, and drops contents pages, indexes and notices.
//
// Three properties hold for every input: text[c.Start:c.End] == c.Content for
// each passage c, passages follow each other without overlap, and the work is
// linear in the length of the text.
//
// [Chunker] does the same within a hard number of tokens and gives every passage its
// metadata:
//
//	c, err := chunk.New(chunk.DefaultConfig())        // tws_optimized, 500 tokens
//	chunks, err := c.Document(ctx, text, "manual.md") // Content, Contextualized, Metadata
//	for ch, err := range c.Chunks(ctx, text, "manual.md") { … } // as a stream
//	parts := chunk.Text(text, 512)                    // strings, nothing else
//
// Tokens are counted exactly: [CL100K] and [O200K] give the ids of tiktoken,
// [WordPiece] those of BERT with the vocabulary of a model. Any other [Tokenizer]
// that can count will do, only slower. For overlapping passages the first and third
// property hold as well, and no passage begins before the one before it.
//
// Documents that are no text are read by package chunk/read.
package chunk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strconv"
	"strings"
)

// Kind says what a passage is, as far as its form shows it.
type Kind string

// The kinds of passage.
const (
	// KindEntry is a problem together with its cause and solution.
	KindEntry Kind = "entry"
	// KindProcedure holds numbered steps.
	KindProcedure Kind = "procedure"
	// KindTable is mostly one table.
	KindTable Kind = "table"
	// KindText is everything else.
	KindText Kind = "text"
)

// Chunk is one passage of a document.
type Chunk struct {
	// ID is derived from the source, the path and the content, so the same
	// passage keeps its id when text before it is edited.
	ID string `json:"id"`
	// Source is the name the document was given, for example "awstrmst.md".
	Source string `json:"source"`
	// Document is the title of the document.
	Document string `json:"document"`
	// Title is the nearest specific heading ("JnextPlan is slow", never
	// "Cause and solution").
	Title string `json:"title"`
	// Path leads from the chapter down to the title and, in a section that had
	// to be split, to the generic heading below it.
	Path []string `json:"path"`
	// Kind is the form of the passage.
	Kind Kind `json:"kind"`
	// Content is text[Start:End], unchanged.
	Content string `json:"content"`
	// Start and End are byte offsets into the text.
	Start int `json:"start"`
	End   int `json:"end"`
	// Line and EndLine are the first and last line, counted from 1.
	Line    int `json:"line"`
	EndLine int `json:"end_line"`
	// Metadata is what else is known. Only a [Chunker] fills it.
	Metadata *Metadata `json:"metadata,omitempty"`
}

// MarshalJSON writes the fields, and as "contextualized_content" what
// [Chunk.Contextualized] returns.
func (c Chunk) MarshalJSON() ([]byte, error) {
	type fields Chunk
	return json.Marshal(struct {
		fields
		Contextualized string    `json:"contextualized_content,omitempty"`
		Metadata       *Metadata `json:"metadata,omitempty"`
	}{fields(c), c.Contextualized(), c.Metadata})
}

// Contextualized is the content with document, section and names before it, for an
// index that reads nothing else; "" without metadata. It is made anew by each call, so
// that a passage keeps no second copy of its text.
func (c Chunk) Contextualized() string {
	if c.Metadata == nil {
		return ""
	}
	return contextualized(&c)
}

// Section is the path as one line, from the outside in.
func (c Chunk) Section() string { return strings.Join(c.Path, " › ") }

// Document cuts text into passages. The source names the document in the ids
// and stands in for a title when the text has none. An empty text has no
// passages; invalid UTF-8 is carried through unchanged.
func Document(text, source string) []Chunk {
	d := newDoc(text, source)
	var out []Chunk
	for _, s := range d.sections() {
		out = d.cut(out, s)
	}
	number(out)
	return out
}

// number gives each passage its id; equal passages of one document differ by
// their order of appearance.
func number(chunks []Chunk) {
	seen := make(map[[sha256.Size]byte]int, len(chunks))
	for i := range chunks {
		c := &chunks[i]
		sum := sha256.Sum256([]byte(c.Source + "\x00" + c.Section() + "\x00" + c.Content))
		c.ID = hex.EncodeToString(sum[:8])
		if n := seen[sum]; n > 0 {
			c.ID += "-" + strconv.Itoa(n+1)
		}
		seen[sum]++
	}
}

// docTitle is the text above the first heading (the cover of a manual), else
// the first heading, else the name of the file.
func (d *doc) docTitle() string {
	var cover []string
	for _, ln := range d.lines {
		if ln.kind == lineHeading {
			if len(cover) == 0 && ln.level == 1 {
				return Plain(d.heading(ln))
			}
			break
		}
		if ln.kind == lineText && ln.end-ln.start < 120 {
			cover = append(cover, d.text[ln.start:ln.end])
		} else if ln.kind != lineBlank {
			break
		}
		if len(cover) == 3 {
			break
		}
	}
	if t := strings.TrimSpace(Plain(strings.Join(cover, " "))); t != "" && d.book {
		return t
	}
	return strings.TrimSuffix(path.Base(d.source), path.Ext(d.source))
}

// Headings are the headings inside the passage, without those that only announce
// a cause, a solution or an example.
func (c Chunk) Headings() []string {
	lines := classify(c.Content, split(c.Content))
	d := doc{text: c.Content}
	var out []string
	for _, ln := range lines {
		if ln.kind != lineHeading {
			continue
		}
		t := Plain(d.heading(ln))
		if key := fold(t); !answers(key) && !generic(key) {
			out = append(out, t)
		}
	}
	return out
}
