package oql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func treesEqual(a, b Query) string { return cmp.Diff(a, b, cmpopts.IgnoreUnexported(Term{})) }

func TestParsePrint(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"name = 'X'", "name = 'X'"},
		{"jobStreamName = test1", "jobStreamName = 'test1'"},
		{"name='X'and limit>1", "name = 'X' AND limit > 1"},
		{"priority >= -3 or jobmanUp = TRUE", "priority >= -3 OR jobmanUp = true"},
		{"a = 1 OR b = 2 AND c = 3", "a = 1 OR (b = 2 AND c = 3)"},
		{"(a = 1 OR b = 2) AND c = 3", "(a = 1 OR b = 2) AND c = 3"},
		{"((a = 1))", "a = 1"},
		{"a = 1 AND (b = 2 AND c = 3)", "a = 1 AND b = 2 AND c = 3"},
		{"status in['AVAILABLE']", "status IN ['AVAILABLE']"},
		{"activeStates not  in [ 'LINKED' ,'UNLINKED']", "activeStates NOT IN ['LINKED', 'UNLINKED']"},
		{"name Not Like '@JS?@'", "name NOT LIKE '@JS?@'"},
		{"nextRun = null AND x != NULL", "nextRun = null AND x != null"},
		{"timeInfo.actualStartTime < 2025-02-27T11:15:00.000Z", "timeInfo.actualStartTime < '2025-02-27T11:15:00.000Z'"},
		{"jobruns.elapsedTime = PT5H9M", "jobruns.elapsedTime = 'PT5H9M'"},
		{"id = ca15f24a-0e6b-3f1b-9251-854d8d0d3639", "id = 'ca15f24a-0e6b-3f1b-9251-854d8d0d3639'"},
		{"workstation = /WSFOLDER/WS", "workstation = '/WSFOLDER/WS'"},
		{"name = 'O''Neil'", "name = 'O''Neil'"},
		{"name = ''", "name = ''"},
		{"name = 'AND OR ('", "name = 'AND OR ('"},
		{"order = 'x'", ""},
		{"name = 'a' ORDER BY name", "name = 'a' ORDER BY name ASC"},
		{"name = 'a' order by name desc,  key.name asc", "name = 'a' ORDER BY name DESC, key.name ASC"},
		{"ORDER BY key.name DESC", "ORDER BY key.name DESC"},
		{"key.name = 'X'", "key.name = 'X'"},
		{"in1 = 1 AND orders = 2", "in1 = 1 AND orders = 2"},
		{"a-b#c.d = 'ü'", "a-b#c.d = 'ü'"},
		{"nulls = nullable", "nulls = 'nullable'"},
	} {
		q, err := Parse(c.in)
		if c.want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %q, want an error", c.in, q)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		if q.String() != c.want {
			t.Errorf("Parse(%q).String() = %q, want %q", c.in, q, c.want)
		}
		again, err := Parse(q.String())
		if err != nil || treesEqual(q, again) != "" {
			t.Errorf("%q does not round-trip: %v %s", c.in, err, treesEqual(q, again))
		}
	}
}

