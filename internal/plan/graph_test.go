package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var t0 = time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)

func testID(n int) string { return fmt.Sprintf("%08x-0000-3000-8000-%012x", n, n) }

// night is a small plan: two jobs in PAY, a third after them; REPORT follows
// the whole stream PAY; MAIL's stream follows REPORT's job.
func night(t *testing.T) *Snapshot {
	t.Helper()
	b := NewBuilder(t0)
	b.AddWorkstation(Workstation{ID: "w1", Name: "BANK_01", Limit: 10, States: []string{"LINKED"}})
	b.AddWorkstation(Workstation{ID: "w2", Name: "BANK_02", Limit: 0})
	b.AddStream(Stream{ID: "s1", Name: "PAY", Folder: "/FIN/", Workstation: "/BANK_01", Limit: -1, Scheduled: t0}, nil)
	job := func(n int, stream, sid, name, status, common string, preds ...Ref) Job {
		j := Job{ID: testID(n), Name: name, Folder: "/FIN/", Workstation: "BANK_01", Stream: stream, StreamID: sid,
			StreamWorkstation: "BANK_01", Status: status, CommonStatus: common, Priority: 10, Estimated: 10 * time.Minute, Scheduled: t0,
			Dependencies: len(preds)}
		return j
	}
	add := func(j Job, preds ...Ref) { j.Dependencies = len(preds); b.AddJob(j, preds) }
	add(job(1, "PAY", "s1", "PAYROLL_NET", "ABEND", "ERROR"))
	add(job(2, "PAY", "s1", "PAYROLL_GROSS", "SUCC", "SUCCESSFUL"))
	add(job(3, "PAY", "s1", "PAYROLL_BANK", "HOLD", "WAITING"), Ref{JobID: testID(1)}, Ref{JobID: testID(2)})
	rep := job(4, "REPORT", "s2", "REPORT_1", "HOLD", "WAITING")
	rep.Deadline = t0.Add(25 * time.Minute)
	add(rep, Ref{StreamID: "s1"})
	add(job(5, "MAIL", "s3", "MAIL_A", "HOLD", "WAITING"))
	late := job(6, "MAIL", "s3", "MAIL_B", "HOLD", "WAITING")
	late.Deadline = t0.Add(2 * time.Hour)
	late.Flags = FlagCritical
	add(late)
	b.AddStream(Stream{ID: "s3", Name: "MAIL", Folder: "/FIN/", Workstation: "/BANK_01", Limit: -1}, []Ref{{JobID: testID(4)}})
	return b.Build()
}

func names(s *Snapshot, as []Affected) []string {
	var out []string
	for _, a := range as {
		out = append(out, fmt.Sprintf("%d %s", a.Level, s.Job(a.Index).Name))
	}
	return out
}

func TestSuccessorsByLevelThroughStreamGates(t *testing.T) {
	s := night(t)
	i, ok := s.ByID(testID(1))
	if !ok {
		t.Fatal("job 1 not found by id")
	}
	want := []string{"1 PAYROLL_BANK", "1 REPORT_1", "2 MAIL_A", "2 MAIL_B"}
	if d := cmp.Diff(want, names(s, s.Successors(i, 0, true))); d != "" {
		t.Errorf("all open successors (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[:2], names(s, s.Successors(i, 1, true))); d != "" {
		t.Errorf("direct successors (-want +got):\n%s", d)
	}
}

func TestPredecessors(t *testing.T) {
	s := night(t)
	i, _ := s.ByID(testID(6))
	want := []string{"1 REPORT_1", "2 PAYROLL_NET", "2 PAYROLL_GROSS", "2 PAYROLL_BANK"}
	if d := cmp.Diff(want, names(s, s.Predecessors(i, 0, false))); d != "" {
		t.Errorf("predecessors (-want +got):\n%s", d)
	}
}

func TestEarliestFinishAndRisk(t *testing.T) {
	s := night(t)
	at := func(n int) int { i, _ := s.ByID(testID(n)); return i }
	// NET 10 + BANK 10 + REPORT 10 = 30 minutes after the snapshot.
	if got, want := s.EarliestFinish(at(4)), t0.Add(30*time.Minute); !got.Equal(want) {
		t.Errorf("earliest finish of REPORT_1 = %v, want %v", got, want)
	}
	if !s.AtRisk(at(4)) {
		t.Error("REPORT_1 has a deadline 25 minutes away and needs 30: must be at risk")
	}
	if s.AtRisk(at(6)) {
		t.Error("MAIL_B needs 40 minutes and has 120: must not be at risk")
	}
	if d := cmp.Diff([]int{at(4)}, s.DeadlinesAtRisk(0)); d != "" {
		t.Errorf("deadlines at risk (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{at(1), at(3), at(4), at(6)}, s.CriticalPath(at(6))); d != "" {
		t.Errorf("critical path (-want +got):\n%s", d)
	}
}

func TestCycleDoesNotHang(t *testing.T) {
	b := NewBuilder(t0)
	for n := 1; n <= 3; n++ {
		b.AddJob(Job{ID: testID(n), Name: fmt.Sprint("J", n), Status: "HOLD", Estimated: time.Minute, Dependencies: 1}, []Ref{{JobID: testID(n%3 + 1)}})
	}
	s := b.Build()
	if got := len(s.Successors(0, 0, false)); got != 2 {
		t.Errorf("successors in a cycle of three = %d, want 2", got)
	}
	if s.EarliestFinish(0).IsZero() {
		t.Error("a job in a cycle must still get an estimate")
	}
	s.CriticalPath(0)
}

func TestEdgesUnknownWhenListingCarriesNone(t *testing.T) {
	b := NewBuilder(t0)
	b.AddJob(Job{ID: testID(1), Name: "A", Dependencies: 2}, nil)
	if b.Build().EdgesKnown() {
		t.Error("a job counts two dependencies and none came: edges must be unknown")
	}
}
