package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"resync/chunk/read"
	"resync/internal/store"
)

// notesFolder begins the names of accepted corrections.
const notesFolder = "corrections/"

// note is a correction that was accepted against a passage.
type note struct {
	start, end int
	sha256     string // of the text it was made against; another text is not corrected by it
	name       string // cited name of the note
}

// Limits of a correction.
const (
	maxCorrection = 8000
	maxReason     = 1000
)

// Proposal is what an operator says against a passage.
type Proposal struct {
	ChunkID string
	Title   string // what it is about; "" is the title of the passage
	Body    string // what is right
	Reason  string // how the operator knows
	By      string
}

// ErrOwnCorrection: who proposed a correction may not accept it.
var ErrOwnCorrection = errors.New("somebody else must accept a correction than who proposed it")

// errNoStore: a base in memory keeps no corrections.
var errNoStore = errors.New("corrections need a store")

// ProposeCorrection keeps a proposal for an administrator. Nothing changes until
// it is accepted.
func (b *Base) ProposeCorrection(ctx context.Context, p Proposal) (store.Correction, error) {
	if b.opt.Store == nil {
		return store.Correction{}, errNoStore
	}
	p.Body, p.Reason, p.Title = strings.TrimSpace(p.Body), strings.TrimSpace(p.Reason), strings.TrimSpace(p.Title)
	switch {
	case p.Body == "":
		return store.Correction{}, refusal("correction", "it is empty; write what is right")
	case len(p.Body) > maxCorrection:
		return store.Correction{}, refusal("correction", "it is longer than %d bytes", maxCorrection)
	case p.Reason == "":
		return store.Correction{}, refusal("reason", "it is missing; say how you know")
	case len(p.Reason) > maxReason:
		return store.Correction{}, refusal("reason", "it is longer than %d bytes", maxReason)
	}
	at, err := b.Chunk(p.ChunkID)
	if err != nil {
		return store.Correction{}, err
	}
	if at.DocID == "" {
		return store.Correction{}, refusal("chunk_id", "the handbook is part of the program and cannot be corrected here")
	}
	if p.Title == "" {
		p.Title = at.Title
	}
	return b.opt.Store.CreateCorrection(ctx, store.Correction{DocumentID: at.DocID, Collection: at.Collection, Source: at.Document,
		Start: at.Start, End: at.End, Quote: at.Text, Title: p.Title, Body: p.Body, Reason: p.Reason, CreatedBy: p.By})
}

// Corrections lists the proposals of a state ("" is all), newest first.
func (b *Base) Corrections(ctx context.Context, state store.CorrectionState) ([]store.Correction, error) {
	if b.opt.Store == nil {
		return nil, nil
	}
	return b.opt.Store.Corrections(ctx, state)
}

