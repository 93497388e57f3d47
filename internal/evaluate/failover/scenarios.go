package failover

import (
	"context"
	"fmt"
	"slices"
)

// Want is what a caller should get.
type Want int

// The wants.
const (
	FromA          Want = iota // a whole answer of the first provider
	FromB                      // a whole answer of the second one
	ErrorAfterPart             // a part of an answer, then an explicit error; nobody else is asked
	Refused                    // an error at once, as HTTP status
	Holds                      // the scenario's own check holds
)

// String says it as results do.
func (w Want) String() string {
	return []string{"answer from A", "answer from B", "error after a part", "refused", "holds"}[w]
}

// Scenario is one situation.
type Scenario struct {
	Name    string
	Summary string
	Stream  bool
	A, B    []string          // scripts of the providers, as llmtest has them
	ByKey   map[string]string // API key of A → fault
	Body    string            // of the request; a short question when empty
	Want    Want
	Calls   int // tool calls the answer must hold; 1 when it holds any
	// Inside scenarios need our chain: they set it up, or look into it.
	Inside bool
	Setup  Setup
	// Check looks closer at an answer that is as wanted; "" is fine.
	Check func(*stage, seen) string
	// Do replaces request and verdict: it returns what is wrong, or "".
	Do func(context.Context, *stage) string
}

// Scenarios lists them all.
func Scenarios() []Scenario {
	return slices.Concat(wholeAnswers(), streamed(), tolerated(), toolCalls(), keys(), waiting(), messagesWire(), fitting(), chainWide())
}

// table makes scenarios that differ only in the fault of A.
func table(stream bool, want Want, rows ...[2]string) []Scenario {
	out := make([]Scenario, 0, len(rows))
	for _, r := range rows {
		name, kind := r[0], "plain"
		if stream {
			kind = "stream"
		}
		out = append(out, Scenario{Name: kind + "-" + name, Summary: r[1], Stream: stream, A: []string{name}, Want: want})
	}
	return out
}

// wholeAnswers are faults before or instead of a whole answer.
func wholeAnswers() []Scenario {
	return slices.Concat(
		table(false, FromA, [2]string{"ok", "a healthy answer"}),
		table(false, FromB,
			[2]string{"500", "internal error"}, [2]string{"503", "overloaded"}, [2]string{"429", "rate limit"}, [2]string{"401", "the key is refused"},
			[2]string{"402", "no credit"}, [2]string{"403-region", "not from this country"}, [2]string{"404", "the model is gone"},
			[2]string{"400-context", "the request is too long for A"}, [2]string{"reset", "the connection breaks"}, [2]string{"hang", "no answer at all"},
			[2]string{"html", "a web page with status 200"}, [2]string{"cut-json", "the answer breaks off"}, [2]string{"half-json", "half an answer with status 200"},
			[2]string{"error-200", "an error with status 200"}, [2]string{"error-200-text", "an error in another form with status 200"},
			[2]string{"no-choices", "an answer without choices"}, [2]string{"empty", "an empty answer"}, [2]string{"307", "a redirect"}),
	)
}

// streamed are faults of streams: before the first piece B answers, after it the
// caller is told.
func streamed() []Scenario {
	return slices.Concat(
		table(true, FromA, [2]string{"ok", "a healthy stream"}),
		table(true, FromB,
			[2]string{"500", "internal error"}, [2]string{"429", "rate limit"}, [2]string{"reset", "the connection breaks"}, [2]string{"hang", "no answer at all"},
			[2]string{"silence", "headers, then nothing"}, [2]string{"empty-stream", "a stream without a piece"}, [2]string{"done-only", "a stream of [DONE] alone"},
			[2]string{"html", "a web page with status 200"}, [2]string{"error-first", "an error as first event"}, [2]string{"role-then-error", "the role, then an error"},
			[2]string{"garbage-lines", "nothing but unreadable lines"}),
		table(true, ErrorAfterPart,
			[2]string{"cut", "the connection breaks in the middle"}, [2]string{"clean-close", "ends in the middle as if it were whole"}, [2]string{"stall", "falls silent in the middle"},
			[2]string{"error-mid", "an error event in the middle"}, [2]string{"finish-error", "finish_reason error in the middle"}),
	)
}

