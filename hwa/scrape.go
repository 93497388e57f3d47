package hwa

import (
	"encoding/json"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"

	"resync/hwa/msgcode"
)

const (
	scrapeBytes = 64 << 10 // of an error body looked at
	textBytes   = 1000     // of the engine's words kept
)

var (
	tagPattern   = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)\s*>|<!--.*?-->|<[^>]*>`)
	titlePattern = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// scrape finds the message codes and the readable text in an error body of any form: the API defines none, and engines answer
// with JSON, HTML or plain text.
func scrape(contentType string, body []byte) (codes []string, text string) {
	if len(body) > scrapeBytes {
		body = body[:scrapeBytes]
	}
	s := strings.ToValidUTF8(string(body), "\uFFFD")
	trimmed := strings.TrimSpace(s)
	switch {
	case looksHTML(contentType, trimmed):
		text = htmlText(s)
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["), strings.HasPrefix(trimmed, `"`):
		text = jsonText(trimmed)
	default:
		text = trimmed
	}
	return codesIn(s), clip(squeeze(text), textBytes)
}

func looksHTML(contentType, trimmed string) bool {
	if strings.Contains(strings.ToLower(contentType), "html") {
		return true
	}
	head := strings.ToLower(trimmed[:min(len(trimmed), 256)])
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html")
}

func htmlText(s string) string {
	title := ""
	if m := titlePattern.FindStringSubmatch(s); m != nil {
		title = strings.TrimSpace(m[1]) + " "
	}
	return html.UnescapeString(title + tagPattern.ReplaceAllString(s, " "))
}

// jsonText collects the strings that stand under the keys servers use for words; a cut or odd document is returned as it is.
func jsonText(s string) string {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	if word, ok := v.(string); ok {
		return word
	}
	var parts []string
	collectText(v, false, 0, &parts)
	if len(parts) == 0 {
		return s
	}
	return strings.Join(parts, "; ")
}

func collectText(v any, wanted bool, depth int, parts *[]string) {
	if depth > 16 || len(*parts) > 8 {
		return
	}
	switch v := v.(type) {
	case string:
		if wanted && v != "" && !slices.Contains(*parts, v) {
			*parts = append(*parts, v)
		}
	case []any:
		for _, w := range v {
			collectText(w, wanted, depth+1, parts)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			collectText(v[k], wordKey(k), depth+1, parts)
		}
	}
}

func wordKey(k string) bool {
	switch strings.ToLower(k) {
	case "message", "messages", "errormessage", "error", "errors", "description", "detail", "details", "title", "cause", "reason", "text", "localizedmessage":
		return true
	}
	return false
}

// squeeze makes one line of a text.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// clip cuts s to at most n bytes without splitting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// codesIn lists the message codes in s in their normal form, in order, each once.
func codesIn(s string) []string {
	var out []string
	for _, c := range msgcode.Codes(s) {
		out = append(out, c.Text)
	}
	return out
}
