package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/hwa/hwasim"
)

const question = "Why did PAYROLL_NET abend and what does it block?"

// frame is one server-sent event as a client reads it.
type frame struct {
	id   int
	name string
	data map[string]any
}

// events opens a stream. The caller reads frames with next and ends it with stop.
type events struct {
	t    *testing.T
	resp *http.Response
	scan *bufio.Scanner
	stop context.CancelFunc
}

func (b *browser) stream(method, path, body string, header ...string) *events {
	b.h.t.Helper()
	ctx, stop := context.WithCancel(b.h.t.Context())
	req, err := http.NewRequestWithContext(ctx, method, b.h.base+path, strings.NewReader(body))
	must(b.h.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	must(b.h.t, err)
	b.h.t.Cleanup(func() { stop(); resp.Body.Close() })
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != "text/event-stream" {
		data, _ := io.ReadAll(resp.Body)
		b.h.t.Fatalf("%s %s: %d, %q: %s", method, path, resp.StatusCode, ct, data)
	}
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 8<<20)
	return &events{b.h.t, resp, scan, stop}
}

// next reads one event; false at the end of the stream.
func (e *events) next() (frame, bool) {
	e.t.Helper()
	var f frame
	for e.scan.Scan() {
		line := e.scan.Text()
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && f.name != "":
			return f, true
		case key == "id":
			n, err := strconv.Atoi(value)
			must(e.t, err)
			f.id = n
		case key == "event":
			f.name = value
		case key == "data":
			must(e.t, json.Unmarshal([]byte(value), &f.data))
		}
	}
	return f, false
}

// all reads to the end.
func (e *events) all() (out []frame) {
	e.t.Helper()
	for f, ok := e.next(); ok; f, ok = e.next() {
		out = append(out, f)
	}
	return out
}

func names(list []frame) (out []string) {
	for _, f := range list {
		out = append(out, f.name)
	}
	return slices.Compact(out)
}

func chatBody(message, session string) string {
	raw, _ := json.Marshal(map[string]string{"message": message, "session_id": session}) // strings always marshal
	return string(raw)
}

func TestChatAsJSON(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	got := b.post("/api/v1/chat", map[string]string{"message": question}).ok()
	ans := got["answer"].(map[string]any)
	meta := got["metadata"].(map[string]any)
	if got["is_final"] != true || got["message"] != ans["answer"] || ans["mode"] != "offline" || meta["intent"] != "diagnosis" || meta["routing_mode"] != "diagnostic" {
		t.Errorf("reply %v, metadata %v", got["is_final"], meta)
	}
	if len(ans["hypotheses"].([]any)) == 0 || len(ans["evidence"].([]any)) < 3 || len(ans["blocked"].([]any)) == 0 {
		t.Errorf("the answer is thin: %v", ans["answer"])
	}
	if c, _ := meta["confidence"].(float64); c <= 0 || c > 1 {
		t.Errorf("confidence %v", meta["confidence"])
	}
	// A diagnosis proposes nothing, whatever it recommends.
	if meta["requires_approval"] != false || len(got["approvals"].([]any)) != 0 {
		t.Errorf("a question led to a proposal: %v", got["approvals"])
	}
	session := meta["session_id"].(string)
	second := b.post("/chat", map[string]string{"message": "What is the fence of a workstation?", "session_id": session}).ok()["metadata"].(map[string]any)
	if second["session_id"] != session || second["turn_count"] != 2.0 {
		t.Errorf("second turn: %v", second)
	}
	history := b.get("/api/v1/chat/history?session_id=" + session).ok()
	roles := []string{}
	for _, m := range history["history"].([]any) {
		roles = append(roles, m.(map[string]any)["role"].(string))
	}
	if diff := cmp.Diff([]string{"user", "assistant", "user", "assistant"}, roles); diff != "" || history["total_messages"] != 4.0 {
		t.Error(diff)
	}
}

