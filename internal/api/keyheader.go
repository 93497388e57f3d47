package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"bytes"

	"github.com/danielgtaylor/huma/v2"

	"resync/tool"
)

// keyRule says what an Idempotency-Key means on a route.
type keyRule string

const (
	keyNone  keyRule = "none"  // the route changes nothing, or its answer must not be kept, as a sign-in's
	keyState keyRule = "state" // it changes rows of Resync
	keyRuns  keyRule = "runs"  // all it does goes through runs of the journal
)

// How long keys are remembered; both are published in the reference.
const (
	keyTTL     = 24 * time.Hour
	keyTTLRuns = 72 * time.Hour
)

// maxKey is the longest key, as with other makers of such keys.
const maxKey = 255

func (r route) keyRule() keyRule {
	switch {
	case r.method == http.MethodGet || r.method == http.MethodHead:
		return keyNone
	case r.key == "":
		return keyState
	}
	return r.key
}

func (k keyRule) ttl() time.Duration {
	if k == keyRuns {
		return keyTTLRuns
	}
	return keyTTL
}

// keyParam describes the header in the OpenAPI document.
func keyParam() *huma.Param {
	limit := maxKey + 2
	return &huma.Param{Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &limit},
		Description: `a string of your own, unique per request, such as "8e03978e-40d5-43e8-bc93-6894a57f9324"; the same request with the same key is carried out once and answered alike`}
}

const keyHeader = "Idempotency-Key"

// parseKey reads the header: one structured-field string (RFC 8941 §3.3.3), such
// as "8e03…" with its quotes, or the same without them. "" means there is none.
func parseKey(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", errors.New("a request takes one Idempotency-Key, not several")
	}
	text := strings.Trim(values[0], " \t")
	var key string
	var err error
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		key, err = quotedKey(quoted)
	} else {
		key, err = text, bareKey(text)
	}
	switch {
	case err != nil:
		return "", err
	case key == "":
		return "", errors.New("the Idempotency-Key is empty")
	case len(key) > maxKey:
		return "", fmt.Errorf("the Idempotency-Key has %d characters; %d are allowed", len(key), maxKey)
	}
	return key, nil
}

// quotedKey reads what follows the opening quote. Parameters after the closing
// one mean nothing to us and are passed over, as the RFC asks.
func quotedKey(s string) (string, error) {
	var key strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if rest := strings.TrimLeft(s[i+1:], " "); rest != "" && rest[0] != ';' {
				return "", errors.New("something follows the closing quote of the Idempotency-Key")
			}
			return key.String(), nil
		case c == '\\':
			i++
			if i == len(s) || (s[i] != '"' && s[i] != '\\') {
				return "", errors.New(`in an Idempotency-Key a backslash stands before " or \ only`)
			}
			key.WriteByte(s[i])
		case c < ' ' || c > '~':
			return "", errors.New("an Idempotency-Key holds printable ASCII characters only")
		default:
			key.WriteByte(c)
		}
	}
	return "", errors.New("the closing quote of the Idempotency-Key is missing")
}

// bareKey accepts a key without quotes: visible characters that cannot be taken
// for a list or for parameters.
func bareKey(s string) error {
	if i := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`",;`, r) }); i >= 0 {
		return fmt.Errorf("the Idempotency-Key has a character that needs quotes around the key, at position %d", i+1)
	}
	return nil
}

// fingerprint tells requests apart: method, address without the prefix that both
// forms of a contract path differ in, who asks, and the body in canonical form.
func fingerprint(r *http.Request, user string, body []byte) string {
	query := r.URL.Query()
	for _, v := range query {
		slices.Sort(v)
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(strings.TrimPrefix(r.URL.Path, "/api/v1")), []byte(query.Encode()),
		[]byte(user), []byte(r.Header.Get("Accept")), canonicalBody(body)} {
		fmt.Fprintf(h, "%d:%s,", len(part), part) // netstrings: no two lists of parts read alike
	}
	return hex.EncodeToString(h.Sum(nil))
}

// canonicalBody writes JSON in its canonical form, so that blanks and the order
// of members make no other request; anything else is taken as it is.
func canonicalBody(body []byte) []byte {
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return nil
	}
	if text[0] == '[' {
		text = slices.Concat([]byte(`{"batch":`), text, []byte("}"))
	}
	if text[0] != '{' {
		return body
	}
	if canonical, err := tool.Canonical(text); err == nil {
		return canonical
	}
	return body
}
