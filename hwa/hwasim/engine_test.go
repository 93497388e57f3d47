package hwasim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const chain = oneStation + `
STREAM A#S
JOB ONE sh 18m
JOB TWO sh 18m after ONE
JOB THREE sh 18m after TWO
`

func TestLifecycle(t *testing.T) {
	s := planSim(t, chain)
	for _, step := range []struct {
		wait time.Duration
		want string
	}{
		{0, "ONE=SUCC TWO=SUCC THREE=EXEC"}, // the stream has no start time, so it began with the plan at 23:15
		{30 * time.Minute, "ONE=SUCC TWO=SUCC THREE=SUCC"},
	} {
		s.Step(step.wait)
		if got := s.states(t, "A#S"); got != step.want {
			t.Errorf("after %v: %s, want %s", step.wait, got, step.want)
		}
	}
	r := s.job(t, "A#S.ONE").last()
	if r.start == 0 || r.end <= r.start || r.rc != 0 || r.number == 0 {
		t.Errorf("run of ONE is incomplete: %+v", *r)
	}
}

func TestActionsTable(t *testing.T) {
	timed := oneStation + `
STREAM A#S at 01:00
JOB ONE sh 10m
JOB TWO sh 10m after ONE
`
	for name, tc := range map[string]struct {
		at     time.Duration // when the action comes
		job    string
		action string
		body   string
		refuse bool
		later  time.Duration
		want   string
	}{
		"cancel before launch releases successors": {0, "ONE", "cancel", "{}", false, 80 * time.Minute, "ONE=HOLD(CANCL) TWO=SUCC"},
		"kill is an ABEND that holds successors":   {65 * time.Minute, "ONE", "kill", "{}", false, time.Hour, "ONE=ABEND TWO=HOLD"},
		"kill needs a running job":                 {0, "ONE", "kill", "{}", true, 0, "ONE=HOLD TWO=HOLD"},
		"confirm-succ ends a running job":          {65 * time.Minute, "ONE", "confirm-succ", "{}", false, time.Minute, "ONE=SUCC TWO=EXEC"},
		"confirm-abend on EXEC":                    {65 * time.Minute, "ONE", "confirm-abend", "{}", false, time.Hour, "ONE=ABEND TWO=HOLD"},
		"confirm-succ of SUCC is unsupported":      {75 * time.Minute, "ONE", "confirm-succ", "{}", true, 0, "ONE=SUCC TWO=EXEC"},
		"confirm-abend of SUCC is unsupported":     {75 * time.Minute, "ONE", "confirm-abend", "{}", true, 0, "ONE=SUCC TWO=EXEC"},
		"hold keeps a job":                         {0, "ONE", "hold", "{}", false, 3 * time.Hour, "ONE=HOLD TWO=HOLD"},
		"hold of a running job is refused":         {65 * time.Minute, "ONE", "hold", "{}", true, 0, "ONE=EXEC TWO=HOLD"},
		"release of a job that is not held":        {0, "ONE", "release", "{}", true, 0, "ONE=HOLD TWO=HOLD"},
		"rerun of a waiting job is refused":        {0, "ONE", "rerun", "{}", true, 0, "ONE=HOLD TWO=HOLD"},
		"rerun of SUCC runs again":                 {72 * time.Minute, "ONE", "rerun", "{}", false, time.Minute, "ONE=EXEC TWO=EXEC"},
		"release-all-dependencies drops the time":  {0, "TWO", "release-all-dependencies", "{}", false, 61 * time.Minute, "ONE=EXEC TWO=EXEC"},
		"cancel of SUCC is refused":                {75 * time.Minute, "ONE", "cancel", "{}", true, 0, "ONE=SUCC TWO=EXEC"},
		"cancel-pending waits for dependencies":    {0, "TWO", "cancel-pending", "{}", false, 30 * time.Minute, "ONE=HOLD TWO=HOLD"},
		"cancel-pending acts once they are met":    {0, "TWO", "cancel-pending", "{}", false, 90 * time.Minute, "ONE=SUCC TWO=HOLD(CANCL)"},
	} {
		t.Run(name, func(t *testing.T) {
			x := serve(t, planSim(t, timed))
			x.Step(tc.at)
			a := x.try("A#S."+tc.job, tc.action, tc.body)
			if refused := a.status != 200; refused != tc.refuse {
				t.Fatalf("status %d %s; want refused=%v", a.status, a.body, tc.refuse)
			}
			if tc.refuse && a.status != 500 {
				t.Errorf("a business refusal is HTTP 500, got %d", a.status)
			}
			x.Step(tc.later)
			if got := x.states(t, "A#S"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			wantWrites := 1
			if tc.refuse {
				wantWrites = 0
			}
			if got := len(x.Writes()); got != wantWrites {
				t.Errorf("%d writes journaled, want %d", got, wantWrites)
			}
		})
	}
}

func TestHoldAndRelease(t *testing.T) {
	x := serve(t, planSim(t, oneStation+"STREAM A#S at 01:00 prio 33\nJOB ONE sh 10m\n"))
	x.act("A#S.ONE", "hold", "{}")
	ji, _ := x.findKey("A#S.ONE")
	if j := &x.jobs[ji]; j.prio != 0 || x.commonStatus(j) != "HELD" || x.substatus(ji) != "HOLD_PRIORITY_ZERO" {
		t.Errorf("held job: prio %d %s %s", j.prio, x.commonStatus(j), x.substatus(ji))
	}
	x.Step(2 * time.Hour)
	x.act("A#S.ONE", "release", "{}")
	if p := x.jobs[ji].prio; p != 33 {
		t.Errorf("released with priority %d, want 33", p)
	}
	x.Step(10 * time.Second)
	if st := x.jobs[ji].st; st != stExec {
		t.Errorf("released job is %s", st)
	}
}

func TestLaunchGates(t *testing.T) {
	plan := `
WS A FTA LINUX 2 DM a.example
WS Z FTA LINUX 0 DM z.example
RES A#R 1
STREAM A#LIM at 01:00
JOB L1 sh 1h
JOB L2 sh 1h
JOB L3 sh 1h
JOB LHI sh 1h prio hi
STREAM Z#NEW at 01:00
JOB N1 sh 1h
STREAM A#RES at 03:00
JOB R1 sh 30m res A#R:1 prio 20
JOB R2 sh 30m res A#R:1
STREAM A#SLIM at 05:00 limit 1
JOB S1 sh 30m prio 20
JOB S2 sh 30m
`
	s := planSim(t, plan)
	s.Step(61 * time.Minute)
	if got, want := s.states(t, "A#LIM"), "L1=EXEC L2=EXEC L3=READY LHI=EXEC"; got != want {
		t.Errorf("limit 2: %s, want %s", got, want)
	}
	if got := s.states(t, "Z#NEW"); got != "N1=READY" {
		t.Errorf("limit 0 of a new workstation: %s", got)
	}
	for key, want := range map[string]string{"A#LIM.L3": "READY_WAITING_FOR_LIMIT", "Z#NEW.N1": "READY_WAITING_FOR_LIMIT"} {
		if ji, _ := s.findKey(key); s.substatus(ji) != want {
			t.Errorf("%s: %s, want %s", key, s.substatus(ji), want)
		}
	}
	s.Step(2*time.Hour + 2*time.Minute)
	if got := s.states(t, "A#RES"); got != "R1=EXEC R2=READY" {
		t.Errorf("resource: %s", got)
	}
	if ji, _ := s.findKey("A#RES.R2"); s.substatus(ji) != "READY_WAITING_FOR_RESOURCES" {
		t.Errorf("resource substatus %s", s.substatus(ji))
	}
	s.Step(2 * time.Hour)
	if got := s.states(t, "A#RES"); got != "R1=SUCC R2=SUCC" {
		t.Errorf("after the unit was free: %s", got)
	}
	if got := s.states(t, "A#SLIM"); got != "S1=EXEC S2=READY" {
		t.Errorf("stream limit: %s", got)
	}
	s.Step(90 * time.Minute)
	if got := s.states(t, "A#SLIM"); got != "S1=SUCC S2=SUCC" {
		t.Errorf("stream limit later: %s", got)
	}
	if r := s.res[0]; r.inUse != 0 || len(r.holders) != 0 {
		t.Errorf("resource still held: %+v", r)
	}
}

func TestFence(t *testing.T) {
	x := serve(t, planSim(t, oneStation+"STREAM A#S at 01:00\nJOB LOW sh 1h prio 10\nJOB HIGH sh 1h prio 11\n"))
	id := x.ws[0].id.String()
	if a := x.as("adm", "PUT", "/plan/workstation/"+id+"/action/update-fence?fence=10", "{}"); a.status != 200 {
		t.Fatal(a.status, a.body)
	}
	x.Step(61 * time.Minute)
	if got := x.states(t, "A#S"); got != "LOW=READY HIGH=EXEC" {
		t.Errorf("a job runs only above the fence: %s", got)
	}
	x.act("A#S.LOW", "update-priority?priority=12", "{}")
	x.Step(10 * time.Second)
	if got := x.states(t, "A#S"); got != "LOW=EXEC HIGH=EXEC" {
		t.Errorf("after raising the priority: %s", got)
	}
}

func TestEvery(t *testing.T) {
	s := planSim(t, oneStation+"STREAM A#S at 01:00\nJOB E sh 1m every 15m until 02:00/continue\n")
	s.Step(2*time.Hour + time.Minute)
	j := s.job(t, "A#S.E")
	if len(j.runs) != 4 && len(j.runs) != 5 {
		t.Fatalf("%d runs between 1:00 and 2:00 every 15 minutes", len(j.runs))
	}
	for i, r := range j.runs[1:] {
		if r.kind != runEvery {
			t.Errorf("run %d is %s", i+1, runKindNames[r.kind])
		}
		if gap := r.start - j.runs[i].start; gap < 15*60 || gap > 15*60+10 {
			t.Errorf("run %d started %d s after the one before", i+1, gap)
		}
	}
	if s.states(t, "A#S") != "E=SUCC" {
		t.Errorf("after its latest start: %s", s.states(t, "A#S"))
	}
}

func TestRecoveryOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		options string
		fails   int // runs that fail
		answer  string
		want    string
		runs    int
	}{
		"stop":                    {"recovery stop", 1, "", "ONE=ABEND TWO=HOLD", 1},
		"continue":                {"recovery continue", 1, "", "ONE=ABEND TWO=SUCC", 1},
		"rerun repairs":           {"recovery rerun", 1, "", "ONE=SUCC TWO=SUCC", 2},
		"rerun twice":             {"recovery rerun/2/1m", 2, "", "ONE=SUCC TWO=SUCC", 3},
		"rerun exhausted":         {"recovery rerun", 9, "", "ONE=ABEND TWO=HOLD", 2},
		"prompt waits":            {`recovery continue recprompt "Go on?"`, 1, "", "ONE=ABEND TWO=HOLD", 1},
		"prompt yes continues":    {`recovery continue recprompt "Go on?"`, 1, "yes", "ONE=ABEND TWO=SUCC", 1},
		"prompt no stays":         {`recovery continue recprompt "Go on?"`, 1, "no", "ONE=ABEND TWO=HOLD", 1},
		"prompt yes reruns":       {`recovery rerun recprompt "Again?"`, 1, "yes", "ONE=SUCC TWO=SUCC", 2},
		"recovery job then rerun": {"recovery rerun recjob FIX", 1, "", "ONE=SUCC TWO=SUCC FIX=SUCC", 2},
		"recovery job, continue":  {"recovery continue recjob FIX", 1, "", "ONE=ABEND TWO=SUCC FIX=SUCC", 1},
	} {
		t.Run(name, func(t *testing.T) {
			plan := oneStation + "STREAM A#LIB at 23:00\nJOB FIX sh 1m\nSTREAM A#S at 01:00\nJOB ONE sh 2m " + tc.options + "\nJOB TWO sh 1m after ONE\n"
			s := planSim(t, plan)
			ji, _ := s.findKey("A#S.ONE")
			s.outcomes[ji] = outcome{rc: 4, failure: failReturnCode, repeat: tc.fails - 1}
			s.Step(90 * time.Minute)
			if tc.answer != "" {
				if err := s.answerPrompt(int32(len(s.prompts)-1), tc.answer == "yes"); err != nil {
					t.Fatal(err)
				}
			}
			s.Step(time.Hour)
			if got := s.states(t, "A#S"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := len(s.jobs[ji].runs); got != tc.runs {
				t.Errorf("%d runs, want %d", got, tc.runs)
			}
		})
	}
}

