package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged returns what one call of log writes as JSON, without the time.
func logged(t *testing.T, r *Redactor, log func(*slog.Logger)) map[string]any {
	t.Helper()
	var buf bytes.Buffer
	l, err := NewLogger(LogConfig{Format: "json", Level: "debug", Output: &buf, Redactor: r})
	if err != nil {
		t.Fatal(err)
	}
	log(l)
	var m map[string]any
	if err := json.Unmarshal(buf.Bytes(), &m); err != nil {
		t.Fatalf("log line %q is not JSON: %v", buf.String(), err)
	}
	if ts, _ := m["time"].(string); !strings.HasSuffix(ts, "Z") {
		t.Errorf("time %q is not UTC", ts)
	}
	delete(m, "time")
	delete(m, "level")
	return m
}

type credential struct{ Password string }

func (c credential) LogValue() slog.Value { return slog.StringValue("pw " + c.Password) }

func TestLoggerRemovesSecretsWhereverTheyStand(t *testing.T) {
	const secret = "s3cret-value"
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want map[string]any
	}{
		{"message", func(l *slog.Logger) { l.Info("got " + secret) }, map[string]any{"msg": "got •••"}},
		{"string", func(l *slog.Logger) { l.Info("m", "where", "a "+secret) }, map[string]any{"msg": "m", "where": "a •••"}},
		{"error", func(l *slog.Logger) { l.Info("m", "err", fmt.Errorf("dial: %w", errors.New(secret))) }, map[string]any{"msg": "m", "err": "dial: •••"}},
		{"log valuer", func(l *slog.Logger) { l.Info("m", "c", credential{secret}) }, map[string]any{"msg": "m", "c": "pw •••"}},
		{"struct", func(l *slog.Logger) { l.Info("m", "c", struct{ X string }{secret}) }, map[string]any{"msg": "m", "c": `{"X":"•••"}`}},
		{"clean struct keeps its shape", func(l *slog.Logger) { l.Info("m", "c", struct{ X int }{1}) }, map[string]any{"msg": "m", "c": map[string]any{"X": 1.0}}},
		{"group", func(l *slog.Logger) { l.Info("m", slog.Group("g", "a", secret, "n", 1)) }, map[string]any{"msg": "m", "g": map[string]any{"a": "•••", "n": 1.0}}},
		{"by name", func(l *slog.Logger) { l.Info("m", "password", "short", "token", 7) }, map[string]any{"msg": "m", "password": "•••", "token": "•••"}},
		{"secret group", func(l *slog.Logger) { l.Info("m", slog.Group("credentials", "user", "ops")) }, map[string]any{"msg": "m", "credentials": map[string]any{"user": "•••"}}},
		{"With", func(l *slog.Logger) { l.With("where", secret).Info("m") }, map[string]any{"msg": "m", "where": "•••"}},
		{"WithGroup", func(l *slog.Logger) { l.WithGroup("secret").Info("m", "a", "b") }, map[string]any{"msg": "m", "secret": map[string]any{"a": "•••"}}},
		{"nil", func(l *slog.Logger) { l.Info("m", "x", nil) }, map[string]any{"msg": "m", "x": nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, logged(t, NewRedactor(secret), tt.log)); diff != "" {
				t.Errorf("log line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoggerAddsTheTraceID(t *testing.T) {
	ctx := WithTraceID(context.Background(), "4bf9")
	got := logged(t, nil, func(l *slog.Logger) { l.InfoContext(ctx, "m") })
	if got["trace_id"] != "4bf9" {
		t.Errorf("trace_id = %v, want 4bf9", got["trace_id"])
	}
	if got := logged(t, nil, func(l *slog.Logger) { l.Info("m") }); got["trace_id"] != nil {
		t.Errorf("trace_id = %v without a trace, want none", got["trace_id"])
	}
}

func TestLoggerLevelAndFormat(t *testing.T) {
	var buf bytes.Buffer
	l, err := NewLogger(LogConfig{Level: "warn", Output: &buf})
	if err != nil {
		t.Fatal(err)
	}
	l.Info("hidden")
	l.Warn("shown", "n", 1)
	if got := buf.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "msg=shown n=1") {
		t.Errorf("text log at warn = %q", got)
	}
	for _, c := range []LogConfig{{Level: "loud", Output: io.Discard}, {Format: "xml", Output: io.Discard}} {
		if _, err := NewLogger(c); err == nil || !strings.Contains(err.Error(), "logging.") {
			t.Errorf("NewLogger(%+v) error = %v, want one that names the setting", c, err)
		}
	}
}

func TestReadBuild(t *testing.T) {
	if b := ReadBuild("v1.2.3"); b.Version != "v1.2.3" || b.Go == "" {
		t.Errorf("ReadBuild(v1.2.3) = %+v", b)
	}
	if b := ReadBuild(""); b.Version == "" {
		t.Errorf("ReadBuild(\"\").Version is empty, want a name")
	}
}
