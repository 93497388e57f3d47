package chunk

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"
)

// Type is what a passage is, in the words of the contract.
type Type string

// The types of passage.
const (
	TypeText      Type = "text"
	TypeCode      Type = "code"
	TypeTable     Type = "table"
	TypeError     Type = "error_documentation"
	TypeProcedure Type = "procedure"
	TypeHeader    Type = "header"
	// TypeDefinition is a list of terms, each with what it means.
	TypeDefinition Type = "definition"
)

// Metadata is what is known of a passage besides its text.
type Metadata struct {
	SourceFile    string `json:"source_file"`
	DocumentTitle string `json:"document_title"`
	ChunkIndex    int    `json:"chunk_index"`
	// TotalChunks is 0 in a stream.
	TotalChunks int `json:"total_chunks"`
	// StartChar and EndChar count characters; Chunk.Start and End count bytes.
	StartChar int `json:"start_char"`
	EndChar   int `json:"end_char"`
	// ParentHeaders lead from the outermost heading to the one above the passage's
	// own; SectionPath has them all, joined by " > ".
	ParentHeaders []string `json:"parent_headers"`
	SectionPath   string   `json:"section_path"`
	ChunkType     Type     `json:"chunk_type"`
	Entities
	// PrevChunkSummary and NextChunkSummary are the first sentence of the passage
	// before and after, at most 20 words.
	PrevChunkSummary string `json:"prev_chunk_summary"`
	NextChunkSummary string `json:"next_chunk_summary"`
	// PageStart and PageEnd are the pages that hold the beginning and the end, from 1; 0
	// where the document has none. Package read fills them: the text alone does not tell.
	PageStart int `json:"page_start,omitempty"`
	PageEnd   int `json:"page_end,omitempty"`
	// TokenCount is the tokens of the content by Tokenizer.
	TokenCount int      `json:"token_count"`
	Tokenizer  string   `json:"tokenizer"`
	Strategy   Strategy `json:"strategy"`
	// SemanticCoherence is the mean similarity of neighbouring sentences, from 0 to 1,
	// and SemanticMethod what it was found with: "lexical", or "embedding:" and the
	// model. Only the strategy semantic has them.
	SemanticCoherence *float64 `json:"semantic_coherence,omitempty"`
	SemanticMethod    string   `json:"semantic_method,omitempty"`
	// Level is 1 to 3 in the strategy hierarchical; HierarchyPath is "L1:0/L2:1/L3:2".
	Level         int      `json:"level,omitempty"`
	HierarchyPath string   `json:"hierarchy_path,omitempty"`
	ParentID      string   `json:"parent_id,omitempty"`
	ChildIDs      []string `json:"child_ids,omitempty"`
	// Continues is the header of the table, or the opening of the code block, that
	// the passage is a further part of; the contextualised content repeats it.
	Continues string `json:"continues,omitempty"`
	// SHA256 is of the content, its first 16 hexadecimal digits.
	SHA256 string `json:"sha256"`
}

// finisher makes passages of spans, one passage behind, because each knows the next.
type finisher struct {
	r       *reading
	yield   func(Chunk, error) bool
	seen    map[string]int
	chars   runes
	count   int
	line    int
	held    Chunk
	some    bool    // held is a passage
	group   []Chunk // reused
	prev    string
	buf     []byte // what is hashed
	stopped bool
}

// add takes a group of spans that refer to each other.
func (f *finisher) add(group []span) bool {
	chunks := f.group[:0]
	for _, s := range group {
		c := f.chunk(s)
		if s.parent >= 0 {
			p := &chunks[s.parent]
			c.Metadata.ParentID = p.ID
			p.Metadata.ChildIDs = append(p.Metadata.ChildIDs, c.ID)
		}
		chunks = append(chunks, c)
	}
	f.group = chunks
	for i := range chunks {
		if !f.send(&chunks[i]) {
			return false
		}
	}
	return true
}

