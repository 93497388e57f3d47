package tool

import (
	"fmt"
	"strings"
	"unicode"
)

// Risk is how much an action may hurt. The zero value is RiskLow.
type Risk int

// The risk levels of the contract, lowest first.
const (
	RiskLow Risk = iota
	RiskMedium
	RiskHigh
	RiskCritical
)

// String returns the level's name in the contract: low, medium, high, critical.
func (r Risk) String() string {
	switch {
	case r <= RiskLow:
		return "low"
	case r == RiskMedium:
		return "medium"
	case r == RiskHigh:
		return "high"
	}
	return "critical"
}

// MarshalText writes the level's name.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a level's name and refuses any other word.
func (r *Risk) UnmarshalText(b []byte) error {
	v, err := ParseRisk(string(b))
	if err == nil {
		*r = v
	}
	return err
}

// ParseRisk reads low, medium, high or critical, in any case.
func ParseRisk(s string) (Risk, error) {
	for r := RiskLow; r <= RiskCritical; r++ {
		if strings.EqualFold(s, r.String()) {
			return r, nil
		}
	}
	return RiskCritical, fmt.Errorf("risk level %q is none of low, medium, high, critical", s)
}

// Describe is the contract's sentence about the level.
func (r Risk) Describe() string {
	switch r {
	case RiskLow:
		return "Safe operation, can proceed without approval"
	case RiskMedium:
		return "Moderate risk, review recommended"
	case RiskHigh:
		return "High risk, explicit approval required"
	}
	return "Critical risk, multiple approvals required"
}

// Fact is one reason for a risk level, shown to the approver.
type Fact struct {
	Source string `json:"source"` // name, engine, action, plan
	Text   string `json:"text"`
	Level  Risk   `json:"level"`
}

// Assessment is the risk of one call with the facts that made it.
type Assessment struct {
	Level Risk   `json:"level"`
	Facts []Fact `json:"facts"`
}

// add takes a fact in; the level is the highest of all facts and never falls.
func (a *Assessment) add(f Fact) {
	a.Facts = append(a.Facts, f)
	a.Level = max(a.Level, f.Level)
}

// Environment is the kind of engine a call would act on.
type Environment string

// The environments of the contract, and the simulator's own.
const (
	Production       Environment = "production"
	Staging          Environment = "staging"
	Development      Environment = "development"
	DisasterRecovery Environment = "disaster_recovery"
	Demo             Environment = "demo"
)

func (e Environment) level() Risk {
	switch e {
	case Demo, Development:
		return RiskLow
	case Staging:
		return RiskMedium
	}
	return RiskHigh // production, disaster recovery, and anything not known
}

// NameRisk is the risk that an object's name carries: its tokens, split at
// _ - # . / @ and other punctuation and case-folded, are compared whole, so that
// PRODUCT_LIST and DOMAIN_CHECK carry none. Wide and look-alike letters are
// folded first: PR0D, ＰＲＯＤ and a Cyrillic О do not slip through.
func NameRisk(name string) (Risk, string) {
	level, hit := RiskLow, ""
	for _, tok := range tokens(name) {
		l := tokenRisk(tok)
		if l == RiskLow {
			l = tokenRisk(zeroToO(tok))
		}
		if l > level {
			level, hit = l, tok
		}
	}
	return level, hit
}

func tokenRisk(tok string) Risk {
	// A trailing number is a counter (PROD1, STG02), not part of the word.
	switch strings.TrimRight(tok, "0123456789") {
	case "PROD", "PRD", "PRODUCTION", "CRITICAL", "MASTER", "MAIN":
		return RiskCritical
	case "STAGE", "STG", "UAT", "PREPROD", "BATCH":
		return RiskHigh
	}
	return RiskLow
}

func zeroToO(tok string) string { return strings.ReplaceAll(tok, "0", "O") }

func tokens(name string) []string {
	folded := strings.Map(foldRune, name)
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// foldRune maps a rune to the capital Latin letter it is meant to look like, and
// drops invisible ones.
func foldRune(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E: // full-width forms
		r -= 0xFEE0
	case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r):
		return -1
	}
	if i := strings.IndexRune("АВЕКМНОРСТХІЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧавекмнорстхіѕαβεηικμνορτυχ", r); i >= 0 {
		return latinTwin(r)
	}
	return unicode.ToUpper(r)
}

func latinTwin(r rune) rune {
	cyr := []rune("АВЕКМНОРСТХІЅ")
	grk := []rune("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
	u := unicode.ToUpper(r)
	for i, c := range cyr {
		if u == c {
			return []rune("ABEKMHOPCTXIS")[i]
		}
	}
	for i, c := range grk {
		if u == c {
			return []rune("ABEZHIKMNOPTYX")[i]
		}
	}
	return u
}

// Assess computes the risk of a call: the highest of the names it targets, the
// engine's environment, the action's own severity and the plan's facts. A read
// carries the risk of its names as a label but never needs an approval.
func Assess(spec Spec, env Environment, names []string, facts []Fact) Assessment {
	var a Assessment
	a.add(Fact{"action", fmt.Sprintf("%s needs the permission %s", spec.Name, spec.Permission), spec.Severity})
	if spec.Permission.Writes() {
		a.add(Fact{"engine", fmt.Sprintf("the engine is %s", orUnknown(string(env))), env.level()})
	}
	for _, n := range names {
		l, tok := NameRisk(n)
		if l == RiskLow {
			continue
		}
		if !spec.Permission.Writes() {
			l = min(l, RiskHigh) // the contract: a read is never critical
		}
		a.add(Fact{"name", fmt.Sprintf("%q holds the word %s", n, tok), l})
	}
	for _, f := range facts {
		a.add(f)
	}
	return a
}

func orUnknown(s string) string {
	if s == "" {
		return "of an unknown environment"
	}
	return s
}