func TestTimeRules(t *testing.T) {
	plan := oneStation + `
STREAM A#BLOCK at 04:00
JOB B sh 1h
STREAM A#S at 01:00 ext A#BLOCK
JOB SUPP sh 1m until 02:00/doNotRun
JOB CANC sh 1m until 02:00/cancel
JOB CONT sh 1m until 02:00/continue
JOB DEAD sh 1m deadline 03:00
STREAM A#D at 01:00
JOB KILL sh 1h max 10m/kill
JOB LONG sh 1h max 10m
JOB SHORT sh 1m min 5m/abend
JOB CONFIRM sh 1m confirm
JOB NOOP sh 1h noop
`
	s := planSim(t, plan)
	s.Step(90 * time.Minute)
	if got, want := s.states(t, "A#D"), "KILL=ABEND LONG=EXEC SHORT=ABEND CONFIRM=PEND NOOP=SUCC"; got != want {
		t.Errorf("durations: %s, want %s", got, want)
	}
	if r := s.job(t, "A#D.LONG").last(); r.flags&rfMaxGone == 0 {
		t.Error("maximum duration passed but not marked")
	}
	if r := s.job(t, "A#D.SHORT").last(); r.flags&rfMinNot == 0 {
		t.Error("minimum duration not reached but not marked")
	}
	s.Step(105 * time.Minute)
	if got, want := s.states(t, "A#S"), "SUPP=SUPPR CANC=HOLD(CANCL) CONT=HOLD DEAD=HOLD"; got != want {
		t.Errorf("latest start: %s, want %s", got, want)
	}
	for key, f := range map[string]flag{"A#S.SUPP": fUntilGone, "A#S.CONT": fUntilGone, "A#S.DEAD": fDeadlineGone | fLate} {
		if j := s.job(t, key); j.flags&f != f {
			t.Errorf("%s: flags %b lack %b", key, j.flags, f)
		}
	}
	s.Step(2 * time.Hour)
	if got, want := s.states(t, "A#S"), "SUPP=SUPPR CANC=HOLD(CANCL) CONT=SUCC DEAD=SUCC"; got != want {
		t.Errorf("after the predecessor: %s, want %s", got, want)
	}
}

