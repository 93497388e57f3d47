package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"resync/breaker"
	"resync/llm"
	"resync/llm/anthropic"
	"resync/llm/openai"
)

// stage is what one scenario plays on.
type stage struct {
	a, b     *provider
	chain    *llm.Chain // nil when another gateway is asked
	registry *breaker.Registry
	url      string
	header   http.Header
	srv      *http.Server
	client   *http.Client
	upstream Client
	patience time.Duration
	budget   time.Duration
}

// Setup shapes the chain of a scenario.
type Setup struct {
	KeysA   []string // of provider A
	WireA   string   // "anthropic"; "" is the chat completions wire
	OnlyA   bool     // the chain has no B
	NoTools bool     // provider A's model is declared to have no tools
	Limits  llm.Limits
	Rounds  int
	Breaker breaker.Settings // of A; 5 failures and 60 s when empty
	Budget  time.Duration    // of the chain; six times the patience when 0
	Fair    bool             // targets have no time of their own: each gets a share of the budget
}

func newStage(sc Scenario, o Options) (*stage, error) {
	st := &stage{patience: o.Patience, header: o.Header, url: o.URL, registry: breaker.NewRegistry(),
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	var err error
	if st.a, err = listen("A", o.AddrA); err != nil {
		return nil, err
	}
	if st.b, err = listen("B", o.AddrB); err != nil {
		st.close()
		return nil, err
	}
	err = errors.Join(st.a.Script(sc.A...), st.b.Script(sc.B...))
	for key, fault := range sc.ByKey {
		err = errors.Join(err, st.a.ForKey(key, fault))
	}
	if err == nil && o.URL == "" {
		err = st.serve(sc, o.Client)
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

// serve builds the chain and puts its endpoint on a port.
func (st *stage) serve(sc Scenario, client func() (Client, error)) error {
	st.budget = sc.Setup.Budget
	if st.budget == 0 {
		st.budget = 6 * st.patience
	}
	var err error
	if st.upstream, err = client(); err != nil {
		return fmt.Errorf("making the client: %w", err)
	}
	if st.chain, err = st.newChain(sc.Setup); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening a port for the endpoint: %w", err)
	}
	end := &openai.Server{Chain: st.chain, User: func(*http.Request) string { return "alice" }}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", end.Chat)
	mux.HandleFunc("GET /v1/models", end.Models)
	st.srv = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	st.url = "http://" + ln.Addr().String() + "/v1/chat/completions"
	go st.srv.Serve(ln) //nolint:errcheck // ends with close
	return nil
}

func (st *stage) newChain(s Setup) (*llm.Chain, error) {
	modelA, err := st.model(s.WireA, "provider_a", st.a.addr)
	if err != nil {
		return nil, err
	}
	modelB, err := st.model("", "provider_b", st.b.addr)
	if err != nil {
		return nil, err
	}
	price := &llm.Price{Input: 1e-6, Output: 2e-6}
	wait := st.patience
	if s.Fair {
		wait = 0
	}
	a := llm.Target{Name: "A", Model: modelA, Keys: s.KeysA, Timeout: wait, Price: price}
	if s.NoTools {
		a.Caps.Tools = llm.No
	}
	targets := []llm.Target{a}
	if !s.OnlyA {
		targets = append(targets, llm.Target{Name: "B", Model: modelB, Timeout: wait, Price: price})
	}
	for _, name := range []string{"provider_a", "provider_b"} {
		set := s.Breaker
		set.Name = "llm_" + name
		if set.Failures == 0 {
			set.Failures, set.Delay = 5, time.Minute
		}
		if _, err := st.registry.Register(set); err != nil {
			return nil, err
		}
	}
	return llm.New(llm.Options{
		Targets: targets, Budget: st.budget, Idle: st.patience, Rounds: s.Rounds, Backoff: 20 * time.Millisecond,
		Meter: llm.NewMeter(nil, s.Limits, nil),
		Breaker: func(provider string) *breaker.Breaker {
			b, err := st.registry.Get("llm_" + provider)
			if err != nil {
				return nil
			}
			return b
		},
	})
}

func (st *stage) model(wire, provider, addr string) (llm.Model, error) {
	if wire == "anthropic" {
		return anthropic.New(anthropic.Options{Provider: provider, Model: "mock-claude", BaseURL: "http://" + addr, HTTP: st.upstream})
	}
	return openai.New(openai.Options{Provider: provider, Model: "mock-gpt", BaseURL: "http://" + addr + "/v1", HTTP: st.upstream})
}

func (st *stage) close() {
	if st.srv != nil {
		_ = st.srv.Close() // a scenario is over; what is still open is its subject
	}
	for _, p := range []*provider{st.a, st.b} {
		if p != nil {
			p.close()
		}
	}
	if st.upstream != nil {
		st.upstream.CloseIdleConnections()
	}
}

// seen is what the caller of the endpoint saw.
type seen struct {
	err      error // of the connection
	status   int
	header   http.Header
	body     string // of a whole answer
	content  string
	calls    []openCall
	finish   string
	done     bool // [DONE] came
	errEvent string
	timedOut bool
	took     time.Duration
}

type openCall struct{ id, name, args string }

// request is the body every scenario sends unless it has its own. Ours is asked
// for the whole chain; another gateway knows only models.
func (st *stage) request(sc Scenario) string {
	body := sc.Body
	if body == "" {
		body = fmt.Sprintf(`{"model":"mock-gpt","stream":%v,"messages":[{"role":"user","content":"Why did PAYROLL abend?"}]}`, sc.Stream)
	}
	if st.chain != nil {
		body = strings.Replace(body, `"mock-gpt"`, `"resync"`, 1)
	}
	return body
}

// patienceOf is how long the caller waits: four times what an attempt gets.
func (st *stage) patienceOf() time.Duration { return max(4*st.patience, 2*time.Second) }

func (st *stage) ask(ctx context.Context, sc Scenario) seen {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, st.patienceOf())
	defer cancel()
	s := st.exchange(ctx, sc)
	s.timedOut = ctx.Err() != nil
	s.took = time.Since(started)
	return s
}

func (st *stage) exchange(ctx context.Context, sc Scenario) (s seen) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, st.url, strings.NewReader(st.request(sc)))
	if err != nil {
		return seen{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range st.header {
		req.Header[k] = v
	}
	resp, err := st.client.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer resp.Body.Close()
	s.status, s.header = resp.StatusCode, resp.Header
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		body, err := io.ReadAll(resp.Body)
		s.err, s.body = err, string(body)
		s.readWhole()
		return s
	}
	ev := llm.NewEvents(resp.Body)
	for {
		name, data, err := ev.Next()
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			s.err = err
			return s
		}
		s.readEvent(string(name), bytes.Clone(data))
	}
}