// tolerated are oddities that must not cost the answer.
func tolerated() []Scenario {
	return slices.Concat(
		table(true, FromA,
			[2]string{"malformed-line", "one unreadable line in the middle"}, [2]string{"comments", "comments between the pieces (OpenRouter)"}, [2]string{"crlf", "CRLF in slices of seven bytes"},
			[2]string{"no-done", "finish_reason without [DONE]"}, [2]string{"no-finish", "[DONE] without finish_reason"}, [2]string{"usage-last", "usage in an event of its own"},
			[2]string{"reasoning", "reasoning before the content"}),
		[]Scenario{
			{Name: "stream-no-stream-options", Summary: "the server does not know stream_options: learnt once, then left out", Stream: true, A: []string{"no-stream-options"}, Want: FromA, Inside: true},
			{Name: "plain-no-max-tokens", Summary: "the server wants max_completion_tokens: learnt once, then sent", A: []string{"no-max-tokens"}, Want: FromA, Inside: true,
				Body: `{"model":"mock-gpt","max_tokens":50,"messages":[{"role":"user","content":"hello"}]}`},
		},
	)
}

// withTools is a request that offers a tool.
func withTools(stream bool) string {
	return fmt.Sprintf(`{"model":"mock-gpt","stream":%v,"messages":[{"role":"user","content":"Is PAYROLL late?"}],"tools":[{"type":"function","function":{"name":"get_status","parameters":{"type":"object","properties":{"job":{"type":"string"}}}}}]}`, stream)
}

// toolCalls: a call is made once, whole, or not at all.
func toolCalls() []Scenario {
	notTwice := func(st *stage, s seen) string {
		if len(st.b.Hits()) > 0 {
			return "B was asked although a part of the call had been sent"
		}
		return ""
	}
	return []Scenario{
		{Name: "tool-plain", Summary: "a tool call in a whole answer", A: []string{"tool"}, Body: withTools(false), Want: FromA},
		{Name: "tool-fragments", Summary: "arguments in fragments", Stream: true, A: []string{"tool"}, Body: withTools(true), Want: FromA},
		{Name: "tool-no-index", Summary: "two calls without an index (Ollama)", Stream: true, A: []string{"tool-no-index"}, Body: withTools(true), Want: FromA, Calls: 2},
		{Name: "tool-object", Summary: "arguments as an object", Stream: true, A: []string{"tool-object"}, Body: withTools(true), Want: FromA},
		{Name: "tool-cut", Summary: "a call that breaks off is not repeated elsewhere", Stream: true, A: []string{"tool-cut"}, B: []string{"tool"}, Body: withTools(true), Want: ErrorAfterPart, Check: notTwice},
		{Name: "tool-after-fault", Summary: "A fails before its first piece: the call comes once, from B", Stream: true, A: []string{"role-then-error"}, B: []string{"tool"}, Body: withTools(true), Want: FromB},
	}
}

// keys: a key that is refused is the key's trouble, not the provider's.
func keys() []Scenario {
	return []Scenario{
		{Name: "key-rotation", Summary: "the first key is refused, the second answers", ByKey: map[string]string{"key-one-1111": "401"}, Setup: Setup{KeysA: []string{"key-one-1111", "key-two-2222"}}, Want: FromA, Inside: true, Check: asked(2, 0)},
		{Name: "key-rotation-quota", Summary: "two keys are out of money, the third answers", ByKey: map[string]string{"key-one-1111": "429-quota", "key-two-2222": "402"},
			Setup: Setup{KeysA: []string{"key-one-1111", "key-two-2222", "key-three-33"}}, Want: FromA, Inside: true, Check: asked(3, 0)},
		{Name: "key-rotation-stream", Summary: "the first key is too fast, the second streams", Stream: true, ByKey: map[string]string{"key-one-1111": "429"}, Setup: Setup{KeysA: []string{"key-one-1111", "key-two-2222"}}, Want: FromA, Inside: true, Check: asked(2, 0)},
		{Name: "key-all-refused", Summary: "every key of A is refused", A: []string{"401"}, Setup: Setup{KeysA: []string{"key-one-1111", "key-two-2222"}}, Want: FromB, Inside: true, Check: asked(2, 1)},
		{Name: "key-never-shown", Summary: "the provider repeats the key in its error; nobody else does", A: []string{"401"}, B: []string{"401"}, Setup: Setup{KeysA: []string{"sk-secret-key-0123456789"}}, Want: Holds, Inside: true, Do: keyNeverShown},
		{Name: "key-breaker-stays", Summary: "refused keys and rate limits do not open the breaker", A: []string{"401", "429", "401", "429", "402", "403", "401", "400"}, Want: Holds, Inside: true, Do: breakerStays,
			Setup: Setup{KeysA: []string{"k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"}}},
	}
}