func TestDependencyKinds(t *testing.T) {
	plan := oneStation + `
PROMPT OK "Go?"
STREAM A#P at 01:00
JOB P1 sh 10m
JOB P2 sh 30m
JOB P3 sh 2h
STREAM A#JOIN at 01:00 join J/2/A#P.P1,A#P.P2,A#P.P3
JOB JJ sh 1m
STREAM A#FILE at 01:00
JOB FJ sh 1m file A:/data/x@02:00
STREAM A#ASK at 01:00 prompt OK
JOB AJ sh 1m
STREAM A#NET at 01:00
JOB NJ sh 1m net REMOTE::A#B.C
`
	s := planSim(t, plan)
	subs := func() map[string]string {
		out := map[string]string{}
		for _, key := range []string{"A#JOIN.JJ", "A#FILE.FJ", "A#ASK.AJ", "A#NET.NJ"} {
			ji, _ := s.findKey(key)
			out[key] = s.jobs[ji].st.String() + " " + s.substatus(ji)
		}
		return out
	}
	s.Step(61 * time.Minute)
	want := map[string]string{"A#JOIN.JJ": "HOLD HOLD_WAITING_FOR_PREDECESSOR", "A#FILE.FJ": "HOLD HOLD_WAITING_FOR_FILE",
		"A#ASK.AJ": "HOLD HOLD_WAITING_FOR_PROMPT", "A#NET.NJ": "HOLD HOLD_WAITING_FOR_PREDECESSOR"}
	if d := cmp.Diff(want, subs()); d != "" {
		t.Error(d)
	}
	if s.prompts[0].st != prAsked {
		t.Errorf("prompt is %s", promptNames[s.prompts[0].st])
	}
	if err := s.answerPrompt(0, true); err != nil {
		t.Fatal(err)
	}
	if err := s.answerPrompt(0, true); err == nil {
		t.Error("a prompt was answered twice")
	}
	s.Step(62 * time.Minute)
	want = map[string]string{"A#JOIN.JJ": "SUCC ", "A#FILE.FJ": "SUCC ", "A#ASK.AJ": "SUCC ", "A#NET.NJ": "HOLD HOLD_WAITING_FOR_PREDECESSOR"}
	if d := cmp.Diff(want, subs()); d != "" {
		t.Error(d)
	}
}

