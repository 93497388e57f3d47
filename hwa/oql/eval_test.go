package oql

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func object() Lookup {
	fields := map[string]Value{
		"name": Str("PAYROLL_NET"), "folder": Str("/PAY/"), "priority": Int(10), "limit": Int(-1), "jobOptions.critical": Bool(true),
		"jobruns.commonStatus": Strs("ERROR", "SUCCESSFUL"), "commonStatus": Str("SUCCESSFUL"), "activeStates": Strs("LINKED", "START"), "holders": List(),
		"schedTime": Instant(time.Date(2025, 3, 1, 6, 0, 0, 0, time.UTC)), "jobruns.elapsedTime": List(Duration(90*time.Minute), Duration(time.Second)),
		"deadline": Instant(time.Time{}), "jobruns.jobNumber": Strs("4711"), "started": Str("2025-03-01T06:00:00+01:00"), "note": Str("SUCCEED"),
	}
	return func(f string) (Value, bool) { v, ok := fields[f]; return v, ok }
}

func TestEvaluate(t *testing.T) {
	for in, want := range map[string]bool{
		"name = 'PAYROLL_NET'":                           true,
		"name = 'payroll_net'":                           false,
		"Name = 'PAYROLL_NET'":                           false,
		"name != 'X' AND priority = 10":                  true,
		"name = 'X' OR priority = '10'":                  true,
		"name = 'X' OR name = 'Y' AND priority = 10":     false,
		"priority > 9 AND priority <= 100":               true,
		"priority > '9' AND priority <= '100'":           true,
		"priority < 10":                                  false,
		"priority >= 10":                                 true,
		"limit < 0":                                      true,
		"limit = -1":                                     true,
		"priority = 'ten'":                               false,
		"priority != 'ten'":                              true,
		"priority > 'ten'":                               false,
		"jobOptions.critical = true":                     true,
		"jobOptions.critical = 'true'":                   true,
		"jobOptions.critical IN ['true']":                true,
		"jobOptions.critical != false":                   true,
		"jobOptions.critical > 'a'":                      false,
		"jobruns.commonStatus IN ['ERROR']":              true,
		"jobruns.commonStatus = 'SUCCEED'":               true,
		"jobruns.commonStatus NOT IN ['READY', 'HELD']":  true,
		"jobruns.commonStatus NOT IN ['READY', 'ERROR']": false,
		"jobruns.commonStatus != 'ERROR'":                false,
		"commonStatus = 'SUCCEED'":                       true,
		"commonStatus IN ['SUCCEED', 'READY']":           true,
		"commonStatus NOT IN ['SUCCEED']":                false,
		"note = 'SUCCESSFUL'":                            false,
		"activeStates LIKE 'LINK@'":                      true,
		"activeStates NOT LIKE 'LINK@'":                  false,
		"activeStates LIKE 'LINK'":                       false,
		"name LIKE '@ROLL@'":                             true,
		"name LIKE 'PAYROLL?NET'":                        true,
		"name LIKE 'PAYROLL_NET@'":                       true,
		"name LIKE '@NET'":                               true,
		"name LIKE 'P@L_?E@'":                            true,
		"name LIKE '?'":                                  false,
		"name LIKE '@'":                                  true,
		"absent LIKE '@'":                                false,
		"absent = null AND deadline = null":              true,
		"name = null":                                    false,
		"name != null":                                   true,
		"holders = null":                                 true,
		"holders != null":                                false,
		"absent = 'x'":                                   false,
		"absent != 'x'":                                  true,
		"absent < 5 OR absent >= 5":                      false,
		"schedTime = '2025-03-01T06:00:00.000Z'":         true,
		"schedTime = 2025-03-01T07:00:00+01:00":          true,
		"schedTime >= '2025-03-01T00:00:00.000Z' AND schedTime < '2025-03-01T06:00:00.001Z'": true,
		"schedTime > 'soon'":                        false,
		"started < '2025-03-01T05:30:00Z'":          true,
		"jobruns.elapsedTime = 'PT1H30M'":           true,
		"jobruns.elapsedTime = PT90M":               true,
		"jobruns.elapsedTime > PT2H":                false,
		"jobruns.jobNumber = 4711":                  true,
		"jobruns.jobNumber > 999":                   true,
		"name IN [a,b,c,d,e,f,g,h,i,'PAYROLL_NET']": true,
		"priority IN [1,2,3,4,5,6,7,8,9,'10']":      true,
		"priority NOT IN [1,2,3,4,5,6,7,8,9]":       true,
	} {
		q, err := Parse(in)
		if err != nil {
			t.Errorf("Parse(%q): %v", in, err)
			continue
		}
		if got := Evaluate(q.Where, object()); got != want {
			t.Errorf("%s: %v, want %v", in, got, want)
		}
	}
	if !Evaluate(nil, object()) {
		t.Error("no condition must match everything")
	}
	if Evaluate(In[string]("name"), object()) || Evaluate(&Term{Field: "name"}, object()) {
		t.Error("an empty list and a malformed term must match nothing")
	}
}

