package policy

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
)

//go:embed guards.cedar
var guards []byte

//go:embed default.cedar
var defaults []byte

// DefaultText is the policy file in force when none is configured, to copy and
// edit.
func DefaultText() string { return string(defaults) }

// Default is the embedded policy.
func Default() (*Policy, error) { return Parse("default.cedar", defaults) }

// LoadFile reads a policy file. It takes the place of the default policies; the
// guards stay.
func LoadFile(path string) (*Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	return Parse(path, text)
}

// LoadError says where a policy file is wrong.
type LoadError struct {
	File    string
	Line    int // from 1; 0 when no line is to blame
	Column  int // from 1
	Problem string
}

func (e *LoadError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("policy %s: %s", e.File, e.Problem)
	}
	return fmt.Sprintf("policy %s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// Parse reads the text of a policy file, called name in messages. Beside its
// grammar it checks every entity, attribute and annotation against what Resync
// knows, and evaluates every policy on a request of each kind: a misspelt role
// would otherwise silently grant, or worse, forbid nothing. Errors are
// *[LoadError].
func Parse(name string, text []byte) (*Policy, error) {
	p := &Policy{}
	for _, part := range []struct {
		name string
		text []byte
	}{{"guards.cedar", guards}, {name, text}} {
		if err := p.add(part.name, part.text); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(p.rules, func(r rule) bool { return r.policy.Effect() == cedar.Permit }) {
		return nil, &LoadError{File: name, Problem: "it permits nothing, so nobody could do anything"}
	}
	return p, p.tryAll(name)
}

func (p *Policy) add(name string, text []byte) error {
	list, err := cedar.NewPolicyListFromBytes(name, text)
	if err != nil {
		return syntaxError(name, err)
	}
	for _, pol := range list {
		pos := pol.Position()
		fail := func(format string, args ...any) error {
			return &LoadError{File: name, Line: pos.Line, Column: pos.Column, Problem: fmt.Sprintf(format, args...)}
		}
		r := rule{id: fmt.Sprintf("%s:%d:%d", name, pos.Line, pos.Column), policy: pol}
		if problem := r.annotate(pol); problem != "" {
			return fail("%s", problem)
		}
		if slices.ContainsFunc(p.rules, func(other rule) bool { return other.id == r.id }) {
			return fail("there is already a policy with @id(%q)", r.id)
		}
		if problem := checkNames(pol); problem != "" {
			return fail("%s", problem)
		}
		p.rules = append(p.rules, r)
	}
	return nil
}

// annotate reads the annotations of a policy and returns what is wrong with them.
func (r *rule) annotate(pol *cedar.Policy) string {
	effect := map[cedar.Effect]string{cedar.Permit: "permitted", cedar.Forbid: "forbidden"}[pol.Effect()]
	for key, value := range pol.Annotations() {
		switch key {
		case "id":
			r.id = string(value)
		case "reason":
			r.reason = string(value)
		case "approvals":
			n, err := strconv.Atoi(string(value))
			if err != nil || n < 1 || n > 5 {
				return fmt.Sprintf("@approvals(%q) is not a number from 1 to 5", value)
			}
			r.approvals = n
		default:
			return fmt.Sprintf("unknown annotation @%s (there are @id, @reason and @approvals)", key)
		}
	}
	if r.reason == "" {
		r.reason = effect + " by the policy " + r.id
	}
	if r.id == "" {
		return "@id is empty"
	}
	return ""
}

// position finds the place in the parser's messages.
var position = regexp.MustCompile(`<input>:(\d+):(\d+):? ?(.*)`)

func syntaxError(name string, err error) error {
	m := position.FindStringSubmatch(err.Error())
	if m == nil {
		return &LoadError{File: name, Problem: err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	return &LoadError{File: name, Line: max(line, 1), Column: max(column, 1), Problem: "not Cedar: " + m[3]}
}

// checkNames walks the policy's JSON form
// (https://docs.cedarpolicy.com/policies/json-format.html) for names Resync
// does not know.
func checkNames(pol *cedar.Policy) string {
	text, err := pol.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err.Error()
	}
	return walk(tree)
}

func walk(node any) string {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			if problem := walk(child); problem != "" {
				return problem
			}
		}
	case map[string]any:
		if problem := checkNode(n); problem != "" {
			return problem
		}
		for key, child := range n {
			if key == "annotations" {
				continue
			}
			if problem := walk(child); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// checkNode checks one node of the tree: an entity, a type, an attribute.
func checkNode(n map[string]any) string {
	typ, isType := n["type"].(string)
	if id, isID := n["id"].(string); isType && isID {
		return checkEntity(typ, id)
	}
	if typ, ok := n["entity_type"].(string); ok {
		return checkEntity(typ, "")
	}
	for _, op := range []string{".", "has"} {
		access, ok := n[op].(map[string]any)
		if !ok {
			continue
		}
		attr, _ := access["attr"].(string)
		left, _ := access["left"].(map[string]any)
		if left["Var"] != "context" {
			return fmt.Sprintf("only context has attributes, %q is asked of something else", attr)
		}
		if !slices.Contains(contextNames(), attr) {
			return fmt.Sprintf("context has no attribute %q (there are %s)", attr, strings.Join(contextNames(), ", "))
		}
	}
	return ""
}

// checkEntity checks the type and, where the list is closed, the ID. An empty
// ID stands for a bare type.
func checkEntity(typ, id string) string {
	closed := map[string][]string{typeRole: roles(), typeAction: actions(), typePermission: permissions(), typeUser: nil, typeTool: nil}
	known, ok := closed[typ]
	switch {
	case !ok:
		return fmt.Sprintf("unknown entity type %q (there are User, Role, Action, Tool and Permission)", typ)
	case known != nil && id != "" && !slices.Contains(known, id):
		return fmt.Sprintf("unknown %s %q (there are %s)", strings.ToLower(typ), id, strings.Join(known, ", "))
	}
	return ""
}

// tryAll evaluates every policy on a request of each kind and refuses those
// that fail on one, such as a comparison of text with a number.
func (p *Policy) tryAll(name string) error {
	for _, role := range roles() {
		for _, action := range actions() {
			for _, permission := range permissions() {
				for _, risk := range risks() {
					for _, requester := range []string{"somebody", "another"} {
						v := p.evaluate(Request{User: "somebody", Roles: []string{role}, Action: Action(action), Tool: "some_tool",
							Permission: permission, Risk: risk, EngineName: "some", EngineEnvironment: "production", Requester: requester})
						if v.failed != nil {
							pos := v.failed.policy.Position()
							return &LoadError{File: name, Line: pos.Line, Column: pos.Column,
								Problem: fmt.Sprintf("cannot be evaluated for %s of a %s %s tool: %s", action, risk, permission, v.problem)}
						}
					}
				}
			}
		}
	}
	return nil
}
