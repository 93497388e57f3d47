package knowledge

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store"
)

// write makes files below a new folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, st Store) *Base {
	t.Helper()
	b, err := Open(context.Background(), st)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ingest(t testing.TB, b *Base, paths ...string) Report {
	t.Helper()
	r, err := b.Ingest(context.Background(), paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fates are the statuses of a report by name.
func fates(r Report) map[string]Status {
	out := map[string]Status{}
	for _, f := range r.Files {
		out[f.Name] = f.Status
	}
	return out
}

func first(t testing.TB, b *Base, question string) string {
	t.Helper()
	found, err := b.Search(context.Background(), question, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0].Document + ": " + found[0].Title
}

const zebra = "# The zebra printer is mute\n\nNothing comes out.\n\nCause and solution: Call Ann in the print room.\n"

func TestIngestSaysWhatBecameOfEachFile(t *testing.T) {
	dir := write(t, map[string]string{
		"a.md": zebra, "sub/b.txt": "Billing\n\nBilling runs at night.\n", "copy.md": zebra, "c.pdf": "%PDF", "noend": "x",
		"empty.md": "", "blank.md": " \n", "zero.md": "a\x00b", "latin.txt": "caf\xe9", ".hidden.md": zebra, ".git/x.md": zebra,
	})
	if err := os.Symlink(filepath.Join(dir, "a.md"), filepath.Join(dir, "link.md")); err != nil {
		t.Fatal(err)
	}
	b := open(t, nil)
	r := ingest(t, b, dir)
	want := map[string]Status{
		"a.md": Added, "sub/b.txt": Added, "copy.md": Duplicate, "c.pdf": Refused, "noend": Refused, "empty.md": Refused,
		"blank.md": Refused, "zero.md": Refused, "latin.txt": Refused, "link.md": Refused,
	}
	if diff := cmp.Diff(want, fates(r)); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	for _, f := range r.Files {
		if (f.Status == Refused || f.Status == Duplicate) == (f.Reason == "") {
			t.Errorf("%s is %s with the reason %q", f.Name, f.Status, f.Reason)
		}
	}
	if s := b.Stats(); s.Documents != 2 || s.Bytes == 0 {
		t.Errorf("stats %+v", s)
	}
	if got := first(t, b, "zebra printer mute"); got != "a.md: The zebra printer is mute" {
		t.Errorf("found %q", got)
	}
}

func TestIngestRefusesByNameWithAReason(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"report.docx", "x", "its name ends in .docx, but its content is text"}, {"report.xls", "x", ".xls files cannot be read"},
		{"script", "x", "no ending"},
		{"big.md", strings.Repeat("x", MaxFile+1), "at most 16 MB"},
		{"bin.txt", "a\x00", "no text"},
		{"latin.md", "\xe9t\xe9", "not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, map[string]string{c.name: c.text})
			r := ingest(t, open(t, nil), filepath.Join(dir, c.name))
			if len(r.Files) != 1 || r.Files[0].Status != Refused || !strings.Contains(r.Files[0].Reason, c.want) {
				t.Errorf("got %+v, want a refusal with %q", r.Files, c.want)
			}
		})
	}
}

