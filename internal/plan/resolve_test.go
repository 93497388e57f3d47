package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func resolved(s *Snapshot, r Resolution) []string {
	var out []string
	for _, i := range r.Jobs {
		out = append(out, s.Job(i).Name)
	}
	slices.Sort(out)
	return out
}

func TestResolve(t *testing.T) {
	s := night(t)
	for _, tc := range []struct {
		in   string
		kind Kind
		want []string
	}{
		{"PAYROLL_NET", KindJob, []string{"PAYROLL_NET"}},
		{"payroll_net", KindJob, []string{"PAYROLL_NET"}},
		{`"PAYROLL_NET",`, KindJob, []string{"PAYROLL_NET"}},
		{testID(1), KindJob, []string{"PAYROLL_NET"}},
		{"BANK_01#PAY.PAYROLL_NET", KindJob, []string{"PAYROLL_NET"}},
		{"BANK_01#/FIN/PAY.PAYROLL_NET", KindJob, []string{"PAYROLL_NET"}},
		{"BANK_01#/HR/PAY.PAYROLL_NET", KindNone, nil},
		{"BANK_02#PAY.PAYROLL_NET", KindNone, nil},
		{"PAY.PAYROLL_NET", KindJob, []string{"PAYROLL_NET"}},
		{"BANK_01#PAY(2200).PAYROLL_NET", KindJob, []string{"PAYROLL_NET"}},
		{"BANK_01#PAY(0900).PAYROLL_NET", KindNone, nil},
		{"PAYROLL_@", KindJob, []string{"PAYROLL_BANK", "PAYROLL_GROSS", "PAYROLL_NET"}},
		{"@#@.REPORT_%", KindJob, []string{"REPORT_1"}},
		{"BANK_01#MAIL", KindStream, []string{"MAIL_A", "MAIL_B"}},
		{"MAIL", KindStream, []string{"MAIL_A", "MAIL_B"}},
		{"BANK_02", KindWorkstation, nil},
		{"BANK_02#", KindWorkstation, nil},
		{"/BANK_02", KindWorkstation, nil},
		{"", KindNone, nil},
	} {
		r := s.Resolve(tc.in)
		if r.Kind != tc.kind {
			t.Errorf("Resolve(%q).Kind = %q, want %q", tc.in, r.Kind, tc.kind)
		}
		if d := cmp.Diff(tc.want, resolved(s, r)); d != "" {
			t.Errorf("Resolve(%q) (-want +got):\n%s", tc.in, d)
		}
	}
}

// Defect 13: the predecessor took every word of three letters for a job.
func TestDefect13_PlainWordsAreNotJobs(t *testing.T) {
	s := night(t)
	for _, w := range []string{"What", "status", "the", "ANALYZE", "ERRORS", "of"} {
		if r := s.Resolve(w); r.Kind != KindNone {
			t.Errorf("Resolve(%q) = %+v, want nothing", w, r)
		}
	}
}

func TestSuggest(t *testing.T) {
	s := night(t)
	for _, tc := range []struct{ in, first string }{
		{"PAYROL_NET", "BANK_01#/FIN/PAY.PAYROLL_NET"},
		{"PAYROLL_NTE", "BANK_01#/FIN/PAY.PAYROLL_NET"},
		{"BANK_01#PAY.PAYRLL_GROSS", "BANK_01#/FIN/PAY.PAYROLL_GROSS"},
		{"NET_PAYROLL", "BANK_01#/FIN/PAY.PAYROLL_NET"},
		{"BANK_03", "BANK_01"},
	} {
		got := s.Suggest(tc.in, 3)
		if len(got) == 0 || got[0].Name != tc.first {
			t.Errorf("Suggest(%q) = %+v, want %s first", tc.in, got, tc.first)
		}
	}
	if got := s.Suggest("XYZZY", 3); len(got) != 0 {
		t.Errorf("Suggest(XYZZY) = %+v, want nothing", got)
	}
}

func TestFilter(t *testing.T) {
	s := night(t)
	for _, tc := range []struct {
		name  string
		f     Filter
		want  []string
		total int
	}{
		{"all, paged", Filter{Offset: 1, Limit: 2}, []string{"PAYROLL_GROSS", "PAYROLL_BANK"}, 6},
		{"text", Filter{Text: "payroll"}, []string{"PAYROLL_NET", "PAYROLL_GROSS", "PAYROLL_BANK"}, 3},
		{"two words", Filter{Text: "payroll net"}, []string{"PAYROLL_NET"}, 1},
		{"stream dot job", Filter{Text: "pay.payroll_n"}, []string{"PAYROLL_NET"}, 1},
		{"pattern", Filter{Text: "@#@.@_NET"}, []string{"PAYROLL_NET"}, 1},
		{"engine status", Filter{Status: []string{"abend"}}, []string{"PAYROLL_NET"}, 1},
		{"common status", Filter{Status: []string{"WAITING"}, Limit: 1}, []string{"PAYROLL_BANK"}, 4},
		{"critical", Filter{Flags: FlagCritical}, []string{"MAIL_B"}, 1},
		{"folder", Filter{Folder: "/FIN/", Limit: 1}, []string{"PAYROLL_NET"}, 6},
		{"other folder", Filter{Folder: "/HR"}, nil, 0},
		{"stream", Filter{Stream: "M@"}, []string{"MAIL_A", "MAIL_B"}, 2},
		{"workstation", Filter{Workstation: "BANK_0%", Text: "report"}, []string{"REPORT_1"}, 1},
	} {
		p := s.Filter(tc.f)
		var got []string
		for _, i := range p.Jobs {
			got = append(got, s.Job(i).Name)
		}
		if d := cmp.Diff(tc.want, got); d != "" || p.Total != tc.total {
			t.Errorf("%s: total %d, want %d (-want +got):\n%s", tc.name, p.Total, tc.total, d)
		}
	}
}

func TestUnknownStatusesAreShownAsTheyAre(t *testing.T) {
	b := NewBuilder(t0)
	b.AddJob(Job{ID: testID(1), Name: "A", Status: "QUANTUM", CommonStatus: "SUPERPOSED"}, nil)
	b.AddJob(Job{ID: "MDMDA;JOBS;SLEEP", RunID: "odd run", Name: "SLEEP", Status: "EXEC"}, nil)
	s := b.Build()
	if d := cmp.Diff(map[string]int{"QUANTUM": 1, "EXEC": 1}, s.CountByStatus()); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	i, ok := s.ByID("MDMDA;JOBS;SLEEP")
	if !ok || s.Job(i).RunID != "odd run" || s.Job(i).ID != "MDMDA;JOBS;SLEEP" {
		t.Errorf("ids that are not UUIDs must survive: %+v", s.Job(i))
	}
}