// reply is an answer, or a piece of one, as a simple client reads it.
type reply struct {
	Choices []struct {
		Message message `json:"message"`
		Delta   message `json:"delta"`
		Finish  string  `json:"finish_reason"`
	} `json:"choices"`
	Error json.RawMessage `json:"error"`
}

type message struct {
	Content   string `json:"content"`
	ToolCalls []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments any    `json:"arguments"` // some servers send an object; a gateway that passes raw bytes on passes that on too
		} `json:"function"`
	} `json:"tool_calls"`
}

func (s *seen) readWhole() {
	var r reply
	if json.Unmarshal([]byte(s.body), &r) != nil {
		return
	}
	if len(r.Error) > 0 {
		s.errEvent = string(r.Error)
	}
	if len(r.Choices) > 0 {
		s.take(r.Choices[0].Message)
		s.finish = r.Choices[0].Finish
	}
}

func (s *seen) readEvent(name string, data []byte) {
	if string(data) == "[DONE]" {
		s.done = true
		return
	}
	var r reply
	if json.Unmarshal(data, &r) != nil {
		return // a client skips a line it cannot read
	}
	if name == "error" || (len(r.Error) > 0 && string(r.Error) != "null") {
		s.errEvent = string(data)
		return
	}
	if len(r.Choices) > 0 {
		s.take(r.Choices[0].Delta)
		if f := r.Choices[0].Finish; f != "" {
			s.finish = f
		}
	}
}

func (s *seen) take(m message) {
	s.content += m.Content
	for _, c := range m.ToolCalls {
		args, isText := c.Function.Arguments.(string)
		if !isText && c.Function.Arguments != nil {
			b, _ := json.Marshal(c.Function.Arguments) // it was just read from JSON
			args = string(b)
		}
		if c.ID != "" || len(s.calls) == 0 {
			s.calls = append(s.calls, openCall{id: c.ID, name: c.Function.Name})
		}
		s.calls[len(s.calls)-1].args += args
	}
}

// judge puts what was seen into the words of [Want].
func (st *stage) judge(sc Scenario, s seen) string {
	what := st.verdict(sc, s)
	if sc.Check != nil && what == sc.Want.String() {
		if problem := sc.Check(st, s); problem != "" {
			return what + ", but " + problem
		}
	}
	return what
}

func (st *stage) verdict(sc Scenario, s seen) string {
	whole := func(text string) bool { return s.content == text && s.finish+fmt.Sprint(s.done) != "false" }
	failed := s.err != nil || s.errEvent != "" || s.status >= 400
	switch {
	case s.timedOut:
		return "hang"
	case !failed && len(s.calls) > 0:
		return st.judgeCalls(sc, s)
	case !failed && whole(st.a.Text()):
		return FromA.String()
	case !failed && whole(st.b.Text()):
		return FromB.String()
	case failed && (s.content != "" || len(s.calls) > 0) && !s.done:
		if len(st.b.Hits()) > 0 && sc.Want == ErrorAfterPart {
			return "error after a part, and B was asked as well"
		}
		return ErrorAfterPart.String()
	case failed && s.content == "":
		return fmt.Sprintf("error %d", s.status)
	case s.content == "" && s.status == 200:
		return "nothing that looks like success"
	case strings.HasPrefix(st.a.Text(), s.content) || strings.HasPrefix(st.b.Text(), s.content):
		return "a part that looks whole"
	}
	return fmt.Sprintf("something else: status %d, %.80q", s.status, s.content+s.body)
}

// judgeCalls looks at tool calls: each must be whole, and made once.
func (st *stage) judgeCalls(sc Scenario, s seen) string {
	for _, c := range s.calls {
		var args struct{ Job string }
		if json.Unmarshal([]byte(c.args), &args) != nil || args.Job == "" || c.name != "get_status" {
			return fmt.Sprintf("a broken tool call: %s(%s)", c.name, c.args)
		}
	}
	if len(s.calls) != max(1, sc.Calls) {
		return fmt.Sprintf("%d tool calls instead of %d", len(s.calls), max(1, sc.Calls))
	}
	if len(st.b.Hits()) > 0 {
		return FromB.String()
	}
	return FromA.String()
}
