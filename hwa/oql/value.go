package oql

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of value. A literal in a query is Null, Bool, Int or String; a field
// of an object may also be an Instant, a Duration or a List of the others.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindString
	KindInstant
	KindDuration
	KindList
)

// Value is a literal of a query or the content of a field. The zero Value is null.
type Value struct {
	text string
	list []Value
	num  int64 // int, bool (0/1), Unix nanoseconds, or nanoseconds of a duration
	kind Kind
}

// Null is the value of an absent field.
func Null() Value { return Value{} }

// Str is a string value.
func Str(s string) Value { return Value{kind: KindString, text: s} }

// Int is an integer value.
func Int(n int64) Value { return Value{kind: KindInt, num: n} }

// Bool is a truth value.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Instant is a point in time; the zero time is null, as the API leaves absent
// times out.
func Instant(t time.Time) Value {
	if t.IsZero() {
		return Null()
	}
	return Value{kind: KindInstant, num: t.UnixNano()}
}

// Duration is a length of time.
func Duration(d time.Duration) Value { return Value{kind: KindDuration, num: int64(d)} }

// List is a field with several values, for example the states of a workstation.
func List(values ...Value) Value { return Value{kind: KindList, list: values} }

// Strs is a List of strings.
func Strs(values ...string) Value {
	list := make([]Value, len(values))
	for i, s := range values {
		list[i] = Str(s)
	}
	return Value{kind: KindList, list: list}
}

// Kind reports what v holds.
func (v Value) Kind() Kind { return v.kind }

// Text is the string a KindString value holds, and "" for every other kind.
func (v Value) Text() string { return v.text }

// Equal reports whether two values have the same kind and content.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.text == w.text && v.num == w.num &&
		slices.EqualFunc(v.list, w.list, Value.Equal)
}

// instantLayout is the form the manual asks for, milliseconds included.
const instantLayout = "2006-01-02T15:04:05.000Z"

// plain renders the value without quotes: what a string comparison sees.
func (v Value) plain() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.num != 0)
	case KindInt:
		return strconv.FormatInt(v.num, 10)
	case KindInstant:
		return time.Unix(0, v.num).UTC().Format(instantLayout)
	case KindDuration:
		return FormatDuration(time.Duration(v.num))
	case KindString:
		return v.text
	default:
		return "null"
	}
}

// ValueOf turns a Go value into a literal: strings, integers, booleans and types
// made from them, nil, time.Time and time.Duration (both written as quoted ISO 8601, as in the
// manual's examples) and Value itself. Anything else is a mistake of the caller
// and reported as an error.
func ValueOf(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Null(), nil
	case Value:
		return literalOf(x), nil
	case string:
		return Str(x), nil
	case bool:
		return Bool(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case time.Time:
		return Str(x.UTC().Format(instantLayout)), nil
	case time.Duration:
		return Str(FormatDuration(x)), nil
	}
	return reflected(x)
}

// reflected accepts types made from strings, integers and booleans, such as the
// client's status types.
func reflected(x any) (Value, error) {
	switch v := reflect.ValueOf(x); {
	case v.Kind() == reflect.String:
		return Str(v.String()), nil
	case v.Kind() == reflect.Bool:
		return Bool(v.Bool()), nil
	case v.CanInt():
		return Int(v.Int()), nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return Int(int64(v.Uint())), nil
	}
	return Null(), fmt.Errorf("a %T cannot stand in an OQL query", x)
}

// literalOf rewrites instants and durations as the strings a query holds.
func literalOf(v Value) Value {
	if v.kind == KindInstant || v.kind == KindDuration {
		return Str(v.plain())
	}
	return v
}
