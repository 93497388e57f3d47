package telemetry

import (
	"context"
	"strings"
	"testing"
)

func TestNewTraceIDIsValidAndUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewTraceID()
		if len(id) != 32 || !lowerHex(id, 32) || !ValidTraceID(id) {
			t.Fatalf("NewTraceID() = %q, want 32 lower-case hex digits", id)
		}
		if seen[id] {
			t.Fatalf("NewTraceID() gave %q twice", id)
		}
		seen[id] = true
	}
}

func TestTraceIDTravelsInTheContext(t *testing.T) {
	if got := TraceID(context.Background()); got != "" {
		t.Errorf("TraceID of an empty context = %q, want empty", got)
	}
	ctx := WithTraceID(context.Background(), "abc")
	if got := TraceID(ctx); got != "abc" {
		t.Errorf("TraceID = %q, want abc", got)
	}
}

func TestValidTraceID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "req-1.2_3": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\nlevel=ERROR": false, "ü": false, "a\"": false,
	} {
		if got := ValidTraceID(id); got != want {
			t.Errorf("ValidTraceID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestParseTraceparent(t *testing.T) {
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	tests := []struct {
		header string
		ok     bool
	}{
		{"00-" + id + "-" + span + "-01", true},
		{"01-" + id + "-" + span + "-01-later-versions-may-add", true},
		{"00-" + id + "-" + span + "-01-extra", false},
		{"ff-" + id + "-" + span + "-01", false},
		{"00-" + strings.ToUpper(id) + "-" + span + "-01", false},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01", false},
		{"00-" + id + "-" + strings.Repeat("0", 16) + "-01", false},
		{"00-" + id[:31] + "-" + span + "-01", false},
		{"", false}, {"---", false},
	}
	for _, tt := range tests {
		got, ok := ParseTraceparent(tt.header)
		if ok != tt.ok || (ok && got != id) {
			t.Errorf("ParseTraceparent(%q) = %q, %v, want ok=%v", tt.header, got, ok, tt.ok)
		}
	}
}

func FuzzParseTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("00-00000000000000000000000000000000-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, header string) {
		if id, ok := ParseTraceparent(header); ok && !ValidTraceID(id) {
			t.Errorf("accepted header %q gives the invalid id %q", header, id)
		}
	})
}