// send hands out the passage before c, which now knows its neighbour.
func (f *finisher) send(c *Chunk) bool {
	sum := summary(c.Content)
	c.Metadata.PrevChunkSummary = f.prev
	f.prev = sum
	last, some := f.held, f.some
	f.held, f.some = *c, true
	if !some {
		return true
	}
	last.Metadata.NextChunkSummary = sum
	f.stopped = !f.yield(last, nil)
	return !f.stopped
}

func (f *finisher) flush() {
	if f.some {
		f.yield(f.held, nil)
	}
}

func (f *finisher) chunk(s span) Chunk {
	r, cfg := f.r, &f.r.cfg
	c := Chunk{
		Source: r.doc.source, Document: r.doc.title, Kind: KindText,
		Content: r.text[s.start:s.end], Start: s.start, End: s.end,
	}
	if f.chars.text == "" {
		f.chars.text = r.text
	}
	m := &Metadata{
		SourceFile: r.doc.source, DocumentTitle: r.doc.title, ChunkIndex: f.count, Strategy: cfg.Strategy,
		TokenCount: r.l.tokens(s.start, s.end), Tokenizer: cfg.Tokenizer.Name(), Continues: s.carried,
		SemanticCoherence: s.coherence, SemanticMethod: r.method, Level: s.level, HierarchyPath: s.place,
		Entities: Entities{ErrorCodes: []string{}, JobNames: []string{}, Commands: []string{}}, ParentHeaders: []string{},
	}
	m.StartChar = f.chars.at(s.start)
	m.EndChar = f.chars.at(s.end)
	f.count++
	first, last := f.lines(s.extent)
	c.Line, c.EndLine = first+1, last+1
	if s.sec != nil {
		c.Title, c.Path = s.sec.title, s.sec.path
		if s.sub != "" && s.sub != s.sec.title {
			c.Path = join(c.Path, s.sub)
		}
		if len(c.Path) > 1 {
			m.ParentHeaders = c.Path[:len(c.Path)-1]
		}
	}
	m.SectionPath = strings.Join(c.Path, " > ")
	f.entities(m, c.Content)
	m.ChunkType = r.typeOf(s, first, last, m.ErrorCodes)
	c.Kind = kindOfType(m.ChunkType)
	f.identify(&c, m)
	c.Metadata = m
	return c
}

// entities fills what the configuration asks for.
func (f *finisher) entities(m *Metadata, content string) {
	cfg := &f.r.cfg
	if !cfg.ExtractErrorCodes && !cfg.ExtractJobNames && !cfg.ExtractCommands {
		return
	}
	e := FindEntities(content)
	if cfg.ExtractErrorCodes && e.ErrorCodes != nil {
		m.ErrorCodes = e.ErrorCodes
	}
	if cfg.ExtractJobNames {
		if e.JobNames != nil {
			m.JobNames = e.JobNames
		}
		m.JobStreams, m.Workstations = e.JobStreams, e.Workstations
	}
	if cfg.ExtractCommands {
		if e.Commands != nil {
			m.Commands = e.Commands
		}
		m.CommandLines, m.Operations = e.CommandLines, e.Operations
	}
}

// identify gives the passage an id that follows from what it says and where it
// stands in the tree of headings, not from its place in the text.
func (f *finisher) identify(c *Chunk, m *Metadata) {
	f.buf = append(f.buf[:0], c.Content...)
	sum := sha256.Sum256(f.buf)
	m.SHA256 = hex.EncodeToString(sum[:8])
	f.buf = append(append(append(f.buf[:0], c.Source...), 0), m.SectionPath...)
	f.buf = append(strconv.AppendInt(append(f.buf, 0), int64(m.Level), 10), 0)
	id := sha256.Sum256(append(f.buf, sum[:]...))
	c.ID = hex.EncodeToString(id[:8])
	n := f.seen[c.ID]
	f.seen[c.ID]++
	if n > 0 {
		c.ID += "-" + itoa(n+1)
	}
}

// lines are the first and last line of an extent, from 0.
func (f *finisher) lines(e extent) (first, last int) {
	lines := f.r.doc.lines
	at := func(pos int) int {
		if f.line < len(lines) && lines[f.line].start <= pos && (f.line+1 == len(lines) || lines[f.line+1].start > pos) {
			return f.line
		}
		f.line = max(0, sort.Search(len(lines), func(k int) bool { return lines[k].start > pos })-1)
		return f.line
	}
	first = at(e.start)
	return first, at(e.end - 1)
}

