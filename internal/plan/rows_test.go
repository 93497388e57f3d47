package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"resync/hwa/oql"
)

// Looking jobs up by their names must select what reading every job selects.
func TestRowsAreAShortcutOnly(t *testing.T) {
	b := NewBuilder(time.Now())
	for i := range 3001 {
		ws := fmt.Sprintf("WS%02d", i%17)
		b.AddJob(Job{ID: testID(i + 1), Name: fmt.Sprintf("%s_%04d_%s", []string{"PAY", "GL", "CRD"}[i%3], i/7, []string{"LOAD", "POST"}[i%2]),
			Stream: fmt.Sprintf("S_%03d", i/11), StreamID: testID(100_000 + i/11), StreamWorkstation: ws, Workstation: ws, Folder: []string{"/", "/BANK/"}[i%2],
			Status: []string{"HOLD", "SUCC", "ABEND"}[i%3]}, nil)
	}
	s := b.Build()
	texts := []string{"", "pay", "load", "gl_0042", "s_17", "ws03", "bank", "pay load", "nothing", "@#@.PAY_@", "WS03#@.@_POST", "@#S_01@.@", "S_010.PAY", "WS05#@", "@#/BANK/@.@"}
	rapid.Check(t, func(t *rapid.T) {
		f := Filter{Text: rapid.SampledFrom(texts).Draw(t, "text"), Workstation: rapid.SampledFrom([]string{"", "WS0@"}).Draw(t, "ws")}
		if rapid.Bool().Draw(t, "status") {
			f.Status = []string{"HOLD"}
		}
		pass, _ := s.tests(f)
		var want []int
		for i := range s.Len() {
			if pass.has(i) != holds(f, s.Job(i)) {
				t.Fatalf("%+v: %s: the columns say %v", f, s.Job(i).FullName(), pass.has(i))
			}
			if pass.has(i) {
				want = append(want, i)
			}
		}
		got := s.Filter(f)
		if diff := cmp.Diff(want, append([]int(nil), got.Jobs...)); diff != "" || got.Total != len(want) {
			t.Fatalf("%+v: total %d, want %d\n%s", f, got.Total, len(want), diff)
		}
	})
}

// holds is the filter done the slow way, on one job's texts: words and
// STREAM.JOB, or a pattern by way of the query language's own matcher.
func holds(f Filter, j Job) bool {
	if f.Workstation != "" && !wildcard(f.Workstation)([]byte(j.Workstation)) {
		return false
	}
	if len(f.Status) > 0 && !slices.Contains(f.Status, j.Status) {
		return false
	}
	if strings.ContainsAny(f.Text, "#@?%") {
		pf, err := parsePattern(f.Text)
		if err != nil {
			return false
		}
		match := pf.Compile()
		target := oql.Target{Workstation: j.StreamWorkstation, Folder: j.Folder, Name: j.Stream, Job: j.Name}
		other := target
		other.Workstation = j.Workstation
		return match(target) || match(other)
	}
	for _, w := range strings.Fields(strings.ToUpper(f.Text)) {
		if stream, job, ok := strings.Cut(w, "."); ok && stream != "" {
			if !strings.Contains(j.Stream, stream) || !strings.Contains(j.Name, job) {
				return false
			}
		} else if !slices.ContainsFunc([]string{j.Name, j.Stream, j.Workstation, j.Folder}, func(text string) bool { return strings.Contains(text, w) }) {
			return false
		}
	}
	return true
}
