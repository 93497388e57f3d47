package openai

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The endpoint passes most bytes on as they are. To do that it must know where
// the members of an object stand; encoding/json can only build values. scan
// walks a text once without building anything.

var errJSON = errors.New("the text is not a JSON object")

// maxDepth bounds how deep values nest.
const maxDepth = 128

// members calls fn for each member of the object data holds, with the key's
// content (escapes resolved) and the place of its value. It checks the whole
// text for balance, not every literal for its spelling.
func members(data []byte, fn func(key string, start, end int) error) error {
	return whole(data, func(key string, at int) (int, error) {
		end, err := skip(data, at, 0)
		if err == nil {
			err = fn(key, at, end)
		}
		return end, err
	})
}

// whole walks the object that is all of data, as object does.
func whole(data []byte, fn func(key string, at int) (end int, err error)) error {
	end, err := object(data, space(data, 0), fn)
	if err == nil && space(data, end) != len(data) {
		err = errJSON
	}
	return err
}

// object walks the object that starts at i, and returns the index after it. fn walks
// each value, which starts at at, and returns the index after it; [skip] does where the
// value is of no interest. So a value inside others is walked once, not once for
// each that it is in.
func object(data []byte, i int, fn func(key string, at int) (end int, err error)) (int, error) {
	if i >= len(data) || data[i] != '{' {
		return 0, errJSON
	}
	if i = space(data, i+1); i < len(data) && data[i] == '}' {
		return i + 1, nil
	}
	for {
		key := i
		if i = stringAt(data, i); i < 0 {
			return 0, errJSON
		}
		name := keyText(data[key:i])
		if i = space(data, i); i >= len(data) || data[i] != ':' {
			return 0, errJSON
		}
		end, err := fn(name, space(data, i+1))
		if err != nil {
			return 0, err
		}
		if i = space(data, end); i >= len(data) {
			return 0, errJSON
		}
		switch data[i] {
		case '}':
			return i + 1, nil
		case ',':
			i = space(data, i+1)
		default:
			return 0, errJSON
		}
	}
}

// list walks the list that starts at i, as object walks an object.
func list(data []byte, i int, fn func(at int) (end int, err error)) (int, error) {
	if i >= len(data) || data[i] != '[' {
		return 0, errJSON
	}
	if i = space(data, i+1); i < len(data) && data[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := fn(i)
		if err != nil {
			return 0, err
		}
		if i = space(data, end); i >= len(data) {
			return 0, errJSON
		}
		switch data[i] {
		case ']':
			return i + 1, nil
		case ',':
			i = space(data, i+1)
		default:
			return 0, errJSON
		}
	}
}

// skip walks a value of no interest that is in depth others.
func skip(data []byte, at, depth int) (int, error) {
	end := valueAt(data, at, depth)
	if end < 0 {
		return 0, errJSON
	}
	return end, nil
}

// keyText is the text of a key. The usual keys cost no allocation.
func keyText(quoted []byte) string {
	switch string(quoted) {
	case `"id"`:
		return "id"
	case `"object"`:
		return "object"
	case `"model"`:
		return "model"
	case `"messages"`:
		return "messages"
	case `"stream"`:
		return "stream"
	case `"choices"`:
		return "choices"
	case `"index"`:
		return "index"
	case `"delta"`:
		return "delta"
	case `"message"`:
		return "message"
	case `"role"`:
		return "role"
	case `"content"`:
		return "content"
	case `"finish_reason"`:
		return "finish_reason"
	case `"created"`:
		return "created"
	case `"usage"`:
		return "usage"
	case `"error"`:
		return "error"
	case `"prompt_tokens"`:
		return "prompt_tokens"
	case `"completion_tokens"`:
		return "completion_tokens"
	case `"total_tokens"`:
		return "total_tokens"
	}
	s, _ := unquote(quoted)
	return s
}

// elements calls fn for each element of the list data holds.
func elements(data []byte, fn func(start, end int) error) error {
	_, err := list(data, space(data, 0), func(at int) (int, error) {
		end, err := skip(data, at, 0)
		if err == nil {
			err = fn(at, end)
		}
		return end, err
	})
	return err
}

