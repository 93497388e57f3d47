package knowledge

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"resync/chunk/read"
)

// Media is the form of a document, told by its content.
type Media = read.Format

// endings are the endings of files with the form they promise. JSON and YAML are
// taken when they describe an interface.
var endings = map[string]Media{
	".md": read.Markdown, ".markdown": read.Markdown, ".txt": read.Plain, ".text": read.Plain, ".html": read.HTML, ".htm": read.HTML,
	".pdf": read.PDF, ".docx": read.DOCX, ".json": read.OpenAPI, ".yaml": read.OpenAPI, ".yml": read.OpenAPI,
}

// says names a form in a sentence.
var says = map[Media]string{
	read.Markdown: "text", read.Plain: "text", read.HTML: "HTML", read.PDF: "a PDF", read.DOCX: "a zip archive or a Word document", read.OpenAPI: "text",
}

// isPlain says whether a form is text as it stands. A text may begin like HTML.
func isPlain(m Media) bool { return m == read.Markdown || m == read.Plain || m == read.HTML }

// sniff tells the form of a file by its content and refuses a name that says
// something else.
func sniff(name string, data []byte) (m Media, refused string) {
	ext := strings.ToLower(path.Ext(name))
	promised, known := endings[ext]
	if !known {
		return "", unknownEnding(ext)
	}
	m = read.Detect(name, data)
	switch {
	case promised == m:
		return m, ""
	case isPlain(promised) && isPlain(m):
		return promised, "" // a tag at its beginning does not make a note a page of HTML
	case len(strings.TrimSpace(string(data[:min(len(data), 64)]))) == 0:
		return "", "it is empty"
	}
	return "", fmt.Sprintf("its name ends in %s, but its content is %s; give it its right name", ext, says[m])
}

func unknownEnding(ext string) string {
	if ext == "" {
		return "it has no ending; " + canBeRead
	}
	return fmt.Sprintf("%s files cannot be read; %s", ext, canBeRead)
}

const canBeRead = "Markdown (.md), plain text (.txt), HTML, PDF with text, Word (.docx) and OpenAPI (.json, .yaml) can"

// Reader reads a document of a known form; an error that is no *read.Refused says that
// reading failed and not the document.
type Reader func(ctx context.Context, m Media, name string, data []byte, lim read.Limits) (read.Text, error)

// inProcess is the reader when none is given.
func inProcess(_ context.Context, m Media, name string, data []byte, lim read.Limits) (read.Text, error) {
	return read.As(m, name, data, lim)
}

// text turns a file into the text that is searched and cited, or says why it cannot be.
func (b *Base) text(ctx context.Context, name string, data []byte) (t read.Text, refused string, err error) {
	m, refused := sniff(name, data)
	if refused != "" {
		return t, refused, nil
	}
	limits := read.DefaultLimits()
	limits.Bytes = MaxFile
	t, err = b.opt.Read(ctx, m, name, data, limits)
	var bad *read.Refused
	switch {
	case errors.As(err, &bad):
		return t, bad.Reason, nil
	case ctx.Err() != nil:
		return t, "", fmt.Errorf("read the text of %s: %w", name, err)
	case err != nil:
		return t, fmt.Sprintf("it could not be read just now (%v); try again", err), nil
	case len(t.Text) > maxText:
		return t, fmt.Sprintf("its text has %d MB, at most %d MB are taken; split it", len(t.Text)>>20, maxText>>20), nil
	}
	return t, "", nil
}

// maxText is the most text one document may hold: a small archive can hold much.
const maxText = 2 * MaxFile
