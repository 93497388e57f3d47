package diagnose

import (
	"context"
	"slices"
	"strings"
	"testing"

	"resync/hwa/hwasim"
)

// TestFaults puts the simulator into every situation it knows and asks about
// the job concerned. The cause must come first, from the engine's facts alone:
// no manual is at hand.
func TestFaults(t *testing.T) {
	want := map[string]string{
		"limit-zero": "workstation_limit", "limit-reached": "workstation_limit", "fence": "fence", "stream-limit": "stream_limit",
		"job-abend": "abend_return_code", "job-fail": "launch_failed", "recovery-prompt": "abend_return_code", "control-total": "abend_return_code",
		"confirm-pending": "waiting_for_confirmation", "max-duration": "max_duration_exceeded", "job-killed": "killed", "exec-lost": "lost_termination_event",
		"ws-unlinked": "workstation_not_linked", "ws-stopped": "workstation_stopped", "ws-offline": "workstation_offline", "agent-down": "job_manager_down",
		"broker-down": "broker_down", "ssl-port-zero": "ssl_port_zero", "agent-tls": "agent_unreachable",
		"file-wait": "file", "prompt-asked": "prompt", "resource-exhausted": "resource", "resource-deadlock": "resource_deadlock",
		"external-follows": "predecessor_running", "time-dependency": "start_time", "join-waiting": "join", "deadline-missed": "predecessor_running",
		"stream-held": "stream_held", "job-held": "held_priority_zero", "ws-ignored": "workstation_ignored", "latest-start-passed": "latest_start_passed",
		"disk-full": "disk_full", "permission-denied": "permission_denied", "db-table-missing": "not_found", "out-of-memory": "out_of_memory",
		"script-missing": "not_found", "db-password-expired": "login_failed", "connect-timeout": "timeout", "host-unknown": "connection",
		"duplicate-key": "database", "certificate-expired": "tls",
		"jnextplan-AWSJPL017E": "makeplan_failed", "switchplan-AWSBHV082E": "switchplan_failed",
	}
	for _, f := range hwasim.Faults() {
		cause, ok := want[f.Name]
		if !ok {
			continue
		}
		delete(want, f.Name)
		t.Run(f.Name, func(t *testing.T) {
			l := newLab(t, hwasim.Config{}, nil)
			sit := l.inject(t, f.Name)
			a := l.ask(t, "Why is "+sit.Job+" not running?")
			if len(a.Hypotheses) == 0 || a.Hypotheses[0].Cause != cause {
				t.Errorf("cause %s wanted first for %q, got %+v\n%s", cause, f.Summary, causes(a), a.Text)
			}
			checkAnswer(t, a)
			if n := len(l.sim.Writes()); n != 0 {
				t.Errorf("%d writes reached the engine", n)
			}
		})
	}
	for name := range want {
		t.Errorf("the simulator no longer knows the fault %s", name)
	}
}

func causes(a *Answer) []string {
	var out []string
	for _, h := range a.Hypotheses {
		out = append(out, h.Cause)
	}
	return out
}

// checkAnswer holds for every answer: sentences are confirmed, evidence that is
// cited exists, hypotheses are within their limit, lists are never null.
func checkAnswer(t *testing.T, a *Answer) {
	t.Helper()
	for _, d := range Check(a) {
		t.Errorf("not borne out by its evidence: %s %q in %q", d.Kind, d.Said, a.Sentences[d.Sentence].Text)
	}
	ids := map[string]bool{}
	for _, e := range a.Evidence {
		ids[e.ID] = true
		if e.Source == "" || e.Title == "" || e.AsOf.IsZero() {
			t.Errorf("evidence without source, title or time: %+v", e)
		}
	}
	for _, h := range a.Hypotheses {
		if n := len([]rune(h.Text)); n > MaxHypothesis {
			t.Errorf("hypothesis %s has %d characters", h.Cause, n)
		}
		for _, id := range append(slices.Clone(h.Evidence), h.Citations...) {
			if !ids[id] {
				t.Errorf("hypothesis %s cites %s, which is not there", h.Cause, id)
			}
		}
	}
	if a.Sentences == nil || a.Hypotheses == nil || a.Evidence == nil || a.Blocked == nil || a.Gates == nil || a.NotExamined == nil || a.Candidates == nil || a.Actions == nil {
		t.Error("a list of the answer is null")
	}
}

// Every gate of a job is reported, whatever the job's state.
func TestWhyReportsEveryGate(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "limit-zero")
	r, err := l.engine.Why(context.Background(), sit.JobID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Gates {
		got = append(got, g.Gate)
		if g.Text == "" || g.State == "" {
			t.Errorf("gate without text or state: %+v", g)
		}
		if g.State == GateFail && len(g.Evidence) == 0 {
			t.Errorf("gate %s fails without evidence", g.Gate)
		}
	}
	for _, g := range gateList() {
		if !slices.Contains(got, g.name) {
			t.Errorf("gate %s is not reported", g.name)
		}
	}
	if r.Status != "READY" || r.Hypotheses[0].Cause != "workstation_limit" {
		t.Errorf("status %s, causes %+v", r.Status, r.Hypotheses)
	}
	fix := r.Hypotheses[0].Fix[0]
	if fix.Tool != "update_workstation_limit" || fix.Args["limit"] != 1 || fix.Args["workstation"] != sit.Workstation {
		t.Errorf("fix = %+v", fix)
	}
}