func TestIngestOfNoPath(t *testing.T) {
	b := open(t, nil)
	if _, err := b.Ingest(context.Background(), []string{filepath.Join(t.TempDir(), "none")}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := write(t, map[string]string{"a.md": zebra})
	if _, err := b.Ingest(ctx, []string{dir}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled ingestion returned %v", err)
	}
	if b.Stats().Documents != 0 {
		t.Error("a cancelled ingestion left a document")
	}
}

func TestIngestAgainByHash(t *testing.T) {
	dir := write(t, map[string]string{"a.md": zebra})
	b := open(t, nil)
	ingest(t, b, dir)
	if got := fates(ingest(t, b, dir)); got["a.md"] != Unchanged {
		t.Errorf("the same text again is %s", got["a.md"])
	}
	changed := strings.ReplaceAll(zebra, "zebra", "giraffe")
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := fates(ingest(t, b, dir)); got["a.md"] != Updated {
		t.Errorf("another text is %s", got["a.md"])
	}
	if got := first(t, b, "zebra"); got != "" {
		t.Errorf("the old text is still found: %s", got)
	}
	if got := first(t, b, "giraffe printer"); !strings.HasPrefix(got, "a.md") {
		t.Errorf("the new text is not found but %q", got)
	}
	// The old text is free again for another name.
	other := write(t, map[string]string{"b.md": zebra})
	if got := fates(ingest(t, b, other)); got["b.md"] != Added {
		t.Errorf("a text that is gone is %s under another name", got["b.md"])
	}
}

func TestIngestTellsProgress(t *testing.T) {
	dir := write(t, map[string]string{"a.md": zebra, "b.pdf": "x", "c.txt": "text of c"})
	var seen []string
	_, err := open(t, nil).Ingest(context.Background(), []string{dir}, func(done, total int, f File) {
		seen = append(seen, f.Name)
		if total != 3 || done != len(seen) {
			t.Errorf("%d of %d at %s", done, total, f.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.md", "b.pdf", "c.txt"}, seen); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// TestDefect26TextIsStoredAndFoundAfterARestart: the predecessor stored chunks
// without their text. Here the real store holds it and a new process finds it.
func TestDefect26TextIsStoredAndFoundAfterARestart(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "resync.db")
	st := openStore(t, file)
	ingest(t, open(t, st), write(t, map[string]string{"notes/a.md": zebra, "b.txt": "Another text about invoices."}))
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = openStore(t, file)
	defer st.Close()
	again := open(t, st)
	found, err := again.Search(ctx, "zebra printer", 1)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	if p := found[0]; p.Document != "notes/a.md" || zebra[p.Start:p.End] != p.Text {
		t.Errorf("found %s with %q", p.Source(), p.Text)
	}
	if diff := cmp.Diff([]string{"b.txt", "notes/a.md"}, names(again)); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

func openStore(t testing.TB, file string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func names(b *Base) []string {
	var out []string
	for _, s := range b.Sources() {
		out = append(out, s.Name)
	}
	return out
}

// broken fails as told.
type broken struct {
	Store
	put, list error
}

func (b broken) PutDocument(context.Context, store.Document) (store.Document, bool, error) {
	return store.Document{}, false, b.put
}

func (b broken) Documents(context.Context, string) ([]store.Document, error) { return nil, b.list }

func (b broken) Corrections(context.Context, store.CorrectionState) ([]store.Correction, error) {
	return nil, b.list
}

func TestStoreFailures(t *testing.T) {
	disk := errors.New("disk full")
	if _, err := Open(context.Background(), broken{list: disk}); !errors.Is(err, disk) {
		t.Errorf("opening returned %v", err)
	}
	b := open(t, broken{put: disk})
	dir := write(t, map[string]string{"a.md": zebra})
	if _, err := b.Ingest(context.Background(), []string{dir}, nil); !errors.Is(err, disk) || !strings.Contains(err.Error(), "a.md") {
		t.Errorf("ingesting returned %v", err)
	}
	if got := first(t, b, "zebra printer"); got != "" {
		t.Errorf("a text that was not stored is found: %s", got)
	}
}

func TestSearchGoesOnDuringIngestion(t *testing.T) {
	b := open(t, nil)
	ingest(t, b, write(t, map[string]string{"a.md": zebra}))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := first(t, b, "zebra printer mute"); got != "a.md: The zebra printer is mute" {
					t.Errorf("found %q", got)
					return
				}
			}
		})
	}
	for i := range 5 {
		ingest(t, b, write(t, map[string]string{"n.md": strings.Repeat("other words ", i+1)}))
	}
	close(stop)
	wg.Wait()
}

func TestFromDir(t *testing.T) {
	b, err := FromDir(context.Background(), write(t, map[string]string{"a.md": zebra}))
	if err != nil {
		t.Fatal(err)
	}
	if got := first(t, b, "AWSJPL017E plan"); got != "" {
		t.Errorf("the handbook is in: %s", got)
	}
	if _, err := FromDir(context.Background(), write(t, map[string]string{"a.pdf": "x"})); err == nil {
		t.Error("a folder without documents was taken")
	}
	if _, err := FromDir(context.Background(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder gave %v", err)
	}
}
