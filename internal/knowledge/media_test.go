package knowledge

import (
	"context"
	"errors"
	"strings"
	"testing"

	"resync/chunk/read"
)

// TestRow20ReaderOfDocuments: what reads documents may refuse one, fail, or be given up
// by the caller; only the last ends the ingestion, and the next document is read.
func TestRow20ReaderOfDocuments(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	b, err := New(ctx, Options{NoHandbook: true, Read: func(ctx context.Context, m Media, name string, data []byte, lim read.Limits) (read.Text, error) {
		switch name {
		case "forged.pdf":
			return read.Text{}, &read.Refused{Name: name, Reason: "its parts refer to each other without end"}
		case "late.pdf":
			return read.Text{}, errors.New("no process left")
		case "slow.pdf":
			leave()
			return read.Text{}, context.Cause(ctx)
		}
		return read.As(m, name, data, lim)
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"forged.pdf": "%PDF-1.4", "late.pdf": "%PDF-1.4", "zebra.md": zebra})
	r, err := b.Ingest(ctx, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.Files {
		got[f.Name] = string(f.Status) + " " + f.Reason
	}
	for name, want := range map[string]string{
		"forged.pdf": "refer to each other without end", "late.pdf": "could not be read just now (no process left); try again", "zebra.md": string(Added),
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if _, err := b.Ingest(ctx, []string{write(t, map[string]string{"slow.pdf": "%PDF-1.4"})}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller left: %v", err)
	}
}

// TestCitationsNamePages: the pages of a document reach every form of a passage that was
// found, also after the base was opened again, and the list of documents stays short.
func TestCitationsNamePages(t *testing.T) {
	b, st := base(t)
	book := `<h1>Links</h1><span role="doc-pagebreak" aria-label="41"></span><h2>Walrus link</h2><p>The walrus link is mute. ` +
		`<span role="doc-pagebreak" aria-label="42"></span>Restart the walrus twice.</p><h2>Otter link</h2><p>The otter link sleeps on its back.</p>`
	put(t, b, Added, Input{Name: "book.html", Data: []byte(book)})
	put(t, b, Added, Input{Name: "plain.md", Data: []byte("# Badger\n\nThe badger digs.\n")})
	for name, b := range map[string]*Base{"at once": b, "opened again": open(t, st)} {
		ctx := context.Background()
		got, err := b.Answer(ctx, Query{Text: "walrus link mute"}, nil)
		if err != nil || len(got.Citations) == 0 {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		if c := got.Citations[0]; c.PageStart != 41 || c.PageEnd != 42 {
			t.Errorf("%s: cited pages %d to %d of %q", name, c.PageStart, c.PageEnd, c.Quote)
		}
		if r := got.Hits[0].Result(); r.PageStart != 41 || r.PageEnd != 42 || r.Metadata["page_start"] != 41 || r.Metadata["page_end"] != 42 {
			t.Errorf("%s: result %+v", name, r)
		}
		plain, err := b.Search(ctx, "otter sleeps", 1)
		if err != nil || len(plain) != 1 || plain[0].PageStart != 42 || plain[0].PageEnd != 42 {
			t.Errorf("%s: %+v, %v", name, plain, err)
		}
		hits, err := b.Find(ctx, Query{Text: "badger digs"})
		if err != nil || len(hits) == 0 || hits[0].PageStart != 0 || hits[0].Result().Metadata["page_start"] != nil {
			t.Errorf("%s: a document without pages: %+v, %v", name, hits, err)
		}
	}
}
