package telemetry

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Mask is what stands in place of a secret.
const Mask = "•••"

// minSecret is the shortest value that is removed by exact match. Removing
// shorter ones would destroy the text around them and hide little.
const minSecret = 4

// shape is a credential recognised by how it looks.
type shape struct {
	hints []string // one of them is in the text, or the expression cannot match; looking for them is 50 times faster
	re    *regexp.Regexp
	with  string // what replaces it
}

// shapes are the secrets whose value is not known beforehand. What tells the
// reader which kind of secret stood there is kept.
var shapes = []shape{
	{[]string{"://"}, regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://[^\s:/?#@"']*:)[^\s/?#@"']+@`), "${1}" + Mask + "@"},
	{[]string{"eyJ"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), Mask},
	{[]string{"k-"}, regexp.MustCompile(`\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}`), Mask},
	{[]string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`), Mask},
	{[]string{"PRIVATE KEY"}, regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`), Mask},
	{[]string{"=", ":"}, regexp.MustCompile(`(?i)\b(authorization["']?\s*[=:]\s*["']?(?:basic|bearer|digest)\s+)[^\s"',]+`), "${1}" + Mask},
	{[]string{"=", ":"}, regexp.MustCompile(`(?i)\b((?:password|passwd|passphrase|pwd|secret|secret[_-]?key|api[_-]?key|access[_-]?key|token|access[_-]?token|refresh[_-]?token|id[_-]?token)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&}\]]+)`), "${1}" + Mask},
	// 16 characters at least: "basic authentication" is not a secret.
	{[]string{"earer ", "EARER ", "asic ", "ASIC "}, regexp.MustCompile(`(?i)\b((?:bearer|basic)\s+)[a-z0-9+/_.~-]{16,}=*`), "${1}" + Mask},
}

// sensitiveKey matches attribute names whose values are never logged. It is
// matched against the whole name, so "token_count" and "secrets_found" stay.
var sensitiveKey = regexp.MustCompile(`(?i)^(?:.*[_.-])?(?:password|passwd|passphrase|pwd|secret|secret_?key|api_?key|private_?key|token|access_?token|refresh_?token|id_?token|authorization|proxy-authorization|cookie|set-cookie|jwt|credentials?)$`)

// Redactor removes secrets from text: every exact value it was given, and
// whatever has the shape of a credential. The zero value knows the shapes only
// and is ready to use; it is safe for concurrent use.
type Redactor struct {
	mu       sync.RWMutex
	secrets  []string // longest first, so that a secret inside another does not leave its rest behind
	replacer *strings.Replacer
}

// NewRedactor returns a Redactor that knows the given secret values.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	for _, s := range secrets {
		r.Add(s)
	}
	return r
}

// Add makes r remove every later occurrence of secret. Values shorter than
// four characters are ignored.
func (r *Redactor) Add(secret string) {
	if len(secret) < minSecret {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.secrets, secret) {
		return
	}
	r.secrets = append(r.secrets, secret)
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(r.secrets))
	for _, s := range r.secrets {
		pairs = append(pairs, s, Mask)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// Text returns s with every secret replaced by Mask.
func (r *Redactor) Text(s string) string {
	if s == "" {
		return s
	}
	r.mu.RLock()
	rep := r.replacer
	r.mu.RUnlock()
	if rep != nil {
		s = rep.Replace(s)
	}
	for _, p := range shapes {
		if slices.ContainsFunc(p.hints, func(h string) bool { return strings.Contains(s, h) }) {
			s = p.re.ReplaceAllString(s, p.with)
		}
	}
	return s
}

// SensitiveKey reports whether a value under this name is a secret by its name
// alone: password, db_password, Authorization, api-key and the like.
func SensitiveKey(name string) bool { return sensitiveKey.MatchString(name) }
