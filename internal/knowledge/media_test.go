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
