package llm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"resync/llm"
)

func TestPricesHaveDirections(t *testing.T) {
	p, err := llm.BuiltinPrices()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		provider, model string
		usage           llm.Usage
		want            float64 // -1: not known
	}{
		{"openai", "gpt-4o", llm.Usage{InputTokens: 1e6}, 2.5}, {"openai", "gpt-4o", llm.Usage{OutputTokens: 1e6}, 10},
		{"openai", "gpt-4o", llm.Usage{InputTokens: 1e6, CachedTokens: 1e6}, 1.25}, {"openai", "gpt-4o", llm.Usage{InputTokens: 1e6, CachedTokens: 4e5}, .6*2.5 + .4*1.25},
		{"openai", "gpt-4o-2024-08-06", llm.Usage{InputTokens: 1e6}, 2.5}, {"openai", "gpt-4", llm.Usage{InputTokens: 1e6, CachedTokens: 1e6}, 30},
		{"anthropic", "claude-3-haiku-20240307", llm.Usage{InputTokens: 1e6, OutputTokens: 1e6}, 1.5},
		{"ollama", "qwen2.5:3b", llm.Usage{InputTokens: 1e6, OutputTokens: 1e6}, 0},
		{"openrouter", "meta-llama/llama-3.2-3b-instruct:free", llm.Usage{InputTokens: 1e6}, 0}, {"openrouter", "openai/gpt-4o", llm.Usage{InputTokens: 1e6}, 2.5},
		{"openai", "gpt-9", llm.Usage{InputTokens: 1}, -1}, {"vllm", "gpt-4o", llm.Usage{InputTokens: 1}, -1}, {"litellm", "gpt-4o", llm.Usage{}, -1}, {"api", "gpt-4o", llm.Usage{}, -1},
	} {
		row, _ := p.Find(tt.provider, tt.model)
		price, known := row.Price()
		if known != (tt.want >= 0) || known && math.Abs(price.Cost(tt.usage)-tt.want) > 1e-9 {
			t.Errorf("%s/%s %+v: known %v, %g, want %g", tt.provider, tt.model, tt.usage, known, price.Cost(tt.usage), tt.want)
		}
	}
}

func TestPriceTablesOfLiteLLM(t *testing.T) {
	p, err := llm.ParsePrices([]byte(`{"sample_spec": {"max_tokens": "LEGACY", "mode": "one of chat, embedding"},
		"gpt-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06, "supports_function_calling": false},
		"half": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06},
		"dall-e": {"litellm_provider": "openai", "mode": "image_generation", "max_input_tokens": "many"}}`))
	if err != nil || p.Len() != 2 {
		t.Fatalf("%d rows, %v", p.Len(), err)
	}
	row, ok := p.Find("openai", "half")
	if _, known := row.Price(); !ok || known {
		t.Errorf("a price with one direction counts as known: %+v", row)
	}
	text, err := json.Marshal(p)
	again, err2 := llm.ParsePrices(text)
	if err != nil || err2 != nil || again.Len() != 2 {
		t.Errorf("written and read back: %v, %v", err, err2)
	}
	for bad, says := range map[string]string{`[]`: "price table", `{"m": 3}`: `"m"`, `{"m": {"input_cost_per_token": -1, "output_cost_per_token": 0}}`: "negative"} {
		if _, err := llm.ParsePrices([]byte(bad)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to say %q", bad, err, says)
		}
	}
	built, _ := llm.BuiltinPrices()
	over, _ := llm.ParsePrices([]byte(`{"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1, "output_cost_per_token": 1}}`))
	row, _ = built.Merge(over).Find("openai", "gpt-4o")
	if price, _ := row.Price(); price.Input != 1 {
		t.Errorf("the own table does not win: %+v", price)
	}
	for _, tt := range []struct{ model, want string }{{"gpt-4o", "mine"}, {"gpt-4", "from memory on 2026-11-22"}} {
		if row, _ := built.Merge(over.From("mine").From("another")).Find("openai", tt.model); !strings.Contains(row.Source, tt.want) {
			t.Errorf("the price of %s is said to be from %q", tt.model, row.Source)
		}
	}
}

