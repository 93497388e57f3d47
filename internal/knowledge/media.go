package knowledge

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Media is the form of a document, told by its content.
type Media string

// The forms of documents.
const (
	Markdown Media = "markdown"
	Text     Media = "text"
	HTML     Media = "html"
	PDF      Media = "pdf"
	DOCX     Media = "docx"
	OpenAPI  Media = "openapi"
)

// endings are the endings of files with the form they promise. JSON and YAML are
// taken when they describe an interface.
var endings = map[string]Media{
	".md": Markdown, ".markdown": Markdown, ".txt": Text, ".text": Text, ".html": HTML, ".htm": HTML, ".pdf": PDF, ".docx": DOCX,
	".json": OpenAPI, ".yaml": OpenAPI, ".yml": OpenAPI,
}

// sniff tells the form of a file by its content; the name decides only between
// forms of plain text. The reason is not "" when the file cannot be taken.
func sniff(name string, data []byte) (m Media, refused string) {
	ext := strings.ToLower(path.Ext(name))
	head := bytes.TrimLeft(data[:min(len(data), 1024)], "\ufeff \t\r\n")
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "", "it is empty"
	case bytes.HasPrefix(head, []byte("%PDF-")):
		m = PDF
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		m = DOCX
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return "", "it is a file of Microsoft Office before 2007, or an encrypted one; save it as .docx without a password"
	case bytes.IndexByte(data, 0) >= 0:
		return "", "it holds zero bytes, so it is no text"
	case !utf8.Valid(data):
		return "", "it is not UTF-8; convert it, for example with iconv -t UTF-8"
	case looksHTML(head):
		m = HTML
	case endings[ext] == OpenAPI:
		m = OpenAPI
	case endings[ext] == Markdown:
		m = Markdown
	default:
		m = Text
	}
	promised, known := endings[ext]
	switch {
	case !known:
		return "", unknownEnding(ext)
	case promised == m, isPlain(promised) && isPlain(m):
		return m, ""
	}
	return "", fmt.Sprintf("its name ends in %s, but its content is %s; give it its right name", ext, says[m])
}

// isPlain says whether a form is text as it stands. Markdown may begin like HTML.
func isPlain(m Media) bool { return m == Markdown || m == Text || m == HTML }

// says names a form in a sentence.
var says = map[Media]string{Markdown: "text", Text: "text", HTML: "HTML", PDF: "a PDF", DOCX: "a zip archive or a Word document", OpenAPI: "text"}

func unknownEnding(ext string) string {
	if ext == "" {
		return "it has no ending; " + canBeRead
	}
	return fmt.Sprintf("%s files cannot be read; %s", ext, canBeRead)
}

const canBeRead = "Markdown (.md), plain text (.txt), HTML, PDF with text, Word (.docx) and OpenAPI (.json, .yaml) can"

// looksHTML says whether a text begins as a page of HTML does.
func looksHTML(head []byte) bool {
	low := bytes.ToLower(head[:min(len(head), 64)])
	return bytes.HasPrefix(low, []byte("<!doctype html")) || bytes.HasPrefix(low, []byte("<html")) || bytes.HasPrefix(low, []byte("<?xml")) && bytes.Contains(bytes.ToLower(head), []byte("<html"))
}

// readText turns a file into the text that is searched and cited, or says why it
// cannot be.
func readText(name string, data []byte) (text string, m Media, refused string) {
	if m, refused = sniff(name, data); refused != "" {
		return "", m, refused
	}
	if ext := strings.ToLower(path.Ext(name)); m == HTML && endings[ext] != HTML {
		m = endings[ext] // Markdown that begins with a tag
	}
	switch m {
	case Markdown, Text:
		text = strings.TrimPrefix(string(data), "\ufeff")
	default:
		return "", m, fmt.Sprintf("%s files cannot be read; save it as Markdown (.md) or plain text (.txt)", path.Ext(name))
	}
	if strings.TrimSpace(text) == "" {
		return "", m, "it holds no text"
	}
	return text, m, ""
}