// space returns the index of the first byte from i on that is not white space.
func space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// stringAt returns the index after the string that starts at i, or -1.
func stringAt(data []byte, i int) int {
	if i >= len(data) || data[i] != '"' {
		return -1
	}
	i++
	for i+8 <= len(data) {
		found := special(binary.LittleEndian.Uint64(data[i:]))
		if found == 0 { // most names end in their first eight bytes; from here on it is a text
			for i += 8; i+32 <= len(data); i += 32 {
				w := data[i : i+32]
				if special(binary.LittleEndian.Uint64(w))|special(binary.LittleEndian.Uint64(w[8:]))|
					special(binary.LittleEndian.Uint64(w[16:]))|special(binary.LittleEndian.Uint64(w[24:])) != 0 {
					break
				}
			}
			continue
		}
		i += bits.TrailingZeros64(found) / 8
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			i += 2
		default: // a control character
			return -1
		}
	}
	for ; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
		case c < ' ':
			return -1
		}
	}
	return -1
}

// special is 0 when none of eight bytes is a quote, a backslash or a control character.
// Otherwise its lowest bit stands in the first byte that is one: Mycroft's test for a
// zero byte, and its form for "less than", may only be wrong about bytes above one that
// they are right about.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & tops
}

// valueAt returns the index after the value that starts at i, or -1.
func valueAt(data []byte, i, depth int) int {
	if i >= len(data) || depth > maxDepth {
		return -1
	}
	switch data[i] {
	case '"':
		return stringAt(data, i)
	case '{', '[':
		return compoundAt(data, i, depth)
	}
	start := i
	for i < len(data) && literal(data[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// compoundAt returns the index after the object or list that starts at i.
func compoundAt(data []byte, i, depth int) int {
	object, closer := data[i] == '{', byte(']')
	if object {
		closer = '}'
	}
	if i = space(data, i+1); i < len(data) && data[i] == closer {
		return i + 1
	}
	for {
		if object {
			if i = stringAt(data, i); i < 0 {
				return -1
			}
			if i = space(data, i); i >= len(data) || data[i] != ':' {
				return -1
			}
			i = space(data, i+1)
		}
		if i = valueAt(data, i, depth+1); i < 0 {
			return -1
		}
		if i = space(data, i); i >= len(data) {
			return -1
		}
		if data[i] == closer {
			return i + 1
		}
		if data[i] != ',' {
			return -1
		}
		i = space(data, i+1)
	}
}

// literal reports whether a byte belongs to a number, true, false or null.
func literal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// isNull reports whether a value is null.
func isNull(v []byte) bool { return string(v) == "null" }

// isEmptyString reports whether a value is "".
func isEmptyString(v []byte) bool { return string(v) == `""` }

// unquote resolves a JSON string.
func unquote(v []byte) (string, bool) {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return "", false
	}
	v = v[1 : len(v)-1]
	plain := true
	for _, c := range v {
		if c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return string(v), true
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); {
		if v[i] != '\\' {
			r, n := utf8.DecodeRune(v[i:]) // what is not UTF-8 becomes U+FFFD, as encoding/json does
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		r, n := escape(v[i:])
		if n == 0 {
			return "", false
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	return string(out), true
}

// escape resolves the escape v starts with and returns its length, 0 when it is
// none.
func escape(v []byte) (rune, int) {
	if len(v) < 2 {
		return 0, 0
	}
	switch v[1] {
	case '"', '\\', '/':
		return rune(v[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(v)
		if r < 0 {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(v) >= 12 && v[6] == '\\' && v[7] == 'u' {
			if both := utf16.DecodeRune(r, hex4(v[6:])); both != utf8.RuneError {
				return both, 12
			}
		}
		return utf8.RuneError, 6
	}
	return 0, 0
}

// hex4 reads the digits of \uXXXX; -1 when there are none.
func hex4(v []byte) rune {
	if len(v) < 6 {
		return -1
	}
	n, err := strconv.ParseUint(string(v[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