func FuzzParsePrices(f *testing.F) {
	f.Add([]byte(`{"m":{"mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":"x"}}`))
	f.Add([]byte(`{"a/*":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := llm.ParsePrices(data)
		if err != nil {
			return
		}
		row, _ := p.Find("openai", "m")
		if price, ok := row.Price(); ok && (price.Input < 0 || price.Output < 0) {
			t.Errorf("a negative price: %+v", price)
		}
	})
}

// ledger is one in memory that can be told to fail.
type ledger struct {
	mu   sync.Mutex
	days map[string]map[string]int64
	down bool
}

var errAway = errors.New("the disk is away")

func (l *ledger) LLMSpent(_ context.Context, day string) (map[string]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errAway
	}
	out := map[string]int64{}
	for k, v := range l.days[day] {
		out[k] = v
	}
	return out, nil
}

func (l *ledger) AddLLMSpent(_ context.Context, day string, amounts map[string]int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errAway
	}
	if l.days == nil {
		l.days = map[string]map[string]int64{}
	}
	if l.days[day] == nil {
		l.days[day] = map[string]int64{}
	}
	for k, v := range amounts {
		l.days[day][k] += v
	}
	return nil
}

// priced is a chain of one model whose answers cost a cent.
func priced(t *testing.T, m *llm.Meter) (*llm.Chain, *scripted) {
	a := &scripted{steps: []step{{usage: llm.Usage{InputTokens: 500, OutputTokens: 250}}}}
	return chainOf(t, func(o *llm.Options) { o.Meter, o.Targets[0].Price = m, &llm.Price{Input: 1e-5, Output: 2e-5} }, a), a
}

func by(user string) *llm.Request {
	r := ask(strings.Repeat("wor ", 496)) // about the 500 tokens the model reports
	r.User, r.MaxTokens = user, 250
	return r
}

func TestLimitsAreEnforced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		led := &ledger{}
		m := llm.NewMeter(led, llm.Limits{UserDay: .035, Day: .065}, nil)
		c, a := priced(t, m)
		answers := map[string]int{}
		for range 10 {
			for _, user := range []string{"ana", "ben", "cem"} {
				if _, err := c.Complete(t.Context(), by(user)); err == nil {
					answers[user]++
				} else if over := new(llm.BudgetError); !errors.As(err, &over) || !strings.Contains(err.Error(), "used up for today") {
					t.Fatal(err)
				}
			}
		}
		if answers["ana"]+answers["ben"]+answers["cem"] != 6 || a.count() != 6 || answers["ana"] > 3 {
			t.Errorf("%v answers, %d calls", answers, a.count())
		}
		if err := m.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		restarted, _ := priced(t, llm.NewMeter(led, llm.Limits{Day: .065}, nil))
		if _, err := restarted.Complete(t.Context(), by("ana")); err == nil {
			t.Error("a restart forgets what was spent")
		}
		time.Sleep(24 * time.Hour)
		if _, err := c.Complete(t.Context(), by("ana")); err != nil {
			t.Errorf("the next day: %v", err)
		}
		if spent, err := c.SpentToday(t.Context(), "ana"); err != nil || math.Abs(spent-.01) > 1e-9 {
			t.Errorf("spent the next day: %g, %v", spent, err)
		}
	})
}

// Many at once cannot slip through together: what is under way counts.
func TestLimitsHoldForManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := llm.NewMeter(nil, llm.Limits{UserDay: .05}, nil)
		a := &scripted{steps: []step{{after: time.Second, usage: llm.Usage{InputTokens: 500, OutputTokens: 250}}}}
		c := chainOf(t, func(o *llm.Options) { o.Meter, o.Targets[0].Price = m, &llm.Price{Input: 1e-5, Output: 2e-5} }, a)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { _, _ = c.Complete(context.Background(), by("ana")) })
		}
		wg.Wait()
		if spent, _ := c.SpentToday(t.Context(), "ana"); spent > .05 || a.count() == 0 {
			t.Errorf("spent %g of 0.05 with %d calls", spent, a.count())
		}
	})
}

func TestAPriceNobodyKnows(t *testing.T) {
	c := chainOf(t, nil, &scripted{})
	r, err := c.Complete(t.Context(), ask("x"))
	if err != nil || r.CostUSD != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if text, _ := json.Marshal(r); !bytes.Contains(text, []byte(`"cost":null`)) {
		t.Errorf("shown as %s", text)
	}
	limited := chainOf(t, func(o *llm.Options) { o.Meter = llm.NewMeter(nil, llm.Limits{Day: 1}, nil) }, &scripted{})
	if _, err := limited.Complete(t.Context(), ask("x")); err == nil || !strings.Contains(err.Error(), "price of the model is not known") {
		t.Errorf("with a limit: %v", err)
	}
	allowed := chainOf(t, func(o *llm.Options) { o.Meter = llm.NewMeter(nil, llm.Limits{Day: 1, Unpriced: true}, nil) }, &scripted{})
	if _, err := allowed.Complete(t.Context(), ask("x")); err != nil {
		t.Errorf("with a limit that allows it: %v", err)
	}
}

// A ledger that does not answer refuses where money is limited, and loses
// nothing that is to be written.
func TestTheLedgerIsAway(t *testing.T) {
	led := &ledger{down: true}
	m := llm.NewMeter(led, llm.Limits{Day: 1}, nil)
	c, a := priced(t, m)
	if _, err := c.Complete(t.Context(), by("ana")); !errors.Is(err, errAway) || a.count() != 0 {
		t.Errorf("%v, %d calls", err, a.count())
	}
	led.down = false
	if _, err := c.Complete(t.Context(), by("ana")); err != nil {
		t.Fatal(err)
	}
	led.down = true
	if err := m.Flush(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("flush: %v", err)
	}
	led.down = false
	for range 2 {
		if err := m.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	day := time.Now().UTC().Format(time.DateOnly)
	if diff := cmp.Diff(map[string]int64{"ana": 1e7, "": 1e7}, led.days[day]); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// Whatever the order of requests, the meter's total is the sum of the answers and
// never passes the limit.
func TestTheMeterAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		led := &ledger{}
		m := llm.NewMeter(led, llm.Limits{Day: 1}, nil)
		a := &scripted{provider: "p", model: "m"}
		total := 0.0
		for range rapid.IntRange(1, 20).Draw(t, "requests") {
			u := llm.Usage{InputTokens: rapid.IntRange(0, 3000).Draw(t, "in"), OutputTokens: rapid.IntRange(1, 1000).Draw(t, "out")}
			a.steps = []step{{usage: u}}
			c, err := llm.New(llm.Options{Meter: m, Targets: []llm.Target{{Name: "A", Model: a, Price: &llm.Price{Input: 1e-5, Output: 3e-5}}}})
			if err != nil {
				t.Fatal(err)
			}
			req := ask("x")
			req.MaxTokens = 4000
			if r, err := c.Complete(context.Background(), req); err == nil {
				total += *r.CostUSD
			}
			if rapid.Bool().Draw(t, "flush") {
				if err := m.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		spent, err := m.Spent(context.Background(), "")
		if err != nil || math.Abs(spent-total) > 1e-6 || spent > 1 {
			t.Fatalf("spent %g, the answers cost %g, %v", spent, total, err)
		}
	})
}

func TestJSONIsRepaired(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`: `{"a":1}`, " [1, 2] ": "[1, 2]", `"text"`: `"text"`,
		"```json\n{\"a\": 1}\n```":                 `{"a": 1}`,
		"Sure!\n```\n[1,2,]\n```\nAnything else?":  `[1,2]`,
		`{"a": [1, 2,], "b": {"c": 3,},}`:          `{"a": [1, 2], "b": {"c": 3}}`,
		"{\"a\": 1, // why\n \"b\": \"x // y\"}":   "{\"a\": 1,  \"b\": \"x // y\"}",
		`I think {this} is it: {"a": "}{,]"} done`: `{"a": "}{,]"}`,
		`{"a": "say \"hi\", then"}`:                `{"a": "say \"hi\", then"}`,
	} {
		if got, err := llm.RepairJSON(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "no", `{"a": 1`, `{"a": "x`, `{"a": }`, "{{{", `{"a" 1}`} {
		if got, err := llm.RepairJSON(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// What RepairJSON returns is JSON, and what was JSON is left alone.
func FuzzRepairJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,}`, "```json\n[1]\n```", `x {"a":"\"}"} y`, "{//\n}", `[[[[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := llm.RepairJSON(s)
		if err == nil && !json.Valid([]byte(got)) {
			t.Errorf("%q became %q, which is not JSON", s, got)
		}
		if trimmed := strings.TrimSpace(s); json.Valid([]byte(trimmed)) && trimmed != got {
			t.Errorf("%q was JSON and became %q", s, got)
		}
	})
}

func TestCompleteJSON(t *testing.T) {
	type answer struct{ Job string }
	for name, tt := range map[string]struct {
		texts []string
		job   string
		calls int
	}{
		"at once": {[]string{`{"job":"PAY"}`}, "PAY", 1}, "second try": {[]string{"well", `{"job":"PAY"}`}, "PAY", 2},
		"of another type": {[]string{`{"job":3}`, `{"job":"PAY"}`}, "PAY", 2}, "never": {[]string{"no"}, "", 2},
	} {
		a := &scripted{}
		for _, text := range tt.texts {
			a.steps = append(a.steps, step{text: text, usage: llm.Usage{InputTokens: 10, OutputTokens: 1}})
		}
		c := chainOf(t, nil, a)
		req := ask("x")
		got, resp, err := llm.CompleteJSON[answer](t.Context(), c, req)
		if got.Job != tt.job && tt.job != "" || (err == nil) != (tt.job != "") || a.count() != tt.calls || resp.TokensUsed != 11*tt.calls || len(req.Messages) != 1 {
			t.Errorf("%s: %+v, %+v, %v after %d calls", name, got, resp, err, a.count())
		}
	}
	a := &scripted{steps: []step{fault(llm.CallerFault, "")}}
	if _, _, err := llm.CompleteJSON[answer](t.Context(), chainOf(t, nil, a), ask("x")); err == nil || a.count() != 1 {
		t.Errorf("%v after %d calls", err, a.count())
	}
}

func TestEvents(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":          {"data: a\n\ndata: b\n\n", "|a ; |b"},
		"crlf":           {"event: x\r\ndata: a\r\n\r\n", "x|a"},
		"several lines":  {"data: a\ndata: b\n\n", "|a\nb"},
		"comments":       {": hello\n\n: again\ndata: a\n\n", "|a"},
		"no space":       {"data:a\n\n", "|a"},
		"two spaces":     {"data:  a\n\n", "| a"},
		"ids and retry":  {"id: 3\nretry: 5\ndata: a\n\n", "|a"},
		"name alone":     {"event: ping\n\ndata: a\n\n", "|a"},
		"no end":         {"data: a", "|a"},
		"empty data":     {"data:\n\n", "|"},
		"nothing":        {"\n\n\n", ""},
		"field unknown":  {"database: x\ndata: a\n\n", "|a"},
		"longer buffers": {"data: " + strings.Repeat("x", 20000) + "\n\n", "|" + strings.Repeat("x", 20000)},
	} {
		for _, slice := range []int{1, 7, 1 << 20} {
			ev := llm.NewEvents(&slicer{r: strings.NewReader(tt.in), n: slice})
			var got []string
			for {
				n, d, err := ev.Next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("%s: %v", name, err)
					}
					break
				}
				got = append(got, string(n)+"|"+string(d))
			}
			if s := strings.Join(got, " ; "); s != tt.want {
				t.Errorf("%s in slices of %d: %.60q, want %.60q", name, slice, s, tt.want)
			}
		}
	}
	endless := llm.NewEvents(io.MultiReader(strings.NewReader("data: "), strings.NewReader(strings.Repeat("x", 5<<20))))
	if _, _, err := endless.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a line of five megabytes: %v", err)
	}
}

// slicer hands out a few bytes at a time.
type slicer struct {
	r io.Reader
	n int
}

func (s *slicer) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// However the bytes are cut, the events are the same.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: a\r\ndata: b\n\nevent: x\ndata: {\"y\":1}\n\n: c\n\ndata: z"), 3)
	f.Add([]byte("event: e\n\ndata:\n\n\r\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		read := func(r io.Reader) string {
			var b strings.Builder
			ev := llm.NewEvents(r)
			for {
				name, d, err := ev.Next()
				if err != nil {
					return b.String() + fmt.Sprint(errors.Is(err, io.EOF))
				}
				fmt.Fprintf(&b, "%q %q\n", name, d)
			}
		}
		if n < 1 {
			n = 1
		}
		if whole, cut := read(bytes.NewReader(data)), read(&slicer{bytes.NewReader(data), n}); whole != cut {
			t.Errorf("whole:\n%s\nin slices of %d:\n%s", whole, n, cut)
		}
	})
}