func TestWhyFailedReadsTheLog(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	r, err := l.engine.WhyFailed(context.Background(), sit.JobID)
	if err != nil {
		t.Fatal(err)
	}
	if r.ReturnCode == nil || *r.ReturnCode != 8 || r.ExitStatus == nil || *r.ExitStatus != 8 || len(r.Signals) == 0 {
		t.Errorf("return code %v, exit status %v, %d telling lines", r.ReturnCode, r.ExitStatus, len(r.Signals))
	}
	logEv := slices.IndexFunc(r.Evidence, func(e Evidence) bool { return e.Kind == "log" })
	if logEv < 0 || !strings.Contains(r.Evidence[logEv].Text, "line ") || r.Evidence[logEv].Line == 0 {
		t.Errorf("no log evidence with line numbers: %+v", r.Evidence)
	}
}

func TestBlocks(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	r, err := l.engine.Blocks(context.Background(), sit.JobID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Total == 0 || r.Total != len(r.Blocked) || r.Critical == 0 {
		t.Errorf("%d blocked, %d listed, %d critical", r.Total, len(r.Blocked), r.Critical)
	}
	level := 1
	for _, b := range r.Blocked {
		if b.Level < level || b.Job == "" || b.Status == "" || b.Status == "SUCC" {
			t.Errorf("blocked job out of order or incomplete: %+v", b)
		}
		level = b.Level
	}
	if level < 2 {
		t.Error("the payroll job blocks more than its direct successors")
	}
}

// The situations in which an engine fails altogether or in part still get an
// answer that says what could not be looked at.
func TestEngineTrouble(t *testing.T) {
	for _, fault := range []string{"http-5xx", "reset", "cut", "login-page", "refuse"} {
		t.Run(fault, func(t *testing.T) {
			l := newLab(t, hwasim.Config{}, nil)
			sit := l.inject(t, "limit-zero") // the plan is read while all is well
			if _, err := l.sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
			a := l.ask(t, "Why is "+sit.Job+" not running?")
			if len(a.NotExamined) == 0 {
				t.Error("nothing is listed as not examined")
			}
			if !strings.Contains(a.Text, "READY") || !strings.Contains(a.Text, "when the plan was last read") {
				t.Errorf("the answer does not tell what was known: %s", a.Text)
			}
			if c := causes(a); len(c) == 0 || !strings.HasPrefix(c[0], "engine_") {
				t.Errorf("causes = %v, want the engine's trouble first", c)
			}
			checkAnswer(t, a)
		})
	}
}

func TestEngineDownBeforeTheFirstSync(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	if _, err := l.sim.Inject("refuse"); err != nil {
		t.Fatal(err)
	}
	a := l.ask(t, "What is wrong with tonight's plan?")
	if c := causes(a); len(c) == 0 || c[0] != "engine_unreachable" {
		t.Errorf("causes = %v", c)
	}
	checkAnswer(t, a)
}

func TestNoManualsIsSaid(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "limit-zero")
	a := l.ask(t, "Why is "+sit.Job+" not running?")
	if !slices.ContainsFunc(a.NotExamined, func(s string) bool { return strings.Contains(s, "manuals") }) {
		t.Errorf("not examined = %v, want the manuals named", a.NotExamined)
	}
}

type brokenPassages struct{}

func (brokenPassages) Search(context.Context, string, int) ([]Passage, error) {
	return nil, context.DeadlineExceeded
}

func TestBrokenManualsDoNotStopADiagnosis(t *testing.T) {
	l := newLab(t, hwasim.Config{}, brokenPassages{})
	sit := l.inject(t, "fence")
	a := l.ask(t, "Why is "+sit.Job+" not running?")
	if c := causes(a); len(c) == 0 || c[0] != "fence" || len(a.NotExamined) == 0 {
		t.Errorf("causes %v, not examined %v", c, a.NotExamined)
	}
}

func TestEvidenceIsStreamedInOrder(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "limit-zero")
	var seen []string
	a, err := l.engine.Answer(context.Background(), Question{Text: "Why is " + sit.Job + " not running?", OnEvidence: func(e Evidence) { seen = append(seen, e.ID) }})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range a.Evidence {
		all = append(all, e.ID)
	}
	if !slices.Equal(seen, all) || len(seen) == 0 {
		t.Errorf("streamed %v, answer has %v", seen, all)
	}
}

func TestCanceledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New(Deps{}).Answer(ctx, Question{Text: "why"}); err == nil {
		t.Error("a cancelled question must return the context's error")
	}
}
