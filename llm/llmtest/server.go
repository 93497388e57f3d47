// Package llmtest is a language model provider that misbehaves on demand. It
// speaks the chat completions wire and Anthropic's Messages wire, whole answers
// and streams, and plays a script of faults: refusals, silence, cut answers,
// nonsense that looks like an answer. Tests and drills put it behind a real
// listener, so that connections break as they do in production.
package llmtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options shape the answers of a healthy provider.
type Options struct {
	Name   string        // stands in every answer, so that a test sees who gave it; "A" when empty
	Delay  time.Duration // before the first byte
	Chunks int           // pieces of a streamed answer; 12
	Gap    time.Duration // between them
	Text   string        // the whole answer; a sentence with the name when empty
}

// Server is the provider, an http.Handler. It is safe for concurrent use.
type Server struct {
	opt Options

	mu     sync.Mutex
	script []string          // :: faults of the next requests; the last one stays
	byKey  map[string]string // :: API key → the fault its requests get
	hits   []Hit
	open   int // requests being answered
	gone   int // requests whose caller left before the end
	done   chan struct{}
}

// Hit is one request as it came.
type Hit struct {
	At     time.Time
	Path   string
	Key    string
	Model  string
	Stream bool
	Fault  string // what it was answered with
	Body   []byte
}

// New returns a healthy provider; Script makes it ill.
func New(o Options) *Server {
	if o.Name == "" {
		o.Name = "A"
	}
	if o.Chunks <= 0 {
		o.Chunks = 12
	}
	if o.Text == "" {
		o.Text = "This is the whole answer of provider " + o.Name + ", from its first word to its last one: done."
	}
	return &Server{opt: o, byKey: map[string]string{}, done: make(chan struct{})}
}

// Text is the whole answer of a healthy request.
func (s *Server) Text() string { return s.opt.Text }

// Script sets the faults of the next requests, one each; the last one stays.
// Without faults the provider is healthy. The error names what is no fault.
func (s *Server) Script(faults ...string) error {
	for _, f := range faults {
		if _, ok := find(f); !ok {
			return fmt.Errorf("there is no fault %q", f)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = slices.Clone(faults)
	return nil
}

// ForKey answers every request with an API key with a fault, whatever the script
// says.
func (s *Server) ForKey(key, fault string) error {
	if _, ok := find(fault); !ok {
		return fmt.Errorf("there is no fault %q", fault)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[key] = fault
	return nil
}

// Hits returns the requests so far.
func (s *Server) Hits() []Hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

// Forget drops the record of the requests so far.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits, s.gone = nil, 0
}

// Gone is the number of requests whose caller left before the answer's end.
func (s *Server) Gone() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// Open is the number of requests being answered.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Close ends requests that hang.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

// exchange is one request under way.
type exchange struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	key      string
	body     []byte
	in       incoming
	messages bool // Anthropic's wire
}

// incoming is what the provider reads of a request.
type incoming struct {
	Model         string            `json:"model"`
	Stream        bool              `json:"stream"`
	Tools         []json.RawMessage `json:"tools"`
	StreamOptions json.RawMessage   `json:"stream_options"`
	MaxTokens     *int              `json:"max_tokens"`
}

// ServeHTTP answers both wires, by the end of the path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/models") {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, "mock-"+s.opt.Name)
		return
	}
	x := &exchange{s: s, w: w, r: r, messages: strings.HasSuffix(r.URL.Path, "/messages")}
	if !x.messages && !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil || json.Unmarshal(body, &x.in) != nil {
		x.refuse(http.StatusBadRequest, "invalid_request_error", "the request is not JSON")
		return
	}
	x.body = body
	x.key = r.Header.Get("X-Api-Key") + r.Header.Get("Api-Key") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	f := s.next(x)
	defer s.left(r)
	if !x.sleep(s.opt.Delay) {
		return
	}
	f.play(x)
}

// next picks the fault of a request and records it.
func (s *Server) next(x *exchange) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "ok"
	switch {
	case s.byKey[x.key] != "":
		name = s.byKey[x.key]
	case len(s.script) > 1:
		name, s.script = s.script[0], s.script[1:]
	case len(s.script) == 1:
		name = s.script[0]
	}
	s.open++
	s.hits = append(s.hits, Hit{time.Now(), x.r.URL.Path, x.key, x.in.Model, x.in.Stream, name, x.body})
	f, _ := find(name)
	return f
}

func (s *Server) left(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if r.Context().Err() != nil {
		s.gone++
	}
}

// sleep waits; false when the caller has gone or the server is closed.
func (x *exchange) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.r.Context().Done():
		return false
	case <-x.s.done:
		return false
	}
}

// hang waits until the caller goes.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.s.done:
	}
}

// reset drops the connection with a RST, as a process that dies does.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() }

// refuse answers with an error in the wire's form.
func (x *exchange) refuse(status int, code, message string) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(x.errorBody(code, message))
}

func (x *exchange) errorBody(code, message string) []byte {
	e := map[string]any{"message": message, "type": code, "code": code, "param": nil}
	out := map[string]any{"error": e}
	if x.messages {
		out = map[string]any{"type": "error", "error": map[string]any{"type": code, "message": message}}
	}
	body, _ := json.Marshal(out) // cannot fail: it holds texts only
	return body
}

// echoes reports whether a member of the request is there.
func (x *exchange) echoes(member string) bool {
	return bytes.Contains(x.body, []byte(`"`+member+`"`))
}
