package evaluate

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode"

	"resync/internal/retrieve"
)

// ReadManuals reads every Markdown and text file directly in a folder, by name.
func ReadManuals(dir string) ([]retrieve.Document, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the manuals: %w", err)
	}
	var docs []retrieve.Document
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.IsDir() || ext != ".md" && ext != ".txt" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the manuals: %w", err)
		}
		docs = append(docs, retrieve.Document{Name: e.Name(), Text: string(b)})
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("read the manuals: no .md or .txt file in %s", dir)
	}
	sort.Slice(docs, func(i, j int) bool { return docs[i].Name < docs[j].Name })
	return docs, nil
}

// letters are the letters and digits of a text in lower case, without anything
// between them: two renderings of one passage compare equal whatever their marks.
func letters(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// bodyLine is a line of a manual with the heading it stands under.
type bodyLine struct {
	text    string
	heading bool
}

// body are the lines of a manual that are text: contents pages, lists of figures,
// the index and the notices are left out (their lines are empty), so no question
// and no answer is made of them. This reader is deliberately not the chunker's.
func body(text string) []bodyLine {
	lines := strings.Split(text, "\n")
	out := make([]bodyLine, len(lines))
	skip, fence := false, false
	for i, ln := range lines {
		ln = strings.TrimSpace(ln)
		if strings.HasPrefix(ln, "```") {
			fence = !fence
			continue
		}
		title, ok := strings.CutPrefix(ln, "# ")
		isHead := ok && !fence && strings.IndexFunc(title, unicode.IsLetter) >= 0
		if isHead {
			switch key := strings.ToLower(strings.Trim(title, " :.*")); {
			case key == "contents" || key == "list of figures" || key == "list of tables" || key == "figures" || key == "tables":
				skip = true
			case (key == "notices" || key == "index" || key == "trademarks") && i > len(lines)/2:
				return out
			case !pageEnd(ln):
				skip = false
			}
		}
		if skip || pageEnd(ln) {
			continue
		}
		out[i] = bodyLine{text: ln, heading: isHead}
	}
	return out
}

// pageEnd says whether a line looks like one of a contents page: dots or a blank
// and a page number at its end.
func pageEnd(s string) bool {
	s = strings.TrimRight(s, " |*")
	n := len(s) - len(strings.TrimRight(s, "0123456789"))
	if n == 0 || n > 4 || n == len(s) {
		return false
	}
	before := s[:len(s)-n]
	return strings.HasSuffix(before, "..") || strings.HasSuffix(before, ". ") && strings.Count(before, ". .") > 0 ||
		strings.HasSuffix(before, "page ") || strings.HasSuffix(before, ", ")
}