// complements: != NOT IN NOT LIKE are exactly the opposite of = IN LIKE.
func TestComplements(t *testing.T) {
	for _, field := range []string{"name", "absent", "activeStates", "holders", "priority", "schedTime"} {
		for _, v := range []string{"PAYROLL_NET", "LINKED", "10", "@"} {
			l := object()
			if Evaluate(Eq(field, v), l) == Evaluate(Ne(field, v), l) ||
				Evaluate(In(field, v), l) == Evaluate(NotIn(field, v), l) ||
				Evaluate(Like(field, v), l) == Evaluate(NotLike(field, v), l) {
				t.Errorf("%s against %q: operator and complement agree", field, v)
			}
		}
	}
}

type row struct {
	name string
	prio int64
}

func rowField(f string) (Accessor[*row], bool) {
	switch f {
	case "name":
		return func(r *row) Value {
			if r.name == "" {
				return Null()
			}
			return Str(r.name)
		}, true
	case "priority":
		return func(r *row) Value { return List(Int(r.prio)) }, true
	}
	return nil, false
}

func TestBindAndOrder(t *testing.T) {
	rows := []*row{{"B", 2}, {"A", 10}, {"", 1}, {"B", 9}}
	q, err := Parse("priority > 1 ORDER BY name ASC, priority DESC")
	if err != nil {
		t.Fatal(err)
	}
	match, err := Bind(q.Where, rowField)
	if err != nil || match(rows[2]) || !match(rows[0]) {
		t.Errorf("Bind: %v", err)
	}
	order, err := BindOrder(q.OrderBy, rowField)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(rows, order)
	want := []*row{{"A", 10}, {"B", 9}, {"B", 2}, {"", 1}}
	if diff := cmp.Diff(want, rows, cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
	var unknown *UnknownFieldError
	if _, err := Bind(And(Eq("name", 1), Eq("nmae", 1)), rowField); !errors.As(err, &unknown) || unknown.Field != "nmae" {
		t.Errorf("Bind with a misspelt field: %v", err)
	}
	if _, err := BindOrder([]Order{{Field: "x"}}, rowField); !errors.As(err, &unknown) {
		t.Errorf("BindOrder with a misspelt field: %v", err)
	}
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"A@B@C", "AxxBxxC", true}, {"A@B@C", "ABC", true}, {"A@B@C", "ABCD", false}, {"@@A@@", "A", true}, {"?@", "", false}, {"?@", "é", true},
		{"J%@", "J1X", true}, {"J%@", "JX1", false}, {"%%", "12", true}, {"%%", "123", false}, {"@1?", "1111", true}, {"@%", "A٣", false}, {"a", "A", false},
	} {
		if got := wildcard(c.pattern, "@?%")(c.s); got != c.want {
			t.Errorf("wildcard(%q)(%q) = %v", c.pattern, c.s, got)
		}
	}
	if wildcard("J%", "@?")("J1") {
		t.Error("%% is not a wildcard of LIKE")
	}
}

func BenchmarkEvaluateEquality500k(b *testing.B) {
	match, err := Bind(Eq("name", "PAYROLL_NET"), rowField)
	if err != nil {
		b.Fatal(err)
	}
	r := &row{name: "PAYROLL_NEU"}
	for b.Loop() {
		for range 500_000 {
			if match(r) {
				b.Fatal("matched")
			}
		}
	}
}

func BenchmarkEvaluateLookup500k(b *testing.B) {
	match := Compile(And(In("jobruns.commonStatus", "ERROR", "HELD"), Like("name", "PAY@NEU")))
	l := object()
	for b.Loop() {
		for range 500_000 {
			if match(l) {
				b.Fatal("matched")
			}
		}
	}
}
