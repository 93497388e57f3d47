package app_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load asks everything of the server at once for some time and leaves the
// engine well.
func (s *soak) load(d time.Duration) {
	ctx, stop := context.WithTimeout(s.t.Context(), d)
	defer stop()
	var wg sync.WaitGroup
	again := func(n int, pause time.Duration, act func(worker int)) {
		for w := range n {
			wg.Go(func() {
				for ctx.Err() == nil {
					act(w)
					select {
					case <-ctx.Done():
					case <-time.After(pause):
					}
				}
			})
		}
	}
	again(3, 20*time.Millisecond, func(int) { s.read() })
	again(2, 400*time.Millisecond, func(int) { s.ask() })
	again(3, 100*time.Millisecond, s.act)
	for range 20 {
		wg.Go(func() { s.watch(ctx) })
	}
	// The breaker of an engine stays open for a minute: outages closer together
	// would leave no time in which anything is done.
	again(1, 95*time.Second, func(int) {
		if s.engine.count%3 == 2 {
			s.engine.freeze(time.Duration(1+rand.IntN(4)) * time.Second)
			return
		}
		s.engine.restart(time.Duration(500+rand.IntN(2500)) * time.Millisecond)
	})
	if s.redis != nil {
		again(1, 5*time.Second, func(int) {
			s.redis.Freeze()
			time.Sleep(time.Duration(300+rand.IntN(1700)) * time.Millisecond)
			s.redis.Thaw()
			s.mu.Lock()
			s.freezes++
			s.mu.Unlock()
		})
	}
	wg.Wait()
}

// count notes an answer by what was asked.
func (s *soak) count(what string, status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses[what+" "+strconv.Itoa(status)]++
	return status
}

func (s *soak) read() {
	paths := []string{
		"/api/v1/tws/plan/current/job?limit=200", "/api/v1/tws/plan/current/job?status=ABEND", "/api/v1/agents/runs?limit=50",
		"/api/v1/agents/runs/active", "/api/v1/agents/approvals", "/api/v1/agents/undo/available", "/api/v1/agents/tools/catalog",
		"/api/v1/chat/sessions", "/api/v1/rag/search?query=abend&top_k=3", "/health", "/readyz", "/metrics",
	}
	path := paths[rand.IntN(len(paths))]
	name, _, _ := strings.Cut(path, "?")
	status, _ := s.k.call(http.MethodGet, path, nil, nil)
	s.count(name, status)
}

// ask puts a question, half of the time as a stream that is read to its end or
// left in the middle.
func (s *soak) ask() {
	questions := []string{
		"Why did PAYROLL_NET abend and what does it block?", "How many jobs are in the plan?", "What does AWSBHT001E mean?",
		"Hold " + s.jobs[rand.IntN(len(s.jobs))], "Which jobs are in ABEND?",
	}
	body := map[string]string{"message": questions[rand.IntN(len(questions))]}
	if rand.IntN(2) == 0 {
		status, _ := s.k.call(http.MethodPost, "/api/v1/chat", body, nil)
		s.count("question", status)
		return
	}
	ctx, stop := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer stop()
	leave := rand.IntN(4) == 0
	status := s.k.stream(ctx, http.MethodPost, "/api/v1/chat", `{"message":`+strconv.Quote(body["message"])+`}`, "", func(string, uint64) bool { return !leave })
	s.count("question as a stream", status)
}

// act holds a job, approves the hold and takes it back. Each worker has jobs of
// its own; what the engine's absence prevents is tried with the next one.
func (s *soak) act(worker int) {
	job := s.jobs[worker+3*rand.IntN(len(s.jobs)/3)]
	var got struct {
		ApprovalID string `json:"approval_id"`
	}
	status, _ := s.k.call(http.MethodPost, "/api/v1/agents/tools/execute",
		map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": job}, "reason": "soak"}, &got)
	if s.count("proposal", status) != http.StatusOK || got.ApprovalID == "" {
		return
	}
	s.tell(got.ApprovalID, "proposed")
	if s.decide(got.ApprovalID) != "done" {
		return
	}
	var back struct {
		Status   string
		RunID    string `json:"run_id"`
		Approval struct {
			TraceID string `json:"trace_id"`
		}
	}
	status, _ = s.k.call(http.MethodPost, "/api/v1/agents/undo/"+got.ApprovalID, map[string]string{"reason": "soak"}, &back)
	if s.count("undo", status) != http.StatusOK {
		return
	}
	if back.Status == "blocked_on_user" {
		back.Status = s.decide(back.RunID)
	}
	s.tell(back.RunID, back.Status)
	if back.Status == "undone" || back.Status == "done" {
		s.mu.Lock()
		s.undone[got.ApprovalID] = back.RunID
		s.mu.Unlock()
	}
}

func (s *soak) tell(run, status string) {
	if status == "undone" {
		status = "done"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[run] = status
}

func (s *soak) decide(run string) string {
	action := "approve"
	if rand.IntN(10) == 0 {
		action = "reject"
	}
	var got struct{ Status string }
	status, _ := s.k.call(http.MethodPost, "/api/v1/agents/approvals/"+run, map[string]string{"action": action}, &got)
	if s.count(action, status) == http.StatusOK {
		s.tell(run, got.Status)
	}
	return got.Status
}

// watch follows the events for some seconds, goes away and resumes, and checks
// that no event is missing or told twice. Some do not resume: they start afresh.
func (s *soak) watch(ctx context.Context) {
	var last uint64
	for ctx.Err() == nil {
		stay, leave := context.WithTimeout(ctx, time.Duration(500+rand.IntN(6000))*time.Millisecond)
		resume := ""
		if last > 0 && rand.IntN(5) > 0 {
			resume = strconv.FormatUint(last, 10)
		} else {
			last = 0
		}
		status := s.k.stream(stay, http.MethodGet, "/api/v1/events", "", resume, func(name string, id uint64) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.frames++
			switch {
			case name == "reset":
				last = 0
			case id == 0: // "degraded", "end": not an event of the log
			case last > 0 && id != last+1:
				s.gaps++
				fallthrough
			default:
				last = id
			}
			return true
		})
		leave()
		if status != 0 { // 0: it left before the head of the answer came
			s.count("events", status)
		}
	}
}

// stream reads an event stream until it ends, ctx does or each says to leave.
// Status 0 means that no answer came.
func (k *child) stream(ctx context.Context, method, path, body, last string, each func(name string, id uint64) bool) int {
	req, err := http.NewRequestWithContext(ctx, method, k.base+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Content-Type", "application/json")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var id uint64
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id, _ = strconv.ParseUint(v, 10, 64) // our own number
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			if !each(name, id) {
				break
			}
			id = 0 // the next one may have none: what is said to one stream only
		}
	}
	return resp.StatusCode
}