// typeOf is what the passage is, by what most of its bytes are.
func (r *reading) typeOf(s span, first, last int, codes []string) Type {
	var bytes [lineItem + 1]int
	steps, total, terms := 0, 0, 0
	for _, ln := range r.doc.lines[first : last+1] {
		n := min(ln.end, s.end) - max(ln.start, s.start)
		if n <= 0 {
			continue
		}
		bytes[ln.kind] += n
		total += n
		switch ln.kind {
		case lineItem:
			if itemNumber(strings.TrimSpace(r.text[ln.start:ln.end])) > 0 {
				steps++
			}
		case lineHeading:
			terms++
		}
	}
	switch {
	case s.sec != nil && s.sec.entry && (r.cfg.Strategy == TWSOptimized || r.doc.answered(first, last+1)),
		len(codes) > 0 && (r.doc.answered(first, last+1) || explains(r.text[s.start:s.end])):
		return TypeError
	case bytes[lineHeading] == total:
		return TypeHeader
	case steps > 1:
		return TypeProcedure
	case 2*bytes[lineFence] > total:
		return TypeCode
	case 2*bytes[lineTable] > total:
		return TypeTable
	case s.sec != nil && s.sec.gathered && terms >= tinyRun:
		return TypeDefinition
	}
	return TypeText
}

// explains says whether a text has the labels of an entry of a messages manual.
func explains(s string) bool {
	for _, label := range []string{"Explanation", "System action", "Operator response", "User response", "Explicação"} {
		if strings.Contains(s, label) {
			return true
		}
	}
	return false
}

func kindOfType(t Type) Kind {
	switch t {
	case TypeError:
		return KindEntry
	case TypeProcedure:
		return KindProcedure
	case TypeTable:
		return KindTable
	}
	return KindText
}

// contextualized is the content with where it stands before it, in the form of the
// contract, and with the header of a table that it continues.
func contextualized(c *Chunk) string {
	var b strings.Builder
	b.Grow(len(c.Content) + 160)
	b.WriteString("[Context: Document: ")
	b.WriteString(oneLine(c.Document))
	if c.Metadata.SectionPath != "" {
		b.WriteString(" | Section: ")
		b.WriteString(oneLine(c.Metadata.SectionPath))
	}
	list := func(label string, all []string) {
		if len(all) > 0 {
			b.WriteString(label)
			b.WriteString(strings.Join(all[:min(len(all), mostInContext)], ", "))
		}
	}
	list(" | Error codes: ", c.Metadata.ErrorCodes)
	list(" | Commands: ", c.Metadata.Commands)
	b.WriteString("]\n\n")
	if c.Metadata.Continues != "" {
		b.WriteString(c.Metadata.Continues)
		b.WriteByte('\n')
	}
	b.WriteString(c.Content)
	return b.String()
}

// mostInContext is how many names of a kind the context line has.
const mostInContext = 5

// oneLine keeps a title from ending the context line.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}

// summary is the first sentence of a passage, at most 20 words and 240 bytes of it.
func summary(content string) string {
	s := strings.TrimLeft(content, "# \t\r\n")
	words, end, cut := 0, 0, len(s) > 240
	s = s[:min(len(s), 240)]
	for i := 0; i <= len(s) && words < 20; i++ {
		if i < len(s) && s[i] != ' ' && s[i] != '\n' && s[i] != '\t' {
			continue
		}
		if i == len(s) && cut && words > 0 {
			break // the last word may be cut
		}
		if i > end || end == 0 {
			words++
			end = i
			if words > 1 && i > 0 && strings.IndexByte(".:?!", s[i-1]) >= 0 || i < len(s) && s[i] == '\n' && words > 3 {
				break
			}
		}
		for i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '\n' || s[i+1] == '\t' || s[i+1] == '\r') {
			i++
		}
	}
	s = s[:end]
	if strings.ContainsAny(s, "\n\t\r") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return strings.ToValidUTF8(s, "")
}
