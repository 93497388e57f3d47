package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The file is small by nature; the bounds keep a hostile one from costing more
// than a moment. Anchors and aliases are refused, so it cannot grow in memory.
const (
	maxFile  = 64 << 10
	maxDepth = 24 // levels of indentation, brackets or dashes
)

// errSyntax marks a text that is not YAML at all.
var errSyntax = errors.New("is not valid YAML")

// node is a YAML value reduced to what settings need.
type node struct {
	line, col int
	scalar    string
	isScalar  bool
	items     []*node // of a list
	isList    bool
	fields    []field // of a mapping
	isMap     bool
	isNull    bool
}

// field is one key of a mapping.
type field struct {
	name      string
	line, col int
	value     *node
}

// parseYAML reads one YAML document. Anchors, aliases, tags, merge keys,
// duplicate keys and further documents are refused; every refusal is reported
// with its place, and what can be read is returned. nil when nothing can.
func parseYAML(name string, data []byte, r *report) *node {
	whole := Origin{Layer: File, Name: name}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxFile {
		r.add("", whole, "the file has %d bytes; more than %d is not a settings file", len(data), maxFile)
		return nil
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		r.add("", whole, "the file is not UTF-8 text")
		return nil
	}
	if line := tooDeep(data); line > 0 {
		r.add("", Origin{Layer: File, Name: name, line: line, col: 1}, "nested deeper than %d levels", maxDepth)
		return nil
	}
	f, err := parse(data)
	if err != nil {
		o, text := whole, err.Error()
		if ye, ok := errors.AsType[yaml.Error](err); ok && ye.GetToken() != nil && ye.GetToken().Position != nil {
			o.line, o.col, text = ye.GetToken().Position.Line, ye.GetToken().Position.Column, ye.GetMessage()
		}
		r.add("", o, "%v: %s", errSyntax, text)
		return nil
	}
	w := walker{name: name, r: r}
	var root *node
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		n := w.walk(doc.Body)
		if root != nil {
			w.refuse(n.line, n.col, "a second document; the settings are one document")
			break
		}
		root = n
	}
	return root
}

// parse calls the YAML parser and turns a panic inside it into an error, since
// the file is not under our control.
func parse(data []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("the YAML parser failed: %v", p)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // duplicates are ours to report, with both places
}

// tooDeep returns the first line that nests deeper than maxDepth, or 0. It
// looks at the text before the recursive parser does; a stack overflow could
// not be caught.
func tooDeep(data []byte) int {
	depth := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		body := bytes.TrimLeft(line, " \t")
		if bytes.HasPrefix(body, []byte("#")) {
			continue
		}
		dashes := 0 // of lists and keys that open each other on one line: "- - - x"
		for j, c := range body {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			case ' ', '\t':
				if j > 0 && (body[j-1] == '-' || body[j-1] == '?') {
					dashes++
				}
			}
		}
		if max(depth, dashes, (len(line)-len(body))/8) > maxDepth {
			return i + 1
		}
	}
	return 0
}

// walker turns the parser's tree into nodes.
type walker struct {
	name string
	r    *report
}

// refuse reports something that may not stand in a settings file.
func (w walker) refuse(line, col int, format string, args ...any) {
	w.r.add("", Origin{Layer: File, Name: w.name, line: line, col: col}, format, args...)
}

// at returns the place of a node.
func at(n ast.Node) (line, col int) {
	if n == nil {
		return 1, 1
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line, t.Position.Column
	}
	return 1, 1
}

// walk converts one value. What is refused becomes a null.
func (w walker) walk(n ast.Node) *node {
	line, col := at(n)
	out := &node{line: line, col: col}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.isMap = true
		for _, v := range n.Values {
			w.field(out, v)
		}
	case *ast.MappingValueNode:
		out.isMap = true
		w.field(out, n)
	case *ast.SequenceNode:
		out.isList = true
		for _, v := range n.Values {
			out.items = append(out.items, w.walk(v))
		}
	case *ast.NullNode, *ast.CommentGroupNode, nil:
		out.isNull = true
	case *ast.LiteralNode:
		out.isScalar, out.scalar = true, strings.TrimSuffix(n.Value.Value, "\n")
	case *ast.StringNode:
		out.isScalar, out.scalar = true, n.Value
	case *ast.AnchorNode:
		w.refuse(line, col, "anchors (&name) are not supported; write the value where it is needed")
		out.isNull = true
	case *ast.AliasNode:
		w.refuse(line, col, "aliases (*name) are not supported; write the value where it is needed")
		out.isNull = true
	case *ast.TagNode:
		w.refuse(line, col, "tags (!name) are not supported")
		out.isNull = true
	case ast.ScalarNode: // numbers and booleans keep their spelling; the key decides what they are
		out.isScalar, out.scalar = true, n.GetToken().Value
	default:
		w.refuse(line, col, "%s is not supported here", n.Type())
		out.isNull = true
	}
	return out
}

// field adds one key of a mapping to m, unless it is refused.
func (w walker) field(m *node, v *ast.MappingValueNode) {
	line, col := at(v.Key)
	name := ""
	switch k := v.Key.(type) {
	case *ast.StringNode:
		name = k.Value
	case *ast.MergeKeyNode:
		w.refuse(line, col, "merge keys (<<) are not supported; write the value where it is needed")
		return
	case *ast.MappingKeyNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		w.refuse(line, col, "a key must be a plain name")
		return
	default:
		name = v.Key.GetToken().Value
	}
	for _, f := range m.fields {
		if f.name == name {
			w.refuse(line, col, "the key %s stands here a second time; the first is in line %d", name, f.line)
			return
		}
	}
	m.fields = append(m.fields, field{name, line, col, w.walk(v.Value)})
}
