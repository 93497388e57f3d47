package oql

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Lookup gives the value of a field of one object; false means the object has
// no such field, which counts as null.
type Lookup func(field string) (Value, bool)

// Accessor reads one field of a T.
type Accessor[T any] func(T) Value

// UnknownFieldError is returned by Bind and BindOrder for a field the resolver
// does not know.
type UnknownFieldError struct{ Field string }

// Error names the field.
func (e *UnknownFieldError) Error() string {
	return fmt.Sprintf("OQL filter: there is no field %q here (names are case-sensitive)", e.Field)
}

// Evaluate reports whether one object satisfies the condition. To test many
// objects, Compile or Bind once.
func Evaluate(e Expr, lookup Lookup) bool { return Compile(e)(lookup) }

// Compile turns a condition into a function over lookups. It is safe for
// concurrent use.
func Compile(e Expr) func(Lookup) bool {
	match, err := Bind(e, func(field string) (Accessor[Lookup], bool) {
		return func(l Lookup) Value {
			v, _ := l(field)
			return v
		}, true
	})
	if err != nil { // the resolver above knows every field, so only a malformed tree is left
		return func(Lookup) bool { return false }
	}
	return match
}

// Bind turns a condition into a function over T. Each field is resolved once,
// here; a field that resolve does not know is an *UnknownFieldError, which is
// how an engine refuses a misspelt field. A nil condition matches everything.
func Bind[T any](e Expr, resolve func(field string) (Accessor[T], bool)) (func(T) bool, error) {
	switch e := e.(type) {
	case nil:
		return func(T) bool { return true }, nil
	case *Term:
		get, ok := resolve(e.Field)
		if !ok {
			return nil, &UnknownFieldError{Field: e.Field}
		}
		test, err := e.test()
		if err != nil {
			return nil, err
		}
		return func(x T) bool { return test(get(x)) }, nil
	case *Group:
		return bindGroup(e, resolve)
	default:
		return nil, fmt.Errorf("OQL filter: unknown kind of condition %T", e)
	}
}

func bindGroup[T any](g *Group, resolve func(string) (Accessor[T], bool)) (func(T) bool, error) {
	tests := make([]func(T) bool, len(g.Exprs))
	for i, e := range g.Exprs {
		test, err := Bind(e, resolve)
		if err != nil {
			return nil, err
		}
		tests[i] = test
	}
	or := g.Or
	return func(x T) bool {
		for _, test := range tests {
			if test(x) == or {
				return or
			}
		}
		return !or
	}, nil
}

