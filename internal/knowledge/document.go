package knowledge

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"resync/chunk"
	"resync/internal/retrieve"
	"resync/internal/store"
)

// Authority says how far a document is to be believed when documents disagree.
// The levels are those of the predecessor's governance release (5.4.5).
type Authority string

// The authorities, most believed first.
const (
	AuthorityCorrection Authority = "correction" // accepted by an administrator against a passage
	AuthorityOfficial   Authority = "official"   // the vendor's manuals
	AuthorityRunbook    Authority = "runbook"    // the default: the site's own procedures
	AuthorityPostmortem Authority = "postmortem"
	AuthorityChat       Authority = "chat"
	AuthorityLog        Authority = "log"
	AuthorityHypothesis Authority = "hypothesis"
)

// authorities lists them with their levels.
var authorities = []struct {
	name  Authority
	level int
}{{AuthorityCorrection, 110}, {AuthorityOfficial, 100}, {AuthorityRunbook, 90}, {AuthorityPostmortem, 70}, {AuthorityChat, 50}, {AuthorityLog, 40}, {AuthorityHypothesis, 20}}

// Level is the authority as a number, from 20 to 110.
func (a Authority) Level() int {
	for _, k := range authorities {
		if k.name == a {
			return k.level
		}
	}
	return AuthorityRunbook.Level()
}

// ParseAuthority reads an authority's name; "" is [AuthorityRunbook]. Nobody can give a
// document the authority of a correction.
func ParseAuthority(name string) (Authority, error) {
	if name == "" {
		return AuthorityRunbook, nil
	}
	var names []string
	for _, k := range authorities[1:] {
		if string(k.name) == name {
			return k.name, nil
		}
		names = append(names, string(k.name))
	}
	return "", refusal("authority", "%q is none; there are %s", name, strings.Join(names, ", "))
}

// RefusedError says which field of a request cannot be taken, and why.
type RefusedError struct {
	Field  string
	Reason string
}

func (e *RefusedError) Error() string { return e.Field + ": " + e.Reason }

