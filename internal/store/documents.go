package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// DocumentState says whether a document may be searched.
type DocumentState string

// The states of a document.
const (
	DocumentActive      DocumentState = "active"
	DocumentQuarantined DocumentState = "quarantined" // waits for a person; never searched
	DocumentRejected    DocumentState = "rejected"    // a person refused it; kept so that it is not taken again
)

// Document is the text of an ingested source. A collection holds one document
// per source.
type Document struct {
	ID         string          `json:"id"`
	Collection string          `json:"collection"`
	Source     string          `json:"source"` // path or URL it came from
	Title      string          `json:"title"`
	SHA256     string          `json:"sha256"` // of Body as stored, in hex; set by the store
	Body       string          `json:"body,omitempty"`
	Bytes      int64           `json:"bytes"` // length of Body; set by the store
	IngestedAt time.Time       `json:"ingested_at"`
	Original   string          `json:"original,omitempty"` // SHA-256 of the file the text was read from, in hex
	State      DocumentState   `json:"state"`              // active when empty
	Meta       json.RawMessage `json:"meta"`               // an object; what the knowledge base keeps about the text
	Chunks     int64           `json:"chunks"`             // number of its rows in chunks; set by the store
	Parts      []ChunkRow      `json:"-"`                  // its passages, written with it and read by DocumentChunks
}

// ChunkRow is where one passage of a document stands: its text is
// Body[Start:End].
type ChunkRow struct {
	ID         string
	Start, End int
	Kind       string
	Path       string // headings that lead to it, as JSON
	Tokens     int
}

// documentColumns are written by PutDocument in this order.
const documentColumns = `id, collection, source, title, sha256, body, bytes, ingested_at, original, state, meta, chunks`

// PutDocument stores a document with its passages in place of the one of the
// same collection and source, which gives its ID on. It reports whether the text
// title or file is new; the same again changes nothing.
func (s *Store) PutDocument(ctx context.Context, d Document) (Document, bool, error) {
	if d.Collection == "" || d.Source == "" {
		return Document{}, false, fmt.Errorf("store document: %w: it needs a collection and a source", ErrInvalid)
	}
	s.completeDocument(&d)
	if err := checkJSON("meta", d.Meta); err != nil {
		return Document{}, false, fmt.Errorf("store document %s: %w", d.Source, err)
	}
	changed := false
	err := s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `insert into documents (`+documentColumns+`) values (?,?,?,?,?,?,?,?,?,?,?,?)
			on conflict (collection, source) do update set title = excluded.title, sha256 = excluded.sha256, body = excluded.body,
				bytes = excluded.bytes, ingested_at = excluded.ingested_at, original = excluded.original, state = excluded.state,
				meta = excluded.meta, chunks = excluded.chunks
			where documents.sha256 <> excluded.sha256 or documents.title <> excluded.title or documents.original <> excluded.original`,
			d.ID, d.Collection, d.Source, d.Title, d.SHA256, d.Body, d.Bytes, ms(d.IngestedAt), d.Original, string(d.State), string(d.Meta), d.Chunks)
		if err != nil {
			return whenUnique(err, ErrExists)
		}
		changed = n > 0
		var ingested int64
		err = c.row(ctx, `select id, ingested_at from documents where collection = ? and source = ?`,
			[]any{d.Collection, d.Source}, &d.ID, &ingested)
		d.IngestedAt = at(ingested)
		if err != nil || !changed {
			return err
		}
		return putChunks(ctx, c, d.ID, d.Parts)
	})
	if err != nil {
		return Document{}, false, fmt.Errorf("store document %s: %w", d.Source, err)
	}
	return d, changed, nil
}

// completeDocument fills in what the caller left out.
func (s *Store) completeDocument(d *Document) {
	if d.ID == "" {
		d.ID = NewID("doc")
	}
	if d.IngestedAt.IsZero() {
		d.IngestedAt = s.now()
	}
	if d.State == "" {
		d.State = DocumentActive
	}
	if len(d.Meta) == 0 {
		d.Meta = json.RawMessage("{}")
	}
	d.Body, d.Title, d.IngestedAt = clean(d.Body), clean(d.Title), at(ms(d.IngestedAt))
	sum := sha256.Sum256([]byte(d.Body))
	d.SHA256, d.Bytes, d.Chunks = hex.EncodeToString(sum[:]), int64(len(d.Body)), int64(len(d.Parts))
}

// chunkBatch is how many rows one insert writes: 8 values each stay below the
// 32,766 placeholders SQLite takes.
const chunkBatch = 500

