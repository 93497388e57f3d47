package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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
		tests, _ := s.tests(f)
		var want []int
		for i := range s.Len() {
			ok := true
			for _, test := range tests {
				ok = ok && test(i)
			}
			if ok {
				want = append(want, i)
			}
		}
		got := s.Filter(f)
		if diff := cmp.Diff(want, append([]int(nil), got.Jobs...)); diff != "" || got.Total != len(want) {
			t.Fatalf("%+v: total %d, want %d\n%s", f, got.Total, len(want), diff)
		}
	})
}