func TestChatStream(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	s := b.stream(http.MethodPost, "/api/v1/chat", chatBody(question, ""))
	list := s.all()
	if diff := cmp.Diff([]string{"turn", "evidence", "answer", "done"}, names(list)); diff != "" {
		t.Fatal(diff)
	}
	for i, f := range list {
		if f.id != i+1 {
			t.Fatalf("frame %d has the number %d", i+1, f.id)
		}
	}
	for k, want := range map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := s.resp.Header.Get(k); got != want {
			t.Errorf("%s: %q", k, got)
		}
	}
	turn := list[0].data["turn_id"].(string)
	answer := list[len(list)-2].data
	b.resumes(turn, list)
	b.unlinked(turn)
	stored := b.get("/api/v1/chat/history?session_id=" + list[0].data["session_id"].(string)).ok()["history"].([]any)
	last := stored[len(stored)-1].(map[string]any)
	if diff := cmp.Diff(answer, last["answer"]); diff != "" {
		t.Error("stored answer: " + diff)
	}
}

// resumes reads the turn again from every frame on: no gap, no repeat.
func (b *browser) resumes(turn string, whole []frame) {
	t := b.h.t
	t.Helper()
	for after := range len(whole) {
		got := b.stream(http.MethodGet, "/api/v1/chat/turns/"+turn+"/events", "", "Last-Event-ID", fmt.Sprint(after)).all()
		if diff := cmp.Diff(whole[after:], got, cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("from frame %d on: %s", after, diff)
		}
	}
}

// unlinked checks that nobody else can follow the turn.
func (b *browser) unlinked(turn string) {
	b.h.t.Helper()
	b.h.as("operator-other").get("/api/v1/chat/turns/"+turn+"/events").problem(http.StatusForbidden, "belongs to somebody else")
	b.get("/api/v1/chat/turns/turn_none/events").problem(http.StatusNotFound, "the history")
	b.get("/api/v1/chat/turns/"+turn+"/events", "Last-Event-ID", "one").problem(http.StatusBadRequest, "Last-Event-ID")
}

// TestTurnGoesOnWithoutItsClient: who leaves after the first frame finds the
// answer in the history.
func TestTurnGoesOnWithoutItsClient(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	s := b.stream(http.MethodPost, "/api/v1/chat", chatBody(question, ""))
	f, ok := s.next()
	if !ok || f.name != "turn" {
		t.Fatalf("first frame: %+v", f)
	}
	s.stop()
	session := f.data["session_id"].(string)
	var last map[string]any
	h.eventually("the answer in the history", func() bool {
		list := b.get("/api/v1/chat/history?session_id=" + session).ok()["history"].([]any)
		last = list[len(list)-1].(map[string]any)
		return len(list) == 2
	})
	if last["answer"] == nil || !strings.Contains(fmt.Sprint(last["content"]), "PAYROLL_NET") {
		t.Errorf("stored: %v", last["content"])
	}
}

func TestOtherPeoplesConversations(t *testing.T) {
	h := newHost(t).ready()
	ana, bob := h.as("operator-ana"), h.as("operator-bob")
	session := ana.post("/api/v1/chat", map[string]string{"message": "What is the fence?"}).ok()["metadata"].(map[string]any)["session_id"].(string)
	bob.get("/api/v1/chat/history?session_id="+session).problem(http.StatusForbidden, "somebody else")
	bob.do(http.MethodDelete, "/api/v1/chat/history?session_id="+session, nil).problem(http.StatusForbidden, "somebody else")
	bob.post("/api/v1/chat", map[string]string{"message": "and?", "session_id": session}).problem(http.StatusForbidden, "somebody else")
	if list := bob.get("/api/v1/chat/sessions").ok()["sessions"].([]any); len(list) != 0 {
		t.Errorf("bob sees %v", list)
	}
	if list := ana.get("/api/v1/chat/sessions").ok()["sessions"].([]any); len(list) != 1 {
		t.Errorf("ana sees %v", list)
	}
	if r := ana.do(http.MethodDelete, "/api/v1/chat/history?session_id="+session, nil); r.status != http.StatusNoContent {
		t.Errorf("forget: %s", r)
	}
	ana.get("/api/v1/chat/history?session_id=" + session).problem(http.StatusNotFound)
}

