package plan

import (
	"bytes"
	"math/bits"
	"strings"
)

// wildcard compiles a pattern for single names in upper case: @ is any run of
// characters, ? one character, % one digit. It does what oql's filter does to
// one field, without that filter's cost per name: a plan has half a million.
func wildcard(pattern string) func(folded []byte) bool {
	p := []byte(strings.ToUpper(pattern))
	switch {
	case len(p) == 0 || strings.Trim(pattern, "@") == "":
		return func([]byte) bool { return true }
	case !bytes.ContainsAny(p, "@?%"):
		return func(s []byte) bool { return bytes.Equal(s, p) }
	case !bytes.ContainsAny(p, "?%"):
		return segments(bytes.Split(p, []byte("@")))
	}
	return func(s []byte) bool { return matchWild(p, s) }
}

// segments matches the literal parts of a pattern whose only wildcard is @.
func segments(parts [][]byte) func([]byte) bool {
	first, last, middle := parts[0], parts[len(parts)-1], parts[1:len(parts)-1]
	return func(s []byte) bool {
		if len(s) < len(first)+len(last) || !bytes.HasPrefix(s, first) || !bytes.HasSuffix(s, last) {
			return false
		}
		s = s[len(first) : len(s)-len(last)]
		for _, m := range middle {
			k := bytes.Index(s, m)
			if k < 0 {
				return false
			}
			s = s[k+len(m):]
		}
		return true
	}
}

// matchWild is the two-pointer match: on a mismatch go back to the last @ and
// let it take one character more.
func matchWild(p, s []byte) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '@':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == s[j] || p[i] == '?' || (p[i] == '%' && s[j] >= '0' && s[j] <= '9')):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return len(bytes.Trim(p[i:], "@")) == 0
}

// like is the set of texts a wildcard pattern matches. Its most selective
// literal part is searched first, in one pass over all names.
func (t *texts) like(pattern string) bitset {
	if strings.Trim(pattern, "@") == "" {
		return everything(t.len())
	}
	match := wildcard(pattern)
	literal, rare := t.rarest(pattern)
	if !rare {
		return t.matching(match)
	}
	set := t.containing(literal)
	for w, word := range set {
		for ; word != 0; word &= word - 1 {
			if id := w*64 + bits.TrailingZeros64(word); !match(t.fold(textID(id))) {
				set[w] &^= 1 << (id & 63)
			}
		}
	}
	return set
}

// rarest picks the literal part that fewest of a sample of names contain. When
// even that one is common, searching for it first only costs time.
func (t *texts) rarest(pattern string) (literal string, rare bool) {
	const sample = 256
	step := max(1, t.len()/sample)
	best := sample/4 + 1
	for part := range strings.FieldsFuncSeq(strings.ToUpper(pattern), func(r rune) bool { return r == '@' || r == '?' || r == '%' }) {
		hits := 0
		for id := 0; id < t.len(); id += step {
			if bytes.Contains(t.fold(textID(id)), []byte(part)) {
				hits++
			}
		}
		if hits < best || (hits == best && len(part) > len(literal)) {
			literal, best = part, hits
		}
	}
	return literal, literal != ""
}

// folderMatch compares folders without their outer slashes.
func folderMatch(pattern string) func(folded []byte) bool {
	p := strings.Trim(pattern, "/")
	match := wildcard(p)
	return func(folder []byte) bool {
		f := bytes.Trim(folder, "/")
		if p == "" {
			return len(f) == 0
		}
		return match(f)
	}
}
