package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a server that answers as /tmp/brief/api.md's contract says, without an engine behind it. It lets the console be
// tested alone; the same steps run against the real server in internal/app.
type fake struct {
	http.Handler
	jobs []job

	mu        sync.Mutex
	tokens    map[string]bool // one-time token → unused
	tries     int
	signedIn  map[string]string // cookie → user
	approvals []obj
	runs      []obj
	undoable  []obj
	history   map[string][]obj
	sessions  []obj
	listeners map[chan string]bool
	breakers  []obj
	away      []obj
	roles     []string
	docs      []obj
	fixes     []obj
	jobs2     []obj // reindexes
	sent      []string

	numbers                          map[string]obj // :: breaker → what was set of it
	changes                          []obj
	apiTokens, receivers, deliveries []obj
	seq                              int
	failing                          map[string]int // path → status to answer with
	pace                             time.Duration  // between the events of an answer
	hostile                          []string       // text to put wherever text comes from elsewhere
	resumed                          string         // Last-Event-ID of the request that went on with a cut answer
	cut                              int            // events after which an answer's connection breaks; 0 means never
}

func newFake(t testing.TB, jobs []job) *fake {
	f := &fake{
		jobs: jobs, tokens: map[string]bool{"good": true}, signedIn: map[string]string{}, history: map[string][]obj{},
		listeners: map[chan string]bool{}, failing: map[string]int{}, pace: 30 * time.Millisecond,
	}
	f.seed()
	f.seedAdmin()
	mux := http.NewServeMux()
	for _, routes := range []map[string]http.HandlerFunc{f.routes(), f.adminRoutes()} {
		for pattern, h := range routes {
			method, route, _ := strings.Cut(pattern, " ")
			mux.HandleFunc(method+" /api/v1"+route, f.guard(route, h))
		}
	}
	mux.Handle("/", bundle(t).Handler())
	f.Handler = mux
	return f
}

func (f *fake) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /auth/login": f.login, "GET /auth/verify": f.verify, "POST /auth/logout": f.logout,
		"GET /tws/engine/info": f.engine, "GET /tws/engines": f.engines, "GET /tws/plan/current/job": f.list, "GET /tws/plan/current/job/count": f.count,
		"GET /tws/plan/current/job/joblog": f.log, "GET /tws/plan/current/job/{id}": f.one,
		"GET /tws/plan/current/job/{id}/successors": f.near, "GET /tws/plan/current/job/{id}/predecessors": f.near,
		"POST /chat": f.chat, "GET /chat/sessions": f.listSessions, "GET /chat/history": f.read, "DELETE /chat/history": f.forget,
		"GET /agents/tools/catalog": f.tools, "POST /agents/tools/execute": f.execute, "POST /agents/tools/assess-risk": f.assess,
		"GET /agents/approvals": f.listApprovals, "GET /agents/approvals/{id}": f.oneApproval, "GET /chat/turns/{id}/events": f.resume, "POST /agents/approvals/{id}": f.decide,
		"GET /agents/runs": f.listRuns, "GET /agents/runs/{id}": f.run, "POST /agents/runs/{id}/cancel": f.cancel,
		"GET /agents/undo/available": f.listUndo, "POST /agents/undo/{id}": f.undo, "GET /events": f.events,
		"GET /admin/resilience/breakers": f.listBreakers, "POST /admin/resilience/breakers/{name}/reset": f.resetBreaker,
		"POST /admin/resilience/breakers/{name}/force-open": f.forceBreaker, "GET /admin/resilience/breakers/{name}": f.oneBreaker,
		"GET /admin/resilience/degraded": f.listAway, "GET /health/redis": f.redis, "GET /llm/status": f.models,
		"GET /rag/files": f.listDocs, "POST /rag/upload": f.addDoc, "POST /rag/files/{id}/review": f.reviewDoc,
		"GET /rag/corrections": f.listFixes, "POST /rag/corrections/{id}": f.decideFix, "GET /rag/search": f.passages, "GET /rag/explain": f.explain,
		"GET /admin/rag/reindex": f.listCuts, "POST /admin/rag/reindex": f.startCut, "DELETE /admin/rag/reindex/{id}": f.cancelCut,
	}
}

// guard signs in, and answers with the failure that a test asked for.
func (f *fake) guard(route string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		status, user := f.failing[route], ""
		if c, err := r.Cookie("resync_session"); err == nil {
			user = f.signedIn[c.Value]
		}
		f.mu.Unlock()
		switch {
		case status != 0:
			problem(w, status, "The engine does not answer", "PROD-MDM did not answer within 10 s. Nothing was changed.")
		case user == "" && !strings.HasPrefix(route, "/auth/"):
			problem(w, 401, "Not signed in", "Sign in first.")
		default:
			h(w, r)
		}
	}
}

