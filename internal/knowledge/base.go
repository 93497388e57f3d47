package knowledge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"resync/chunk"
	"resync/chunk/read"
	"resync/internal/retrieve"
	"resync/internal/store"
)

// Texts is where ingested texts live.
type Texts interface {
	// PutDocument stores a text with its passages in place of the one of the same
	// source and reports whether it is new.
	PutDocument(ctx context.Context, d store.Document) (store.Document, bool, error)
	// Documents lists the documents of a collection, or of all, without their bodies.
	Documents(ctx context.Context, collection string) ([]store.Document, error)
	// Document reads one with its body.
	Document(ctx context.Context, id string) (store.Document, error)
}

// Changes is what happens to a stored text besides being replaced.
type Changes interface {
	// ChangeDocuments changes state, metadata and passages of several: all or none.
	ChangeDocuments(ctx context.Context, changes ...store.DocumentChange) error
	// DocumentChunks reads where the passages of a document stand.
	DocumentChunks(ctx context.Context, id string) ([]store.ChunkRow, error)
	// DeleteDocument removes a document with its passages.
	DeleteDocument(ctx context.Context, id string) error
}

// Reviews is where corrections live.
type Reviews interface {
	// CreateCorrection stores a proposal.
	CreateCorrection(ctx context.Context, c store.Correction) (store.Correction, error)
	// DecideCorrection accepts or rejects a pending one.
	DecideCorrection(ctx context.Context, c store.Correction) error
	// Corrections lists those of a state ("" is all), newest first.
	Corrections(ctx context.Context, state store.CorrectionState) ([]store.Correction, error)
}

// Store is everything the base keeps. *store.Store is one.
type Store interface {
	Texts
	Changes
	Reviews
}

// Options is what a base is made of. The zero value is a base in memory with the
// handbook.
type Options struct {
	// Store keeps the texts; without one everything is in memory and goes with
	// the process.
	Store Store
	// NoHandbook leaves the built-in handbook out.
	NoHandbook bool
	// Cut cuts texts into passages; [chunk.Document] when nil.
	Cut Cutter
	// Read reads documents; [read.As] when nil, which a forged PDF can take the whole
	// program down with: see package sandbox.
	Read Reader
	// Vectors makes and keeps the vectors for the search by meaning; without it
	// words alone decide. See [Base.EmbedPassages].
	Vectors Vectors
	// Now is the time ages are counted from; [time.Now] when nil.
	Now func() time.Time
	// IndexFile is where a copy of the index is kept, so that a start needs to make
	// none; "" keeps none. See [Base.KeepIndex].
	IndexFile string
	// Log takes what nobody waits for, such as an index file that cannot be used;
	// nil is silence.
	Log *slog.Logger
}

// Base is the searchable knowledge. It is safe for concurrent use; a search never
// waits for an ingestion.
type Base struct {
	opt     Options
	builtin []*held
	view    atomic.Pointer[view]
	meaning meaning
	rerank  Rerank
	changed chan struct{}                  // another index is searched
	filed   atomic.Pointer[retrieve.Index] // what the index file holds
	outer   atomic.Pointer[mirrored]       // nil while only this process searches

	mu    sync.Mutex           // one change at a time
	docs  map[string]*held     // :: cited name → document, whatever its state
	texts map[[2]string]string // :: collection and sha256 of a file → cited name of a document with it
	notes map[string][]note    // :: cited name → what was accepted against its passages
}

// Open makes a base of the handbook and of everything in the store. Without a
// store it holds the handbook and what is ingested later, in memory.
func Open(ctx context.Context, st Store) (*Base, error) { return New(ctx, Options{Store: st}) }

// OpenWithoutHandbook makes a base of what is in the store alone.
func OpenWithoutHandbook(ctx context.Context, st Store) (*Base, error) {
	return New(ctx, Options{Store: st, NoHandbook: true})
}

