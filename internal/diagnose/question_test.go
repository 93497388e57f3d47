package diagnose

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/hwasim"
	"resync/internal/plan"
)

func TestClassify(t *testing.T) {
	for text, want := range map[string]Intent{
		"Why did PAYROLL_NET abend and what does it block?":   IntentDiagnosis,
		"PAYROLL_NET ended with ABEND, what is blocked?":      IntentDiagnosis,
		"Job PAYROLL_NET has been READY for 30 minutes. Why?": IntentDiagnosis,
		"JnextPlan failed with AWSJPL017E":                    IntentDiagnosis,
		"What is wrong with tonight's plan?":                  IntentDiagnosis,
		"what does PAYROLL_NET block?":                        IntentDiagnosis,
		"Por que o job PAYROLL_NET falhou?":                   IntentDiagnosis,
		"O job PAYROLL_NET está parado, qual o motivo?":       IntentDiagnosis,
		"O que PAYROLL_NET bloqueia?":                         IntentDiagnosis,
		"MakePlan says the database is already locked":        IntentDiagnosis,
		"What does AWSJPL017E mean?":                          IntentKnowledge,
		"What do AWSJPL705E and AWSBIS348E mean?":             IntentKnowledge,
		"AWSBHT001E":                                     IntentKnowledge,
		"How do I rerun a job from a step?":              IntentKnowledge,
		"What is the difference between ABEND and FAIL?": IntentKnowledge,
		"Como faço para reexecutar um job?":              IntentKnowledge,
		"O que significa AWSBDW009E?":                    IntentKnowledge,
		"Explain the fence":                              IntentKnowledge,
		"What is the status of PAYROLL_NET?":             IntentStatus,
		"how many jobs failed tonight?":                  IntentStatus,
		"Which agents are down?":                         IntentStatus,
		"Quais jobs falharam?":                           IntentStatus,
		"Qual o status do job PAYROLL_NET?":              IntentStatus,
		"Is the critical path at risk?":                  IntentStatus,
		"Rerun PAYROLL_NET":                              IntentAction,
		"please hold PAYROLL_NET":                        IntentAction,
		"can you release PAYROLL_NET?":                   IntentAction,
		"Reexecutar o job PAYROLL_NET":                   IntentAction,
		"restart it":                                     IntentAction,
		"":                                               IntentAskBack,
		"hello":                                          IntentAskBack,
		"help please":                                    IntentAskBack,
		"olá":                                            IntentAskBack,
	} {
		if got := Classify(text); got != want {
			t.Errorf("Classify(%q) = %s, want %s", text, got, want)
		}
	}
}

func mentioned(t *testing.T, s *plan.Snapshot, text string) []string {
	t.Helper()
	in := New(Deps{Plan: func() *plan.Snapshot { return s }}).inquire(t.Context(), Question{Text: text})
	return in.mentions(text)
}

// Defect 13: the predecessor took What, status and the for jobs.
func TestDefect13_MentionsAreNamesOfThePlan(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	l.sync(t)
	s := l.live.Snapshot()
	for text, want := range map[string][]string{
		"What is the status of job PAYROLL_NET?":                      {"PAYROLL_NET"},
		"why did payroll_net fail":                                    {"payroll_net"},
		"Why is PAY_AGT1#PAYROLL.PAYROLL_NET READY?":                  {"PAY_AGT1#PAYROLL.PAYROLL_NET"},
		`why is "PAYROLL_NET" late`:                                   {"PAYROLL_NET"},
		"ANALYZE the ERRORS of WHAT happened":                         nil,
		"Why is the job READY when the limit is 10?":                  nil,
		"FTA does not link when SSL is active":                        nil,
		"JnextPlan failed with AWSJPL017E":                            nil,
		"What do AWSJPL705E and SQL State 57011 -912 mean?":           nil,
		"Why did NO_SUCH_JOB fail?":                                   {"NO_SUCH_JOB"},
		"is DYN_AGT1 linked?":                                         {"DYN_AGT1"},
		"what happened to the DB2 database on UNIX after the upgrade": nil,
	} {
		if d := cmp.Diff(want, mentioned(t, s, text)); d != "" {
			t.Errorf("mentions of %q (-want +got):\n%s", text, d)
		}
	}
}

func TestUnknownJobIsAskedBackWithSuggestions(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	l.sync(t)
	a := l.ask(t, "Why did PAYROL_NET abend?")
	if a.Intent != IntentAskBack || !strings.Contains(a.Text, "PAYROLL_NET") || !strings.Contains(a.Text, "Did you mean") {
		t.Errorf("intent %s: %s", a.Intent, a.Text)
	}
	if len(a.Hypotheses) != 0 || len(a.Actions) != 0 {
		t.Errorf("an unknown job got hypotheses %v and actions %v", causes(a), a.Actions)
	}
	if !slices.ContainsFunc(a.Candidates, func(c Candidate) bool { return strings.HasSuffix(c.Job, ".PAYROLL_NET") && c.ID != "" }) {
		t.Errorf("candidates = %+v", a.Candidates)
	}
	checkAnswer(t, a)
}