// putChunks writes the passages of a document in place of those it had.
func putChunks(ctx context.Context, c conn, document string, rows []ChunkRow) error {
	if _, err := c.exec(ctx, `delete from chunks where document_id = ?`, document); err != nil {
		return err
	}
	for from := 0; from < len(rows); from += chunkBatch {
		part := rows[from:min(from+chunkBatch, len(rows))]
		args := make([]any, 0, 8*len(part))
		for i, r := range part {
			args = append(args, document, int64(from+i), r.ID, int64(r.Start), int64(r.End), r.Kind, clean(r.Path), int64(r.Tokens))
		}
		values := strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?,?),", len(part)), ",")
		if _, err := c.exec(ctx, `insert into chunks (document_id, ordinal, id, start_at, end_at, kind, path, tokens) values `+values, args...); err != nil {
			return err
		}
	}
	return nil
}

// DocumentChange is what ChangeDocuments does to one document.
type DocumentChange struct {
	ID    string
	State DocumentState   // "" keeps it
	Meta  json.RawMessage // nil keeps it
	Parts []ChunkRow      // nil keeps them
}

// ChangeDocuments changes several documents at once: all of them or none. The
// text stays. ErrNotFound when one is not there any more.
func (s *Store) ChangeDocuments(ctx context.Context, changes ...DocumentChange) error {
	err := s.update(ctx, func(c conn) error { return changeDocuments(ctx, c, changes) })
	if err != nil {
		return fmt.Errorf("change documents: %w", err)
	}
	return nil
}

func changeDocuments(ctx context.Context, c conn, changes []DocumentChange) error {
	for _, ch := range changes {
		if err := checkJSON("meta", ch.Meta); err != nil {
			return err
		}
		parts := int64(-1)
		if ch.Parts != nil {
			parts = int64(len(ch.Parts))
		}
		err := mustChange(c.exec(ctx, `update documents set state = case when ? = '' then state else ? end,
				meta = case when ? = '' then meta else ? end, chunks = case when ? < 0 then chunks else ? end where id = ?`,
			string(ch.State), string(ch.State), string(ch.Meta), string(ch.Meta), parts, parts, ch.ID))
		if err == nil && ch.Parts != nil {
			err = putChunks(ctx, c, ch.ID, ch.Parts)
		}
		if err != nil {
			return fmt.Errorf("document %q: %w", ch.ID, err)
		}
	}
	return nil
}

// Documents lists the documents of a collection by source, without their
// bodies; an empty collection lists all.
func (s *Store) Documents(ctx context.Context, collection string) ([]Document, error) {
	list, err := s.documents(ctx, `'' as body`, `where (? = '' or collection = ?) order by collection, source`, collection, collection)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return list, nil
}

// Document reads one with its body. ErrNotFound when there is none.
func (s *Store) Document(ctx context.Context, id string) (Document, error) {
	list, err := s.documents(ctx, `body`, `where id = ?`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("read document %q: %w", id, err)
	}
	return list[0], nil
}

func (s *Store) documents(ctx context.Context, body, where string, args ...any) ([]Document, error) {
	var list []Document
	err := s.reader().rows(ctx, `select id, collection, source, title, sha256, `+body+`, bytes, ingested_at, original, state, meta, chunks
		from documents `+where, args,
		func(scan scanner) error {
			var d Document
			var ingested int64
			var meta string
			err := scan(&d.ID, &d.Collection, &d.Source, &d.Title, &d.SHA256, &d.Body, &d.Bytes, &ingested, &d.Original, &d.State, &meta, &d.Chunks)
			d.IngestedAt, d.Meta = at(ingested), raw(meta)
			list = append(list, d)
			return err
		})
	return list, err
}

// DocumentChunks reads where the passages of a document stand, in their order.
func (s *Store) DocumentChunks(ctx context.Context, id string) ([]ChunkRow, error) {
	var list []ChunkRow
	err := s.reader().rows(ctx, `select id, start_at, end_at, kind, path, tokens from chunks where document_id = ? order by ordinal`, []any{id},
		func(scan scanner) error {
			var r ChunkRow
			err := scan(&r.ID, &r.Start, &r.End, &r.Kind, &r.Path, &r.Tokens)
			list = append(list, r)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read the passages of document %q: %w", id, err)
	}
	return list, nil
}

// DeleteDocument removes a document with its passages. ErrNotFound when there
// is none.
func (s *Store) DeleteDocument(ctx context.Context, id string) error {
	err := s.update(ctx, func(c conn) error {
		if _, err := c.exec(ctx, `delete from chunks where document_id = ?`, id); err != nil {
			return err
		}
		return mustChange(c.exec(ctx, `delete from documents where id = ?`, id))
	})
	if err != nil {
		return fmt.Errorf("delete document %q: %w", id, err)
	}
	return nil
}
