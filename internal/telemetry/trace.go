package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

// maxTraceID bounds an id accepted from outside, so that a client cannot fill
// the logs or the journal through it.
const maxTraceID = 64

// traceKey is the context key of the trace id.
type traceKey struct{}

// NewTraceID returns a random trace id: 16 bytes as 32 lower-case hexadecimal
// digits, the form of W3C Trace Context, so it can be handed on in a
// traceparent header.
func NewTraceID() string {
	var b [16]byte // it tells requests apart and opens nothing: the runtime's generator will do
	binary.NativeEndian.PutUint64(b[:], rand.Uint64())
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// WithTraceID returns a context that carries id. Loggers built by NewLogger
// add it to every record that is logged with that context.
func WithTraceID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// TraceID returns the trace id carried by ctx, or "" when there is none.
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// ValidTraceID reports whether id may be taken over from a caller: 1 to 64
// letters, digits, dots, dashes and underscores. Anything else could forge log
// lines or headers.
func ValidTraceID(id string) bool {
	if id == "" || len(id) > maxTraceID {
		return false
	}
	for _, r := range []byte(id) {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		case r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// ParseTraceparent returns the trace id inside a W3C traceparent header
// ("00-<32 hex>-<16 hex>-<2 hex>") and whether the header is well formed. An
// all-zero id is invalid by the specification.
func ParseTraceparent(header string) (string, bool) {
	if header == "" {
		return "", false
	}
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" {
		return "", false
	}
	if parts[0] == "00" && len(parts) != 4 {
		return "", false
	}
	id := parts[1]
	ok := lowerHex(parts[0], 2) && lowerHex(id, 32) && lowerHex(parts[2], 16) && lowerHex(parts[3], 2)
	if !ok || strings.Trim(id, "0") == "" || strings.Trim(parts[2], "0") == "" {
		return "", false
	}
	return id, true
}

// lowerHex reports whether s is exactly n lower-case hexadecimal digits.
func lowerHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
