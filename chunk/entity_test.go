package chunk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindEntities(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Entities
	}{
		{"codes with slips of a scanner", "AWSJC0005E and AwsBDW009E, again AWSJCO005E; AWKCLI071E.",
			Entities{ErrorCodes: []string{"AWSJCO005E", "AWSBDW009E", "AWKCLI071E"}}},
		{"a job in full", "Rerun FTA1#PAYROLL.NET now, and /PROD/MDM#/FIN/CLOSE.",
			Entities{JobNames: []string{"NET"}, JobStreams: []string{"PAYROLL", "CLOSE"}, Workstations: []string{"FTA1", "MDM"}}},
		{"wildcards and placeholders name nothing", "conman sj @#@.@ and <cpu>#<stream>", Entities{Commands: []string{"conman"}, CommandLines: []string{"conman sj @#@.@"}}},
		{"by the word before", "The job ETL_DAILY on workstation NY01 ended; job stream PAY_2 waits.",
			Entities{JobNames: []string{"ETL_DAILY"}, JobStreams: []string{"PAY_2"}, Workstations: []string{"NY01"}}},
		{"capitals that are no names", "The job ABEND state of AGENT and ACCESS; job AWSBCV012E failed", Entities{ErrorCodes: []string{"AWSBCV012E"}}},
		{"commands with options", "Run planman -scratch deploy, then `composer add file.txt`. Stop with conman \"stop @\" or JnextPlan -for 0024.",
			Entities{Commands: []string{"planman", "composer", "conman", "jnextplan"},
				CommandLines: []string{"planman -scratch deploy", "composer add file.txt", "conman \"stop @\"", "JnextPlan -for 0024"}}},
		{"plain English", "At startup, secure the conman program.", Entities{Commands: []string{"conman"}}},
		{"operations", "Call GET /twsd/api/v2/plan/job/count, never POST to it.", Entities{Operations: []string{"GET /twsd/api/v2/plan/job/count"}}},
		{"nothing", "", Entities{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, FindEntities(c.text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEntitiesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("job J_" + itoa(i) + " ")
	}
	if n := len(FindEntities(b.String()).JobNames); n != mostNames {
		t.Errorf("%d names kept, want %d", n, mostNames)
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"# A title\n\nText. More.", "A title Text."}, {"One sentence here. Two.", "One sentence here."},
		{strings.Repeat("word ", 30), strings.TrimSpace(strings.Repeat("word ", 20))},
		{"short", "short"}, {strings.Repeat("x", 300), strings.Repeat("x", 240)}, {"a\xffb c", "ab c"},
	} {
		if got := summary(c.in); got != c.want {
			t.Errorf("summary(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
