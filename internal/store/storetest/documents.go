package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"resync/internal/store"
)

func testDocuments(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	put := func(d store.Document) (store.Document, bool) {
		t.Helper()
		got, changed, err := s.PutDocument(ctx, d)
		must(t, err)
		return got, changed
	}
	body := strings.Repeat("AWSBHT061E Błąd 日本 💥\n", 1000)
	doc := store.Document{Collection: "manuals", Source: "a.md", Title: "A", Body: body}
	first, changed := put(doc)
	equal(t, "new", true, changed)
	equal(t, "bytes", int64(len(body)), first.Bytes)
	got, err := s.Document(ctx, first.ID)
	must(t, err)
	equal(t, "document", first, got)

	c.Advance(time.Hour)
	again, changed := put(doc)
	equal(t, "same text changes", false, changed)
	equal(t, "same text", first, again)
	doc.Body = "other"
	other, changed := put(doc)
	equal(t, "other text changes", true, changed)
	equal(t, "ID of the other text", first.ID, other.ID)
	equal(t, "ingested", c.Now(), other.IngestedAt)

	put(store.Document{Collection: "handbook", Source: "b.md", Body: "b"})
	list, err := s.Documents(ctx, "manuals")
	must(t, err)
	other.Body = ""
	equal(t, "list without bodies", []store.Document{other}, list)
	list, err = s.Documents(ctx, "")
	must(t, err)
	equal(t, "in all collections", 2, len(list))

	must(t, s.DeleteDocument(ctx, first.ID))
	if _, err := s.Document(ctx, first.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted document: %v", err)
	}
	if err := s.DeleteDocument(ctx, first.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete twice: %v", err)
	}
	if _, _, err := s.PutDocument(ctx, store.Document{Source: "x"}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("no collection: %v", err)
	}
}

// testText: both engines take and refuse the same text, though SQLite would
// store anything and PostgreSQL neither NUL nor broken UTF-8.
func testText(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	for name, text := range map[string]string{"NUL": "a\x00b", "broken UTF-8": "a\xffb"} {
		r := sampleRun(store.NewID("run"))
		r.Reason = text
		if _, err := s.CreateRun(ctx, r, store.Entry{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s in a run: %v", name, err)
		}
		if _, err := s.Run(ctx, text); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s in a query: %v", name, err)
		}
	}
	d, _, err := s.PutDocument(ctx, store.Document{Collection: "c", Source: "s", Body: "log\x00 line \xff?"})
	must(t, err)
	equal(t, "quoted text is repaired", "log line \uFFFD?", d.Body)

	for _, text := range []string{"'; drop table runs; --", "🙂 \u202e \u200b ' \" \\ ? $1 %s", strings.Repeat("x", 1<<20)} {
		r := sampleRun(store.NewID("run"))
		r.Reason = text
		_, err := s.CreateRun(ctx, r, store.Entry{Actor: text})
		must(t, err)
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if got.Reason != text || got.Entries[0].Actor != text {
			t.Errorf("%.30q came back changed", text)
		}
	}
	if _, err := s.VerifyJournal(ctx); err != nil {
		t.Error(err)
	}
}
