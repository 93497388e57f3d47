package knowledge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"resync/chunk/read"
	"resync/internal/store"
)

// Limits of one ingestion. Every limit refuses by name and never cuts a text.
const (
	// MaxFile is the most bytes one file may have. The largest manual has 2.3 MB.
	MaxFile = 16 << 20
	// MaxTotal is the most bytes one ingestion takes.
	MaxTotal = 256 << 20
	// MaxFiles is the most files one ingestion looks at.
	MaxFiles = 10_000
)

// Status is what became of a file.
type Status string

// What can become of a file.
const (
	Added       Status = "added"
	Updated     Status = "updated"
	Unchanged   Status = "unchanged"   // the same file is there under this name
	Duplicate   Status = "duplicate"   // the same file is there under another name
	Quarantined Status = "quarantined" // stored, but not searched until a person releases it
	Refused     Status = "refused"
)

// File is what became of one file, with the reason when it was not taken.
type File struct {
	Path     string   `json:"path"`
	Name     string   `json:"name"`
	ID       string   `json:"id,omitempty"`
	Status   Status   `json:"status"`
	Reason   string   `json:"reason,omitempty"`
	Bytes    int      `json:"bytes"`
	Passages int      `json:"passages"`
	Held     []Reason `json:"held,omitempty"`  // why it is in quarantine
	Near     []Near   `json:"near,omitempty"`  // documents with nearly the same text
	Notes    []string `json:"notes,omitempty"` // what was left out when it was read
}

// Report lists every file of an ingestion in order.
type Report struct {
	Files []File `json:"files"`
}

// Count is how many files ended so.
func (r Report) Count(s Status) int {
	n := 0
	for _, f := range r.Files {
		n += count(f.Status == s)
	}
	return n
}

// Input is a document to ingest.
type Input struct {
	// Name is how the document is cited, such as "runbooks/payroll.md"; its
	// ending says what it is. The same name again replaces the text.
	Name string
	// Collection keeps documents apart; "" is [DefaultCollection].
	Collection string
	// Title is shown instead of the name; may be empty.
	Title string
	// Data is the file as it is.
	Data []byte
	// Meta is what is known about it. Kind, Chunking, Held and Decided are set by
	// the base.
	Meta Meta
}

// IngestDocument stores a document and makes it searchable, cut in the base's own
// way. An unchanged one is skipped by its hash. A file that cannot be read is
// reported with the status [Refused]; an error is a bad field ([RefusedError]) or
// a store that failed.
func (b *Base) IngestDocument(ctx context.Context, in Input) (File, error) {
	return b.ingestOne(ctx, in, nil)
}

// IngestDocumentAdvanced is [Base.IngestDocument] with a strategy and sizes of its
// own; a document that is there already is cut anew when they differ.
func (b *Base) IngestDocumentAdvanced(ctx context.Context, in Input, how Chunking) (File, error) {
	return b.ingestOne(ctx, in, &how)
}

func (b *Base) ingestOne(ctx context.Context, in Input, how *Chunking) (File, error) {
	collection, err := ParseCollection(in.Collection)
	if err != nil {
		return File{}, err
	}
	if in.Name, err = cleanName(in.Name); err != nil {
		return File{}, err
	}
	if err := in.Meta.check(); err != nil {
		return File{}, err
	}
	f := found{path: in.Name, name: in.Name, collection: collection, title: in.Title, meta: in.Meta, data: in.Data, given: true}
	f.meta.Chunking, f.meta.Held, f.meta.Decided = how, nil, ""
	if len(in.Data) > MaxFile {
		f.refused = fmt.Sprintf("it has %d MB, at most %d MB are read; split it", len(in.Data)>>20, MaxFile>>20)
	}
	r, err := b.take(ctx, []found{f}, nil)
	if err != nil || len(r.Files) == 0 {
		return File{}, err
	}
	return r.Files[0], nil
}

// maxName is the longest name of a document in bytes.
const maxName = 200

// cleanName checks the name of a document. It is never used as a path.
func cleanName(name string) (string, error) {
	name = strings.ReplaceAll(strings.TrimSpace(name), "\\", "/")
	bad := strings.IndexFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
	switch {
	case name == "":
		return "", refusal("name", "it is missing")
	case len(name) > maxName:
		return "", refusal("name", "it is longer than %d bytes", maxName)
	case bad >= 0:
		return "", refusal("name", "it holds a control character or is not UTF-8")
	case strings.HasPrefix(name, handbookFolder) || strings.HasPrefix(name, notesFolder):
		return "", refusal("name", "names that begin with %s or %s are Resync's own", handbookFolder, notesFolder)
	}
	return path.Clean("/" + name)[1:], nil
}

// found is a file to ingest.
type found struct {
	path, name, collection, title string
	meta                          Meta
	data                          []byte
	given                         bool // data is the file; path is only what it is called
	text                          string
	refused                       string
	doc                           *held
}