// New makes a base.
func New(ctx context.Context, o Options) (*Base, error) {
	if o.Cut == nil {
		o.Cut = CutterOf(context.WithoutCancel(ctx), nil)
	}
	if o.Read == nil {
		o.Read = inProcess
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Base{opt: o, changed: make(chan struct{}, 1), docs: map[string]*held{}, texts: map[[2]string]string{}, notes: map[string][]note{},
		meaning: meaning{vectors: o.Vectors, wake: make(chan struct{}, 1)}}
	if !o.NoHandbook {
		book, err := Handbook()
		if err != nil {
			return nil, err
		}
		for _, d := range book {
			b.builtin = append(b.builtin, builtin(d))
		}
	}
	file := stock{}
	if o.Store != nil {
		file = openStock(o.IndexFile, o.Log)
		if err := b.load(ctx, &file); err != nil {
			return nil, err
		}
	}
	if !file.older {
		b.filed.Store(file.index)
	}
	b.swapFrom(file)
	return b, nil
}

// FromDir makes a base of the files in a folder alone: no handbook, no store. The
// evaluation uses it.
func FromDir(ctx context.Context, dir string) (*Base, error) {
	b, err := New(ctx, Options{NoHandbook: true})
	if err != nil {
		return nil, err
	}
	r, err := b.Ingest(ctx, []string{dir}, nil)
	if err != nil {
		return nil, err
	}
	if r.Count(Added) == 0 {
		return nil, fmt.Errorf("no Markdown or text file in %s", dir)
	}
	return b, nil
}

// builtin is a document of the handbook.
func builtin(d retrieve.Document) *held {
	h := &held{name: d.Name, source: d.Name, collection: handbookCollection, title: d.Name, state: store.DocumentActive,
		meta: Meta{Kind: read.Markdown, Authority: AuthorityOfficial}, bytes: len(d.Text), sha256: digest(d.Text), sketch: &sketch{}}
	chunks := chunk.Document(d.Text, d.Name)
	h.analyse(d.Text, chunks, CutOf(rowsOf(chunks)))
	return h
}

// load reads every stored document: those that the index file holds are taken from
// there, the others are analysed side by side.
func (b *Base) load(ctx context.Context, file *stock) error {
	list, err := b.opt.Store.Documents(ctx, "")
	if err != nil {
		return fmt.Errorf("load the ingested documents: %w", err)
	}
	var rest []store.Document
	for _, row := range list {
		if d := file.take(row); d != nil {
			b.put(d)
			continue
		}
		rest = append(rest, row)
	}
	docs, err := b.loadAll(ctx, rest)
	if err != nil {
		return err
	}
	for _, d := range docs {
		b.put(d)
	}
	return b.loadNotes(ctx)
}

// loadAll reads the texts of the rows and makes them searchable.
func (b *Base) loadAll(ctx context.Context, list []store.Document) ([]*held, error) {
	docs := make([]*held, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, row := range list {
		g.Go(func() (err error) {
			docs[i], err = b.loadOne(ctx, row.ID)
			return err
		})
	}
	return docs, g.Wait()
}

func (b *Base) loadOne(ctx context.Context, id string) (*held, error) {
	row, err := b.opt.Store.Document(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load the ingested documents: %w", err)
	}
	d, err := heldOf(row)
	if err != nil {
		return nil, err
	}
	d.sketch = newSketch(row.Body)
	if d.state == store.DocumentActive {
		rows, err := b.opt.Store.DocumentChunks(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := d.restore(row.Body, rows, b.opt.Cut); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// put adds a document or takes the place of the one of the same name.
func (b *Base) put(d *held) {
	b.drop(d.name)
	b.docs[d.name] = d
	if key := d.fileKey(); b.texts[key] == "" {
		b.texts[key] = d.name
	}
}

// drop forgets a document; its file is free again for another name.
func (b *Base) drop(name string) {
	old, ok := b.docs[name]
	if !ok {
		return
	}
	if key := old.fileKey(); b.texts[key] == name {
		delete(b.texts, key)
	}
	delete(b.docs, name)
}

// fileKey is equal for documents of one collection read from equal files.
func (d *held) fileKey() [2]string {
	if d.original != "" {
		return [2]string{d.collection, d.original}
	}
	return [2]string{d.collection, d.sha256}
}

func digest[T string | []byte](text T) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// names of the documents in order; the caller holds mu or owns the base.
func (b *Base) names() []string {
	names := make([]string, 0, len(b.docs))
	for n := range b.docs {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Stats says how much the base holds.
type Stats struct {
	Documents   int            `json:"documents"` // that are searched, without the handbook
	Passages    int            `json:"passages"`  // of everything, with the handbook
	Bytes       int            `json:"bytes"`     // of the ingested texts
	ByState     map[string]int `json:"by_state"`
	Collections map[string]int `json:"collections"` // documents of each
}

// Stats counts the documents and passages.
func (b *Base) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Passages: b.view.Load().all.Passages(), ByState: map[string]int{}, Collections: map[string]int{}}
	for _, d := range b.docs {
		s.ByState[string(d.state)]++
		s.Collections[d.collection]++
		s.Documents += count(d.state == store.DocumentActive)
		s.Bytes += d.bytes
	}
	return s
}

// Source is an ingested document.
type Source struct {
	ID         string              `json:"id"`
	Collection string              `json:"collection"`
	Name       string              `json:"name"`
	Title      string              `json:"title"`
	State      store.DocumentState `json:"state"`
	SHA256     string              `json:"sha256"`
	Bytes      int                 `json:"bytes"`
	Passages   int                 `json:"passages"`
	Ingested   time.Time           `json:"ingested"`
	Meta       Meta                `json:"meta"`
	Near       []Near              `json:"near,omitempty"` // documents with nearly the same text
}

// Sources lists the ingested documents by name, those in quarantine too.
func (b *Base) Sources() []Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Source, 0, len(b.docs))
	for _, n := range b.names() {
		out = append(out, b.source(b.docs[n]))
	}
	return out
}

// Source returns one document by its id. [store.ErrNotFound] when there is none.
func (b *Base) Source(id string) (Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, err := b.byID(id)
	if err != nil {
		return Source{}, err
	}
	return b.source(d), nil
}

// source describes a document; the caller holds mu.
func (b *Base) source(d *held) Source {
	return Source{ID: d.id, Collection: d.collection, Name: d.name, Title: d.title, State: d.state, SHA256: d.sha256, Bytes: d.bytes,
		Passages: d.passages, Ingested: d.ingested, Meta: d.meta, Near: near(d, b.docs)}
}

// byID finds a document; the caller holds mu.
func (b *Base) byID(id string) (*held, error) {
	for _, d := range b.docs {
		if d.id == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("document %q: %w", id, store.ErrNotFound)
}

// Refresh takes over what other processes on the same store have ingested,
// removed, released or corrected since. Without a store it does nothing.
func (b *Base) Refresh(ctx context.Context) error {
	if b.opt.Store == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list, err := b.opt.Store.Documents(ctx, "")
	if err != nil {
		return fmt.Errorf("look for changed documents: %w", err)
	}
	there := make(map[string]bool, len(list))
	var changed []store.Document
	for _, row := range list {
		name := citedAs(row.Collection, row.Source)
		there[name] = true
		if !b.docs[name].stands(row) {
			changed = append(changed, row)
		}
	}
	docs, err := b.loadAll(ctx, changed)
	if err != nil {
		return err
	}
	gone := 0
	for _, name := range b.names() {
		if !there[name] {
			b.drop(name)
			gone++
		}
	}
	for _, d := range docs {
		b.put(d)
	}
	if len(docs)+gone == 0 {
		return nil
	}
	if err := b.loadNotes(ctx); err != nil {
		return err
	}
	b.swap()
	return nil
}

// stands says whether a document is as its row says.
func (d *held) stands(row store.Document) bool {
	if d == nil || d.id != row.ID || d.sha256 != row.SHA256 || d.state != row.State || d.title != row.Title || int64(d.passages) != row.Chunks {
		return false
	}
	meta, err := json.Marshal(d.meta)
	return err == nil && string(meta) == string(row.Meta)
}
