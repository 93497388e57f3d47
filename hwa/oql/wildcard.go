package oql

import (
	"strings"
	"unicode/utf8"
)

// like compiles a LIKE pattern: '@' is any run of characters, also an empty one,
// '?' exactly one. The whole value must match; case counts.
func like(pattern string) func(Value) bool {
	match := wildcard(pattern, "@?")
	return func(v Value) bool {
		if v.kind == KindNull {
			return false
		}
		return match(v.plain())
	}
}

// wildcard compiles a pattern with the wildcard characters in allowed ('@', '?'
// and '%', a digit). The common shapes (none, prefix@, @suffix, @part@) avoid
// the general matcher.
func wildcard(pattern, allowed string) func(string) bool {
	n := strings.Count(pattern, "@")
	switch {
	case !strings.ContainsAny(pattern, allowed):
		return func(s string) bool { return s == pattern }
	case strings.Trim(pattern, "@") == "":
		return func(string) bool { return true }
	case strings.ContainsAny(strings.ReplaceAll(pattern, "@", ""), allowed):
	case n == 1 && strings.HasSuffix(pattern, "@"):
		return func(s string) bool { return strings.HasPrefix(s, pattern[:len(pattern)-1]) }
	case n == 1 && pattern[0] == '@':
		return func(s string) bool { return strings.HasSuffix(s, pattern[1:]) }
	case n == 2 && pattern[0] == '@' && pattern[len(pattern)-1] == '@':
		return func(s string) bool { return strings.Contains(s, pattern[1:len(pattern)-1]) }
	}
	digits := strings.Contains(allowed, "%")
	return func(s string) bool { return matchWild(pattern, s, digits) }
}

// matchWild is the usual two-pointer match: on a mismatch go back to the last
// '@' and let it take one character more. It needs no stack and at most
// len(pattern)×len(s) steps.
func matchWild(pattern, s string, digits bool) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '@' {
			star, mark = p, i
			p++
			continue
		}
		if pw, sw, ok := matchOne(pattern[p:], s[i:], digits); ok {
			p, i = p+pw, i+sw
			continue
		}
		if star < 0 {
			return false
		}
		_, w := utf8.DecodeRuneInString(s[mark:])
		mark += w
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "@") == ""
}

// matchOne compares one pattern element with one character and returns the
// widths of both.
func matchOne(pattern, s string, digits bool) (int, int, bool) {
	if pattern == "" {
		return 0, 0, false
	}
	r, w := utf8.DecodeRuneInString(s)
	switch {
	case pattern[0] == '?':
		return 1, w, true
	case pattern[0] == '%' && digits:
		return 1, w, '0' <= r && r <= '9'
	}
	return w, w, strings.HasPrefix(pattern, s[:w])
}