// Ingest reads files and folders (with everything below, except hidden files),
// stores their text and makes it searchable. A file is named by its path below the
// folder given, or by its own name; the same name again replaces the text. What
// cannot be read is refused by name, with the reason, and does not stop the rest.
// Progress, if any, is called after each file. An error means that a path does not
// exist or that the store failed; files stored before it stay and are searchable.
func (b *Base) Ingest(ctx context.Context, paths []string, progress func(done, total int, f File)) (Report, error) {
	return b.IngestPaths(ctx, paths, Input{}, nil, progress)
}

// IngestPaths is [Base.Ingest] with what the input says about every file (its
// collection, title and metadata), and a way to cut them (nil is the base's own).
func (b *Base) IngestPaths(ctx context.Context, paths []string, as Input, how *Chunking, progress func(done, total int, f File)) (Report, error) {
	collection, err := ParseCollection(as.Collection)
	if err != nil {
		return Report{}, err
	}
	if err := as.Meta.check(); err != nil {
		return Report{}, err
	}
	files, err := find(paths)
	if err != nil {
		return Report{}, err
	}
	for i := range files {
		f := &files[i]
		f.collection, f.title, f.meta = collection, as.Title, as.Meta
		f.meta.Chunking, f.meta.Held, f.meta.Decided = how, nil, ""
		if name, err := cleanName(f.name); err != nil && f.refused == "" {
			f.refused = err.Error()
		} else if err == nil {
			f.name = name
		}
	}
	return b.take(ctx, files, progress)
}

// take reads, stores and indexes files.
func (b *Base) take(ctx context.Context, files []found, progress func(done, total int, f File)) (Report, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.read(ctx, files); err != nil {
		return Report{}, err
	}
	var r Report
	defer func() {
		if r.Count(Added)+r.Count(Updated) > 0 || r.Count(Quarantined) > 0 {
			b.swap()
		}
	}()
	for i := range files {
		f, err := b.keep(ctx, &files[i])
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, f)
		if progress != nil {
			progress(i+1, len(files), f)
		}
	}
	return r, nil
}

// read opens the files one after the other and analyses side by side those that
// are not known under their name.
func (b *Base) read(ctx context.Context, files []found) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	total := 0
	for i := range files {
		f := &files[i]
		if f.refused != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ingest: %w", err)
		}
		if !f.given {
			if f.data, f.refused = slurp(f.path); f.refused != "" {
				continue
			}
		}
		if total += len(f.data); total > MaxTotal {
			f.data, f.refused = nil, fmt.Sprintf("more than %d MB in one go; ingest the rest separately", MaxTotal>>20)
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("ingest: %w", err)
			}
			return b.prepare(ctx, f)
		})
	}
	return g.Wait()
}

// prepare reads the text of a file, looks for what is wrong with it and makes it
// searchable, all without changing the base.
func (b *Base) prepare(ctx context.Context, f *found) error {
	d := &held{collection: f.collection, source: f.name, name: citedAs(f.collection, f.name), original: digest(f.data),
		title: f.title, state: store.DocumentActive, meta: f.meta}
	if old := b.docs[d.name]; old.same(d) {
		f.doc = old
		return nil
	}
	t, refused, err := b.text(ctx, f.name, f.data)
	if f.refused = refused; err != nil || refused != "" {
		return err
	}
	f.text, f.data, d.meta.Kind, d.meta.Notes, d.meta.Pages = t.Text, nil, t.Format, t.Notes, pageTable(t.Pages)
	if d.title == "" {
		d.title = t.Title
	}
	if d.title == "" {
		d.title = f.name
	}
	d.sha256, d.bytes, d.sketch = digest(f.text), len(f.text), newSketch(f.text)
	if d.meta.Held = inspect(f.text); len(d.meta.Held) > 0 {
		d.state = store.DocumentQuarantined
	} else if err := d.index(f.text, b.opt.Cut); err != nil {
		var bad *RefusedError
		if errors.As(err, &bad) {
			return bad
		}
		return err
	}
	f.doc = d
	return nil
}

// same says whether ingesting o would change nothing: the file and the way it is
// cut are those of d.
func (d *held) same(o *held) bool {
	if d == nil || d.original != o.original && d.sha256 != o.original || d.meta.Kind == read.PDF && len(d.meta.Pages) == 0 {
		return false // a PDF without pages was read before they were kept
	}
	if o.meta.Chunking == nil {
		return true
	}
	return d.meta.Chunking != nil && *d.meta.Chunking == *o.meta.Chunking
}

// slurp reads a file, or says why it cannot be.
func slurp(p string) (data []byte, refused string) {
	f, err := os.Open(p)
	if err != nil {
		return nil, fmt.Sprintf("it cannot be opened: %v", err)
	}
	defer f.Close() // read only: nothing to lose
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Sprintf("it cannot be read: %v", err)
	case len(b) > MaxFile:
		return nil, fmt.Sprintf("it grew beyond %d MB while it was read", MaxFile>>20)
	}
	return b, ""
}

