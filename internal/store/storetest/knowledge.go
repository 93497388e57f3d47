package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"resync/internal/store"
)

func chunkRows(n int) []store.ChunkRow {
	out := make([]store.ChunkRow, n)
	for i := range out {
		out[i] = store.ChunkRow{ID: fmt.Sprintf("c%d", i), Start: i * 10, End: i*10 + 10, Kind: "text", Path: `["Chapter 1","Błąd"]`, Tokens: 3}
	}
	return out
}

func testChunks(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	doc := store.Document{Collection: "c", Source: "a.md", Body: "text", Original: "o1", State: store.DocumentQuarantined,
		Meta: json.RawMessage(`{"tags":["x"]}`), Parts: chunkRows(1203)} // more than two inserts
	put, _, err := s.PutDocument(ctx, doc)
	must(t, err)
	rows, err := s.DocumentChunks(ctx, put.ID)
	must(t, err)
	equal(t, "chunks", doc.Parts, rows)
	got, err := s.Document(ctx, put.ID)
	must(t, err)
	put.Parts = nil
	equal(t, "document", put, got)
	equal(t, "counted", int64(1203), got.Chunks)

	must(t, s.ChangeDocuments(ctx, store.DocumentChange{ID: put.ID, State: store.DocumentActive}))
	got, err = s.Document(ctx, put.ID)
	must(t, err)
	equal(t, "state", store.DocumentActive, got.State)
	equal(t, "meta kept", `{"tags":["x"]}`, string(got.Meta))
	equal(t, "chunks kept", int64(1203), got.Chunks)
	// All or none: the second document does not exist.
	err = s.ChangeDocuments(ctx, store.DocumentChange{ID: put.ID, Parts: chunkRows(2), Meta: json.RawMessage(`{}`)}, store.DocumentChange{ID: "none"})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("changing a missing document: %v", err)
	}
	rows, err = s.DocumentChunks(ctx, put.ID)
	must(t, err)
	equal(t, "chunks after a failed change", 1203, len(rows))
	must(t, s.ChangeDocuments(ctx, store.DocumentChange{ID: put.ID, Parts: chunkRows(2)}))
	if err := s.ChangeDocuments(ctx, store.DocumentChange{ID: put.ID, Meta: json.RawMessage(`{`)}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("broken meta: %v", err)
	}
	rows, err = s.DocumentChunks(ctx, put.ID)
	must(t, err)
	equal(t, "chunks", chunkRows(2), rows)
	must(t, s.DeleteDocument(ctx, put.ID))
	rows, err = s.DocumentChunks(ctx, put.ID)
	must(t, err)
	equal(t, "chunks of a deleted document", 0, len(rows))
}

func testCorrections(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	made, err := s.CreateCorrection(ctx, store.Correction{DocumentID: "doc_1", Collection: "documents", Source: "a.md", Start: 3, End: 9,
		Quote: "wrong", Title: "T", Body: "right", Reason: "seen", CreatedBy: "ana"})
	must(t, err)
	got, err := s.Correction(ctx, made.ID)
	must(t, err)
	equal(t, "correction", made, got)
	c.Advance(time.Minute)
	made.State, made.DecidedBy, made.Decision, made.NoteID = store.CorrectionAccepted, "bob", "true", "doc_2"
	must(t, s.DecideCorrection(ctx, made))
	made.DecidedAt = c.Now()
	list, err := s.Corrections(ctx, store.CorrectionAccepted)
	must(t, err)
	equal(t, "accepted", []store.Correction{made}, list)
	if err := s.DecideCorrection(ctx, made); !errors.Is(err, store.ErrDecided) {
		t.Errorf("decided twice: %v", err)
	}
	if err := s.DecideCorrection(ctx, store.Correction{ID: "none", State: store.CorrectionRejected}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such correction: %v", err)
	}
	list, err = s.Corrections(ctx, store.CorrectionPending)
	must(t, err)
	equal(t, "pending", 0, len(list))
}

func testRecut(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	doc, _, err := s.PutDocument(ctx, store.Document{Collection: "c", Source: "a.md", Body: "text", Parts: chunkRows(2)})
	must(t, err)
	job := enqueue(t, s, store.Job{Kind: reindex})
	want := store.Recut{JobID: job.ID, DocumentID: doc.ID, SHA256: doc.SHA256, Parts: chunkRows(3)}
	must(t, s.PutRecut(ctx, store.Recut{JobID: job.ID, DocumentID: doc.ID, SHA256: "old"}))
	must(t, s.PutRecut(ctx, want))
	must(t, s.PutRecut(ctx, store.Recut{JobID: "gone", DocumentID: doc.ID, SHA256: "x"}))
	got, err := s.Recuts(ctx, job.ID)
	must(t, err)
	equal(t, "cut anew", []store.Recut{want}, got)
	must(t, s.PruneRecut(ctx))
	got, err = s.Recuts(ctx, "gone")
	must(t, err)
	equal(t, "of no job", 0, len(got))

	bad := []store.DocumentChange{{ID: doc.ID, Parts: chunkRows(3)}, {ID: "none"}}
	if err := s.FinishRecut(ctx, job.ID, bad); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a missing document: %v", err)
	}
	rows, err := s.DocumentChunks(ctx, doc.ID)
	must(t, err)
	equal(t, "passages after a failed end", chunkRows(2), rows)
	must(t, s.FinishRecut(ctx, job.ID, bad[:1]))
	rows, err = s.DocumentChunks(ctx, doc.ID)
	must(t, err)
	equal(t, "passages", chunkRows(3), rows)
	got, err = s.Recuts(ctx, job.ID)
	must(t, err)
	equal(t, "kept after the end", 0, len(got))
}