func TestRetryAfterForms(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "0.5": 500 * time.Millisecond, "0": 1, "soon": 0, "-1": 0, "1e99": 0,
		"Sun, 22 Nov 2026 03:00:10 GMT": 10 * time.Second, "Sun, 22 Nov 2026 02:00:00 GMT": 1,
	} {
		if got := llm.ParseRetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	if got := llm.ParseRetryAfter(http.Header{"Retry-After-Ms": {"250"}, "Retry-After": {"9"}}, now); got != 250*time.Millisecond {
		t.Errorf("milliseconds: %s", got)
	}
}

func TestKeysAreScrubbed(t *testing.T) {
	for in, want := range map[string]string{
		"Incorrect API key provided: sk-proj-abc***xyz.": "Incorrect API key provided: •••",
		"bad key my-own-key-9 given":                     "bad key ••• given",
		"line\none\x00":                                  "line one\x00",
	} {
		if got := llm.Scrub(in, "my-own-key-9"); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := llm.Scrub(strings.Repeat("é", 1000), ""); len([]rune(got)) != 301 {
		t.Errorf("a long text has %d characters", len([]rune(got)))
	}
}

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		text   string
		class  llm.Class
		want   string
	}{
		{401, "", "", llm.Credential, ""}, {402, "", "", llm.Quota, ""}, {403, "", "", llm.ModelAccess, ""}, {403, "", "not available in your region", llm.RegionBlocked, ""},
		{404, "", "", llm.ModelGone, ""}, {410, "", "", llm.ModelGone, ""}, {429, "", "", llm.RateLimit, ""}, {429, "insufficient_quota", "", llm.Quota, "insufficient_quota"},
		{451, "", "", llm.RegionBlocked, ""}, {500, "", "", llm.Transient, ""}, {529, "overloaded_error", "", llm.Transient, llm.CodeOverloaded}, {302, "", "", llm.Transient, "redirect"},
		{400, "", "the author of this rated limit", llm.CallerFault, ""}, // defect: "auth" in author, "rate" and "limit"
		{400, "invalid_request_error", "prompt is too long: 250000 tokens", llm.CallerFault, llm.CodeContext},
		{400, "invalid_request_error", "Your credit balance is too low to access the API", llm.Quota, "invalid_request_error"},
		{400, "", "registry.ollama.ai/library/x does not support tools", llm.CallerFault, llm.CodeUnsupported},
		{413, "", "", llm.CallerFault, llm.CodeContext}, {408, "", "", llm.Transient, ""}, {0, "", "", llm.Unknown, ""}, {0, "rate_limit_error", "", llm.RateLimit, "rate_limit_error"},
	} {
		if class, code := llm.Classify(tt.status, tt.code, tt.text); class != tt.class || code != tt.want {
			t.Errorf("%d %q %q: %s %q, want %s %q", tt.status, tt.code, tt.text, class, code, tt.class, tt.want)
		}
	}
}
