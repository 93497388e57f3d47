package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"resync/llm"
)

// WholeChain are the names under which a request asks for the chain as a whole;
// so does a request without a name.
func WholeChain(name string) bool {
	return name == "" || name == "resync" || name == "auto" || name == "default"
}

// maxRequest bounds a request's body. Images travel in it.
const maxRequest = 16 << 20

// writeTime is how long a reader may be slow.
const writeTime = 30 * time.Second

// quickAnswer is up to how many bytes an answer fits into what every system keeps for a
// connection, so that no reader can hold it up.
const quickAnswer = 4 << 10

// Server serves a chain on the wire of this package:
//
//	POST …/chat/completions   answers and streams, with the chain behind it
//	GET  …/models             the chain's targets, and "resync" for all of it
//
// Answers carry X-Resync-Target, -Cost-Usd where the price is known, -Attempts when there
// were more than one, -Fallback-Reason when another target than the first answered, and
// Server-Timing: the milliseconds spent waiting for models (model) and here (resync). An
// answer that breaks off ends with an error event and a
// dropped connection, never with [DONE]. It is safe for concurrent use.
type Server struct {
	// Chain answers.
	Chain *llm.Chain
	// User names whose budget a request is charged to; nil charges nobody.
	User func(*http.Request) string
}

// Chat answers POST …/chat/completions.
func (s *Server) Chat(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	body, err := readAll(http.MaxBytesReader(w, r.Body, maxRequest), r.ContentLength, maxRequest)
	if err != nil {
		status, code := http.StatusBadRequest, "invalid_request"
		if len(body) >= maxRequest || r.ContentLength > maxRequest {
			status, code = http.StatusRequestEntityTooLarge, "request_too_large"
		}
		writeError(w, status, code, "the request body cannot be read: "+err.Error(), nil)
		return
	}
	req, streamed, err := Accept(body)
	if err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request", err.Error(), nil)
		return
	}
	if WholeChain(req.Model) {
		req.Model = ""
	}
	if s.User != nil {
		req.User = s.User(r)
	}
	if streamed {
		s.stream(w, r, req, started)
		return
	}
	if err := s.Chain.Answer(r.Context(), req, func(resp *llm.Response) { pass(w, resp, started) }); err != nil {
		s.fail(w, err)
	}
}

// pass passes a whole answer on.
func pass(w http.ResponseWriter, resp *llm.Response, started time.Time) {
	out := resp.Raw
	if out == nil {
		var err error
		if out, err = json.Marshal(encodeAnswer(resp, started)); err != nil {
			writeError(w, http.StatusBadGateway, llm.CodeGarbage, "the answer cannot be written: "+err.Error(), nil)
			return
		}
	}
	h := w.Header()
	headers(h, resp.Target, resp.Attempts, resp.FallbackReason, started)
	if resp.CostUSD != nil {
		h["X-Resync-Cost-Usd"] = []string{strconv.FormatFloat(*resp.CostUSD, 'f', -1, 64)}
	}
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(out))}
	rc := http.NewResponseController(w)
	if len(out) > quickAnswer {
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // without it only the protection against slow readers is lost
	}
	_, _ = w.Write(out) // a reader who has gone needs no answer
	_ = rc.Flush()      // what is noted about the request afterwards keeps nobody waiting
}

// headers says how an answer came about. The names are written as net/http
// keeps them, which spares translating them for each request; each header costs this side
// and the reader's more than a microsecond, so what is as usual is not said.
func headers(h http.Header, target string, attempts []llm.Attempt, reason string, started time.Time) {
	var upstream time.Duration
	for i := range attempts {
		upstream += attempts[i].Duration
	}
	vals := [...]string{target, timing(upstream, max(0, time.Since(started)-upstream)), reason, ""}
	only := func(i int) []string { return vals[i : i+1 : i+1] } // one allocation for all
	h["X-Resync-Target"], h["Server-Timing"] = only(0), only(1)
	if reason != "" {
		h["X-Resync-Fallback-Reason"] = only(2)
	}
	if n := len(attempts); n > 1 {
		vals[3] = strconv.Itoa(n)
		h["X-Resync-Attempts"] = only(3)
	}
}

// timing is the header Server-Timing (W3C): where the time went, in milliseconds.
func timing(models, here time.Duration) string {
	var buf [64]byte
	out := appendMillis(append(buf[:0], "model;dur="...), models)
	return string(appendMillis(append(out, ", resync;dur="...), here))
}

