package refactor

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
)

// Rule is a thematic group and the words that speak for it.
type Rule struct {
	Group string
	Words []string
}

// Rules assign files to groups; the first of two equally good groups wins.
type Rules []Rule

// unknownGroup takes files no rule speaks for.
const unknownGroup = "unknown"

// DefaultRules are the contract's six groups.
func DefaultRules() Rules {
	return Rules{
		{"tws", []string{"tws", "hwa", "workload", "scheduler", "job", "jobs", "plan", "workstation", "conman", "oql", "msgcode"}},
		{"agents", []string{"agent", "agents", "llm", "prompt", "chat", "model", "tool", "tools", "router", "specialist", "diagnose", "mcp"}},
		{"retrieval", []string{"rag", "retrieve", "retrieval", "chunk", "embedding", "vector", "search", "index", "knowledge", "rank", "context", "document"}},
		{"security", []string{"auth", "security", "token", "password", "crypto", "policy", "permission", "session", "secret", "csrf", "encrypt", "validate", "validation"}},
		{"observability", []string{"log", "logger", "logging", "metric", "metrics", "trace", "tracing", "telemetry", "monitor", "alert", "health", "audit", "observe"}},
		{"platform", []string{"config", "store", "cache", "redis", "database", "sql", "http", "server", "app", "pool", "retry", "breaker", "queue", "event", "state", "cli", "io", "file", "net"}},
	}
}

// ReadRules reads rules from a file, one "group: word word…" a line; # starts a
// comment.
func ReadRules(name string) (Rules, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the grouping rules: %w", err)
	}
	defer f.Close()
	var out Rules
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		group, words, ok := strings.Cut(line, ":")
		fields := strings.FieldsFunc(strings.ToLower(words), func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
		if group = strings.TrimSpace(group); !ok || group == "" || len(fields) == 0 {
			return nil, fmt.Errorf("%s:%d: want \"group: word word…\"", name, n)
		}
		out = append(out, Rule{group, fields})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the grouping rules: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no rule", name)
	}
	return out, nil
}

// group scores a file: a word in the directory or file name counts three times,
// among its types and functions or imports once each.
func (r Rules) group(f FileInfo) string {
	score := func(words []string, in []string) int {
		n := 0
		for _, w := range in {
			if slices.Contains(words, w) {
				n++
			}
		}
		return n
	}
	names := wordsOf(strings.TrimSuffix(f.RelativePath, ".go"))
	declared := wordsOf(strings.Join(f.Classes, " ") + " " + strings.Join(f.Functions, " "))
	imports := wordsOf(strings.Join(f.InternalImports, " "))
	best, most := unknownGroup, 0
	for _, rule := range r {
		if n := 3*score(rule.Words, names) + score(rule.Words, declared) + score(rule.Words, imports); n > most {
			best, most = rule.Group, n
		}
	}
	return best
}

// wordsOf splits names at separators and at changes to upper case, in lower case.
func wordsOf(s string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(s)
	for i, c := range runes {
		switch {
		case !unicode.IsLetter(c):
			flush()
			continue
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		}
		word = append(word, c)
	}
	flush()
	return out
}
