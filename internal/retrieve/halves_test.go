package retrieve

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHalvesFindTheSame: two goroutines with half of the passages each find what one
// search of all finds, again and again with the same memory, and beside each other.
func TestHalvesFindTheSame(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	var segs []*Segment
	for d := range 220 {
		var recs []Record
		for i := range 100 {
			n := d*100 + i
			recs = append(recs, Record{ID: fmt.Sprint(n), Title: fmt.Sprintf("batch%d of an agent", n%97), Text: fmt.Sprintf(
				"the job runs on the agent and writes item%d and batch%d to the log of plan%d, workstation%d", n%7919, n%613, n%17, n%5)})
		}
		segs = append(segs, AnalyseRecords(Document{Name: fmt.Sprint(d)}, recs))
	}
	x := New(segs...)
	questions := []string{"job item77 on the agent", "agent log plan3 batch600 item7000", "which job writes batch12 to plan12", "a box with a stuck job"}
	whole := make([][]candidate, len(questions))
	for i, text := range questions {
		q := parse(text, fitted())
		t1 := x.tally()
		x.addWords(t1, &q, exactPostings)
		whole[i] = x.first(t1, &q, Options{}, 50)
		x.free(t1)
		size := 0
		for _, a := range x.asked(&q) {
			size += a.size
		}
		if size < halvesFrom {
			t.Fatalf("%q has %d postings: the test shows nothing", text, size)
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i, text := range slices.Concat(questions, questions) {
				q := parse(text, fitted())
				t2 := x.tally()
				got := x.addAndRank(t2, &q, Options{}, 50)
				total := t2.total
				x.free(t2)
				if diff := cmp.Diff(whole[i%len(questions)], got, cmp.AllowUnexported(candidate{})); diff != "" {
					t.Errorf("%q (-whole +halves):\n%s", text, diff)
				}
				if total <= 0 {
					t.Errorf("%q weighs %v", text, total)
				}
			}
		})
	}
	group.Wait()
	after := x.tally()
	for u, c := range after.cells {
		if c != (cell{}) || after.marks[u] != (formMark{}) {
			t.Fatalf("passage %d keeps %+v from the search before", u, c)
		}
	}
}