func refusal(field, format string, args ...any) error {
	return &RefusedError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// DefaultCollection takes what is ingested without naming a collection.
const DefaultCollection = "documents"

// collectionName is what a collection may be called.
var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// ParseCollection checks a collection's name; "" is [DefaultCollection].
func ParseCollection(name string) (string, error) {
	if name == "" {
		return DefaultCollection, nil
	}
	if !collectionName.MatchString(name) {
		return "", refusal("collection", "%q is no name for one: small letters, digits, - and _, 40 at most", name)
	}
	return name, nil
}

// Meta is what is known about a document besides its text.
type Meta struct {
	Kind       Media     `json:"kind,omitempty"`
	Tags       []string  `json:"tags,omitempty"`
	Version    string    `json:"version,omitempty"`
	Authority  Authority `json:"authority,omitempty"`
	Updated    time.Time `json:"updated,omitzero"` // when its content was last true; zero when not known
	Deprecated bool      `json:"deprecated,omitempty"`
	By         string    `json:"by,omitempty"`    // who brought it
	Notes      []string  `json:"notes,omitempty"` // what was left out when it was read
	Chunking   *Chunking `json:"chunking,omitempty"`
	Cut        string    `json:"cut,omitempty"`     // digest of where its passages stand
	Held       []Reason  `json:"held,omitempty"`    // why it was quarantined
	Decided    string    `json:"decided,omitempty"` // who released or rejected it
	Pages      PageTable `json:"pages,omitempty"`
}

// Reason is one thing that makes a document suspicious.
type Reason struct {
	Line  int    `json:"line,omitempty"` // from 1; 0 is the document as a whole
	Quote string `json:"quote,omitempty"`
	Why   string `json:"why"`
}

// maxTags and maxTag bound the tags of a document.
const (
	maxTags = 20
	maxTag  = 60
)

// check completes the fields a person gives and refuses those that cannot stand.
func (m *Meta) check() error {
	var err error
	if m.Authority != AuthorityCorrection {
		if m.Authority, err = ParseAuthority(string(m.Authority)); err != nil {
			return err
		}
	}
	if len(m.Tags) > maxTags {
		return refusal("tags", "%d are too many; at most %d", len(m.Tags), maxTags)
	}
	var tags []string
	for _, t := range m.Tags {
		if t = strings.ToLower(strings.TrimSpace(t)); t == "" {
			continue
		}
		if len(t) > maxTag {
			return refusal("tags", "%.20q… is longer than %d bytes", t, maxTag)
		}
		tags = append(tags, t)
	}
	slices.Sort(tags)
	m.Tags = slices.Compact(tags)
	if len(m.Version) > 60 {
		return refusal("version", "it is longer than 60 bytes")
	}
	return nil
}

// Weights of what is known about a document. A document of the vendor that is not
// deprecated counts 1, so a base of one kind of documents ranks by words alone.
const (
	authorityShare  = 0.3 // of the factor that the authority makes up
	freshShare      = 0.1 // of the factor that the age makes up
	halfLife        = 2 * 365 * 24 * time.Hour
	deprecatedShare = 0.3 // what a deprecated document keeps of its score
)

// factor is what scores of the document's passages are multiplied by.
func (m *Meta) factor(now time.Time) float64 {
	f := 1 - authorityShare + authorityShare*float64(min(m.Authority.Level(), AuthorityOfficial.Level()))/float64(AuthorityOfficial.Level())
	if age := now.Sub(m.Updated); !m.Updated.IsZero() && age > 0 {
		f *= 1 - freshShare + freshShare*math.Exp2(-float64(age)/float64(halfLife))
	}
	if m.Deprecated {
		f *= deprecatedShare
	}
	return f
}

// held is a document of the base. It is not changed once it is in a view.
type held struct {
	id         string // of its row; "" without a store
	collection string
	source     string // name within the collection
	name       string // under which it is cited; unique in the base
	title      string
	sha256     string // of the text
	original   string // of the file
	bytes      int
	ingested   time.Time
	state      store.DocumentState
	meta       Meta
	passages   int
	key        string            // what its passages were made from, see keyOf; "" unless it is active
	rows       []store.ChunkRow  // until they are stored
	segment    *retrieve.Segment // until an index holds it
	sketch     *sketch
}

// citedAs is the name of a document: the source, after its collection when that
// is not the default one.
func citedAs(collection, source string) string {
	if collection == DefaultCollection {
		return source
	}
	return collection + ":" + source
}

// index cuts the text and makes it searchable.
func (d *held) index(text string, cut Cutter) error {
	if d.meta.Authority == AuthorityCorrection {
		cut = wholeCut // a note is short and is cited as one
	}
	chunks, err := cut(text, d.name, d.meta.Chunking)
	if err != nil {
		return fmt.Errorf("cutting %s: %w", d.name, err)
	}
	d.rows = rowsOf(chunks)
	d.meta.Cut = CutOf(d.rows)
	d.analyse(text, chunks, d.meta.Cut)
	return nil
}

// restore makes the text searchable with the passages that are stored.
func (d *held) restore(text string, rows []store.ChunkRow, cut Cutter) error {
	if !fits(rows, len(text)) {
		return d.index(text, cut) // written before passages were stored
	}
	d.rows = rows
	d.analyse(text, chunksOf(rows, text, d.name), CutOf(rows))
	return nil
}

// analyse makes passages searchable. Its sketch must be there already.
func (d *held) analyse(text string, chunks []chunk.Chunk, cut string) {
	d.passages, d.key = len(chunks), keyOf(d.sha256, cut)
	e := extra{Key: d.key}
	if d.collection != handbookCollection {
		e.Sketch = d.sketch.pack()
	}
	about, err := json.Marshal(e)
	if err != nil {
		about = nil // two strings always marshal
	}
	d.segment = retrieve.AnalyseChunks(retrieve.Document{Name: d.name, Text: text, Builtin: d.collection == handbookCollection, Extra: string(about)}, chunks)
}

// rowsOf is where passages stand, as the store keeps it.
func rowsOf(chunks []chunk.Chunk) []store.ChunkRow {
	rows := make([]store.ChunkRow, len(chunks))
	for i, c := range chunks {
		rows[i] = store.ChunkRow{ID: c.ID, Start: c.Start, End: c.End, Kind: string(c.Kind), Path: headingsJSON(c.Title, c.Path)}
		if c.Metadata != nil {
			rows[i].Tokens = c.Metadata.TokenCount
		}
	}
	return rows
}

// headingsJSON is the title and the path of a passage as the store keeps them.
func headingsJSON(title string, path []string) string {
	b, err := json.Marshal(append([]string{title}, path...))
	if err != nil {
		return "[]" // strings always marshal
	}
	return string(b)
}

// headingsOf is its inverse.
func headingsOf(stored string) (title string, path []string) {
	var list []string
	if json.Unmarshal([]byte(stored), &list) != nil || len(list) == 0 {
		return "", nil
	}
	return list[0], list[1:]
}

// row is the document as the store keeps it.
func (d *held) row(text string) (store.Document, error) {
	meta, err := json.Marshal(d.meta)
	if err != nil {
		return store.Document{}, fmt.Errorf("store %s: %w", d.name, err)
	}
	return store.Document{Collection: d.collection, Source: d.source, Title: d.title, Body: text, Original: d.original, State: d.state,
		Meta: meta, Parts: d.rows}, nil
}

// heldOf makes a document of its row, without its passages.
func heldOf(row store.Document) (*held, error) {
	d := &held{id: row.ID, collection: row.Collection, source: row.Source, name: citedAs(row.Collection, row.Source), title: row.Title,
		sha256: row.SHA256, original: row.Original, bytes: int(row.Bytes), ingested: row.IngestedAt, state: row.State}
	if len(row.Meta) > 0 {
		if err := json.Unmarshal(row.Meta, &d.meta); err != nil {
			return nil, fmt.Errorf("read what is known about %s: %w", d.name, err)
		}
	}
	if d.meta.Authority == "" {
		d.meta.Authority = AuthorityRunbook
	}
	return d, nil
}

// Chunking is how a document is cut. The zero value is the base's own way.
type Chunking struct {
	Strategy      string `json:"strategy,omitempty"`
	MaxTokens     int    `json:"max_tokens,omitempty"`
	OverlapTokens int    `json:"overlap_tokens,omitempty"`
	MinTokens     int    `json:"min_tokens,omitempty"`
}

// Cutter cuts a text into passages; how is nil for the base's own way.
type Cutter func(text, name string, how *Chunking) ([]chunk.Chunk, error)

// wholeCut leaves a text in one piece under its heading.
func wholeCut(text, name string, _ *Chunking) ([]chunk.Chunk, error) {
	first, _, _ := strings.Cut(text, "\n")
	title := strings.TrimSpace(strings.TrimLeft(first, "#"))
	return []chunk.Chunk{{ID: digest(name + "\x00" + text)[:16], Source: name, Document: title, Title: title, Path: []string{title},
		Kind: chunk.KindEntry, Content: text, End: len(text), Line: 1, EndLine: 1 + strings.Count(strings.TrimRight(text, "\n"), "\n")}}, nil
}