// BindOrder turns sort fields into a comparison for slices.SortStableFunc. A
// null comes last in ascending order; a list sorts by its first value.
func BindOrder[T any](orders []Order, resolve func(field string) (Accessor[T], bool)) (func(a, b T) int, error) {
	gets := make([]Accessor[T], len(orders))
	for i, o := range orders {
		get, ok := resolve(o.Field)
		if !ok {
			return nil, &UnknownFieldError{Field: o.Field}
		}
		gets[i] = get
	}
	return func(a, b T) int {
		for i, get := range gets {
			c := compareValues(get(a), get(b))
			if c != 0 && orders[i].Desc {
				return -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}, nil
}

func compareValues(a, b Value) int {
	a, b = a.first(), b.first()
	switch {
	case a.kind == b.kind && a.kind == KindString:
		return strings.Compare(a.text, b.text)
	case a.kind == b.kind:
		return cmp.Compare(a.num, b.num)
	case a.kind == KindNull:
		return 1
	case b.kind == KindNull:
		return -1
	}
	return strings.Compare(a.plain(), b.plain())
}

func (v Value) first() Value {
	if v.kind != KindList {
		return v
	}
	if len(v.list) == 0 {
		return Null()
	}
	return v.list[0].first()
}

// test compiles the comparison with the literal side prepared.
func (t *Term) test() (func(Value) bool, error) {
	if len(t.Values) == 0 && t.Op != OpIn && t.Op != OpNotIn {
		return nil, fmt.Errorf("OQL filter: field %s: %s has no value", t.Field, t.Op)
	}
	switch t.Op {
	case OpEq:
		return anyOf(t.equals()), nil
	case OpNe:
		return complement(anyOf(t.equals())), nil
	case OpIn:
		return anyOf(t.among()), nil
	case OpNotIn:
		return complement(anyOf(t.among())), nil
	case OpLike:
		return anyOf(like(t.Values[0].plain())), nil
	case OpNotLike:
		return complement(anyOf(like(t.Values[0].plain()))), nil
	default:
		return anyOf(t.ordered()), nil
	}
}

// anyOf lifts a test on one value to fields with several.
func anyOf(test func(Value) bool) func(Value) bool {
	return func(v Value) bool {
		if v.kind != KindList {
			return test(v)
		}
		for _, w := range v.list {
			if test(w) {
				return true
			}
		}
		return len(v.list) == 0 && test(Value{})
	}
}

func complement(test func(Value) bool) func(Value) bool {
	return func(v Value) bool { return !test(v) }
}

func (t *Term) equals() func(Value) bool {
	lits := t.literals()
	if len(lits) == 1 {
		return lits[0].equal
	}
	return equalsOne(lits)
}

// among uses a set once the list is long enough to pay for it.
func (t *Term) among() func(Value) bool {
	lits := t.literals()
	if len(lits) < 8 {
		return equalsOne(lits)
	}
	texts := make(map[string]bool, len(lits))
	for _, l := range lits {
		if l.value.kind != KindNull {
			texts[l.text] = true
		}
	}
	slow := equalsOne(lits)
	return func(v Value) bool {
		if v.kind == KindString {
			return texts[v.text]
		}
		return slow(v)
	}
}

func equalsOne(lits []literal) func(Value) bool {
	return func(v Value) bool {
		for i := range lits {
			if lits[i].equal(v) {
				return true
			}
		}
		return false
	}
}

func (t *Term) ordered() func(Value) bool {
	lit, op := prepare(t.Values[0]), t.Op
	return func(v Value) bool {
		c, ok := lit.compare(v)
		if !ok {
			return false
		}
		switch op {
		case OpLt:
			return c < 0
		case OpLe:
			return c <= 0
		case OpGt:
			return c > 0
		default:
			return c >= 0
		}
	}
}

// literal is the right side of a comparison, read in every way a field might
// want it.
type literal struct {
	text     string
	value    Value
	num      int64
	at       int64
	length   int64
	isNum    bool
	isAt     bool
	isLength bool
}

// literals prepares the values of a term; the two spellings of success count as
// one in status fields.
func (t *Term) literals() []literal {
	out := make([]literal, 0, len(t.Values)+1)
	status := t.Field == "commonStatus" || strings.HasSuffix(t.Field, ".commonStatus")
	for _, v := range t.Values {
		out = append(out, prepare(v))
		if status && v.text == "SUCCEED" {
			out = append(out, prepare(Str("SUCCESSFUL")))
		} else if status && v.text == "SUCCESSFUL" {
			out = append(out, prepare(Str("SUCCEED")))
		}
	}
	return out
}

func prepare(v Value) literal {
	l := literal{value: v, text: v.plain()}
	if v.kind == KindNull || v.kind == KindBool {
		return l
	}
	if n, err := strconv.ParseInt(l.text, 10, 64); err == nil {
		l.num, l.isNum = n, true
	}
	if at, err := ParseInstant(l.text); err == nil {
		l.at, l.isAt = at.UnixNano(), true
	}
	if d, err := ParseDuration(l.text); err == nil {
		l.length, l.isLength = int64(d), true
	}
	return l
}

func (l *literal) equal(v Value) bool {
	switch {
	case l.value.kind == KindNull || v.kind == KindNull:
		return l.value.kind == v.kind
	case v.kind == KindString:
		return v.text == l.text
	case v.kind == KindBool:
		return strings.EqualFold(l.text, v.plain())
	}
	c, ok := l.compare(v)
	return ok && c == 0
}

// compare orders a field's value against the literal; false when they cannot be
// compared.
func (l *literal) compare(v Value) (int, bool) {
	switch v.kind {
	case KindInt:
		return cmp.Compare(v.num, l.num), l.isNum
	case KindInstant:
		return cmp.Compare(v.num, l.at), l.isAt
	case KindDuration:
		return cmp.Compare(v.num, l.length), l.isLength
	case KindString:
		if l.value.kind == KindInt {
			n, err := strconv.ParseInt(v.text, 10, 64)
			return cmp.Compare(n, l.num), err == nil
		}
		return l.compareText(v.text), true
	}
	return 0, false
}

// compareText orders instants held as text by time, everything else by bytes.
func (l *literal) compareText(s string) int {
	if l.isAt {
		if at, err := ParseInstant(s); err == nil {
			return at.Compare(time.Unix(0, l.at))
		}
	}
	return strings.Compare(s, l.text)
}