// DecideCorrection accepts or rejects a proposal. An accepted one becomes a note
// of the highest authority, which is cited before the passage it corrects.
func (b *Base) DecideCorrection(ctx context.Context, id string, accept bool, by, why string) (store.Correction, error) {
	if b.opt.Store == nil {
		return store.Correction{}, errNoStore
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := b.pending(ctx, id)
	if err != nil {
		return c, err
	}
	if accept && by == c.CreatedBy {
		return c, ErrOwnCorrection
	}
	c.DecidedBy, c.Decision, c.State = by, why, store.CorrectionRejected
	if !accept {
		return c, b.opt.Store.DecideCorrection(ctx, c)
	}
	c.State = store.CorrectionAccepted
	d, text := b.noteOf(c, by)
	if err := d.index(text, b.opt.Cut); err != nil {
		return c, err
	}
	// The note is stored first: were it the other way round, a crash between the
	// two would leave an accepted correction that nobody sees.
	if err := b.save(ctx, d, text); err != nil {
		return c, fmt.Errorf("store the note of correction %s: %w", id, err)
	}
	c.NoteID = d.id
	if err := b.opt.Store.DecideCorrection(ctx, c); err != nil {
		return c, err
	}
	b.put(d)
	b.addNote(c)
	b.swap()
	return c, nil
}

func (b *Base) pending(ctx context.Context, id string) (store.Correction, error) {
	list, err := b.opt.Store.Corrections(ctx, "")
	if err != nil {
		return store.Correction{}, err
	}
	for _, c := range list {
		if c.ID == id && c.State != store.CorrectionPending {
			return c, fmt.Errorf("correction %q: %w", id, store.ErrDecided)
		}
		if c.ID == id {
			return c, nil
		}
	}
	return store.Correction{}, fmt.Errorf("correction %q: %w", id, store.ErrNotFound)
}

// noteOf makes the document an accepted correction becomes.
func (b *Base) noteOf(c store.Correction, by string) (*held, string) {
	text := "# " + strings.ReplaceAll(c.Title, "\n", " ") + "\n\n" + c.Body + "\n\nReason: " + c.Reason + "\n"
	d := &held{collection: c.Collection, source: notesFolder + c.ID + ".md", title: "Correction: " + c.Title, state: store.DocumentActive,
		original: digest(text), sha256: digest(text), bytes: len(text), sketch: newSketch(text),
		meta: Meta{Kind: read.Markdown, Authority: AuthorityCorrection, By: c.CreatedBy, Decided: by, Updated: b.opt.Now().UTC().Truncate(1e9)}}
	d.name = citedAs(d.collection, d.source)
	return d, text
}

// loadNotes reads which passages have been corrected; the caller owns the base.
func (b *Base) loadNotes(ctx context.Context) error {
	list, err := b.opt.Store.Corrections(ctx, store.CorrectionAccepted)
	if err != nil {
		return fmt.Errorf("load the corrections: %w", err)
	}
	b.notes = map[string][]note{}
	for _, c := range list {
		b.addNote(c)
	}
	return nil
}

// addNote remembers an accepted correction, as long as both texts are there.
func (b *Base) addNote(c store.Correction) {
	d, to := b.docs[c.Source], b.docs[citedAs(c.Collection, notesFolder+c.ID+".md")]
	if d != nil && to != nil && d.id == c.DocumentID {
		b.notes[c.Source] = append(b.notes[c.Source], note{c.Start, c.End, d.sha256, to.name})
	}
}

// correct puts accepted notes before the passages they correct, each once, and
// says of both that they belong together.
func (v *view) correct(hits []Hit, keep func(*held) bool) []Hit {
	if len(v.notes) == 0 {
		return hits
	}
	corrects := map[string]string{} // :: cited name of a note → source of the first passage it corrects
	for i := range hits {
		for _, name := range v.notesOn(&hits[i]) {
			hits[i].CorrectedBy = name
			if corrects[name] == "" {
				corrects[name] = hits[i].Source()
			}
		}
	}
	var out []Hit
	shown := map[string]bool{}
	for _, h := range hits {
		for _, name := range v.notesOn(&h) {
			if to := v.docs[name]; !shown[name] && keep(to) {
				shown[name] = true
				from, _ := v.all.PassagesOf(v.at[name])
				put := v.hit(v.all.At(from))
				put.Score, put.Corrects = h.Score, corrects[name]
				out = append(out, put)
			}
		}
		if h.Meta.Authority == AuthorityCorrection {
			if shown[h.Document] {
				continue // it stands before its passage already
			}
			shown[h.Document], h.Corrects = true, corrects[h.Document]
		}
		out = append(out, h)
	}
	return out
}

// notesOn are the cited names of the notes on a passage.
func (v *view) notesOn(h *Hit) []string {
	var out []string
	for _, n := range v.notes[h.Document] {
		d := v.docs[h.Document]
		if v.docs[n.name] != nil && d.sha256 == n.sha256 && h.Start < n.end && n.start < h.End {
			out = append(out, n.name)
		}
	}
	return out
}

func sortNear(list []Near) {
	sort.Slice(list, func(i, j int) bool {
		if list[i].Share != list[j].Share {
			return list[i].Share > list[j].Share
		}
		return list[i].Document < list[j].Document
	})
}

// Review releases a document from quarantine or rejects it. A rejected one stays
// in the list, so that the same file is not taken again.
func (b *Base) Review(ctx context.Context, id string, release bool, by string) (Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, err := b.byID(id)
	if err != nil {
		return Source{}, err
	}
	if old.state == store.DocumentActive {
		return Source{}, refusal("id", "%s is not in quarantine", old.name)
	}
	if b.opt.Store == nil {
		return Source{}, errNoStore
	}
	row, err := b.opt.Store.Document(ctx, id)
	if err != nil {
		return Source{}, err
	}
	d := *old
	d.meta.Decided, d.state, d.segment, d.key, d.passages, d.rows = by, store.DocumentRejected, nil, "", 0, []store.ChunkRow{}
	if release {
		d.state = store.DocumentActive
		if err := d.index(row.Body, b.opt.Cut); err != nil {
			return Source{}, err
		}
	}
	return b.change(ctx, &d)
}

// Describe changes what is known about a document; fn changes a copy.
func (b *Base) Describe(ctx context.Context, id string, fn func(*Meta)) (Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, err := b.byID(id)
	if err != nil {
		return Source{}, err
	}
	if old.meta.Authority == AuthorityCorrection {
		return Source{}, refusal("id", "%s is an accepted correction; propose another one against it", old.name)
	}
	d := *old
	d.meta.Tags = slices.Clone(d.meta.Tags)
	fn(&d.meta)
	if err := d.meta.check(); err != nil {
		return Source{}, err
	}
	d.rows = nil // they stay as they are
	s, err := b.change(ctx, &d)
	return s, err
}

// change stores a document whose text stays and puts it in place of the old one;
// the caller holds mu.
func (b *Base) change(ctx context.Context, d *held) (Source, error) {
	meta, err := json.Marshal(d.meta)
	if err != nil {
		return Source{}, fmt.Errorf("change %s: %w", d.name, err)
	}
	if b.opt.Store != nil {
		ch := store.DocumentChange{ID: d.id, State: d.state, Meta: meta, Parts: d.rows}
		if err := b.opt.Store.ChangeDocuments(ctx, ch); err != nil {
			return Source{}, err
		}
	}
	b.put(d)
	b.swap()
	return b.source(d), nil
}

// Delete removes a document. Corrections of its passages lose their place, the
// notes stay.
func (b *Base) Delete(ctx context.Context, id string) (Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, err := b.byID(id)
	if err != nil {
		return Source{}, err
	}
	s := b.source(d)
	if b.opt.Store != nil {
		if err := b.opt.Store.DeleteDocument(ctx, id); err != nil {
			return Source{}, err
		}
	}
	b.drop(d.name)
	delete(b.notes, d.name)
	b.swap()
	return s, nil
}
