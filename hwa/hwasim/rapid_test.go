package hwasim

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const rapidPlan = `
WS A FTA LINUX 3 DM a.example
WS B AGENT LINUX 2 DM b.example
RES A#R 2
PROMPT OK "Go?"
STREAM A#S1 at 00:10 limit 2 carry yes
JOB A1 sh 10m
JOB A2 sh 5m after A1 res A#R:1
JOB A3 sh 5m after A1 res A#R:2
JOB A4 sh 5m after A2,A3 recovery rerun/2/1m
STREAM B#S2 at 00:15 ext A#S1.A2
JOB B1 sh 7m confirm
JOB B2 sh 7m after B1 recovery continue
JOB B3 sh 7m after B2 prompt OK
STREAM B#S3 at 00:20 ext A#S1 res A#R:1
JOB C1 sh 3m every 5m until 03:00/continue
JOB C2 sh 3m file A:/x@00:40
JOB C3 sh 30m after C2 max 20m/kill
`

// TestStateMachine does random things to a small plan and checks after each that
// the books balance and nobody started without permission.
func TestStateMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := New(Config{plan: rapidPlan, Users: testUsers, Start: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			rt.Fatal(err)
		}
		jobs := rapid.IntRange(0, 9)
		names := rapid.SampledFrom(append([]string{"release-all-dependencies"}, jobActionOrder[:9]...))
		pick := func() (int32, string) { return int32(jobs.Draw(rt, "job")), names.Draw(rt, "action") }
		rt.Repeat(map[string]func(*rapid.T){
			"step": func(rt *rapid.T) { s.Step(time.Duration(rapid.IntRange(1, 3600).Draw(rt, "s")) * time.Second) },
			"action": func(rt *rapid.T) {
				ji, name := pick()
				a := s.wire.jobActions[name]
				before := s.jobs[ji].st
				if !a.can(s, ji) {
					rt.Skip("not possible now")
				}
				s.mu.Lock()
				a.do(s, ji, &actionArgs{priority: rapid.IntRange(0, 101).Draw(rt, "prio")})
				s.mu.Unlock()
				if err := transitionAllowed(name, before, s.jobs[ji].st); err != nil {
					rt.Fatal(err)
				}
			},
			"outcome": func(rt *rapid.T) {
				ji := int32(jobs.Draw(rt, "job"))
				s.outcomes[ji] = outcome{rc: int32(rapid.IntRange(0, 1).Draw(rt, "rc")), fail: rapid.IntRange(0, 9).Draw(rt, "fail") == 0}
			},
			"station": func(rt *rapid.T) {
				wi := int32(rapid.IntRange(0, 1).Draw(rt, "ws"))
				a := stationActions[rapid.SampledFrom(stationActionOrder[:8]).Draw(rt, "what")]
				if !a.can(&s.ws[wi]) {
					rt.Skip("not possible now")
				}
				a.do(s, &s.ws[wi], &actionArgs{limit: rapid.IntRange(0, 4).Draw(rt, "limit"), fence: rapid.IntRange(0, 20).Draw(rt, "fence")})
				s.dispatch(wi)
			},
			"reply": func(rt *rapid.T) {
				if len(s.prompts) == 0 {
					rt.Skip("no prompts")
				}
				pi := int32(rapid.IntRange(0, len(s.prompts)-1).Draw(rt, "prompt"))
				if s.prompts[pi].st == prAsked {
					if err := s.answerPrompt(pi, rapid.Bool().Draw(rt, "yes")); err != nil {
						rt.Fatal(err)
					}
				}
			},
			"": func(rt *rapid.T) {
				if err := s.invariants(); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}

// transitionAllowed knows what each action may turn a status into.
func transitionAllowed(action string, from, to status) error {
	allowed := map[string][]status{
		"hold": {stHold}, "cancel": {from}, "kill": {stAbend, stHold, stReady, stIntro}, "confirm-succ": {stSucc, stHold, stReady, stIntro},
		"confirm-abend": {stAbend}, "rerun": {stHold, stReady, stIntro},
	}[action]
	if allowed == nil {
		return nil
	}
	for _, st := range allowed {
		if st == to {
			return nil
		}
	}
	return fmt.Errorf("%s turned %s into %s", action, from, to)
}

// invariants recounts what the engine counts as it goes.
func (s *Sim) invariants() error {
	running := map[int32]int16{}
	streamRunning := map[int32]int16{}
	used := map[int32]int32{}
	for i := range s.jobs {
		j := &s.jobs[i]
		if len(j.runs) == 0 || j.last().st != j.st {
			return fmt.Errorf("%s: job is %s, its last run %s", j.name, j.st, j.last().st)
		}
		if j.slot != j.st.running() {
			return fmt.Errorf("%s: %s, slot %v", j.name, j.st, j.slot)
		}
		for n := range j.runs {
			if r := &j.runs[n]; r.end != 0 && r.end < r.start || n < len(j.runs)-1 && r.st.running() {
				return fmt.Errorf("%s: run %d is %s, %d to %d", j.name, n, r.st, r.start, r.end)
			}
		}
		if j.slot {
			running[j.ws]++
			streamRunning[j.stream]++
			for _, d := range j.deps {
				if d.kind == depResource && !d.released {
					used[d.target] += int32(d.qty)
				}
			}
		}
	}
	for i := range s.ws {
		if s.ws[i].running != running[int32(i)] {
			return fmt.Errorf("%s counts %d running jobs, there are %d", s.ws[i].name, s.ws[i].running, running[int32(i)])
		}
	}
	for i := range s.streams {
		st := &s.streams[i]
		if st.running != streamRunning[int32(i)] {
			return fmt.Errorf("stream %s counts %d running jobs, there are %d", st.name, st.running, streamRunning[int32(i)])
		}
		if st.holding {
			for _, d := range st.deps {
				if d.kind == depResource {
					used[d.target] += int32(d.qty)
				}
			}
		}
	}
	for i := range s.res {
		if r := &s.res[i]; r.inUse != used[int32(i)] || r.inUse > r.total {
			return fmt.Errorf("resource %s: %d in use, %d counted, %d in all", r.name, r.inUse, used[int32(i)], r.total)
		}
	}
	return nil
}
