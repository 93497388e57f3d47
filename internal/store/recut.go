package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Recut is a document that a reindex has cut anew.
type Recut struct {
	JobID      string
	DocumentID string
	SHA256     string // of the text that was cut
	Parts      []ChunkRow
}

// PutRecut keeps a document cut anew until [Store.FinishRecut].
func (s *Store) PutRecut(ctx context.Context, r Recut) error {
	parts, err := json.Marshal(r.Parts)
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			_, err := c.exec(ctx, `insert into recut (job_id, document_id, sha256, passages) values (?,?,?,?)
				on conflict (job_id, document_id) do update set sha256 = excluded.sha256, passages = excluded.passages`,
				r.JobID, r.DocumentID, r.SHA256, string(parts))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep the document %q cut anew: %w", r.DocumentID, err)
	}
	return nil
}

// Recuts reads what a reindex has cut so far, by document.
func (s *Store) Recuts(ctx context.Context, jobID string) ([]Recut, error) {
	var list []Recut
	err := s.reader().rows(ctx, `select document_id, sha256, passages from recut where job_id = ? order by document_id`, []any{jobID},
		func(scan scanner) error {
			r := Recut{JobID: jobID}
			var parts string
			if err := scan(&r.DocumentID, &r.SHA256, &parts); err != nil {
				return err
			}
			list = append(list, r)
			return json.Unmarshal([]byte(parts), &list[len(list)-1].Parts)
		})
	if err != nil {
		return nil, fmt.Errorf("read what the job %q has cut anew: %w", jobID, err)
	}
	return list, nil
}

// FinishRecut puts the changes in place of what was there and forgets what the
// reindex kept: all of it or nothing. Without changes it only forgets.
func (s *Store) FinishRecut(ctx context.Context, jobID string, changes []DocumentChange) error {
	err := s.update(ctx, func(c conn) error {
		if err := changeDocuments(ctx, c, changes); err != nil {
			return err
		}
		_, err := c.exec(ctx, `delete from recut where job_id = ?`, jobID)
		return err
	})
	if err != nil {
		return fmt.Errorf("put the new passages in place: %w", err)
	}
	return nil
}

// PruneRecut forgets what reindexes kept that are not going on any more.
func (s *Store) PruneRecut(ctx context.Context) error {
	err := s.update(ctx, func(c conn) error {
		_, err := c.exec(ctx, `delete from recut where job_id not in (select id from jobs where state in ('pending', 'running'))`)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old reindexes: %w", err)
	}
	return nil
}
