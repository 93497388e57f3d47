package hwasim

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa"
)

func TestDemoNight(t *testing.T) {
	s := newSim(t, Config{})
	if len(s.order) != 3000 || len(s.ws) != 60 {
		t.Errorf("%d jobs, %d workstations", len(s.order), len(s.ws))
	}
	count := map[string]int{}
	for _, ji := range s.order {
		count[s.jobs[ji].st.String()]++
		if j := &s.jobs[ji]; j.st == stAbend || j.st == stFail {
			t.Errorf("%s failed in a healthy night", s.jobKey(j))
		}
	}
	if count["SUCC"] < 1000 || count["EXEC"] < 40 || count["HOLD"] < 1000 || count["READY"] == 0 {
		t.Errorf("half past two: %v", count)
	}
	for _, name := range []string{"PROD", "PRD", "MASTER", "MAIN", "CRITICAL"} {
		for _, ji := range s.order {
			if key := s.jobKey(&s.jobs[ji]); strings.Contains(key, name) {
				t.Fatalf("%s carries the risk token %s", key, name)
			}
		}
	}
	if s.runNumber != 1200 {
		t.Errorf("run number %d, want 1200 after last night's switch", s.runNumber)
	}
}

func (s *Sim) fingerprint() string {
	var b strings.Builder
	for _, ji := range s.order {
		j := &s.jobs[ji]
		b.WriteString(s.jobKey(j) + " " + j.st.String() + " " + itoa(int(j.last().start)) + " " + itoa(int(j.last().end)) + "\n")
	}
	return b.String()
}

func TestSameSeedSameNight(t *testing.T) {
	night := func(seed int64, step time.Duration) string {
		s := newSim(t, Config{Seed: seed, Jobs: 900, Faults: []string{"job-abend", "limit-zero"}})
		for range 4 * time.Hour / step {
			s.Step(step)
		}
		return s.fingerprint()
	}
	a := night(7, time.Hour)
	if a != night(7, time.Hour) {
		t.Error("two nights of one seed differ")
	}
	if d := cmp.Diff(a, night(7, time.Minute)); d != "" {
		t.Errorf("the size of the steps changes the night:\n%.600s", d)
	}
	if a == night(8, time.Hour) {
		t.Error("another seed gives the same night")
	}
}

func TestRollover(t *testing.T) {
	s := newSim(t, Config{Jobs: 700})
	ji, _ := s.findKey("CRD_AGT3#CRD_SETTLE.CRD_NETTING")
	old := s.jobs[ji].id
	s.ws[s.jobs[ji].ws].limit = 0 // CRD_FEES and what follows it stay
	ni, _ := s.findKey("CRM_AGT1#CRM_SYNC.CRM_PUSH")
	s.doHold(ni, nil) // CRM_SYNC is not carried forward
	s.Step(22 * time.Hour)
	if s.runNumber != 1201 {
		t.Fatalf("run number %d after FINAL, want 1201", s.runNumber)
	}
	if _, ok := s.findJob(old); !ok {
		t.Error("an unfinished stream with carry forward left the plan")
	}
	if _, ok := s.findJob(s.jobs[ni].id); ok {
		t.Error("an unfinished stream without carry forward stayed")
	}
	n := map[string]int{}
	for _, si := range s.sorder {
		n[s.streams[si].name]++
		if st := &s.streams[si]; st.name == "CRD_SETTLE" && st.day == 0 && !st.carried {
			t.Error("carried forward but not marked")
		}
	}
	if n["CRD_SETTLE"] != 2 || n["CRM_SYNC"] != 1 || n["PAYROLL"] != 1 {
		t.Errorf("instances in the new plan: settle %d, crm %d, payroll %d", n["CRD_SETTLE"], n["CRM_SYNC"], n["PAYROLL"])
	}
	for _, w := range s.ws {
		if w.run != 1201 {
			t.Errorf("%s has run number %d", w.name, w.run)
		}
	}
	s.Step(24 * time.Hour)
	if s.runNumber != 1202 || s.states(t, "HQMDM#FINAL") == "" {
		t.Errorf("the day after: run number %d", s.runNumber)
	}
	if err := s.invariants(); err != nil {
		t.Error(err)
	}
}

// TestSwitchAfterRepair: once MAKEPLAN is rerun the switch follows and the run
// number goes up after all.
func TestSwitchAfterRepair(t *testing.T) {
	x := demo(t, Config{})
	sit, err := x.Inject("jnextplan-AWSJPL017E")
	if err != nil {
		t.Fatal(err)
	}
	if x.runNumber != 1199 {
		t.Fatalf("run number %d", x.runNumber)
	}
	run := look(t, x, sit).job.JobRuns[0].ID
	if a := x.as("adm", "PUT", "/plan/job/run/"+run+"/action/rerun", "{}"); a.status != 200 {
		t.Fatal(a.status, a.body)
	}
	x.Step(20 * time.Minute)
	if got := look(t, x, sit).state(); got != "SUCC" || x.runNumber != 1200 || len(x.order) != 700 {
		t.Errorf("MAKEPLAN %s, run number %d, %d jobs", got, x.runNumber, len(x.order))
	}
}

func TestBadConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  Config
		want string
	}{
		"profile":      {Config{Profile: "huge"}, "profile"},
		"api":          {Config{API: "9.5"}, "API"},
		"few jobs":     {Config{Jobs: 10}, "Jobs"},
		"few stations": {Config{Workstations: 3}, "Workstations"},
		"fault":        {Config{Faults: []string{"x"}}, "unknown"},
		"outcome":      {Config{RerunOutcome: "maybe"}, "outcome"},
		"user":         {Config{Users: []User{{Name: "a"}}}, "user"},
		"plan":         {Config{plan: "WS A FTA LINUX x DM n"}, "line 1"},
		"plan after":   {Config{plan: oneStation + "STREAM A#S\nJOB B sh 1m after Z"}, "line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want an error about %q", err, tc.want)
			}
		})
	}
}

// FuzzPlanText: no plan text makes the parser or the builder panic.
func FuzzPlanText(f *testing.F) {
	f.Add(rapidPlan)
	f.Add("WS A FTA LINUX 1 D n\nSTREAM A#S at 25:99\nJOB \"x\" sh 1m every 0s")
	f.Add("JOB a b c\nRES A#B x\nSTREAM A#S join a/b/c")
	f.Fuzz(func(t *testing.T, text string) {
		m := newModel()
		if err := m.parse(text); err == nil && len(m.streams) > 0 && len(m.stations) == 0 {
			t.Error("streams without a workstation")
		}
	})
}

func TestRunFollowsRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Config{Jobs: 700, Speed: 60})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		start := s.Now()
		time.Sleep(10 * time.Second)
		if got := s.Now().Sub(start); got < 9*time.Minute || got > 11*time.Minute {
			t.Errorf("ten seconds at speed 60 moved the clock by %v", got)
		}
		s.SetSpeed(0)
		at := s.Now()
		time.Sleep(time.Minute)
		if s.Now() != at {
			t.Error("a frozen clock moved")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStepKeepsFractions(t *testing.T) {
	s := newSim(t, Config{Jobs: 700})
	at := s.Now()
	for range 10 {
		s.Step(300 * time.Millisecond)
	}
	s.Step(-time.Hour)
	if got := s.Now().Sub(at); got != 3*time.Second {
		t.Errorf("ten steps of 300 ms moved the clock by %v", got)
	}
}

// TestSuccessorsDepth: levels come nearest first and depth cuts them.
func TestSuccessorsDepth(t *testing.T) {
	x := demo(t, Config{})
	ji, _ := x.findKey("PAY_AGT1#PAYROLL.PAYROLL_NET")
	id := x.jobs[ji].id.String()
	before := 0
	for depth := 1; depth <= 6; depth++ {
		nodes, err := x.client().JobSuccessors(context.Background(), id, depth)
		if err != nil {
			t.Fatal(err)
		}
		if len(nodes) < before || depth == 2 && len(nodes) == before {
			t.Errorf("depth %d: %d nodes after %d", depth, len(nodes), before)
		}
		before = len(nodes)
	}
	preds, err := x.client().JobPredecessors(context.Background(), id, 9)
	if err != nil || len(preds) != 2 {
		t.Errorf("%d predecessors, %v", len(preds), err)
	}
}

// TestClientWalk reads everything with the typed client.
func TestClientWalk(t *testing.T) {
	x := demo(t, Config{Faults: []string{"job-abend", "prompt-asked", "reruns-exhausted"}})
	c, ctx := x.client(), context.Background()
	jobs := 0
	for j, err := range c.Jobs(ctx, hwa.ListOptions{PageSize: 250}) {
		if err != nil {
			t.Fatal(err)
		}
		jobs++
		if j.ID == "" || j.Name == "" || j.JobStreamName == "" || len(j.JobRuns) == 0 || j.LastRunCompositeStatus.Status == "" || j.LastRunCommonStatus == "" {
			t.Fatalf("incomplete job %+v", j)
		}
	}
	streams := 0
	for st, err := range c.JobStreams(ctx, hwa.ListOptions{PageSize: 50}) {
		if err != nil {
			t.Fatal(err)
		}
		streams++
		if st.ID == "" || st.CompositeStatus.Status == "" || st.CommonStatus == "" || st.JobStreamStats.NumberOfJob == 0 || len(st.InternalIdentifier) != 16 {
			t.Fatalf("incomplete stream %+v", st)
		}
	}
	if jobs != 700 || streams != len(x.sorder) {
		t.Errorf("%d jobs, %d streams", jobs, streams)
	}
	info, err := c.ObjectsInfo(ctx, "JOB_IN_PLAN")
	if err != nil || len(info["JOB_IN_PLAN"].Actions) != len(jobActionOrder) {
		t.Errorf("objects-info: %v %v", len(info["JOB_IN_PLAN"].Actions), err)
	}
	if _, err := c.EngineConfiguration(ctx); err != nil {
		t.Error(err)
	}
	if v, err := c.SetEngineSetting(ctx, "carryStates", "(abend)"); err != nil || v.Value != "(abend)" {
		t.Errorf("setting: %+v %v", v, err)
	}
	for r, err := range c.Resources(ctx, hwa.ListOptions{}) {
		if err != nil || r.Name == "" || r.Quantity == nil {
			t.Fatalf("resource %+v %v", r, err)
		}
	}
}

func BenchmarkNewDemo(b *testing.B) {
	for b.Loop() {
		if _, err := New(Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNoGoroutines: an engine at rest has none, whatever the plan's size.
func TestNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newSim(t, Config{Jobs: 5000})
	s.Step(time.Hour)
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines more", after-before)
	}
}
