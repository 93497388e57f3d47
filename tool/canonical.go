package tool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxArgBytes = 64 << 10
	maxArgDepth = 32
)

// ArgError is a refusal of arguments; Field names the offender when one is known.
type ArgError struct {
	Field   string
	Problem string
}

// Error says which argument is wrong and how.
func (e *ArgError) Error() string {
	if e.Field == "" {
		return "arguments refused: " + e.Problem
	}
	return fmt.Sprintf("argument %q refused: %s", e.Field, e.Problem)
}

// Canonical parses one JSON object strictly and writes it back in the canonical
// form of RFC 8785 (JCS). It refuses duplicate and case-variant keys, trailing
// data, invalid UTF-8, numbers outside the exact range of a double, objects
// deeper than 32 levels and texts longer than 64 KiB: two parsers must never
// read the same arguments differently.
func Canonical(raw []byte) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if len(raw) > maxArgBytes {
		return nil, &ArgError{Problem: fmt.Sprintf("%d bytes is more than %d", len(raw), maxArgBytes)}
	}
	if !utf8.Valid(raw) {
		return nil, &ArgError{Problem: "not valid UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := parseValue(dec, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &ArgError{Problem: "something follows the JSON object"}
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, &ArgError{Problem: "a JSON object is expected"}
	}
	var b bytes.Buffer
	if err := writeValue(&b, obj); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func parseValue(dec *json.Decoder, at string, depth int) (any, error) {
	if depth > maxArgDepth {
		return nil, &ArgError{Field: at, Problem: fmt.Sprintf("nested deeper than %d levels", maxArgDepth)}
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, &ArgError{Field: at, Problem: "not valid JSON: " + err.Error()}
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' {
			return parseObject(dec, at, depth)
		}
		return parseArray(dec, at, depth)
	case json.Number:
		f, err := t.Float64()
		if err != nil || math.IsInf(f, 0) {
			return nil, &ArgError{Field: at, Problem: fmt.Sprintf("the number %s is out of range", t)}
		}
		return f, nil
	case string:
		if strings.ContainsRune(t, utf8.RuneError) || strings.ContainsRune(t, 0) {
			return nil, &ArgError{Field: at, Problem: "the text holds a NUL or an unpaired surrogate"}
		}
		return t, nil
	default:
		return t, nil // bool or nil
	}
}

func parseObject(dec *json.Decoder, at string, depth int) (any, error) {
	obj, folded := map[string]any{}, map[string]string{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, &ArgError{Field: at, Problem: "not valid JSON: " + err.Error()}
		}
		key := tok.(string) // the decoder admits nothing else here
		if other, dup := folded[strings.ToLower(key)]; dup {
			return nil, &ArgError{Field: key, Problem: fmt.Sprintf("given twice (also as %q)", other)}
		}
		folded[strings.ToLower(key)] = key
		v, err := parseValue(dec, join(at, key), depth+1)
		if err != nil {
			return nil, err
		}
		obj[key] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, &ArgError{Field: at, Problem: "not valid JSON: " + err.Error()}
	}
	return obj, nil
}

func parseArray(dec *json.Decoder, at string, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		v, err := parseValue(dec, join(at, strconv.Itoa(len(list))), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, &ArgError{Field: at, Problem: "not valid JSON: " + err.Error()}
	}
	return list, nil
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func writeValue(b *bytes.Buffer, v any) error {
	switch t := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range sortedKeys(t) {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, k)
			b.WriteByte(':')
			if err := writeValue(b, t[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range t {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeValue(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case string:
		writeString(b, t)
	case float64:
		b.Write(formatNumber(t))
	case bool:
		b.WriteString(strconv.FormatBool(t))
	case nil:
		b.WriteString("null")
	default:
		return fmt.Errorf("canonical JSON: cannot write a %T", v)
	}
	return nil
}

// sortedKeys orders keys by their UTF-16 code units, as RFC 8785 §3.2.3 asks.
func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	return keys
}

// writeString escapes as RFC 8785 §3.2.2.2: only what JSON must escape.
func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// formatNumber writes a double as ECMAScript does. encoding/json does the same
// but for the sign of negative zero.
func formatNumber(f float64) []byte {
	if f == 0 {
		return []byte("0")
	}
	out, err := json.Marshal(f)
	if err != nil {
		return []byte("null")
	}
	return out
}

// CanonicalOf encodes any JSON-able value canonically.
func CanonicalOf(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding for the digest: %w", err)
	}
	var generic any
	if err := json.Unmarshal(raw, &generic); err != nil {
		return nil, fmt.Errorf("encoding for the digest: %w", err)
	}
	var b bytes.Buffer
	if err := writeValue(&b, generic); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Digest is the hexadecimal SHA-256 of the canonical JSON of v.
func Digest(v any) (string, error) {
	c, err := CanonicalOf(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(c)
	return hex.EncodeToString(sum[:]), nil
}
