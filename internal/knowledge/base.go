package knowledge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"resync/internal/retrieve"
	"resync/internal/store"
)

// Store is where ingested texts live. *store.Store is one.
type Store interface {
	// PutDocument stores a text in place of the one of the same source and reports
	// whether it is new.
	PutDocument(ctx context.Context, d store.Document) (store.Document, bool, error)
	// Documents lists the documents of a collection without their bodies.
	Documents(ctx context.Context, collection string) ([]store.Document, error)
	// Document reads one with its body.
	Document(ctx context.Context, id string) (store.Document, error)
}

// collection holds the ingested documents in the store.
const collection = "documents"

// held is a document of the base.
type held struct {
	name    string
	sha256  string
	bytes   int
	segment *retrieve.Segment
}

// Base is the searchable knowledge. It is safe for concurrent use; a search never
// waits for an ingestion.
type Base struct {
	store   Store // nil keeps everything in memory
	builtin []*retrieve.Segment
	index   atomic.Pointer[retrieve.Index]

	mu    sync.Mutex        // one ingestion at a time
	docs  map[string]held   // :: name → document
	texts map[string]string // :: sha256 → name of a document with this text
}

// Open makes a base of the handbook and of everything in the store. Without a
// store it holds the handbook and what is ingested later, in memory.
func Open(ctx context.Context, st Store) (*Base, error) {
	book, err := Handbook()
	if err != nil {
		return nil, err
	}
	return build(ctx, st, book)
}

// OpenWithoutHandbook makes a base of what is in the store alone.
func OpenWithoutHandbook(ctx context.Context, st Store) (*Base, error) { return build(ctx, st, nil) }

func build(ctx context.Context, st Store, book []retrieve.Document) (*Base, error) {
	b := &Base{store: st, docs: map[string]held{}, texts: map[string]string{}}
	for _, d := range book {
		b.builtin = append(b.builtin, retrieve.Analyse(d))
	}
	if st != nil {
		if err := b.load(ctx); err != nil {
			return nil, err
		}
	}
	b.swap()
	return b, nil
}

// FromDir makes a base of the files in a folder alone: no handbook, no store. The
// evaluation uses it.
func FromDir(ctx context.Context, dir string) (*Base, error) {
	b := &Base{docs: map[string]held{}, texts: map[string]string{}}
	r, err := b.Ingest(ctx, []string{dir}, nil)
	if err != nil {
		return nil, err
	}
	if r.Count(Added) == 0 {
		return nil, fmt.Errorf("no Markdown or text file in %s", dir)
	}
	return b, nil
}

// load reads every stored document and analyses them side by side.
func (b *Base) load(ctx context.Context) error {
	list, err := b.store.Documents(ctx, collection)
	if err != nil {
		return fmt.Errorf("load the ingested documents: %w", err)
	}
	docs := make([]held, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, row := range list {
		g.Go(func() error {
			d, err := b.store.Document(ctx, row.ID)
			if err != nil {
				return fmt.Errorf("load the ingested documents: %w", err)
			}
			docs[i] = analyse(d.Source, d.Body)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, d := range docs {
		b.put(d)
	}
	return nil
}

// put adds a document or takes the place of the one of the same name.
func (b *Base) put(d held) {
	if old, ok := b.docs[d.name]; ok && b.texts[old.sha256] == d.name {
		delete(b.texts, old.sha256)
	}
	b.docs[d.name] = d
	if _, ok := b.texts[d.sha256]; !ok {
		b.texts[d.sha256] = d.name
	}
}

func analyse(name, text string) held {
	return held{
		name: name, sha256: digest(text), bytes: len(text),
		segment: retrieve.Analyse(retrieve.Document{Name: name, Text: text}),
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// swap puts an index of everything held in place of the old one.
func (b *Base) swap() {
	segments := append([]*retrieve.Segment{}, b.builtin...)
	for _, name := range b.names() {
		segments = append(segments, b.docs[name].segment)
	}
	b.index.Store(retrieve.New(segments...))
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

// Search returns the k passages that answer a question best, best first. See
// [retrieve.Index.Search].
func (b *Base) Search(ctx context.Context, query string, k int) ([]retrieve.Passage, error) {
	return b.index.Load().Search(ctx, query, k)
}

// Stats says how much the base holds.
type Stats struct {
	Documents int `json:"documents"` // ingested, without the handbook
	Passages  int `json:"passages"`  // of everything, with the handbook
	Bytes     int `json:"bytes"`     // of the ingested texts
}

// Stats counts the documents and passages.
func (b *Base) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Documents: len(b.docs), Passages: b.index.Load().Passages()}
	for _, d := range b.docs {
		s.Bytes += d.bytes
	}
	return s
}

// Source is an ingested document.
type Source struct {
	Name     string `json:"name"`
	SHA256   string `json:"sha256"`
	Bytes    int    `json:"bytes"`
	Passages int    `json:"passages"`
}

// Sources lists the ingested documents by name.
func (b *Base) Sources() []Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Source, 0, len(b.docs))
	for _, n := range b.names() {
		d := b.docs[n]
		out = append(out, Source{Name: d.name, SHA256: d.sha256, Bytes: d.bytes, Passages: d.segment.Passages()})
	}
	return out
}
