package diagnose

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/hwasim"
)

func evidence() []Evidence {
	return []Evidence{
		{ID: "e1", Title: "Job PAY_AGT1#PAYROLL.PAYROLL_NET", Text: "job PAY_AGT1#PAYROLL.PAYROLL_NET; status ABEND; priority 10; deadline 2026-11-22 06:45:00 UTC", Source: "GET /plan/job/d0e2fbf5-d0d3-30da-aaf4-40e11de05974"},
		{ID: "e2", Title: "Job log", Text: "exit status 8\nline 21: payroll_net: ended with errors, return code 8\nAWSBHT001E The job has failed"},
		{ID: "e3", Title: "Workstation PAY_AGT1", Text: "workstation PAY_AGT1; limit 0; fence 50"},
	}
}

func TestCheckCatchesWhatTheEvidenceDoesNotSay(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		ev         []string
		want       []string // kind said
	}{
		{"all right", "PAYROLL_NET is in ABEND with return code 8 (AWSBHT001E), deadline 2026-11-22 06:45:00 UTC.", []string{"e1", "e2"}, nil},
		{"wrong number", "PAYROLL_NET ended with return code 12.", []string{"e1", "e2"}, []string{"number 12"}},
		{"number of another fact", "The limit is 8.", []string{"e3"}, []string{"number 8"}},
		{"part of a number", "The limit is 5.", []string{"e3"}, []string{"number 5"}},
		{"wrong status", "PAYROLL_NET is in SUCC.", []string{"e1"}, []string{"status SUCC"}},
		{"wrong name", "PAYROLL_GROSS is in ABEND.", []string{"e1"}, []string{"name PAYROLL_GROSS"}},
		{"longer name", "PAYROLL_NET2 is in ABEND.", []string{"e1"}, []string{"name PAYROLL_NET2"}},
		{"shorter name", "PAYROLL_NE is in ABEND.", []string{"e1"}, []string{"name PAYROLL_NE"}},
		{"wrong time", "Its deadline is 2026-11-22 07:45:00 UTC.", []string{"e1"}, []string{"time 07:45:00"}},
		{"wrong code", "The log has AWSBHT002E.", []string{"e2"}, []string{"code AWSBHT002E"}},
		{"wrong quote", "The log says “disk full”.", []string{"e2"}, []string{"quote disk full"}},
		{"right quote, cut", "The log says “payroll_net: ended with errors…”.", []string{"e2"}, nil},
		{"no evidence", "The disk is full.", nil, []string{"evidence no evidence is cited"}},
		{"evidence that is not there", "PAYROLL_NET is in ABEND.", []string{"e9"}, []string{"evidence no evidence is cited"}},
		{"the right fact, not cited", "The fence is 50.", []string{"e1"}, []string{"number 50"}},
		{"two things wrong", "PAYROLL_TAX has limit 7.", []string{"e3"}, []string{"name PAYROLL_TAX", "number 7"}},
		{"markers are no numbers", "PAYROLL_NET is in ABEND [17].", []string{"e1"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &Answer{Evidence: evidence(), Sentences: []Sentence{{Text: tc.text, Evidence: tc.ev, Confirmed: true}}}
			var got []string
			for _, d := range Check(a) {
				got = append(got, d.Kind+" "+d.Said)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("doubts (-want +got):\n%s", d)
			}
			if a.Sentences[0].Confirmed != (len(tc.want) == 0) {
				t.Errorf("confirmed = %v", a.Sentences[0].Confirmed)
			}
		})
	}
}

// A number planted into any sentence of a real answer is caught.
func TestCheckCatchesPlantedNumbers(t *testing.T) {
	l := newLab(t, hwasim.Config{}, nil)
	sit := l.inject(t, "limit-zero")
	a := l.ask(t, "Why is "+sit.Job+" not running?")
	if len(Check(a)) > 0 {
		t.Fatal("the answer is not confirmed as it stands")
	}
	for i := range a.Sentences {
		was := a.Sentences[i].Text
		a.Sentences[i].Text = strings.TrimSuffix(was, ".") + ", 73519 times since 04:04:04 on WS_PLANTED."
		if n := len(Check(a)); n != 3 || a.Sentences[i].Confirmed {
			t.Errorf("%d of 3 planted facts caught in %q", n, a.Sentences[i].Text)
		}
		a.Sentences[i].Text = was
	}
}

// FuzzCheck: any sentence is either confirmed or doubted, and one that repeats
// its evidence word for word is confirmed.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"limit 0 [1]", "“quoted", "”", "A#B.C is in ABEND", "AWSJC0005E", "12:30 on 2026-11-22", "..", "#", "[1][2]", "50%", "A#00000000\v", "-5 “", "İ_1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := &Answer{Evidence: []Evidence{{ID: "e1", Title: "t", Text: text}}, Sentences: []Sentence{{Text: text, Evidence: []string{"e1"}}}}
		for _, d := range Check(a) {
			if d.Kind != "quote" && d.Kind != "code" {
				t.Errorf("%q is not borne out by itself: %s %q", text, d.Kind, d.Said)
			}
		}
	})
}
