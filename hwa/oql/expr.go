package oql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Op is a comparison operator.
type Op uint8

// The operators of the language.
const (
	OpEq Op = iota
	OpNe
	OpLt
	OpLe
	OpGt
	OpGe
	OpIn
	OpNotIn
	OpLike
	OpNotLike
)

// String is the operator as it is written in a query.
func (op Op) String() string {
	names := [...]string{"=", "!=", "<", "<=", ">", ">=", "IN", "NOT IN", "LIKE", "NOT LIKE"}
	if int(op) < len(names) {
		return names[op]
	}
	return fmt.Sprintf("Op(%d)", op)
}

// Expr is a condition: *Term or *Group. A nil Expr matches everything.
type Expr interface {
	fmt.Stringer
	depth() int
	check() error
	terms(func(*Term))
}

// Term compares one field with one value, or with a list for IN and NOT IN.
type Term struct {
	Field  string
	Op     Op
	Values []Value
	err    error // a builder was given a value that cannot be a literal
}

// Group joins conditions with AND, or with OR when Or is set.
type Group struct {
	Or    bool
	Exprs []Expr
}

// Order sorts by one field.
type Order struct {
	Field string
	Desc  bool
}

// Query is a condition and a sort order; each of them may be absent.
type Query struct {
	Where   Expr
	OrderBy []Order
}

// Where starts a query from a condition.
func Where(e Expr) Query { return Query{Where: e} }

// Asc adds an ascending sort field.
func (q Query) Asc(field string) Query { return q.order(Order{Field: field}) }

// Desc adds a descending sort field.
func (q Query) Desc(field string) Query { return q.order(Order{Field: field, Desc: true}) }

func (q Query) order(o Order) Query {
	q.OrderBy = append(slices.Clip(q.OrderBy), o)
	return q
}

// Eq is field = value; nil stands for null. See ValueOf for the accepted types.
func Eq(field string, value any) Expr { return term(field, OpEq, value) }

// Ne is field != value.
func Ne(field string, value any) Expr { return term(field, OpNe, value) }

// Lt is field < value.
func Lt(field string, value any) Expr { return term(field, OpLt, value) }

// Le is field <= value.
func Le(field string, value any) Expr { return term(field, OpLe, value) }

// Gt is field > value.
func Gt(field string, value any) Expr { return term(field, OpGt, value) }

// Ge is field >= value.
func Ge(field string, value any) Expr { return term(field, OpGe, value) }

// In is field IN [values]; without values it matches nothing and cannot be sent.
func In[T any](field string, values ...T) Expr { return term(field, OpIn, anys(values)...) }

// NotIn is field NOT IN [values].
func NotIn[T any](field string, values ...T) Expr { return term(field, OpNotIn, anys(values)...) }

// Like is field LIKE 'pattern'; '@' stands for any characters, '?' for one.
func Like(field, pattern string) Expr { return term(field, OpLike, pattern) }

// NotLike is field NOT LIKE 'pattern'.
func NotLike(field, pattern string) Expr { return term(field, OpNotLike, pattern) }

// And is true when all conditions are; nil conditions are left out.
func And(exprs ...Expr) Expr { return group(false, exprs) }

// Or is true when one of the conditions is; nil conditions are left out.
func Or(exprs ...Expr) Expr { return group(true, exprs) }

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func term(field string, op Op, values ...any) Expr {
	t := &Term{Field: field, Op: op, Values: make([]Value, len(values))}
	for i, x := range values {
		v, err := ValueOf(x)
		if err != nil && t.err == nil {
			t.err = fmt.Errorf("field %s: %w", field, err)
		}
		t.Values[i] = v
	}
	return t
}

// group drops nils and merges nested groups of the same kind, so that what a
// builder makes is what the parser makes from its printed form.
func group(or bool, exprs []Expr) Expr {
	var kept []Expr
	for _, e := range exprs {
		if g, ok := e.(*Group); ok && g.Or == or {
			kept = append(kept, g.Exprs...)
		} else if e != nil {
			kept = append(kept, e)
		}
	}
	switch len(kept) {
	case 0:
		return nil
	case 1:
		return kept[0]
	}
	return &Group{Or: or, Exprs: kept}
}

// Fields lists the fields a condition reads, each once, in order of appearance.
func Fields(e Expr) []string {
	var out []string
	if e == nil {
		return nil
	}
	e.terms(func(t *Term) {
		if !slices.Contains(out, t.Field) {
			out = append(out, t.Field)
		}
	})
	return out
}