func TestAmbiguousJobListsCandidates(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "carried-forward")
	a := l.ask(t, "Why is "+sit.Job+" not running?")
	if a.Intent != IntentAskBack || len(a.Candidates) < 2 || len(a.Hypotheses) != 0 {
		t.Errorf("intent %s, %d candidates, causes %v: %s", a.Intent, len(a.Candidates), causes(a), a.Text)
	}
	checkAnswer(t, a)
	byID, err := l.engine.Answer(t.Context(), Question{Text: "Why is it not running?", Jobs: []string{a.Candidates[0].ID}})
	if err != nil || byID.Intent != IntentDiagnosis || len(byID.Gates) == 0 {
		t.Errorf("asked by id: %v, %+v", err, byID)
	}
}

func TestDescribedJob(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	a := l.ask(t, "Why did the failed payroll job abend and what does it block?")
	if !strings.Contains(a.Text, sit.Job) || len(a.Blocked) == 0 {
		t.Errorf("%d blocked: %s", len(a.Blocked), a.Text)
	}
	if c := causes(a); len(c) == 0 || c[0] != "abend_return_code" {
		t.Errorf("causes = %v", c)
	}
	checkAnswer(t, a)
}

// Defect 14: after "what's the error?", "restart it" restarted a job called ERROR.
func TestDefect14_ActionNeedsANamedTarget(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	for _, text := range []string{"restart it", "rerun that job", "hold this", "reexecute isso", "rerun the ERROR"} {
		a := l.ask(t, text)
		if a.Intent != IntentAskBack || len(a.Actions) != 0 {
			t.Errorf("%q: intent %s, actions %v: %s", text, a.Intent, a.Actions, a.Text)
		}
	}
	a := l.ask(t, "rerun "+sit.Job)
	want := []Action{{Tool: "rerun_job", Args: map[string]any{"job": sit.JobID}, Reason: "asked for: rerun " + sit.Job, Risk: RiskMutating}}
	if d := cmp.Diff(want, a.Actions); d != "" || a.Intent != IntentAction {
		t.Errorf("intent %s, actions (-want +got):\n%s", a.Intent, d)
	}
	if a := l.ask(t, "hold "+sit.Job); len(a.Actions) != 1 || a.Actions[0].Tool != "hold_job" {
		t.Errorf("hold: %+v", a.Actions)
	}
	if a := l.ask(t, "kill "+sit.Job); len(a.Actions) != 0 {
		t.Errorf("there is no tool to kill a job: %+v", a.Actions)
	}
	if n := len(l.sim.Writes()); n != 0 {
		t.Errorf("%d writes reached the engine", n)
	}
}

func TestPlanStatus(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	for text, want := range map[string]string{
		"How many jobs failed tonight?":             sit.Job,
		"Which agents are down?":                    "linked",
		"Are there any deadlines at risk?":          "at risk",
		"Is the plan extended, how is FINAL doing?": "run number",
		"What is the status of " + sit.Job + "?":    "ABEND",
	} {
		a := l.ask(t, text)
		if a.Intent != IntentStatus || !strings.Contains(a.Text, want) {
			t.Errorf("%q: intent %s, want %q in: %s", text, a.Intent, want, a.Text)
		}
		checkAnswer(t, a)
	}
}

func TestObjectsAndLog(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	l.inject(t, "resource-exhausted")
	l.inject(t, "prompt-asked")
	sit := l.inject(t, "job-abend")
	for text, want := range map[string]string{
		"Who holds resource DWHSLOT?":                  "DWH_LOAD.DWL_POSITIONS",
		"Which resources are exhausted?":               "DWHSLOT",
		"which prompts are waiting for an answer?":     "RULES_CHECKED",
		"Show me the log of " + sit.Job:                "exit status 8",
		"Quem está usando o recurso DWH_AGT1#DWHSLOT?": "DWH_LOAD.DWL_POSITIONS",
	} {
		a := l.ask(t, text)
		if a.Intent != IntentStatus || !strings.Contains(a.Text, want) {
			t.Errorf("%q: intent %s, want %q in: %s", text, a.Intent, want, a.Text)
		}
		checkAnswer(t, a)
	}
}

func TestWorkstationAndStream(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "ssl-port-zero")
	a := l.ask(t, "Why is "+sit.Workstation+" not linked?")
	if c := causes(a); len(c) == 0 || c[0] != "ssl_port_zero" {
		t.Errorf("causes = %v: %s", c, a.Text)
	}
	checkAnswer(t, a)
	l = newLab(t, hwasim.Config{}, nil)
	l.inject(t, "job-abend")
	a = l.ask(t, "Why is job stream PAY_AGT1#PAYROLL stuck?")
	if c := causes(a); len(c) == 0 || c[0] != "abend_return_code" {
		t.Errorf("causes = %v: %s", c, a.Text)
	}
	checkAnswer(t, a)
}

func TestPortugueseQuestion(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "job-abend")
	a := l.ask(t, "Por que o job "+sit.Job+" falhou e o que ele bloqueia?")
	if c := causes(a); len(c) == 0 || c[0] != "abend_return_code" || len(a.Blocked) == 0 {
		t.Errorf("causes = %v, %d blocked: %s", c, len(a.Blocked), a.Text)
	}
}
