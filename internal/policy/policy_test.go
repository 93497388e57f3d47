package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func builtIn(t testing.TB) *Policy {
	t.Helper()
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// request is ana, an operator, asking to hold a job of medium risk in production.
func request(change func(*Request)) Request {
	r := Request{User: "ana", Roles: []string{"operator"}, Action: Propose, Tool: "hold_job", Permission: "write", Risk: "medium",
		EngineName: "prod", EngineEnvironment: "production", Requester: "ana", FourEyesFrom: "high"}
	if change != nil {
		change(&r)
	}
	return r
}

// TestDefect06_Matrix walks role × risk × environment × action and compares
// every cell with the rules written down a second time, in Go. (The predecessor
// took the role from the request body, let the requester approve, and had no
// second approver for critical actions: defects 4 and 6.)
func TestDefect06_Matrix(t *testing.T) {
	p := builtIn(t)
	cells := 0
	for _, role := range append(roles(), "", "root", "Admin") {
		for _, risk := range risks() {
			for _, environment := range []string{"production", "staging", "development", "disaster_recovery", "demo", ""} {
				for _, action := range actions() {
					for _, permission := range permissions() {
						for _, self := range []bool{true, false} {
							for _, readOnly := range []bool{true, false} {
								r := Request{User: "ana", Action: Action(action), Tool: "t", Permission: permission, Risk: risk, EngineName: "e",
									EngineEnvironment: environment, EngineReadOnly: readOnly, Requester: "bo", FourEyesFrom: "high"}
								if role != "" {
									r.Roles = []string{role}
								}
								if self {
									r.Requester = "ana"
								}
								cells++
								if d := p.Decide(r); d.Allow != expected(r, role, self) {
									t.Fatalf("%+v:\n%+v, want allow %v", r, d, expected(r, role, self))
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

// expected is the rules in Go.
func expected(r Request, role string, self bool) bool {
	rank := map[string]int{"viewer": 1, "operator": 2, "approver": 3, "admin": 4}[role]
	high := r.Risk == "high" || r.Risk == "critical"
	switch {
	case r.Action == Read:
		return rank >= 1
	case r.EngineReadOnly || r.Permission == "admin" && rank < 4:
		return false
	case r.Action == Propose:
		return rank >= 2 && r.Permission != "read_only"
	case r.Action == Approve && self:
		return rank >= 2 && !high
	case r.Action == Approve:
		return rank >= 3
	}
	return self && rank >= 2 && r.Permission != "read_only"
}

func TestApprovalsNeeded(t *testing.T) {
	p := builtIn(t)
	for _, c := range []struct {
		risk, from string
		needed     int
		self       bool
	}{
		{"low", "high", 1, true}, {"medium", "high", 1, true}, {"high", "high", 1, false}, {"critical", "high", 2, false},
		{"low", "low", 1, false}, {"medium", "medium", 1, false}, {"low", "", 1, false},
		{"high", "critical", 1, true}, {"critical", "critical", 2, false},
	} {
		d := p.Decide(request(func(r *Request) { r.Risk, r.FourEyesFrom = c.risk, c.from }))
		if !d.Allow || d.Needed != c.needed || d.AllowSelf != c.self {
			t.Errorf("%s with four eyes from %q: %+v, want %d approvals, self %v", c.risk, c.from, d, c.needed, c.self)
		}
		own := p.Decide(request(func(r *Request) { r.Action, r.Risk, r.FourEyesFrom = Approve, c.risk, c.from }))
		if own.Allow != c.self {
			t.Errorf("%s with four eyes from %q: own approval is %+v, but the proposal said self %v", c.risk, c.from, own, c.self)
		}
	}
}

// TestReasons: the words an operator reads at 3 a.m.
func TestReasons(t *testing.T) {
	p := builtIn(t)
	for _, c := range []struct {
		change func(*Request)
		rule   string
		text   string
	}{
		{func(r *Request) {}, "operator-proposes", "operators may ask for changes"},
		{func(r *Request) { r.Roles = []string{"viewer"} }, DefaultDeny,
			"no rule lets ana propose hold_job; the role operator would allow it (you have viewer)"},
		{func(r *Request) { r.Roles = nil; r.Action = Read }, DefaultDeny,
			"no rule lets ana read hold_job; the role viewer would allow it (you have none)"},
		{func(r *Request) { r.Action, r.Requester = Approve, "bo" }, DefaultDeny,
			"no rule lets ana approve hold_job; the role approver would allow it (you have operator)"},
		{func(r *Request) { r.Action, r.Risk = Approve, "high" }, "four-eyes",
			"an action of this risk must be approved by somebody other than the person who asked for it"},
		{func(r *Request) { r.EngineReadOnly = true }, "engine-read-only",
			"this engine is set to read_only in the configuration, so nothing may be changed on it"},
		{func(r *Request) { r.Permission = "admin" }, "admin-tools", "this tool is for administrators only"},
		{func(r *Request) { r.Action, r.Requester = Execute, "bo" }, "own-runs",
			"an action runs in the name of the person who asked for it, never of another"},
		{func(r *Request) { r.Permission = "read_only" }, DefaultDeny, "no rule lets ana propose hold_job; no role would"},
	} {
		d := p.Decide(request(c.change))
		if d.RuleID != c.rule || d.Reason != c.text {
			t.Errorf("got  %s: %s\nwant %s: %s", d.RuleID, d.Reason, c.rule, c.text)
		}
	}
}

// TestInvalidRequests: what is not on a list is refused, whatever the role.
func TestInvalidRequests(t *testing.T) {
	p := builtIn(t)
	for text, change := range map[string]func(*Request){
		"nobody is logged in":                func(r *Request) { r.User = "" },
		"no tool":                            func(r *Request) { r.Tool = "" },
		`unknown action "delete"`:            func(r *Request) { r.Action = "delete" },
		`unknown permission "readonly"`:      func(r *Request) { r.Permission = "readonly" },
		`unknown risk ""`:                    func(r *Request) { r.Risk = "" },
		`unknown risk "CRITICAL"`:            func(r *Request) { r.Risk = "CRITICAL" },
		`unknown risk "never" for four eyes`: func(r *Request) { r.FourEyesFrom = "never" },
		"who asked for this":                 func(r *Request) { r.Action, r.Requester = Approve, "" },
	} {
		d := p.Decide(request(func(r *Request) {
			r.Roles = []string{"admin"}
			change(r)
		}))
		if d.Allow || d.RuleID != InvalidRequest || !strings.Contains(d.Reason, text) {
			t.Errorf("want %q refused: %+v", text, d)
		}
	}
}

func TestFreeze(t *testing.T) {
	p := builtIn(t)
	admin := request(func(r *Request) { r.Roles = []string{"admin"} })
	if d := p.Decide(admin); !d.Allow {
		t.Fatal(d)
	}
	p.Freeze("year-end closing until 06:00")
	for _, action := range []Action{Propose, Approve, Execute} {
		admin.Action = action
		d := p.Decide(admin)
		if d.Allow || d.RuleID != "frozen" || !strings.Contains(d.Reason, "year-end closing until 06:00") {
			t.Errorf("%s while frozen: %+v", action, d)
		}
	}
	admin.Action = Read
	if d := p.Decide(admin); !d.Allow {
		t.Errorf("reading stopped too: %+v", d)
	}
	if why, frozen := p.Frozen(); !frozen || why == "" {
		t.Error("the switch does not show")
	}
	p.Thaw()
	admin.Action = Execute
	if d := p.Decide(admin); !d.Allow {
		t.Errorf("after the thaw: %+v", d)
	}
}

// TestFreezeRace is for the race detector: the switch is thrown while others ask.
func TestFreezeRace(t *testing.T) {
	p := builtIn(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				if i == 0 {
					p.Freeze("test")
					p.Thaw()
				} else if d := p.Decide(request(nil)); !d.Allow && d.RuleID != "frozen" {
					t.Errorf("%+v", d)
				}
			}
		})
	}
	wg.Wait()
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	load := func(text string) (*Policy, error) {
		path := filepath.Join(dir, "p.cedar")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return LoadFile(path)
	}
	p, err := load(`permit (principal, action, resource);
@approvals("3") permit (principal in Role::"operator", action == Action::"propose", resource == Tool::"hold_job");
@id("night") @reason("no holds on the main engine")
forbid (principal, action == Action::"propose", resource) when { context.engine == "main" && context.tool like "hold_*" };`)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Decide(request(func(r *Request) { r.EngineName = "main" }))
	if diff := cmp.Diff(Decision{RuleID: "night", Reason: "no holds on the main engine"}, d); diff != "" {
		t.Errorf("forbidden by the file (-want +got):\n%s", diff)
	}
	d = p.Decide(request(nil))
	path := filepath.Join(dir, "p.cedar")
	if diff := cmp.Diff(Decision{Allow: true, RuleID: path + ":1:1", Reason: "permitted by the policy " + path + ":1:1", Needed: 3, AllowSelf: true}, d); diff != "" {
		t.Errorf("permitted twice (-want +got):\n%s", diff)
	}

	// The guards hold beside a file that permits everything.
	for rule, change := range map[string]func(*Request){
		"engine-read-only": func(r *Request) { r.EngineReadOnly = true },
		"four-eyes":        func(r *Request) { r.Action, r.Risk = Approve, "critical" },
		"admin-tools":      func(r *Request) { r.Permission = "admin" },
		"own-runs":         func(r *Request) { r.Action, r.Requester = Execute, "bo" },
	} {
		if d := p.Decide(request(change)); d.Allow || d.RuleID != rule {
			t.Errorf("%s: %+v", rule, d)
		}
	}
	// A file can ask for more approvals, never for fewer.
	p, err = load(`@approvals("1") permit (principal, action, resource);`)
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Decide(request(func(r *Request) { r.Risk = "critical" })); d.Needed != 2 || d.AllowSelf {
		t.Errorf("critical with @approvals(1): %+v", d)
	}
	if _, err := LoadFile(filepath.Join(dir, "none.cedar")); err == nil || !strings.Contains(err.Error(), "none.cedar") {
		t.Errorf("missing file: %v", err)
	}
	if p, err = load(DefaultText()); err != nil || !p.Decide(request(nil)).Allow {
		t.Errorf("a copy of the default text: %v", err)
	}
}

// TestLoadErrors: a mistake in a policy file is named with its line.
func TestLoadErrors(t *testing.T) {
	const ok = "permit (principal, action, resource);\n"
	for _, c := range []struct {
		text string
		line int
		says string
	}{
		{ok + "permit (principal, action)", 2, "not Cedar"},
		{ok + "\nallow (principal, action, resource);", 3, "unexpected effect"},
		{ok + "permit (principal, action, resource) when { \"abc };", 2, "not terminated"},
		{"\x00", 1, "NUL"},
		{"", 0, "permits nothing"},
		{"// only a comment", 0, "permits nothing"},
		{`forbid (principal, action, resource);`, 0, "permits nothing"},
		{ok + `permit (principal in Role::"operater", action, resource);`, 2, `unknown role "operater"`},
		{ok + `permit (principal, action == Action::"aprove", resource);`, 2, `unknown action "aprove"`},
		{ok + `permit (principal, action in [Action::"read", Action::"write"], resource);`, 2, `unknown action "write"`},
		{ok + `permit (principal, action, resource in Permission::"readonly");`, 2, `unknown permission "readonly"`},
		{ok + `permit (principal, action, resource in Job::"A");`, 2, `unknown entity type "Job"`},
		{ok + `permit (principal is Person, action, resource);`, 2, `unknown entity type "Person"`},
		{ok + "\n\n" + `forbid (principal, action, resource) when { context.enviroment == "production" };`, 4, `no attribute "enviroment"`},
		{ok + `forbid (principal, action, resource) when { context has enviroment };`, 2, `no attribute "enviroment"`},
		{ok + `forbid (principal, action, resource) when { principal.name == "ana" };`, 2, "only context has attributes"},
		{ok + `forbid (principal, action, resource) when { context.risk > 2 };`, 2, "cannot be evaluated"},
		{ok + `forbid (principal, action, resource) when { context.risk };`, 2, "cannot be evaluated"},
		{ok + `@approvals("many") permit (principal, action, resource);`, 2, "@approvals"},
		{ok + `@approvals("0") permit (principal, action, resource);`, 2, "@approvals"},
		{ok + `@aprovals("2") permit (principal, action, resource);`, 2, "unknown annotation @aprovals"},
		{ok + `@id("") permit (principal, action, resource);`, 2, "@id is empty"},
		{ok + `@id("frozen") permit (principal, action, resource);`, 2, "already a policy"},
	} {
		_, err := Parse("my.cedar", []byte(c.text))
		le, isLoad := err.(*LoadError)
		if !isLoad || le.Line != c.line || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "my.cedar") {
			t.Errorf("%q:\ngot  %v\nwant line %d, %q", c.text, err, c.line, c.says)
		}
	}
}

// TestFailsClosed: a rule that cannot be evaluated denies, be it a permit or a
// forbid. Cedar itself would skip it, which for a forbid means to allow.
func TestFailsClosed(t *testing.T) {
	p := &Policy{}
	text := "permit (principal, action, resource);\n" +
		`@id("typo") forbid (principal, action, resource) when { context.engine == "prod" && context.risk_level > "high" };`
	if err := p.add("file", []byte(text)); err != nil { // without the trial of Parse
		t.Fatal(err)
	}
	if d := p.Decide(request(func(r *Request) { r.EngineName = "other" })); !d.Allow {
		t.Fatalf("the rule should not apply: %+v", d)
	}
	if d := p.Decide(request(nil)); d.Allow || d.RuleID != EvaluationError || !strings.Contains(d.Reason, "typo") {
		t.Errorf("a forbid that fails: %+v", d)
	}
}

// TestMonotonic: for any request, a stronger role loses nothing, and a higher
// risk, a read-only engine or a freeze gains nothing.
func TestMonotonic(t *testing.T) {
	p, frozen := builtIn(t), builtIn(t)
	frozen.Freeze("")
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(name string, from []string) string { return rapid.SampledFrom(from).Draw(rt, name) }
		role := rapid.IntRange(0, 2).Draw(rt, "role")
		risk := rapid.IntRange(0, 2).Draw(rt, "risk")
		r := Request{User: pick("user", []string{"ana", "bo"}), Requester: pick("requester", []string{"ana", "bo"}), Action: Action(pick("action", actions())),
			Tool: rapid.String().Draw(rt, "tool") + "t", Permission: pick("permission", permissions()), Risk: risks()[risk],
			EngineName: rapid.String().Draw(rt, "engine"), FourEyesFrom: pick("from", risks()), Roles: []string{roles()[role]}}
		d := p.Decide(r)
		worse := func(what string, d2 Decision) {
			if d2.Allow && !d.Allow || d2.Allow && (d2.Needed < d.Needed || d2.AllowSelf && !d.AllowSelf) {
				rt.Fatalf("%s made %+v\ninto %+v\nfor %+v", what, d, d2, r)
			}
		}
		higher, readOnly, stronger := r, r, r
		higher.Risk, readOnly.EngineReadOnly, stronger.Roles = risks()[risk+1], true, []string{roles()[role+1]}
		worse("a higher risk", p.Decide(higher))
		worse("a read-only engine", p.Decide(readOnly))
		worse("a freeze", frozen.Decide(r))
		if d.Allow && !p.Decide(stronger).Allow {
			rt.Fatalf("a stronger role lost %+v", r)
		}
		if d.Reason == "" || d.RuleID == "" {
			rt.Fatalf("no reason: %+v", d)
		}
	})
}

// FuzzParse: no text crashes the loader, and what loads also decides.
func FuzzParse(f *testing.F) {
	f.Add(DefaultText())
	f.Add(string(guards))
	f.Add(`@id("x") permit (principal, action, resource) when { context.tool like "a*" };`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("fuzz", []byte(text))
		if err == nil {
			p.Decide(request(nil))
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	p := builtIn(b)
	for _, r := range []Request{request(nil), request(func(r *Request) { r.Roles = []string{"viewer"} })} {
		b.Run(fmt.Sprint("allow=", p.Decide(r).Allow), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(r)
			}
		})
	}
}
