package plan

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWildcard(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"@", "ANY", true}, {"@", "", true}, {"PAY@", "PAYROLL", true}, {"PAY@", "REPAY", false}, {"@ROLL", "PAYROLL", true},
		{"P@R@L", "PAYROLL", true}, {"P@X@L", "PAYROLL", false}, {"?AY", "PAY", true}, {"?AY", "AY", false}, {"J%", "J7", true}, {"J%", "JX", false},
		{"@%@", "A1B", true}, {"@%@", "AB", false}, {"pay", "PAY", true}, {"A@A", "A", false}, {"A@B@B", "AB", false}, {"@@", "X", true}, {"%@%", "12", true}, {"%@%", "1", false},
	} {
		if got := wildcard(tc.pattern)([]byte(tc.name)); got != tc.want {
			t.Errorf("%q matches %q = %v, want %v", tc.pattern, tc.name, got, tc.want)
		}
	}
}

// The matcher agrees with the regular expression a pattern stands for.
func TestWildcardAgainstRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[AB1@?%]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[AB1]{0,10}`).Draw(t, "name")
		if pattern == "" {
			t.Skip("an empty pattern stands for all")
		}
		re := regexp.MustCompile("^" + strings.NewReplacer("@", ".*", "?", ".", "%", "[0-9]").Replace(pattern) + "$")
		if got, want := wildcard(pattern)([]byte(name)), re.MatchString(name); got != want {
			t.Fatalf("%q matches %q = %v, want %v", pattern, name, got, want)
		}
	})
}

func TestTextsSearch(t *testing.T) {
	in := newInterner()
	var ids []textID
	for i := range 100_000 { // enough for several parts
		ids = append(ids, in.id(fmt.Sprintf("Job_%06d", i)))
	}
	if again := in.id("Job_000007"); again != ids[7] {
		t.Errorf("the same text got ids %d and %d", ids[7], again)
	}
	tx := in.freeze()
	count := func(set bitset) (n int) {
		for i := range tx.len() {
			if set.has(i) {
				n++
			}
		}
		return n
	}
	if d := cmp.Diff([]textID{ids[42]}, tx.find("JOB_000042")); d != "" {
		t.Errorf("find ignores case (-want +got):\n%s", d)
	}
	for want, n := range map[string]int{"job_": 100_000, "_09999": 10, "_099999": 1, "x": 0, "": 0, "9\nJ": 0} {
		if got := count(tx.containing(want)); got != n {
			t.Errorf("containing(%q) = %d entries, want %d", want, got, n)
		}
	}
	for pattern, n := range map[string]int{"@": 100_001, "JOB_@7": 10_000, "@_00000%": 10, "JOB_0999??": 100, "NONE@": 0} {
		if got := count(tx.like(pattern)); got != n {
			t.Errorf("like(%q) = %d entries, want %d", pattern, got, n)
		}
	}
}

func TestUUIDRoundTrip(t *testing.T) {
	for _, id := range []string{"9daec769-39e0-3283-9006-2933c84d3c78", testID(1)} {
		if u, ok := parseUUID(id); !ok || u.String() != id {
			t.Errorf("parseUUID(%q) = %q, %v", id, u, ok)
		}
	}
	for _, id := range []string{"", "MDMDA;JOBS;SLEEP", "9DAEC769-39e0-3283-9006-2933c84d3c78", "9daec769x39e0-3283-9006-2933c84d3c78", "zdaec769-39e0-3283-9006-2933c84d3c78", "00000000-0000-0000-0000-000000000000"} {
		if _, ok := parseUUID(id); ok {
			t.Errorf("parseUUID(%q) must be kept as text", id)
		}
	}
}

// Suggestions by edit distance agree with the textbook recurrence.
func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"PAYROLL", "PAYROL", 1}, {"PAYROLL", "PAYRLOL", 1}, {"PAYROLL", "PAYROLL", 0}, {"ABCD", "ABXD", 1}, {"ABCDEFGH", "BACDEFHG", 2}} {
		q := newQuery(tc.a)
		q.limit = 10
		if got := q.distance([]byte(tc.b)); got != tc.want {
			t.Errorf("distance(%s, %s) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

// FuzzResolve: whatever somebody types, resolving it neither panics nor claims
// more than it found.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"PAYROLL_NET", "BANK_01#PAY(2200 11/22/26).@", "/F/WS#/G/S.J", "@#@.@", "%%%", "a\nb", "WS#", "#.", "(", "+state=x", strings.Repeat("@", 300)} {
		f.Add(s)
	}
	b := NewBuilder(t0)
	b.AddWorkstation(Workstation{Name: "BANK_01"})
	for n := range 20 {
		b.AddJob(Job{ID: testID(n + 1), Name: fmt.Sprintf("PAYROLL_%d", n), Stream: "PAY", StreamID: "s", StreamWorkstation: "BANK_01"}, nil)
	}
	s := b.Build()
	f.Fuzz(func(t *testing.T, name string) {
		r := s.Resolve(name)
		if len(r.Jobs) > r.Total || (r.Kind == KindNone && r.Total > 0) || (r.Unique() && len(r.Jobs) != 1) {
			t.Errorf("Resolve(%q) = %+v", name, r)
		}
		s.Filter(Filter{Text: name, Folder: name, Stream: name, Workstation: name, Limit: 3})
	})
}
