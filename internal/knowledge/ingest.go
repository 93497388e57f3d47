package knowledge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"resync/internal/store"
)

// Limits of one ingestion. Every limit refuses by name and never cuts a text.
const (
	// MaxFile is the most bytes one file may have. The largest manual has 2.3 MB.
	MaxFile = 16 << 20
	// MaxTotal is the most bytes one ingestion takes.
	MaxTotal = 256 << 20
	// MaxFiles is the most files one ingestion looks at.
	MaxFiles = 10_000
)

// Status is what became of a file.
type Status string

// What can become of a file.
const (
	Added     Status = "added"
	Updated   Status = "updated"
	Unchanged Status = "unchanged" // the same text is there under this name
	Duplicate Status = "duplicate" // the same text is there under another name
	Refused   Status = "refused"
)

// File is what became of one file, with the reason when it was not taken.
type File struct {
	Path     string `json:"path"`
	Name     string `json:"name"`
	Status   Status `json:"status"`
	Reason   string `json:"reason,omitempty"`
	Bytes    int    `json:"bytes"`
	Passages int    `json:"passages"`
}

// Report lists every file of an ingestion in order.
type Report struct {
	Files []File `json:"files"`
}

// Count is how many files ended so.
func (r Report) Count(s Status) int {
	n := 0
	for _, f := range r.Files {
		n += count(f.Status == s)
	}
	return n
}

// readable are the endings of files that can be read, with what they are.
var readable = map[string]bool{".md": true, ".markdown": true, ".txt": true, ".text": true}

// found is a file to ingest.
type found struct {
	path, name string
	text       string
	refused    string
	doc        held
}

// Ingest reads files and folders (with everything below, except hidden files),
// stores their text and makes it searchable. A file is named by its path below the
// folder given, or by its own name; the same name again replaces the text. What
// cannot be read is refused by name, with the reason, and does not stop the rest.
// Progress, if any, is called after each file. An error means that a path does not
// exist or that the store failed; files stored before it stay and are searchable.
func (b *Base) Ingest(ctx context.Context, paths []string, progress func(done, total int, f File)) (Report, error) {
	files, err := find(paths)
	if err != nil {
		return Report{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.read(ctx, files); err != nil {
		return Report{}, err
	}
	var r Report
	defer func() {
		if b.index.Load() == nil || r.Count(Added)+r.Count(Updated) > 0 {
			b.swap()
		}
	}()
	for i := range files {
		f, err := b.keep(ctx, &files[i])
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, f)
		if progress != nil {
			progress(i+1, len(files), f)
		}
	}
	return r, nil
}

// find lists the files under the paths.
func find(paths []string) ([]found, error) {
	var out []found
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("ingest %s: %w", p, err)
		}
		if !info.IsDir() {
			out = append(out, found{path: p, name: filepath.Base(p), refused: unreadable(p, info)})
			continue
		}
		if out, err = walk(out, p); err != nil {
			return nil, fmt.Errorf("ingest the folder %s: %w", p, err)
		}
	}
	return out, nil
}

// errTooMany ends a walk over a folder that is surely not one of documents.
var errTooMany = errors.New("too many files")

func walk(out []found, dir string) ([]found, error) {
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") && p != dir {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		if len(out) >= MaxFiles {
			return fmt.Errorf("%w: more than %d; name a folder that holds documents only", errTooMany, MaxFiles)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		out = append(out, found{path: p, name: filepath.ToSlash(rel), refused: unreadable(p, info)})
		return nil
	})
	return out, err
}

// unreadable is the reason a file is refused before it is opened, or "".
func unreadable(p string, info fs.FileInfo) string {
	switch ext := strings.ToLower(filepath.Ext(p)); {
	case info.Mode()&fs.ModeSymlink != 0:
		return "it is a symbolic link; name the file it points to"
	case !info.Mode().IsRegular():
		return "it is no regular file"
	case ext == "":
		return "it has no ending; Markdown (.md) and plain text (.txt) can be read"
	case !readable[ext]:
		return fmt.Sprintf("%s files cannot be read; save it as Markdown (.md) or plain text (.txt)", ext)
	case info.Size() > MaxFile:
		return fmt.Sprintf("it has %d MB, at most %d MB are read; split it", info.Size()>>20, MaxFile>>20)
	case info.Size() == 0:
		return "it is empty"
	}
	return ""
}

// read opens the files one after the other and analyses side by side those whose
// text is not known under their name.
func (b *Base) read(ctx context.Context, files []found) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	total := 0
	for i := range files {
		f := &files[i]
		if f.refused != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ingest: %w", err)
		}
		if f.text, f.refused = slurp(f.path); f.refused != "" {
			continue
		}
		if total += len(f.text); total > MaxTotal {
			f.text, f.refused = "", fmt.Sprintf("more than %d MB in one go; ingest the rest separately", MaxTotal>>20)
			continue
		}
		if f.doc = b.docs[f.name]; f.doc.segment != nil && f.doc.sha256 == digest(f.text) {
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("ingest: %w", err)
			}
			f.doc = analyse(f.name, f.text)
			return nil
		})
	}
	return g.Wait()
}

// slurp reads a text, or says why it is none.
func slurp(p string) (text, refused string) {
	f, err := os.Open(p)
	if err != nil {
		return "", fmt.Sprintf("it cannot be opened: %v", err)
	}
	defer f.Close() // read only: nothing to lose
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	switch {
	case err != nil:
		return "", fmt.Sprintf("it cannot be read: %v", err)
	case len(b) > MaxFile:
		return "", fmt.Sprintf("it grew beyond %d MB while it was read", MaxFile>>20)
	case bytes.IndexByte(b, 0) >= 0:
		return "", "it holds zero bytes, so it is no text"
	}
	text = strings.TrimPrefix(string(b), "\ufeff")
	if !utf8.ValidString(text) {
		return "", "it is not UTF-8; convert it, for example with iconv -t UTF-8"
	}
	if strings.TrimSpace(text) == "" {
		return "", "it is empty"
	}
	return text, ""
}

// keep stores one file and adds it to the base.
func (b *Base) keep(ctx context.Context, f *found) (File, error) {
	out := File{Path: f.path, Name: f.name, Status: Refused, Reason: f.refused, Bytes: len(f.text)}
	if f.refused != "" {
		return out, nil
	}
	out.Passages = f.doc.segment.Passages()
	old, known := b.docs[f.name]
	if known && old.sha256 == f.doc.sha256 {
		out.Status = Unchanged
		return out, nil
	}
	if other := b.texts[f.doc.sha256]; other != "" && !known {
		out.Status, out.Reason = Duplicate, "the same text is there as "+other
		return out, nil
	}
	if b.store != nil {
		row := store.Document{Collection: collection, Source: f.name, Title: f.name, Body: f.text}
		if _, _, err := b.store.PutDocument(ctx, row); err != nil {
			return out, fmt.Errorf("ingest %s: %w", f.path, err)
		}
	}
	b.put(f.doc)
	out.Status = Added
	if known {
		out.Status = Updated
	}
	return out, nil
}