// The shapes of the manual's examples, names changed, OCR damage repaired.
func TestParseManualShapes(t *testing.T) {
	for _, in := range []string{
		"(activeStates IN ['LINKED'] AND jobmanUp = true) OR (type IN ['FTA'] AND domainName != 'MASTERDM')",
		"name LIKE '@NEW@' AND type IN ['AGENT', 'FTA'] AND domainName LIKE 'M@' AND jobmanUp = false AND folder LIKE '/@A/'",
		"(name NOT LIKE '@JS@' AND (limit > 1 AND limit <= 3)) OR (name LIKE '@A@' AND (priority > 9 AND priority <= 100))",
		"(commonStatus IN ['WAITING', 'READY'] AND (schedTime >= '2025-03-01T00:00:00.000Z' AND schedTime <= '2025-03-10T23:59:59.000Z'))",
		"((priority = 101 AND commonStatus = 'RUNNING') OR (workstation = '/WS@' AND folder = '/')) AND jobStreamStats.numberOfJob = 3",
		"(jobruns.compositeStatus.status NOT IN ['FAIL', 'ABEND', 'HOLD'] OR jobruns.compositeStatus.canceled = true ) AND jobOptions.critical = true",
		"name LIKE '@RES@' AND quantityInUse = '3' AND status in ['AVAILABLE']",
		"name LIKE 'A@' AND (workstation = '/W' OR jobStreamWorkstation = '/W') AND jobStreamName = 'JOBS' ORDER BY name DESC",
	} {
		if _, err := Parse(in); err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		in       string
		offset   int
		expected string
	}{
		{"", 0, "a field name"},
		{"   ", 3, "a field name"},
		{"name", 4, "an operator"},
		{"name =", 6, "a value"},
		{"name == 'x'", 6, "a value"},
		{"name = 'x", 7, "a closing quote"},
		{"name = 'x' y", 11, "AND, OR, ORDER BY or the end"},
		{"name = 'x' 'y'", 11, "AND, OR, ORDER BY or the end"},
		{"name = 'x' AND", 14, "a field name"},
		{"(name = 'x'", 11, "AND, OR or )"},
		{"name = 'x')", 10, "AND, OR, ORDER BY or the end"},
		{"name IN 'x'", 8, "[ and a list"},
		{"name IN []", 9, "a value"},
		{"name IN ['x'", 12, ", or ]"},
		{"name IN ['x',]", 13, "a value"},
		{"name LIKE 5", 10, "a pattern"},
		{"limit < true", 8, "a number or a string"},
		{"limit IN [null]", 10, "a list of numbers"},
		{"NOT (name = 'x')", 0, "a field name"},
		{"name NOT = 'x'", 9, "IN or LIKE after NOT"},
		{"job_name = 'x'", 3, "a field name of letters"},
		{"1name = 'x'", 0, "a field name"},
		{"a..b = 1", 1, "a field name of letters"},
		{"name = AND", 7, "a value"},
		{"name = 12x", 7, "a value"},
		{"name = x;y", 7, "a value"},
		{"name = 'x' ORDER name", 17, "BY"},
		{"name = 'x' ORDER BY", 19, "a field name"},
		{"name = 'x' ORDER BY name,", 25, "a field name"},
		{"a = 1; DROP TABLE x", 4, "a value"},
	} {
		_, err := Parse(c.in)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("Parse(%q): error %v, want a *SyntaxError", c.in, err)
			continue
		}
		if syntax.Offset != c.offset || !strings.HasPrefix(syntax.Expected, c.expected) {
			t.Errorf("Parse(%q): offset %d expected %q, want %d %q", c.in, syntax.Offset, syntax.Expected, c.offset, c.expected)
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("character %d", c.offset+1)) {
			t.Errorf("message %q does not say where", err)
		}
	}
}

func TestParseLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "a = 1" + strings.Repeat(")", n) }
	if _, err := Parse(deep(MaxDepth)); err != nil {
		t.Errorf("%d parentheses: %v", MaxDepth, err)
	}
	for name, in := range map[string]string{
		"nesting":     deep(MaxDepth + 1),
		"deepest":     strings.Repeat("(", MaxLength-1),
		"a megabyte":  "name = '" + strings.Repeat("x", 1<<20) + "'",
		"conditions":  strings.Repeat("a=1 OR ", maxTerms) + "a=1",
		"sort fields": "ORDER BY a" + strings.Repeat(",a", MaxDepth),
		"bytes":       "name = '\xff'",
	} {
		if _, err := Parse(in); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestQuirkKeyName(t *testing.T) {
	quirks := Quirks{RefuseKeyName: true}
	for in, ok := range map[string]bool{
		"key.name = 'X'":                     false,
		"name = 'a' AND (key.name LIKE '@')": false,
		"name = 'X' ORDER BY key.name ASC":   true,
		"key.names = 'X'":                    true,
	} {
		if _, err := ParseQuirks(in, quirks); (err == nil) != ok {
			t.Errorf("%q: error %v, want accepted %v", in, err, ok)
		}
	}
}

func TestBuilder(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 0, 0, 0, time.FixedZone("CET", 3600))
	q := Where(And(
		Eq("name", "PAYROLL_NET"), nil,
		Or(In("commonStatus", "ERROR", "HELD"), Ne("nextRun", nil)),
		And(Lt("priority", 10), Ge("schedTime", at), Le("jobruns.elapsedTime", 90*time.Minute)),
		NotIn("jobruns.returnCode", 0, 4), NotLike("folder", "/TEST@"), Gt("limit", int64(1)), Eq("jobOptions.critical", true),
	)).Asc("name").Desc("priority")
	want := "name = 'PAYROLL_NET' AND (commonStatus IN ['ERROR', 'HELD'] OR nextRun != null) AND priority < 10" +
		" AND schedTime >= '2026-11-22T22:00:00.000Z' AND jobruns.elapsedTime <= 'PT1H30M' AND jobruns.returnCode NOT IN [0, 4]" +
		" AND folder NOT LIKE '/TEST@' AND limit > 1 AND jobOptions.critical = true ORDER BY name ASC, priority DESC"
	got, err := q.Wire()
	if err != nil || got != want {
		t.Errorf("Wire() = %q, %v\nwant %q", got, err, want)
	}
	again, err := Parse(got)
	if err != nil || treesEqual(q, again) != "" {
		t.Errorf("parsing what was built: %v\n%s", err, treesEqual(q, again))
	}
	fields := []string{"name", "commonStatus", "nextRun", "priority", "schedTime", "jobruns.elapsedTime", "jobruns.returnCode", "folder", "limit", "jobOptions.critical"}
	if diff := cmp.Diff(fields, Fields(q.Where)); diff != "" {
		t.Error(diff)
	}
	if And() != nil || Or(nil) != nil || And(nil, Eq("a", 1)).String() != "a = 1" {
		t.Error("groups of none and of one")
	}
}

