package tool

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The predecessor matched substrings: PRODUCT_LIST, DOMAIN_CHECK and PREPROD1
// were critical (original.md §2.2).
func TestNameRiskMatchesWholeTokens(t *testing.T) {
	tests := []struct {
		name string
		want Risk
	}{
		{"PRODUCT_LIST", RiskLow}, {"DOMAIN_CHECK", RiskLow}, {"MAINTAIN", RiskLow}, {"CRITICALITY", RiskLow}, {"MASTERCARD", RiskLow},
		{"ETL_PROD_DAILY", RiskCritical}, {"prd-payroll", RiskCritical}, {"MDM#MAIN.JOB", RiskCritical}, {"/PROD/ETL/JOB1", RiskCritical},
		{"ws@production", RiskCritical}, {"PROD1", RiskCritical}, {"MASTER_DM#PAYROLL.RUN1", RiskCritical},
		{"PREPROD1", RiskHigh}, {"ETL_UAT_LOAD", RiskHigh}, {"STG", RiskHigh}, {"night.batch", RiskHigh},
		{"PR0D_X", RiskCritical}, {"ＰＲＯＤ_X", RiskCritical}, {"РRОD", RiskCritical}, {"PR\u200bOD", RiskCritical},
		{"", RiskLow}, {"___", RiskLow}, {"PAYROLL_NET", RiskLow},
	}
	for _, tt := range tests {
		if got, tok := NameRisk(tt.name); got != tt.want {
			t.Errorf("NameRisk(%q) = %s (%q), want %s", tt.name, got, tok, tt.want)
		}
	}
}

func TestAssess(t *testing.T) {
	write := Spec{Name: "hold_job", Permission: Write, Severity: RiskLow}
	kill := Spec{Name: "kill_job", Permission: Execute, Severity: RiskHigh}
	read := Spec{Name: "get_job", Permission: ReadOnly}
	tests := []struct {
		name  string
		spec  Spec
		env   Environment
		names []string
		facts []Fact
		want  Risk
	}{
		{"a harmless write", write, Demo, []string{"A#B.C"}, nil, RiskLow},
		{"the environment counts", write, Staging, []string{"A#B.C"}, nil, RiskMedium},
		{"production is high", write, Production, []string{"A#B.C"}, nil, RiskHigh},
		{"an unknown environment is high", write, "", nil, nil, RiskHigh},
		{"the name counts", write, Demo, []string{"A#B.C", "PROD#B.C"}, nil, RiskCritical},
		{"a weaker name never lowers", write, Production, []string{"STG"}, nil, RiskHigh},
		{"the action's own severity", kill, Demo, nil, nil, RiskHigh},
		{"plan facts", write, Demo, nil, []Fact{{"plan", "42 jobs wait", RiskHigh}}, RiskHigh},
		{"a fact never lowers", kill, Demo, nil, []Fact{{"plan", "nothing waits", RiskLow}}, RiskHigh},
		{"a read in production is low", read, Production, []string{"A"}, nil, RiskLow},
		{"a read is never critical", read, Production, []string{"PROD"}, nil, RiskHigh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Assess(tt.spec, tt.env, tt.names, tt.facts); got.Level != tt.want {
				t.Errorf("level %s, want %s; facts %+v", got.Level, tt.want, got.Facts)
			}
		})
	}
}

func TestRiskIsTheHighestOfItsFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{Name: "x", Permission: rapid.SampledFrom([]Permission{Write, Execute, Admin}).Draw(t, "permission"),
			Severity: Risk(rapid.IntRange(0, 3).Draw(t, "severity"))}
		env := rapid.SampledFrom([]Environment{Production, Staging, Demo, ""}).Draw(t, "env")
		names := rapid.SliceOf(rapid.StringMatching(`[A-Z_#.]{0,12}`)).Draw(t, "names")
		var facts []Fact
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			facts = append(facts, Fact{Level: Risk(rapid.IntRange(0, 3).Draw(t, "level"))})
		}
		a := Assess(spec, env, names, facts)
		highest := RiskLow
		for _, f := range a.Facts {
			highest = max(highest, f.Level)
		}
		if a.Level != highest || a.Level < spec.Severity {
			t.Fatalf("level %s, highest fact %s, severity %s", a.Level, highest, spec.Severity)
		}
		if more := Assess(spec, env, append(names, "PROD"), facts); more.Level < a.Level {
			t.Fatal("one more name lowered the risk")
		}
	})
}

func TestRiskText(t *testing.T) {
	var back []Risk
	for r := RiskLow; r <= RiskCritical; r++ {
		text, err := r.MarshalText()
		must(t, err)
		var v Risk
		must(t, v.UnmarshalText(text))
		back = append(back, v)
	}
	if diff := cmp.Diff([]Risk{RiskLow, RiskMedium, RiskHigh, RiskCritical}, back); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseRisk("harmless"); err == nil {
		t.Error("an unknown level was read")
	}
}