// appendMillis appends a time in milliseconds with three digits after the point.
func appendMillis(out []byte, d time.Duration) []byte {
	us := d.Microseconds()
	out = append(strconv.AppendInt(out, us/1000, 10), '.')
	return append(out, byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}

// stream answers piece by piece.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, req *llm.Request, started time.Time) {
	a, err := s.Chain.Stream(r.Context(), req)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer a.Close()
	h := w.Header()
	_, reason := a.Fallback()
	headers(h, a.Target(), a.Attempts(), reason, started)
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-cache"}
	h["X-Accel-Buffering"] = []string{"no"}
	out := sender{w: w, rc: http.NewResponseController(w), enc: chunkEncoder{id: "chatcmpl-" + strconv.FormatInt(started.UnixNano(), 36), created: started.Unix(), model: req.Model, usage: wantsUsage(req.Raw)}}
	for {
		d, err := a.Next()
		switch {
		case errors.Is(err, io.EOF):
			out.end(a.Response())
			return
		case err != nil && r.Context().Err() != nil:
			return // nobody listens
		case err != nil:
			out.breakOff(err)
			panic(http.ErrAbortHandler) // a clean end would make the part look like the whole
		}
		out.piece(d)
		if !a.Buffered() && !out.flush() {
			return
		}
	}
}

// sender writes events; what comes together is sent together.
type sender struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	enc  chunkEncoder
	buf  []byte
	last time.Time // when the write deadline was set
}

func (s *sender) piece(d llm.Delta) {
	data := d.Raw
	if data == nil {
		if data = s.enc.piece(d); data == nil {
			return
		}
	}
	s.buf = append(append(append(s.buf, "data: "...), data...), '\n', '\n')
}

// flush sends what has gathered; false when the reader has gone.
func (s *sender) flush() bool {
	if len(s.buf) == 0 {
		return true
	}
	if now := time.Now(); now.Sub(s.last) > time.Second {
		s.last = now
		_ = s.rc.SetWriteDeadline(now.Add(writeTime)) // without it only the protection against slow readers is lost
	}
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	return err == nil && s.rc.Flush() == nil
}

// end closes a whole answer.
func (s *sender) end(r *llm.Response) {
	if s.enc.begun && s.enc.usage {
		s.buf = append(append(append(s.buf, "data: "...), s.enc.last(r)...), '\n', '\n')
	}
	s.buf = append(s.buf, "data: [DONE]\n\n"...)
	s.flush()
}

// breakOff tells that the answer is not whole.
func (s *sender) breakOff(err error) {
	e := llm.AsError(err)
	body := errorJSON(string(e.Class), e.Code, err.Error(), map[string]any{"attempts": nil})
	s.buf = append(append(append(s.buf, "data: "...), body...), '\n', '\n')
	s.flush()
}

// fail answers for a chain that gave none.
func (s *Server) fail(w http.ResponseWriter, err error) {
	var ce *llm.ChainError
	if !errors.As(err, &ce) {
		writeError(w, http.StatusBadGateway, "error", err.Error(), nil)
		return
	}
	status := ce.Status
	if ce.Class == llm.CallerFault && ce.Err != nil { // the provider's own word for what is wrong with the request
		if e := llm.AsError(ce.Err); e.Status >= 400 && e.Status < 500 {
			status = e.Status
		}
	}
	if ce.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((ce.RetryAfter+time.Second-1)/time.Second)))
	}
	code := ce.Code
	if code == "" {
		code = string(ce.Class)
	}
	writeError(w, status, code, ce.Error(), ce)
}

// writeError answers with an error as this wire has them.
func writeError(w http.ResponseWriter, status int, code, message string, ce *llm.ChainError) {
	class := "invalid_request_error"
	var attempts []llm.Attempt
	if ce != nil {
		class, attempts = string(ce.Class), ce.Attempts
	}
	WriteError(w, status, class, code, message, map[string]any{"attempts": attempts})
}

// WriteError answers with an error as this wire has them, for what stands before a
// [Server] and refuses requests: {"error":{"message","type","code","param":null}}.
// class is the type; more are further members of the error.
func WriteError(w http.ResponseWriter, status int, class, code, message string, more map[string]any) {
	body := errorJSON(class, code, message, more)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader who has gone needs no answer
}

func errorJSON(class, code, message string, more map[string]any) []byte {
	members := map[string]any{"message": message, "type": class, "code": code, "param": nil}
	for name, v := range more {
		if _, taken := members[name]; !taken {
			members[name] = v
		}
	}
	body, err := json.Marshal(map[string]any{"error": members})
	if err != nil {
		return []byte(fmt.Sprintf(`{"error":{"message":%q,"type":"error","code":"error","param":null}}`, err.Error()))
	}
	return body
}

// Models answers GET …/models.
func (s *Server) Models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		Owner   string `json:"owned_by"`
	}
	list := []model{{"resync", "model", 0, "resync"}}
	for _, t := range s.Chain.Targets() {
		list = append(list, model{t.Name, "model", 0, t.Provider})
	}
	body, err := json.Marshal(map[string]any{"object": "list", "data": list})
	if err != nil {
		writeError(w, http.StatusInternalServerError, "error", err.Error(), nil)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a reader who has gone needs no answer
}
