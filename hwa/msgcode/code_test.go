package msgcode

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"AWSBHT001E": "AWSBHT001E", " awsbht001e\n": "AWSBHT001E", "AWSEDW020E:": "AWSEDW020E", "'AWSBHV082E'.": "AWSBHV082E", "**AWSBDW009E**": "AWSBDW009E",
		"AWSJPL 017E": "AWSJPL017E", "AWSJPL-017E": "AWSJPL017E", "aws jpl 017 e": "AWSJPL017E",
		// O/0 and I/1, both ways
		"AWSJC0005E": "AWSJCO005E", "AWSJC0026E": "AWSJCO026E", "AWSJC0052E": "AWSJCO052E", "AWSJC0084E": "AWSJCO084E", "AWSJC0124E": "AWSJCO124E", "AWSJC0132E": "AWSJCO132E", "AWSJC0135W": "AWSJCO135W",
		"AWSJCO005E": "AWSJCO005E", "AWSJCOO05E": "AWSJCO005E", "AWSJOM1790": "", "AWSJ0M179E": "AWSJOM179E", "AWSITA1761": "AWSITA176I", "AWSITA176l": "AWSITA176I", "AWS1TA245E": "AWSITA245E", "AWSBIA0I5I": "AWSBIA015I",
		"AWSBCVO12E": "AWSBCV012E", "AWSUIO766E": "AWSUI0766E", "awsjc0005e": "AWSJCO005E", "AWSEDW02oE": "AWSEDW020E", "AWSBlA015I": "AWSBIA015I", "AWSJPLO17E": "AWSJPL017E", "AWSBHTl60E": "AWSBHT160E",
		// lost letters
		"AWSBU470I": "AWSBHU470I", "WSWUI0331E": "AWSWUI0331E", "AWBHT001E": "AWSBHT001E", "ASBHT001E": "AWSBHT001E", "AWSIT245E": "AWSITA245E", "AWSB001E": "", "AWSBH001E": "AWSBH001E",
		// case, severity, four digits
		"AwsBDW009E": "AWSBDW009E", "AwKFTE020E": "AWKFTE020E", "AWSUI2003": "AWSUI2003", "AWSBHT001": "AWSBHT001", "awsjpl017": "AWSJPL017", "AWSJIM1001W": "AWSJIM1001W", "AWSBRC0106I": "AWSBRC0106I", "AWSBRC0106": "AWSBRC0106",
		"AWSUI0766E": "AWSUI0766E", "AWSWUI0331E": "AWSWUI0331E", "AWSJCO1234E": "AWSJCO1234E",
		// other families
		"EEW00778E": "EEW00778E", "EEWOJTR0207E": "EEWOJTR0207E", "EEWAI0123E": "EEWAI0123E", "HTWGT0123E": "HTWGT0123E", "EQQHT62W": "EQQHT62W", "EQQ0623E": "EQQ0623E", "ACTEX0019E": "ACTEX0019E", "WAINST015E": "WAINST015E",
		"CTGIM001E": "", "CTGIMX001E": "CTGIMX001E", "CWPKI0819I": "CWPKI0819I", "cwwks1100a": "CWWKS1100A", "SECJ0053E": "SECJ0053E", "DSRA0010E": "DSRA0010E", "J2CA0056I": "J2CA0056I", "SQL5146W": "SQL5146W", "sql0911n": "SQL0911N",
		"ORA-00942": "ORA-00942", "ora-00942": "ORA-00942", "ORA-942": "", "ORA00942": "",
		// families no manual mentions
		"AWSXYZ123E": "AWSXYZ123E", "AWKXYZ1234W": "AWKXYZ1234W", "AWSZZ0001E": "AWSZZ0001E", "AWSXYZ123": "",
		// no codes
		"": "", "AWSITA*E": "", "JAWSITA122E": "", "AWS00101E": "", "AWSBHT": "", "AWSBHT01E": "", "AWSBHT00001E": "", "AWSBHT001X": "", "S0C7": "", "U4038": "", "JOB_1": "", "AWSBOOO1E": "", "ABEND": "",
		"AWS": "", "ASSET001": "", "AWESOME100E": "", "WSFOO100E": "", "\x00": "", "é": "",
	} {
		got, ok := Normalize(in)
		if got.Text != want || ok != (want != "") {
			t.Errorf("Normalize(%q) = %q, %v; want %q", in, got.Text, ok, want)
		}
	}
	if _, ok := Normalize(strings.Repeat("AWSBHT001E ", 100)); ok {
		t.Error("a long text is not a code")
	}
}

func TestCodeParts(t *testing.T) {
	for in, want := range map[string]Code{
		"AWSBHT001E":   {"AWSBHT001E", "AWSBHT", "BHT", "001", "E"},
		"AWKTSA050E":   {"AWKTSA050E", "AWKTSA", "TSA", "050", "E"},
		"AWSUI2003":    {"AWSUI2003", "AWSUI", "UI", "2003", ""},
		"EEWOJTR0207E": {"EEWOJTR0207E", "EEWOJTR", "EEWOJTR", "0207", "E"},
		"SQL0911N":     {"SQL0911N", "SQL", "SQL", "0911", "N"},
		"ora-00942":    {"ORA-00942", "ORA", "ORA", "00942", ""},
		"AWSJC0135W":   {"AWSJCO135W", "AWSJCO", "JCO", "135", "W"},
	} {
		got, _ := Normalize(in)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
	words := ""
	for _, s := range []Severity{"I", "W", "E", "N", "S", "C", "T", "A", ""} {
		words += s.Word() + "/"
	}
	if words != "information/warning/error/error/severe error/severe error/fatal error/action required//" {
		t.Error(words)
	}
}

func TestComponent(t *testing.T) {
	for family, has := range map[string]string{"AWSBHT": "batchman", "BHT": "batchman", "bhu": "conman", "AWKTSA": "broker", "FTE": "file transfer", "EEWOJTR": "SAP", "EEW": "SAP", "EQQHT": "z/OS", "CWPKI": "Liberty", "ORA": "Oracle", "DSRA": "database", "UI": "Console"} {
		if about, ok := Component(family); !ok || !strings.Contains(about, has) {
			t.Errorf("Component(%q) = %q, %v; want %q in it", family, about, ok, has)
		}
	}
	for _, family := range []string{"", "XYZ", "AWSXYZ", "AWS", "SQLX"} {
		if about, ok := Component(family); ok {
			t.Errorf("Component(%q) = %q", family, about)
		}
	}
	for _, family := range wellKnown {
		if !known(family) {
			t.Errorf("%s is well known but has no component", family)
		}
	}
}

func TestCodesOnce(t *testing.T) {
	var got []string
	for _, c := range Codes("AWSJC0005E AWSBHT001E AWSJCO005E nothing awsbht001e ORA-00942") {
		got = append(got, c.String())
	}
	if diff := cmp.Diff([]string{"AWSJCO005E", "AWSBHT001E", "ORA-00942"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCodeJSON(t *testing.T) {
	var codes []Code
	if err := json.Unmarshal([]byte(`["AWSJC0005E"]`), &codes); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(codes); err != nil || string(out) != `["AWSJCO005E"]` {
		t.Errorf("%s, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`["ABEND"]`), &codes); err == nil {
		t.Error("ABEND accepted as a code")
	}
}
