package read

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// api is the part of an OpenAPI description that is read.
type api struct {
	OpenAPI string `json:"openapi"`
	Swagger string `json:"swagger"`
	Info    struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID          string      `json:"operationId"`
	Summary     string      `json:"summary"`
	Description string      `json:"description"`
	Tags        []string    `json:"tags"`
	Deprecated  bool        `json:"deprecated"`
	Parameters  []parameter `json:"parameters"`
	Body        struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string `json:"description"`
	} `json:"responses"`
}

type parameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Required    bool   `json:"required"`
	Description string `json:"description"`
	Schema      schema `json:"schema"`
}

type schema struct {
	Ref         string            `json:"$ref"`
	Type        json.RawMessage   `json:"type"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum"`
	Properties  map[string]schema `json:"properties"`
	Items       *schema           `json:"items"`
}

// readOpenAPI writes each operation as a section of its own: what it does, its
// parameters, body and answers.
func readOpenAPI(s string) (Text, error) {
	raw, err := toJSON(s)
	if err != nil {
		return Text{}, err
	}
	var a api
	if err := json.Unmarshal(raw, &a); err != nil {
		return Text{}, fmt.Errorf("it cannot be read as a description of an interface: %w", err)
	}
	if a.OpenAPI == "" && a.Swagger == "" {
		return Text{}, errors.New("it has no field openapi; only OpenAPI descriptions are read in this format")
	}
	w := spec{api: &a, headers: map[string]int{}}
	w.countHeaders()
	w.out.text("# " + oneLine(a.Info.Title+" "+a.Info.Version))
	w.out.gap(2)
	if d := strings.TrimSpace(a.Info.Description); d != "" {
		w.out.text(d)
		w.out.gap(2)
	}
	paths := make([]string, 0, len(a.Paths))
	for p := range a.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		if err := w.path(p, a.Paths[p]); err != nil {
			return Text{}, err
		}
	}
	if len(w.records) == 0 {
		return Text{}, errors.New("it describes no operations")
	}
	return Text{Title: oneLine(a.Info.Title), Text: strings.TrimRight(w.out.b.String(), "\n") + "\n", Records: w.records}, nil
}