// keep stores one file and adds it to the base.
func (b *Base) keep(ctx context.Context, f *found) (File, error) {
	out := File{Path: f.path, Name: citedAs(f.collection, f.name), Status: Refused, Reason: f.refused, Bytes: len(f.text)}
	if f.refused != "" {
		return out, nil
	}
	d := f.doc
	old, known := b.docs[d.name]
	if old == d {
		out.ID, out.Status, out.Bytes, out.Passages = d.id, Unchanged, d.bytes, d.passages
		if d.state != store.DocumentActive {
			out.Reason = "it is " + string(d.state)
		}
		return out, nil
	}
	if other := b.texts[d.fileKey()]; other != "" && !known {
		out.ID, out.Status, out.Reason = b.docs[other].id, Duplicate, "the same text is there as "+other
		return out, nil
	}
	if known && old.state == store.DocumentActive && d.state == store.DocumentQuarantined {
		out.ID, out.Held = old.id, d.meta.Held
		out.Reason = reasonOf(d.meta.Held) + "; the text that is there stays. Ingest it under another name to have a person look at it"
		return out, nil
	}
	if !known && d.state == store.DocumentActive {
		if why := crowded(d, b.docs); len(why) > 0 {
			d.state, d.meta.Held, d.meta.Cut = store.DocumentQuarantined, why, ""
			d.segment, d.rows, d.key, d.passages = nil, nil, "", 0
		}
	}
	if err := b.save(ctx, d, f.text); err != nil {
		return out, fmt.Errorf("ingest %s: %w", f.path, err)
	}
	b.put(d)
	out.ID, out.Passages, out.Near, out.Held, out.Notes = d.id, d.passages, near(d, b.docs), d.meta.Held, d.meta.Notes
	switch {
	case d.state == store.DocumentQuarantined:
		out.Status, out.Reason = Quarantined, reasonOf(d.meta.Held)
	case known:
		out.Status = Updated
	default:
		out.Status = Added
	}
	return out, nil
}

// reasonOf says in one line why a document is held.
func reasonOf(held []Reason) string {
	first := held[0]
	if first.Line == 0 {
		return first.Why
	}
	return fmt.Sprintf("line %d: %s", first.Line, first.Why)
}

// save stores a document; without a store it only gives it an id.
func (b *Base) save(ctx context.Context, d *held, text string) error {
	if b.opt.Store == nil {
		d.id, d.ingested = store.NewID("doc"), b.opt.Now().UTC()
		if old := b.docs[d.name]; old != nil {
			d.id = old.id
		}
		return nil
	}
	row, err := d.row(text)
	if err != nil {
		return err
	}
	put, changed, err := b.opt.Store.PutDocument(ctx, row)
	if err != nil {
		return err
	}
	d.id, d.ingested = put.ID, put.IngestedAt
	if changed {
		return nil
	}
	// The text is the stored one; only what is known about it is new.
	return b.opt.Store.ChangeDocuments(ctx, store.DocumentChange{ID: d.id, State: d.state, Meta: row.Meta, Parts: row.Parts})
}

// find lists the files under the paths.
func find(paths []string) ([]found, error) {
	var out []found
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("ingest %s: %w", p, err)
		}
		if !info.IsDir() {
			out = append(out, found{path: p, name: filepath.Base(p), refused: unreadable(p, info)})
			continue
		}
		if out, err = walk(out, p); err != nil {
			return nil, fmt.Errorf("ingest the folder %s: %w", p, err)
		}
	}
	return out, nil
}

// errTooMany ends a walk over a folder that is surely not one of documents.
var errTooMany = errors.New("too many files")

func walk(out []found, dir string) ([]found, error) {
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") && p != dir {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		if len(out) >= MaxFiles {
			return fmt.Errorf("%w: more than %d; name a folder that holds documents only", errTooMany, MaxFiles)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		out = append(out, found{path: p, name: filepath.ToSlash(rel), refused: unreadable(p, info)})
		return nil
	})
	return out, err
}

// unreadable is the reason a file is refused before it is opened, or "".
func unreadable(p string, info fs.FileInfo) string {
	switch ext := strings.ToLower(filepath.Ext(p)); {
	case info.Mode()&fs.ModeSymlink != 0:
		return "it is a symbolic link; name the file it points to"
	case !info.Mode().IsRegular():
		return "it is no regular file"
	case endings[ext] == "":
		return unknownEnding(ext)
	case info.Size() > MaxFile:
		return fmt.Sprintf("it has %d MB, at most %d MB are read; split it", info.Size()>>20, MaxFile>>20)
	case info.Size() == 0:
		return "it is empty"
	}
	return ""
}