func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(obj{"type": "about:blank", "title": title, "status": status, "detail": detail, "trace_id": "7f3ac901d2"})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func decode(r *http.Request) obj {
	var o obj
	_ = json.NewDecoder(r.Body).Decode(&o)
	return o
}

func str(v any) string { s, _ := v.(string); return s }

func (f *fake) next(prefix string) string {
	f.seq++
	return fmt.Sprintf("%s_%04d", prefix, f.seq)
}

// Sign in.

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	cred := decode(r)
	token := str(cred["token"])
	switch unused, known := f.tokens[token]; {
	case token != "" && known && !unused:
		problem(w, 401, "Not signed in", "This link was used before. Ask for a new one; each link signs in once.")
	case token != "" && unused, str(cred["username"]) == "ana" && str(cred["password"]) == "secret":
		if token != "" {
			f.tokens[token] = false
		}
		id := f.next("s")
		f.signedIn[id] = "ana"
		http.SetCookie(w, &http.Cookie{Name: "resync_session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		answer(w, obj{"user": obj{"name": "ana", "roles": f.rolesNow()}})
	default:
		if f.tries++; f.tries > 3 {
			w.Header().Set("Retry-After", "60")
			problem(w, 429, "Locked", "Too many failed attempts for this name.")
			return
		}
		problem(w, 401, "Not signed in", "The name or the password is wrong.")
	}
}

func (f *fake) verify(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := r.Cookie("resync_session")
	if err != nil || f.signedIn[c.Value] == "" {
		problem(w, 401, "Not signed in", "Sign in first.")
		return
	}
	answer(w, obj{"user": obj{"name": f.signedIn[c.Value], "roles": f.rolesNow()}})
}

func (f *fake) logout(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.signedIn)
	w.WriteHeader(http.StatusNoContent)
}

// The plan.

func (f *fake) engine(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"displayVersion": "10.2.8", "capabilities": obj{"plan": obj{"runNumber": 318}}})
}

func (f *fake) engines(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"engines": []obj{{"name": "PROD-MDM", "environment": "production", "read_only": false, "as_of": at(0), "default": true}}})
}

func (f *fake) match(r *http.Request) []job {
	q := r.URL.Query()
	return slices.DeleteFunc(slices.Clone(f.jobs), func(j job) bool {
		text := strings.ToUpper(q.Get("q"))
		in, _ := path.Match(strings.ReplaceAll(text, "@", "*"), j.Name)
		if text != "" && !in && !strings.Contains(j.full(), text) {
			return true
		}
		switch s := q.Get("status"); s {
		case "", j.Status:
			return false
		case "LATE":
			return !j.Late
		case "CRITICAL":
			return !j.Critical
		}
		return true
	})
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	found := f.match(r)
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	items := []obj{}
	for _, j := range found[min(offset, len(found)):min(offset+limit, len(found))] {
		items = append(items, j.json())
	}
	answer(w, obj{"items": items, "total": len(found), "as_of": at(0), "freshness": "live"})
}

func (f *fake) count(w http.ResponseWriter, r *http.Request) {
	by, late, critical := map[string]int{}, 0, 0
	for _, j := range f.match(r) {
		by[j.Status]++
		if j.Late {
			late++
		}
		if j.Critical {
			critical++
		}
	}
	answer(w, obj{"total": len(f.match(r)), "by_status": by, "late": late, "critical": critical, "as_of": at(0)})
}

func (f *fake) find(id string) (job, bool) {
	i := slices.IndexFunc(f.jobs, func(j job) bool { return j.ID == id })
	if i < 0 {
		return job{}, false
	}
	return f.jobs[i], true
}

func (f *fake) one(w http.ResponseWriter, r *http.Request) {
	j, ok := f.find(r.PathValue("id"))
	if !ok {
		problem(w, 404, "No such job", "The plan has no job with this id.")
		return
	}
	answer(w, j.engine())
}

func (f *fake) near(w http.ResponseWriter, r *http.Request) {
	results := []obj{}
	for i, j := range f.jobs[1:min(4, len(f.jobs))] {
		results = append(results, obj{"id": j.ID, "name": j.full(), "level": i + 1, "status": j.Status, "critical": j.Critical, "deadline": at(70 * time.Minute)})
	}
	answer(w, obj{"count": len(results), "results": results})
}

func (f *fake) log(w http.ResponseWriter, r *http.Request) {
	j, _ := f.find(r.URL.Query().Get("job_id"))
	if j.Runs == 0 {
		problem(w, 404, "No log", "The job has not run in this plan, so there is no log.")
		return
	}
	lines := []obj{}
	for i, text := range append(jobLog(), f.hostile...) {
		lines = append(lines, obj{"line": i + 1, "text": text})
	}
	answer(w, obj{"run_id": j.ID + ";1", "lines": lines, "truncated": false, "exit_status": 12, "codes": []string{"AWSBDJ020E"}})
}