// TestDefect08_ActionInWordsMakesACard: and a card only; the engine is asked
// once it is approved.
func TestDefect08_ActionInWordsMakesACard(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	list := b.stream(http.MethodPost, "/api/v1/chat", chatBody("Rerun PAY_AGT1#PAYROLL.PAYROLL_NET", "")).all()
	i := slices.IndexFunc(list, func(f frame) bool { return f.name == "approval" })
	if i < 0 {
		t.Fatalf("no card: %v", names(list))
	}
	card := list[i].data
	if card["tool_name"] != "rerun_job" || card["can_approve"] != true || card["session_id"] != list[0].data["session_id"] {
		t.Errorf("card: %v", card)
	}
	if n := len(h.sim.Writes()); n != 0 {
		t.Fatalf("%d writes without an approval", n)
	}
	b.approve(card["trace_id"].(string)).ok()
	if n := h.sim.Executed("job.rerun", ""); n != 1 {
		t.Errorf("%d reruns", n)
	}
	// A viewer's words make none.
	got := h.as("viewer").post("/api/v1/chat", map[string]string{"message": "Hold PAY_AGT1#PAYROLL.PAYROLL_TAX"}).ok()
	if len(got["approvals"].([]any)) != 0 || !strings.Contains(fmt.Sprint(got["message"]), "not proposed") {
		t.Errorf("viewer: %v", got["message"])
	}
}

func TestEventFeed(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	feed := b.stream(http.MethodGet, "/api/v1/events", "")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	b.approve(trace).ok()
	var seen []frame
	phase := func(f frame) string { return fmt.Sprint(f.data["phase"]) }
	for !slices.ContainsFunc(seen, func(f frame) bool { return f.name == "run" && phase(f) == "verified" }) {
		f, ok := feed.next()
		if !ok {
			t.Fatalf("the feed ended after %v", names(seen))
		}
		seen = append(seen, f)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].id != seen[i-1].id+1 {
			t.Errorf("%d follows %d", seen[i].id, seen[i-1].id)
		}
	}
	for _, want := range []string{"approval blocked_on_user", "run approved", "run executing", "run done"} {
		if !slices.ContainsFunc(seen, func(f frame) bool { return f.name+" "+phase(f) == want && f.data["run_id"] == trace }) {
			t.Errorf("no %q among %d frames", want, len(seen))
		}
	}
	feed.stop()
	again := b.stream(http.MethodGet, "/api/v1/events", "", "Last-Event-ID", fmt.Sprint(seen[0].id))
	for _, want := range seen[1:] {
		got, ok := again.next()
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); !ok || diff != "" {
			t.Fatalf("resumed: %s", diff)
		}
	}
	future := b.stream(http.MethodGet, "/api/v1/events", "", "Last-Event-ID", "999999")
	if f, _ := future.next(); f.name != "reset" {
		t.Errorf("a number of another life got %+v, want a reset", f)
	}
}

// TestGoneClientsLeaveNothing: the goroutines of streams end with their clients.
func TestGoneClientsLeaveNothing(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	b.client.CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	var open []*events
	for range 20 {
		open = append(open, b.stream(http.MethodGet, "/api/v1/events", ""))
	}
	for _, e := range open {
		e.stop()
		e.resp.Body.Close()
	}
	b.client.CloseIdleConnections()
	h.eventually("the goroutines of the streams to end", func() bool { return goleak.Find(before) == nil })
}

// TestTheFirstQuestionWaitsForThePlan: asked before the plan has been read, the
// server does not answer from the documents alone.
func TestTheFirstQuestionWaitsForThePlan(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.sim = hwasim.Config{Jobs: 400, Workstations: 40, Speed: -1, Latency: 80 * time.Millisecond}
	})
	ans := h.as("viewer").post("/api/v1/chat", map[string]string{"message": "How many jobs are in the plan?"}).ok()["answer"].(map[string]any)
	if !strings.Contains(fmt.Sprint(ans["answer"]), "400") || len(ans["not_examined"].([]any)) != 0 {
		t.Errorf("answer %v, not examined %v", ans["answer"], ans["not_examined"])
	}
}

// TestStopEndsStreams: a stop does not wait for browsers that only listen.
func TestStopEndsStreams(t *testing.T) {
	h := newHost(t).ready()
	feed := h.as("operator").stream(http.MethodGet, "/api/v1/events", "")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, ok := feed.next(); ok; _, ok = feed.next() {
		}
	}()
	h.stop()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the stream outlived the server")
	}
}
