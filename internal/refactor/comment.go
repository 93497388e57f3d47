package refactor

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	// relativePath is ./x, ../x or ${SRCDIR}/x inside a directive.
	relativePath = regexp.MustCompile(`\$\{SRCDIR\}/[^\s"']+|\.\.?/[\w./@+-]*|\.\.`)
	// quotedInclude is #include "x" of C, as it stands or after the // of a Go comment.
	quotedInclude = regexp.MustCompile(`(?m)^([ \t]*(?://)?[ \t]*#[ \t]*include[ \t]*")([^"\n]+)"`)
)

// comments rewrites what comments say about the packages moved: import paths
// (doc links, go:generate, go:linkname, import comments), short doc links of a
// renamed package, and relative paths in directives.
func (x *fileRewrite) comments() {
	cgo := cgoComment(x.f.AST)
	for _, g := range x.f.AST.Comments {
		for _, c := range g.List {
			at := x.offset(c.Pos())
			raw := rawComment(x.f.Src, at)
			x.add(at, pathEdits(raw, x.r.paths))
			switch {
			case g == cgo:
				x.add(at, x.r.cgoEdits(x.f.Dir, raw, x.in == x.r.mod))
			case strings.HasPrefix(raw, "//go:generate "):
				x.add(at, x.relativeEdits(raw))
			case strings.HasPrefix(raw, "//go:embed "):
				x.add(at, x.embedEdits(raw))
			case x.rename:
				x.add(at, linkEdits(raw, x.r.oldName, x.r.newName))
			}
		}
	}
}

// add takes edits relative to the start of a comment, skipping those that meet
// an edit already made.
func (x *fileRewrite) add(at int, edits []Edit) {
	for _, e := range edits {
		e.Start, e.End = e.Start+at, e.End+at
		if !slices.ContainsFunc(x.edits, func(o Edit) bool { return e.Start < o.End && o.Start < e.End }) {
			x.edits = append(x.edits, e)
		}
	}
}

// rawComment is the comment's text as the file has it: the syntax tree drops
// carriage returns, which would shift every position after them.
func rawComment(src []byte, at int) string {
	rest := string(src[at:min(len(src), at+2)])
	end := "\n"
	if rest == "/*" {
		end = "*/"
	}
	text := string(src[at:])
	i := strings.Index(text, end)
	switch {
	case i < 0:
		return text
	case end == "*/":
		return text[:i+2]
	}
	return text[:i]
}

// cgoComment is the preamble of import "C", or nil.
func cgoComment(file *ast.File) *ast.CommentGroup {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			spec, ok := s.(*ast.ImportSpec)
			if !ok || spec.Path.Value != `"C"` {
				continue
			}
			if spec.Doc != nil {
				return spec.Doc
			}
			return g.Doc
		}
	}
	return nil
}

// pathEdits replaces whole import paths in free text. The longest path that
// matches wins, and a path inside a longer one or a URL is not touched.
func pathEdits(text string, paths map[string]string) []Edit {
	var out []Edit
	for old, to := range paths {
		for i := 0; ; {
			k := strings.Index(text[i:], old)
			if k < 0 {
				break
			}
			start, end := i+k, i+k+len(old)
			if wholePath(text, start, end) {
				out = append(out, Edit{start, end, to})
			}
			i = end
		}
	}
	return out
}

// wholePath reports whether text[start:end] is a complete import path there. A
// dot may follow when it selects a name or ends a sentence.
func wholePath(text string, start, end int) bool {
	if start > 0 && (isPathByte(text[start-1]) || text[start-1] == '.') {
		return false
	}
	if end == len(text) {
		return true
	}
	c := text[end]
	if strings.HasPrefix(text[end:], "/...") {
		return true
	}
	if c == '.' {
		return end+1 == len(text) || !(text[end+1] >= 'a' && text[end+1] <= 'z') || strings.HasPrefix(text, "//go:linkname")
	}
	return !isPathByte(c)
}

func isPathByte(c byte) bool {
	return c == '/' || c == '-' || c == '_' || c == '~' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func startsWithWord(s string) bool {
	return s != "" && s[0] != '/' && (isPathByte(s[0]))
}

// linkEdits renames the package in doc links: [old], [old.Name], [*old.Name.Field].
func linkEdits(text, old, to string) []Edit {
	var out []Edit
	for i := 0; i < len(text); i++ {
		if text[i] != '[' {
			continue
		}
		start := i + 1
		if start < len(text) && text[start] == '*' {
			start++
		}
		end := start + len(old)
		if strings.HasPrefix(text[min(start, len(text)):], old) && end < len(text) && (text[end] == ']' || text[end] == '.') {
			out = append(out, Edit{start, end, to})
		}
	}
	return out
}

// relativeEdits keeps the relative paths of a go:generate line pointing where
// they did.
func (x *fileRewrite) relativeEdits(raw string) []Edit {
	if x.in != x.r.mod {
		return nil
	}
	var out []Edit
	for _, at := range relativePath.FindAllStringIndex(raw, -1) {
		if rel := raw[at[0]:at[1]]; !strings.HasPrefix(rel, "$") {
			if to := x.r.retarget(x.f.Dir, rel); to != rel {
				out = append(out, Edit{at[0], at[1], to})
			}
		}
	}
	return out
}

// cgoEdits does the same for #include "…" and for paths in #cgo lines.
func (r *renaming) cgoEdits(dir, raw string, own bool) []Edit {
	if !own {
		return nil
	}
	var out []Edit
	for _, at := range quotedInclude.FindAllStringSubmatchIndex(raw, -1) {
		rel := raw[at[4]:at[5]]
		if to := r.retarget(dir, rel); to != rel {
			out = append(out, Edit{at[4], at[5], to})
		}
	}
	for _, at := range relativePath.FindAllStringIndex(raw, -1) {
		rel, ok := strings.CutPrefix(raw[at[0]:at[1]], "${SRCDIR}/")
		if !ok {
			continue
		}
		if to := r.retarget(dir, rel); to != rel {
			out = append(out, Edit{at[1] - len(rel), at[1], to})
		}
	}
	return out
}

// embedEdits rewrites a pattern of a package that stays when the files it names
// move but remain below it; PlanMove has refused every other case.
func (x *fileRewrite) embedEdits(raw string) []Edit {
	if x.in != x.r.mod || within(x.f.Dir, x.r.oldDir) {
		return nil
	}
	var out []Edit
	for _, p := range embedPatterns(raw) {
		if to, ok := x.r.movedPattern(x.f.Dir, p.text); ok {
			out = append(out, Edit{p.start, p.end, to})
		}
	}
	return out
}

// movedPattern is the pattern after the move, if it has to change and can.
func (r *renaming) movedPattern(dir, pattern string) (string, bool) {
	rest, all := strings.CutPrefix(pattern, "all:")
	full := path.Join(dir, rest)
	if !within(full, r.oldDir) || !within(r.newDir, dir) {
		return "", false
	}
	to := relative(dir, r.newDir+strings.TrimPrefix(full, r.oldDir))
	if all {
		to = "all:" + to
	}
	return to, true
}
