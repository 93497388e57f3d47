package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Document is the text of an ingested source. A collection holds one document
// per source.
type Document struct {
	ID         string    `json:"id"`
	Collection string    `json:"collection"`
	Source     string    `json:"source"` // path or URL it came from
	Title      string    `json:"title"`
	SHA256     string    `json:"sha256"` // of Body as stored, in hex; set by the store
	Body       string    `json:"body,omitempty"`
	Bytes      int64     `json:"bytes"` // length of Body; set by the store
	IngestedAt time.Time `json:"ingested_at"`
}

// PutDocument stores a document in place of the one of the same collection and
// source, which gives its ID on. It reports whether the text or title is new;
// the same text again changes nothing.
func (s *Store) PutDocument(ctx context.Context, d Document) (Document, bool, error) {
	if d.Collection == "" || d.Source == "" {
		return Document{}, false, fmt.Errorf("store document: %w: it needs a collection and a source", ErrInvalid)
	}
	if d.ID == "" {
		d.ID = NewID("doc")
	}
	if d.IngestedAt.IsZero() {
		d.IngestedAt = s.now()
	}
	d.Body, d.Title, d.IngestedAt = clean(d.Body), clean(d.Title), at(ms(d.IngestedAt))
	sum := sha256.Sum256([]byte(d.Body))
	d.SHA256, d.Bytes = hex.EncodeToString(sum[:]), int64(len(d.Body))
	changed := false
	err := s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `insert into documents (id, collection, source, title, sha256, body, bytes, ingested_at) values (?,?,?,?,?,?,?,?)
			on conflict (collection, source) do update set title = excluded.title, sha256 = excluded.sha256, body = excluded.body,
				bytes = excluded.bytes, ingested_at = excluded.ingested_at
			where documents.sha256 <> excluded.sha256 or documents.title <> excluded.title`,
			d.ID, d.Collection, d.Source, d.Title, d.SHA256, d.Body, d.Bytes, ms(d.IngestedAt))
		if err != nil {
			return whenUnique(err, ErrExists)
		}
		changed = n > 0
		var ingested int64
		err = c.row(ctx, `select id, ingested_at from documents where collection = ? and source = ?`,
			[]any{d.Collection, d.Source}, &d.ID, &ingested)
		d.IngestedAt = at(ingested)
		return err
	})
	if err != nil {
		return Document{}, false, fmt.Errorf("store document %s: %w", d.Source, err)
	}
	return d, changed, nil
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
	err := s.reader().rows(ctx, `select id, collection, source, title, sha256, `+body+`, bytes, ingested_at from documents `+where, args,
		func(scan scanner) error {
			var d Document
			var ingested int64
			err := scan(&d.ID, &d.Collection, &d.Source, &d.Title, &d.SHA256, &d.Body, &d.Bytes, &ingested)
			d.IngestedAt = at(ingested)
			list = append(list, d)
			return err
		})
	return list, err
}

// DeleteDocument removes a document. ErrNotFound when there is none.
func (s *Store) DeleteDocument(ctx context.Context, id string) error {
	err := s.update(ctx, func(c conn) error {
		return mustChange(c.exec(ctx, `delete from documents where id = ?`, id))
	})
	if err != nil {
		return fmt.Errorf("delete document %q: %w", id, err)
	}
	return nil
}