func TestStreamStatus(t *testing.T) {
	s := planSim(t, oneStation+"STREAM A#S at 01:00\nJOB ONE sh 10m\nJOB TWO sh 10m after ONE\n")
	ji, _ := s.findKey("A#S.ONE")
	si := s.jobs[ji].stream
	s.outcomes[ji] = outcome{rc: 8}
	check := func(want, common string) {
		t.Helper()
		got := s.streamStatus(si, s.stats(si))
		if got != want || s.streamCommon(si, got) != common {
			t.Errorf("%s %s, want %s %s", got, s.streamCommon(si, got), want, common)
		}
	}
	check("HOLD", "WAITING")
	s.Step(65 * time.Minute)
	check("EXEC", "RUNNING")
	s.Step(10 * time.Minute)
	check("STUCK", "BLOCKED")
	s.doConfirmSucc(ji, nil)
	s.Step(20 * time.Minute)
	check("SUCC", "SUCCESSFUL")
}

func TestCriticalNetwork(t *testing.T) {
	s := planSim(t, oneStation+`
STREAM A#P at 01:00
JOB P1 sh 30m
STREAM A#S at 01:00 ext A#P
JOB C1 sh 20m
JOB C2 sh 10m after C1 critical deadline 02:00
`)
	for key, want := range map[string]string{"A#S.C2": "01:50", "A#S.C1": "01:30", "A#P.P1": "01:00"} {
		if got := s.at(s.job(t, key).critical).Format("15:04"); got != want {
			t.Errorf("critical start of %s is %s, want %s", key, got, want)
		}
	}
	ji, _ := s.findKey("A#P.P1")
	s.doHold(ji, nil)
	s.Step(95 * time.Minute)
	if !s.job(t, "A#P.P1").has(fLate) || !s.job(t, "A#S.C1").has(fLate) || s.job(t, "A#S.C2").has(fLate) {
		t.Error("late flags do not follow the critical starts")
	}
}