// Chat.

func (f *fake) chat(w http.ResponseWriter, r *http.Request) {
	in := decode(r)
	question := str(in["message"])
	f.mu.Lock()
	id := str(in["session_id"])
	if id == "" {
		id = f.next("c")
		f.sessions = slices.Insert(f.sessions, 0, obj{"id": id, "title": question, "updated_at": at(0)})
	}
	a := f.poison(failure(question))
	f.history[id] = append(f.history[id], obj{"role": "user", "content": question, "at": at(0)}, obj{"role": "assistant", "content": a["answer"], "at": at(0), "answer": a})
	f.mu.Unlock()

	f.stream(w, r, id, a, 0)
}

// resume goes on with the only turn that a test has cut.
func (f *fake) resume(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.cut, f.resumed = 0, r.Header.Get("Last-Event-ID")
	after, _ := strconv.Atoi(f.resumed)
	id := str(f.sessions[0]["id"])
	a := f.history[id][1]["answer"].(obj)
	f.mu.Unlock()
	f.stream(w, r, id, a, after)
}

// stream writes the events of an answer that come after the numbered one.
func (f *fake) stream(w http.ResponseWriter, r *http.Request, id string, a obj, after int) {
	w.Header().Set("Content-Type", "text/event-stream")
	n := 0
	send := func(name string, v any) {
		if n++; n <= after {
			return
		}
		if f.cut > 0 && n == f.cut {
			panic(http.ErrAbortHandler)
		}
		data, _ := json.Marshal(v)
		fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", n, name, data)
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(f.pace):
		}
	}
	send("turn", obj{"session_id": id, "turn_id": "t1"})
	send("tool", obj{"run_id": "r1", "tool": "job_status", "args": obj{"job": "PAYROLL_NET"}, "status": "in_progress"})
	send("tool", obj{"run_id": "r1", "tool": "job_status", "args": obj{"job": "PAYROLL_NET"}, "status": "done", "duration_ms": 212})
	for i, e := range a["evidence"].([]obj) {
		send("evidence", e)
		if i == 0 {
			send("tool", obj{"run_id": "r2", "tool": "job_log", "args": obj{"run_id": "9f0c11d2-0001;1", "lines": 100}, "status": "done", "duration_ms": 412})
		}
	}
	send("tool", obj{"run_id": "r3", "tool": "search_manuals", "args": obj{"query": "AWSBDJ020E"}, "status": "error", "duration_ms": 3, "error": "No manual has been ingested; the handbook was searched instead."})
	send("answer", a)
	send("done", obj{})
}

// poison puts the hostile strings into every text of an answer.
func (f *fake) poison(a obj) obj {
	if len(f.hostile) == 0 {
		return a
	}
	all := strings.Join(f.hostile, "\n")
	a["answer"] = str(a["answer"]) + "\n" + all
	a["not_examined"] = f.hostile
	for i, e := range a["evidence"].([]obj) {
		e["text"], e["title"], e["path"], e["source"] = all, f.hostile[i%len(f.hostile)], all[:200], f.hostile[(i+1)%len(f.hostile)]
	}
	for _, h := range a["hypotheses"].([]obj) {
		h["text"], h["title"], h["codes"] = all, f.hostile[0], f.hostile
	}
	for i, b := range a["blocked"].([]obj) {
		b["job"], b["status"] = f.hostile[i], f.hostile[i+1]
	}
	return a
}

func (f *fake) listSessions(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"sessions": f.sessions})
}

func (f *fake) read(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.URL.Query().Get("session_id")
	h, ok := f.history[id]
	if !ok {
		problem(w, 404, "No such conversation", "It was deleted, or it belongs to somebody else.")
		return
	}
	answer(w, obj{"history": h, "session_id": id, "total_messages": len(h)})
}

func (f *fake) forget(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.URL.Query().Get("session_id")
	delete(f.history, id)
	f.sessions = slices.DeleteFunc(f.sessions, func(s obj) bool { return s["id"] == id })
	w.WriteHeader(http.StatusNoContent)
}

// Events.

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	ch := make(chan string, 100)
	f.mu.Lock()
	f.listeners[ch] = true
	f.mu.Unlock()
	defer func() { f.mu.Lock(); delete(f.listeners, ch); f.mu.Unlock() }()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, ": hello\n\n")
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case ev := <-ch:
			_, _ = io.WriteString(w, ev)
			w.(http.Flusher).Flush()
		}
	}
}

// tell sends an event to every listener; f.mu is held.
func (f *fake) tell(name string, v any) {
	data, _ := json.Marshal(v)
	for ch := range f.listeners {
		select {
		case ch <- fmt.Sprintf("event: %s\ndata: %s\n\n", name, data):
		default:
		}
	}
}