type status string

func TestValueOfNamedTypes(t *testing.T) {
	got, err := Where(And(In("commonStatus", status("ERROR"), status("HELD")), Eq("priority", uint8(7)), Eq("jobOptions.critical", Bool(true)), Eq("schedTime", Instant(time.Unix(0, 0))))).Wire()
	want := "commonStatus IN ['ERROR', 'HELD'] AND priority = 7 AND jobOptions.critical = true AND schedTime = '1970-01-01T00:00:00.000Z'"
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
}

// What a model or a user wrote must never be read as syntax by an engine.
func TestWireRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		e    Expr
		says string
	}{
		"quote":          {Eq("name", "x' OR name LIKE '@"), "quote"},
		"backslash":      {Eq("name", `x\`), "backslash"},
		"newline":        {In("name", "a", "b\nc"), "control character"},
		"not UTF-8":      {Eq("name", "\xff"), "control character"},
		"field":          {Eq("name = 'x' OR name", "y"), "not a field name"},
		"keyword":        {Eq("order", 1), "keyword"},
		"empty list":     {And(Eq("a", 1), In[string]("name")), "field name: IN got 0 values"},
		"type":           {Eq("name", 1.5), "float64"},
		"type in a list": {In("name", 1.5), "float64"},
		"pattern":        {&Term{Field: "name", Op: OpLike, Values: []Value{Int(1)}}, "LIKE takes"},
		"two values":     {&Term{Field: "name", Op: OpEq, Values: []Value{Int(1), Int(2)}}, "got 2 values"},
		"list value":     {Eq("name", Strs("a", "b")), "takes"},
		"empty group":    {&Group{}, "empty"},
		"nil in group":   {&Group{Exprs: []Expr{nil}}, "empty"},
		"nothing":        {nil, "empty"},
		"long":           {Eq("name", strings.Repeat("x", MaxLength)), "at most"},
	} {
		if s, err := Where(c.e).Wire(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Wire() = %.40q, %v; want an error with %q", name, s, err, c.says)
		}
	}
	nested := Eq("a", 1)
	for range MaxDepth + 1 {
		nested = &Group{Exprs: []Expr{&Group{Or: true, Exprs: []Expr{nested, Eq("b", 1)}}, Eq("c", 1)}}
	}
	if _, err := Where(nested).Wire(); err == nil {
		t.Error("deep nesting accepted")
	}
	if _, err := Where(Eq("a", 1)).Asc("b DESC, c").Wire(); err == nil {
		t.Error("sort field accepted")
	}
	if s, err := Where(Eq("jobDefinition.userLogin", `CORP\batch`)).Wire(); err != nil {
		t.Errorf("Windows login refused: %q %v", s, err)
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"PT4H20S": 4*time.Hour + 20*time.Second, "PT90M": 90 * time.Minute, "P1D": 24 * time.Hour, "P1Y2M3DT4H5M6S": 428*day + 4*time.Hour + 5*time.Minute + 6*time.Second,
		"PT0.5S": 500 * time.Millisecond, "P2W": 14 * day, "PT0S": 0,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "P", "PT", "P1", "PT1", "1H", "PT1S1H", "PT-1H", "P1H", "PT1.5H", "PT1H ", "PT999999999999999999H", "P290Y2MT3H"[:9] + "P"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", in, got)
		}
	}
	for d, want := range map[time.Duration]string{0: "PT0S", time.Hour: "PT1H", 90 * time.Second: "PT1M30S", 1500 * time.Millisecond: "PT1.5S", 26 * time.Hour: "PT26H"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a = 1", "a IN ['x', 2] AND (b LIKE '@' OR c != null) ORDER BY a DESC, b", "a=''''", "a NOT LIKE x", "a = 2025-02-27T11:15:00.000Z",
		"((((a=1))))", "a = PT1H OR b", "ORDER BY a", "a in[true]", "a-#.b<='\u00e9'", "a = -0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(s) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		again, err := Parse(q.String())
		if err != nil {
			t.Fatalf("%q printed as %q: %v", s, q, err)
		}
		if diff := treesEqual(q, again); diff != "" {
			t.Fatalf("%q printed as %q: %s", s, q, diff)
		}
		Evaluate(q.Where, func(field string) (Value, bool) { return Str(field), len(field) > 3 })
	})
}
