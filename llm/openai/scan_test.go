package openai

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"resync/llm"
)

// TestMembers compares the scanner with encoding/json on texts of many shapes.
func TestMembers(t *testing.T) {
	for _, in := range []string{
		`{}`, ` { "a" : 1 , "b":[1,{"c":"}"}] } `, `{"a\u0062":"x\"y","é":null}`, `{"a":{"b":{"c":[[],{}]}}}`, `{"a":-1.5e+3,"b":true}`, "{\"a\":\"\\ud83d\\ude00\"}",
	} {
		if !agrees(t, []byte(in)) {
			t.Errorf("%s is refused", in)
		}
	}
	for _, in := range []string{``, `x`, `[]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":[1,]}`, `{"a":1}x`, `{"a":"`, `{"a":{"b":1}`, `{a:1}`, "{\"a\":\"\n\"}",
		strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)} {
		if members([]byte(in), func(string, int, int) error { return nil }) == nil {
			t.Errorf("%.40s is taken", in)
		}
	}
}

// agrees reports whether the scanner takes a text, and checks that it then finds
// the same members as encoding/json.
func agrees(t *testing.T, in []byte) bool {
	got := map[string]string{}
	if err := members(in, func(key string, start, end int) error { got[key] = string(in[start:end]); return nil }); err != nil {
		return false
	}
	var want map[string]json.RawMessage
	if json.Unmarshal(in, &want) != nil {
		return true // the scanner does not check how literals are spelt
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d members, want %d", in, len(got), len(want))
	}
	for k, v := range want {
		if got[k] != strings.TrimSpace(string(v)) {
			t.Errorf("%s: %q is %q, want %q", in, k, got[k], v)
		}
		var s string
		if json.Unmarshal(v, &s) == nil && len(v) > 0 && v[0] == '"' {
			if mine, ok := unquote(v); !ok || mine != s {
				t.Errorf("%s: unquoted %q, want %q", v, mine, s)
			}
		}
	}
	return true
}

// Whatever is valid JSON and an object is taken, and read alike.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":"\ud800x","c":[{"d":null}]}`, `{"a":{"a":{}}}`, ` {"":""}`, `{"a":"\/\b\f"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m map[string]json.RawMessage
		valid := json.Unmarshal(data, &m) == nil && m != nil && utf8.Valid(data)
		if took := agrees(t, data); valid && !took && strings.Count(string(data), "[")+strings.Count(string(data), "{") < maxDepth {
			t.Errorf("%q is refused", data)
		}
	})
}

// No answer, however odd, makes the reader fail; what it reads of a valid one is
// what encoding/json reads.
func FuzzReadChunk(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"delta":{"content":"a\n"},"finish_reason":null}]}`, `{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":{"x":1}}}]}}]}`,
		`{"error":{"message":"x","code":500}}`, `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, `{"choices":[{"message":{"content":[{"text":"x"}]}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ch, err := readChunk(data, false)
		raw, rawErr := readChunk(data, true)
		if (err == nil) != (rawErr == nil) || ch.delta.Commits != raw.delta.Commits {
			t.Errorf("%q: %v and %v, commits %v and %v", data, err, rawErr, ch.delta.Commits, raw.delta.Commits)
		}
		if err != nil {
			return
		}
		ch.response()
		errorBody(data)
		if !utf8.ValidString(ch.delta.Text) {
			t.Errorf("%q gives text that is not UTF-8: %q", data, ch.delta.Text)
		}
	})
}

func FuzzAccept(f *testing.F) {
	f.Add([]byte(`{"model":"x","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`))
	f.Add([]byte("{\"messages\":[],\"\x7f\":null}"))
	f.Add([]byte(`{"messages":[],"tools":[ ],"max_tokens":3,"response_format":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		req, streamed, err := Accept(data)
		if err != nil {
			return
		}
		m := &Model{opt: Options{Model: "other"}}
		out, err := m.rewrite(req.Raw, streamed, asked{usage: streamed})
		if err != nil {
			t.Fatalf("%q is accepted and cannot be passed on: %v", data, err)
		}
		if json.Valid(data) && !json.Valid(out) {
			t.Errorf("%q became %q", data, out)
		}
		if again, s, err := Accept(out); err != nil || s != streamed || again.Model != "other" {
			t.Errorf("%q became %q: %v", data, out, err)
		}
		_ = req.Decode() // may refuse, must not fail
		wantsUsage(data)
	})
}

// TestStringsEndWhereTheyEnd puts what ends a string at every place of the eight bytes
// that are read at once.
func TestStringsEndWhereTheyEnd(t *testing.T) {
	for n := range 40 {
		body := strings.Repeat("ü~ ", 14)[:n]
		for _, c := range []struct {
			text string
			want int // after the opening quote and body; -1 is no string
		}{{`"`, 1}, {`\""`, 3}, {`\\"`, 3}, {"\n\"", -1}, {"\x1f\"", -1}, {"", -1}, {`\`, -1}, {"\x7f\x80\xff\"", 4}, {`!"`, 2}, {`[]"`, 3}} {
			want := c.want
			if want >= 0 {
				want += 1 + n
			}
			if got := stringAt([]byte(`"`+body+c.text), 0); got != want {
				t.Errorf("%q: ends at %d, want %d", body+c.text, got, want)
			}
			if got := stringAt([]byte(`"`+body+c.text+"padding padding"), 0); c.want >= 0 && got != want {
				t.Errorf("%q and more: ends at %d, want %d", body+c.text, got, want)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for text, want := range map[string]*llm.Usage{
		`{"prompt_tokens":20,"completion_tokens":140,"total_tokens":160}`: {InputTokens: 20, OutputTokens: 140},
		`{"prompt_tokens":20,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":7,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":2}}`: {
			InputTokens: 20, OutputTokens: 3, CachedTokens: 7, ReasoningTokens: 2},
		`{"prompt_tokens":20,"completion_tokens":3,"prompt_cache_hit_tokens":9,"prompt_tokens_details":null}`: {InputTokens: 20, OutputTokens: 3, CachedTokens: 9},
		`{"prompt_tokens":5,"completion_tokens":null}`:                                                        {InputTokens: 5},
		`{"prompt_tokens":0,"completion_tokens":0}`:                                                           nil,
		`{"prompt_tokens":"20","completion_tokens":3}`:                                                        nil,
		`{"prompt_tokens":2.5}`:                                                                               nil,
		`null`:                                                                                                nil,
		`7`:                                                                                                   nil,
	} {
		ch, err := readChunk([]byte(`{"choices":[],"usage":`+text+`}`), true)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, ch.delta.Usage); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestTiming(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000", 999 * time.Nanosecond: "0.000", 5 * time.Microsecond: "0.005", 84 * time.Microsecond: "0.084", 1999 * time.Microsecond: "1.999",
		time.Second: "1000.000", 90*time.Minute + 10*time.Microsecond: "5400000.010",
	} {
		if got, want := timing(d, time.Millisecond), "model;dur="+want+", resync;dur=1.000"; got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}