// toJSON takes JSON, also with commas before a closing bracket as vendors publish
// it, and YAML without aliases: those can be nested into billions of values.
func toJSON(s string) ([]byte, error) {
	t := strings.TrimLeft(s, " \t\r\n")
	if strings.HasPrefix(t, "{") {
		return withoutCommas(s), nil
	}
	f, err := parser.ParseBytes([]byte(s), 0)
	if err != nil {
		line, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
		return nil, fmt.Errorf("it is neither JSON nor YAML: %s", line)
	}
	v := &aliases{}
	for _, d := range f.Docs {
		ast.Walk(v, d)
	}
	if v.found {
		return nil, errors.New("it uses YAML aliases (*name), which are not read; write the values out or give it as JSON")
	}
	out, err := yaml.YAMLToJSON([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("it cannot be read as YAML: %w", err)
	}
	return out, nil
}

type aliases struct{ found bool }

// Visit is for ast.Walk.
func (a *aliases) Visit(n ast.Node) ast.Visitor {
	if n != nil && n.Type() == ast.AliasType {
		a.found = true
	}
	if a.found {
		return nil
	}
	return a
}

// withoutCommas leaves out commas that stand before a closing bracket.
func withoutCommas(s string) []byte {
	out := make([]byte, 0, len(s))
	comma, quoted := -1, false // place of a comma with only blanks after it
	for i := 0; i < len(s); i++ {
		c := s[i]
		if quoted {
			out = append(out, c)
			if c == '\\' && i+1 < len(s) {
				i++
				out = append(out, s[i])
			} else if c == '"' {
				quoted = false
			}
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n':
		case ',':
			comma = len(out)
		case '}', ']':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		default:
			quoted = c == '"'
			comma = -1
		}
		out = append(out, c)
	}
	return out
}

// spec writes operations.
type spec struct {
	api     *api
	out     lines
	records []Record
	headers map[string]int // header parameters by the number of operations that have them
	total   int
}

// methods are the ones that operations have, in the order they are written.
var methods = [...]string{"get", "post", "put", "patch", "delete", "head", "options"}

// countHeaders finds headers that nearly every operation takes; they would make all
// operations alike and are named once.
func (w *spec) countHeaders() {
	for _, item := range w.api.Paths {
		for _, m := range methods {
			var op operation
			if raw := item[m]; raw == nil || json.Unmarshal(raw, &op) != nil {
				continue
			}
			w.total++
			for _, p := range op.Parameters {
				if p.In == "header" {
					w.headers[p.Name]++
				}
			}
		}
	}
}

func (w *spec) path(p string, item map[string]json.RawMessage) error {
	for _, m := range methods {
		raw, ok := item[m]
		if !ok {
			continue
		}
		var op operation
		if err := json.Unmarshal(raw, &op); err != nil {
			return fmt.Errorf("its operation %s %s cannot be read: %w", strings.ToUpper(m), p, err)
		}
		w.out.gap(2)
		r := Record{ID: op.ID, Method: strings.ToUpper(m), Path: p, Summary: oneLine(op.Summary), Start: w.out.b.Len()}
		w.operation(r, op)
		r.End = w.out.b.Len()
		w.records = append(w.records, r)
	}
	return nil
}

func (w *spec) operation(r Record, op operation) {
	w.out.text("## " + r.Method + " " + oneLine(r.Path))
	if r.Summary != "" {
		w.out.text(": " + r.Summary)
	}
	w.out.gap(2)
	if r.ID != "" {
		w.out.text("Operation " + oneLine(r.ID))
		if len(op.Tags) > 0 {
			w.out.text(" (" + oneLine(strings.Join(op.Tags, ", ")) + ")")
		}
		w.out.text(".")
	}
	if op.Deprecated {
		w.out.text(" Deprecated.")
	}
	if d := oneLine(op.Description); d != "" && d != r.Summary {
		w.out.text(" " + d)
	}
	w.parameters(op.Parameters)
	for _, kind := range []string{"application/json", "multipart/form-data", "*/*"} {
		if c, ok := op.Body.Content[kind]; ok {
			w.body(kind, c.Schema)
			break
		}
	}
	w.answers(op)
}

func (w *spec) parameters(all []parameter) {
	first := true
	for _, p := range all {
		if p.Name == "" || p.In == "header" && 2*w.headers[p.Name] > w.total {
			continue
		}
		if first {
			w.out.gap(2)
			w.out.text("Parameters:")
			first = false
		}
		w.out.gap(1)
		w.out.text("- " + p.Name + " (" + p.In + kindOf(p.Schema))
		if p.Required {
			w.out.text(", required")
		}
		w.out.text(")" + about(p.Description, p.Schema))
	}
}

// body lists the fields of what is sent, one level deep.
func (w *spec) body(kind string, s schema) {
	w.out.gap(2)
	w.out.text("Body (" + kind + ")" + kindOf(s) + ":")
	if s.Items != nil {
		s = *s.Items
	}
	name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
	if name != s.Ref {
		w.out.text(" " + name)
		s = w.api.Components.Schemas[name]
	}
	fields := make([]string, 0, len(s.Properties))
	for f := range s.Properties {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	for _, f := range fields {
		w.out.gap(1)
		p := s.Properties[f]
		w.out.text("- " + f + " (" + strings.TrimPrefix(kindOf(p), ", ") + ")" + about(p.Description, p))
	}
}

func (w *spec) answers(op operation) {
	codes := make([]string, 0, len(op.Responses))
	for c := range op.Responses {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	for i, c := range codes {
		if i == 0 {
			w.out.gap(2)
			w.out.text("Answers:")
		}
		w.out.gap(1)
		w.out.text("- " + c + ": " + oneLine(op.Responses[c].Description))
	}
}

// kindOf is ", string" or ", array of JobInPlan" or "".
func kindOf(s schema) string {
	var one string
	var many []string
	switch {
	case s.Ref != "":
		return ", " + s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case json.Unmarshal(s.Type, &one) == nil:
	case json.Unmarshal(s.Type, &many) == nil:
		one = strings.Join(many, " or ")
	}
	if one == "array" && s.Items != nil {
		return ", array of" + strings.TrimPrefix(kindOf(*s.Items), ",")
	}
	if one == "" {
		return ""
	}
	return ", " + one
}

// about is the description with the values that are allowed.
func about(description string, s schema) string {
	d := oneLine(description)
	if d == "" {
		d = oneLine(s.Description)
	}
	values := make([]string, 0, len(s.Enum))
	for _, v := range s.Enum {
		values = append(values, strings.Trim(string(v), `"`))
	}
	switch {
	case d == "" && len(values) == 0:
		return ""
	case len(values) == 0:
		return ": " + d
	}
	return ": " + strings.TrimSpace(d+" One of "+strings.Join(values, ", ")+".")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