// waiting: a time to wait is kept, if there is time.
func waiting() []Scenario {
	return []Scenario{
		{Name: "retry-after-kept", Summary: "A asks for a second, B is down: A is asked again after that second", A: []string{"429-retry-after", "ok"}, B: []string{"500"}, Want: FromA, Inside: true, Setup: Setup{Fair: true}, Check: waited},
		{Name: "retry-after-503", Summary: "the same with an overload", A: []string{"503-retry-after", "ok"}, B: []string{"500"}, Want: FromA, Inside: true, Setup: Setup{Fair: true}, Check: waited},
		{Name: "retry-after-too-long", Summary: "A asks for an hour, B is down: told at once, A is not asked again", A: []string{"429-retry-later"}, B: []string{"500"}, Want: Holds, Inside: true, Do: tooLong},
		{Name: "retry-after-skips", Summary: "while A's wait is not over, the next request does not ask it", A: []string{"429-retry-later", "ok"}, Want: Holds, Inside: true, Do: skipsWhileWaiting},
		{Name: "second-round", Summary: "everybody fails once: the second round answers", A: []string{"500", "ok"}, B: []string{"500"}, Want: FromA, Inside: true},
	}
}

// messagesWire: A speaks Anthropic's wire behind the same endpoint.
func messagesWire() []Scenario {
	rows := []Scenario{
		{Name: "ok", Summary: "a whole answer", A: []string{"ok"}, Want: FromA},
		{Name: "stream-ok", Summary: "a stream", Stream: true, A: []string{"ok"}, Want: FromA},
		{Name: "529", Summary: "overloaded", A: []string{"529"}, Want: FromB},
		{Name: "no-content", Summary: "an answer without content", A: []string{"no-choices"}, Want: FromB},
		{Name: "overloaded-in-200", Summary: "overloaded inside a stream that began with 200", Stream: true, A: []string{"overloaded-stream"}, Want: FromB},
		{Name: "overloaded-mid", Summary: "overloaded in the middle", Stream: true, A: []string{"overloaded-mid"}, Want: ErrorAfterPart},
		{Name: "cut", Summary: "the connection breaks in the middle", Stream: true, A: []string{"cut"}, Want: ErrorAfterPart},
		{Name: "clean-close", Summary: "ends in the middle as if it were whole", Stream: true, A: []string{"clean-close"}, Want: ErrorAfterPart},
		{Name: "stall", Summary: "falls silent in the middle", Stream: true, A: []string{"stall"}, Want: ErrorAfterPart},
		{Name: "tool", Summary: "a tool call", A: []string{"tool"}, Body: withTools(false), Want: FromA},
		{Name: "tool-stream", Summary: "a tool call in fragments", Stream: true, A: []string{"tool"}, Body: withTools(true), Want: FromA},
		{Name: "tool-cut", Summary: "a tool call that breaks off", Stream: true, A: []string{"tool-cut"}, B: []string{"tool"}, Body: withTools(true), Want: ErrorAfterPart},
	}
	for i := range rows {
		rows[i].Name, rows[i].Inside, rows[i].Setup.WireA = "anthropic-"+rows[i].Name, true, "anthropic"
	}
	return rows
}

