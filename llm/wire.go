package llm

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter reads how long a provider asks to wait: retry-after-ms, or
// Retry-After in seconds or as a date (RFC 9110 §10.2.3). 0 when it does not say,
// or says something else. A date in the past is a nanosecond, so that it is told
// apart from silence.
func ParseRetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 && ms < 1e12 {
		return max(1, time.Duration(ms*float64(time.Millisecond)))
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if s < 0 || s > 1e9 {
			return 0
		}
		return max(1, time.Duration(s*float64(time.Second)))
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(1, at.Sub(now))
	}
	return 0
}

// keyShape is what API keys look like, also half masked as providers repeat
// them in their errors.
var keyShape = regexp.MustCompile(`\b(?:sk|pk|rk|gsk|xai|key)[-_][A-Za-z0-9*._-]{6,}`)

// maxMessage bounds how much of a provider's text goes into an error.
const maxMessage = 300

// Scrub makes a provider's text fit for an error: without the key, without what
// looks like one, on one line and not too long.
func Scrub(text, key string) string {
	if len(key) >= 4 {
		text = strings.ReplaceAll(text, key, "•••")
	}
	text = keyShape.ReplaceAllString(text, "•••")
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " ")
	if r := []rune(text); len(r) > maxMessage {
		text = string(r[:maxMessage]) + "…"
	}
	return text
}

// NetworkError is the fault of a call whose connection failed.
func NetworkError(err error, key string) *Error {
	return &Error{Class: Transient, Code: CodeNetwork, Message: Scrub(err.Error(), key), Err: err}
}

// Finish translates a provider's word for the end of an answer into ours. A word
// it does not know stays as it is.
func Finish(word string) string {
	switch strings.ToLower(word) {
	case "stop", "eos", "eos_token", "end_turn", "stop_sequence", "completed":
		return FinishStop
	case "length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded":
		return FinishLength
	case "tool_calls", "tool_use", "function_call":
		return FinishTools
	case "content_filter", "safety", "recitation", "refusal":
		return FinishFilter
	}
	return word
}
