package refactor

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// pattern is one //go:embed pattern, with its place in the directive.
type pattern struct {
	text       string
	start, end int
}

// embedPatterns splits a //go:embed directive into its patterns, quoted or not.
func embedPatterns(raw string) []pattern {
	const directive = "//go:embed "
	var out []pattern
	for i := len(directive); i < len(raw); {
		if c := raw[i]; c == ' ' || c == '\t' || c == '\r' {
			i++
			continue
		}
		start := i
		if c := raw[i]; c == '"' || c == '`' {
			end := strings.IndexByte(raw[i+1:], c)
			if end < 0 {
				return out
			}
			i += end + 2
			if text, err := strconv.Unquote(raw[start:i]); err == nil {
				out = append(out, pattern{text, start + 1, i - 1})
			}
			continue
		}
		for i < len(raw) && raw[i] != ' ' && raw[i] != '\t' && raw[i] != '\r' {
			i++
		}
		out = append(out, pattern{raw[start:i], start, i})
	}
	return out
}

// matched lists which of the files a pattern of dir embeds: files it names, and
// everything below directories it names.
func matched(dir, pat string, files []string) map[string]bool {
	pat = strings.TrimPrefix(pat, "all:")
	depth := strings.Count(path.Clean(pat), "/") + 1
	out := map[string]bool{}
	for _, f := range files {
		rel, ok := strings.CutPrefix(f, dir+"/")
		if dir == "." {
			rel, ok = f, true
		}
		if !ok {
			continue
		}
		parts := strings.Split(rel, "/")
		if len(parts) < depth && pat != "." {
			continue
		}
		if pat == "." {
			out[rel] = true
			continue
		}
		if hit, err := path.Match(path.Clean(pat), strings.Join(parts[:depth], "/")); err == nil && hit {
			out[rel] = true
		}
	}
	return out
}

// checkEmbeds refuses when the files a package embeds would change: they would
// be missing, or the names the program reads them by would be others.
func (r *renaming) checkEmbeds(files []string, why *refusals) {
	after := make([]string, len(files))
	for i, f := range files {
		after[i] = r.newDirOf(f)
	}
	for _, f := range r.mod.Files {
		if within(f.Dir, r.oldDir) {
			continue // moves together with what it embeds
		}
		for _, g := range f.AST.Comments {
			for _, c := range g.List {
				if strings.HasPrefix(c.Text, "//go:embed ") {
					r.checkEmbed(f, c.Text, files, after, why)
				}
			}
		}
	}
}

func (r *renaming) checkEmbed(f *File, directive string, before, after []string, why *refusals) {
	for _, p := range embedPatterns(directive) {
		was := matched(f.Dir, p.text, before)
		pat, moves := r.movedPattern(f.Dir, p.text)
		if !moves {
			pat = p.text
		}
		now := matched(f.Dir, pat, after)
		if moves && len(was) == 1 && len(now) == 1 && embedsContent(f.AST, directive) {
			continue // a string or []byte: the program never sees the name
		}
		if !sameKeys(was, now) {
			why.add("%s embeds %q: the move would change what it embeds or the names of it", f.Path, p.text)
		}
	}
}

// embedsContent reports whether the directive fills a string or []byte.
func embedsContent(file *ast.File, directive string) bool {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if !hasLine(v.Doc, directive) && !hasLine(g.Doc, directive) {
				continue
			}
			id, isName := v.Type.(*ast.Ident)
			_, isSlice := v.Type.(*ast.ArrayType)
			return isSlice || isName && id.Name == "string"
		}
	}
	return false
}

func hasLine(g *ast.CommentGroup, text string) bool {
	return g != nil && slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return c.Text == text })
}

func sameKeys(a, b map[string]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}