// fitting: a request goes only to who can do what it asks.
func fitting() []Scenario {
	jsonMode := `{"model":"mock-gpt","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"as JSON"}]}`
	return []Scenario{
		{Name: "capability-tools", Summary: "A has no tools: a request with tools goes to B", B: []string{"tool"}, Body: withTools(false), Setup: Setup{NoTools: true}, Want: FromB, Inside: true, Check: asked(0, 1)},
		{Name: "capability-tools-refused", Summary: "A's server refuses tools: B is asked, the tools stay", A: []string{"no-tools"}, B: []string{"tool"}, Body: withTools(false), Want: FromB, Inside: true, Check: asked(1, 1)},
		{Name: "capability-json", Summary: "A has no JSON mode: a request for JSON goes to B", Body: jsonMode, Setup: Setup{WireA: "anthropic"}, Want: FromB, Inside: true, Check: asked(0, 1)},
		{Name: "callers-fault", Summary: "a wrong request is told, not repeated elsewhere", A: []string{"400"}, Want: Holds, Inside: true, Do: callersFault},
		{Name: "json-repair", Summary: "JSON in a fence with a comma too many is read", A: []string{"fenced-json"}, Want: Holds, Inside: true, Do: jsonRepair(1)},
		{Name: "json-asked-again", Summary: "words instead of JSON are shown to the model once", A: []string{"not-json", "json"}, Want: Holds, Inside: true, Do: jsonRepair(2)},
	}
}

// chainWide: what holds for the chain as a whole.
func chainWide() []Scenario {
	return []Scenario{
		{Name: "all-down", Summary: "nobody answers: an error with the trail of attempts", A: []string{"500"}, B: []string{"503"}, Want: Holds, Inside: true, Setup: Setup{Rounds: 1}, Do: allDown},
		{Name: "time-used-up", Summary: "A and B hang: told when the shared time is over, not later", A: []string{"hang"}, B: []string{"hang"}, Want: Holds, Inside: true, Setup: Setup{Fair: true}, Do: timeUsedUp},
		{Name: "fair-share", Summary: "A hangs: B still gets its share of the time", A: []string{"hang"}, Want: FromB, Inside: true, Setup: Setup{Fair: true}},
		{Name: "money-used-up", Summary: "the user's money is used up: refused before anybody is asked", Want: Holds, Inside: true, Setup: Setup{Limits: usd(0, 0.003, 0)}, Do: moneyUsedUp},
		{Name: "money-per-request", Summary: "a request that could cost too much is refused", Want: Holds, Inside: true, Setup: Setup{Limits: usd(0.001, 0, 0)}, Do: moneyPerRequest},
		{Name: "breaker-skips", Summary: "after five faults A is not asked any more", A: []string{"500"}, Want: Holds, Inside: true, Do: breakerSkips},
		{Name: "breaker-heals", Summary: "after the delay A is probed and answers again", A: []string{"500", "500", "ok"}, Want: Holds, Inside: true, Setup: Setup{Breaker: quickBreaker()}, Do: breakerHeals},
		{Name: "stream-counts-at-end", Summary: "streams that break off open the breaker", Stream: true, A: []string{"cut"}, Want: Holds, Inside: true, Do: streamCounts},
		{Name: "caller-leaves", Summary: "the caller leaves: A notices, nobody is blamed, B is not asked", Stream: true, A: []string{"stall"}, Want: Holds, Inside: true, Do: callerLeaves},
		{Name: "usage-counted", Summary: "tokens and money of a stream are those of its last piece", Stream: true, Want: Holds, Inside: true, Do: usageCounted},
		{Name: "chosen-per-request", Summary: "a request with its own order leaves the chain as it is", Want: Holds, Inside: true, Do: ownOrder},
	}
}

// asked checks how often each provider was asked.
func asked(a, b int) func(*stage, seen) string {
	return func(st *stage, _ seen) string {
		if x, y := len(st.a.Hits()), len(st.b.Hits()); x != a || y != b {
			return fmt.Sprintf("A was asked %d times and B %d times, want %d and %d", x, y, a, b)
		}
		return ""
	}
}

// headerOf is a response header of ours.
func headerOf(s seen, name string) string {
	if s.header == nil {
		return ""
	}
	return s.header.Get(name)
}