// Wire is the query as text for an engine. It refuses, naming the field, what
// the manual gives no way to write: a quote, a control character or a closing
// backslash in a string, an empty list, a name that is not a field, a value that
// the operator does not take. An engine can therefore never read a value as syntax.
func (q Query) Wire() (string, error) {
	if q.Where != nil {
		if err := q.Where.check(); err != nil {
			return "", fmt.Errorf("write OQL: %w", err)
		}
		if d := q.Where.depth(); d > MaxDepth {
			return "", fmt.Errorf("write OQL: conditions are nested %d deep, at most %d are allowed", d, MaxDepth)
		}
	}
	for _, o := range q.OrderBy {
		if err := checkField(o.Field); err != nil {
			return "", fmt.Errorf("write OQL: ORDER BY: %w", err)
		}
	}
	s := q.String()
	if s == "" {
		return "", errors.New("write OQL: the query is empty")
	}
	if len(s) > MaxLength {
		return "", fmt.Errorf("write OQL: the query has %d characters, at most %d are allowed", len(s), MaxLength)
	}
	return s, nil
}

func (g *Group) check() error {
	if len(g.Exprs) == 0 {
		return errors.New("an AND/OR group is empty")
	}
	for _, e := range g.Exprs {
		if e == nil {
			return errors.New("an AND/OR group holds an empty condition")
		}
		if err := e.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Term) check() error {
	if t.err != nil {
		return t.err
	}
	if err := checkField(t.Field); err != nil {
		return err
	}
	list := t.Op == OpIn || t.Op == OpNotIn
	if len(t.Values) == 0 || (!list && len(t.Values) != 1) {
		return fmt.Errorf("field %s: %s got %d values", t.Field, t.Op, len(t.Values))
	}
	for _, v := range t.Values {
		if err := checkLiteral(t.Op, v); err != nil {
			return fmt.Errorf("field %s: %w", t.Field, err)
		}
	}
	return nil
}

func checkField(name string) error {
	if n := fieldLength(name); n == 0 || n != len(name) {
		return fmt.Errorf("%q is not a field name (a letter, then letters, digits, '-', '#' or '.')", name)
	}
	if isReserved(name) {
		return fmt.Errorf("%q is a keyword and cannot be a field name", name)
	}
	return nil
}

// checkLiteral refuses values which the operator does not take or which have no
// safe written form.
func checkLiteral(op Op, v Value) error {
	if !op.takes(v.kind) {
		return fmt.Errorf("%s takes %s", op, op.wants())
	}
	if v.kind != KindString {
		return nil
	}
	if !utf8.ValidString(v.text) || strings.ContainsFunc(v.text, unicode.IsControl) {
		return fmt.Errorf("value %q holds a control character", v.text)
	}
	if strings.Contains(v.text, "'") {
		return fmt.Errorf("value %q holds a quote, which an engine's OQL cannot express", v.text)
	}
	if strings.HasSuffix(v.text, `\`) {
		return fmt.Errorf("value %q ends in a backslash, which could hide the closing quote", v.text)
	}
	return nil
}

// takes follows table 74 of the manual: true, false and null go with = and !=,
// order needs numbers or strings, LIKE needs a pattern.
func (op Op) takes(k Kind) bool {
	switch op {
	case OpLike, OpNotLike:
		return k == KindString
	case OpLt, OpLe, OpGt, OpGe:
		return k == KindString || k == KindInt
	case OpIn, OpNotIn:
		return k == KindString || k == KindInt || k == KindBool
	default:
		return k <= KindString
	}
}

func (op Op) wants() string {
	switch op {
	case OpLike, OpNotLike:
		return "a pattern in single quotes"
	case OpLt, OpLe, OpGt, OpGe:
		return "a number or a string"
	case OpIn, OpNotIn:
		return "a list of numbers, strings, true or false"
	default:
		return "a number, a string, true, false or null"
	}
}

func (t *Term) depth() int { return 1 }

func (g *Group) depth() int {
	deepest := 0
	for _, e := range g.Exprs {
		deepest = max(deepest, e.depth())
	}
	return deepest + 1
}

func (t *Term) terms(yield func(*Term)) { yield(t) }

func (g *Group) terms(yield func(*Term)) {
	for _, e := range g.Exprs {
		e.terms(yield)
	}
}
