package conman

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Name{
		"PAYROLL":                             {Stream: "PAYROLL"},
		"PAYROLL.NET":                         {Stream: "PAYROLL", Job: "NET"},
		"FTA1#PAYROLL":                        {Workstation: "FTA1", Stream: "PAYROLL"},
		"FTA1#PAYROLL.NET":                    {Workstation: "FTA1", Stream: "PAYROLL", Job: "NET"},
		"site3#apwkly(0900 02/19/23).report":  {Workstation: "site3", Stream: "apwkly", SchedTime: "0900 02/19/23", Job: "report"},
		"/SITE/A/FTA1#/PAY/NIGHT/PAYROLL.NET": {WorkstationFolder: "SITE/A", Workstation: "FTA1", Folder: "PAY/NIGHT", Stream: "PAYROLL", Job: "NET"},
		"SITE/FTA1#PAY/PAYROLL(2130).NET":     {WorkstationFolder: "SITE", Workstation: "FTA1", Folder: "PAY", Stream: "PAYROLL", SchedTime: "2130", Job: "NET"},
		"/FTA1#/PAYROLL.NET":                  {WorkstationFolder: "/", Workstation: "FTA1", Folder: "/", Stream: "PAYROLL", Job: "NET"},
		"/@/@#/@/@.@":                         {WorkstationFolder: "@", Workstation: "@", Folder: "@", Stream: "@", Job: "@"},
		"@#@.@":                               {Workstation: "@", Stream: "@", Job: "@"},
		"FTA_%#PAY?@":                         {Workstation: "FTA_%", Stream: "PAY?@"},
		"FTA1#":                               {Workstation: "FTA1"},
		"FTA1#25565":                          {Workstation: "FTA1", JobNumber: "25565"},
		"FTA1#J25565":                         {Workstation: "FTA1", Stream: "J25565"},
		"FTA1#0AAAAAAAAAAAABTB.NET;schedid":   {Workstation: "FTA1", ID: "0AAAAAAAAAAAABTB", Job: "NET"},
		"myfolder/0AAAAAAAAAAAABSE; schedid":  {Folder: "myfolder", ID: "0AAAAAAAAAAAABSE"},
		"WK1#J1[(0600 03/04/19),(0AAAAAAAAAAAABTB)].NET": {Workstation: "WK1", Stream: "J1", SchedTime: "0600 03/04/19", ID: "0AAAAAAAAAAAABTB", Job: "NET"},
		"WK1#J1[(),(0AAAA)]":                             {Workstation: "WK1", Stream: "J1", ID: "0AAAA"},
		"NETAG::FTA1#S.J":                                {NetAgent: "NETAG", Workstation: "FTA1", Stream: "S", Job: "J"},
		`S\@E`:                                           {Stream: `S\@E`},
		" PAYROLL ":                                      {Stream: "PAYROLL"},
	} {
		got, err := Parse(in)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Parse(%q): %v %s", in, err, diff)
			continue
		}
		again, err := Parse(got.String())
		if err != nil || again != got {
			t.Errorf("%q printed as %q: %v", in, got.String(), err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, offset := range map[string]int{
		"": 0, "#": 0, "#X": 0, "A##B": 2, "A#B.": 4, "A#B.C.D": 5, "A B": 1, "A#B(25)": 3, "A#B(2575)": 3, "A#B(0900": 3, "A#B(0900 x)": 3, "A//B": 2, "/": 1, "A;x": 2, "é": 0, "A#B[(0900)": 10, "A#B[(0900),(x y)]": 17, "A'B": 1,
		"A#B[x]": 4, "A.": 2,
	} {
		n, err := Parse(in)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != offset {
			t.Errorf("Parse(%q) = %+v, %v; want an error at %d", in, n, err, offset)
		} else if !strings.HasPrefix(err.Error(), "conman name, character ") {
			t.Error(err)
		}
	}
	if _, err := Parse(strings.Repeat("A", MaxLength+1)); err == nil {
		t.Error("a long text was read")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"PAYROLL", "payroll", true}, {"PAY@", "PAYROLL", true}, {"PAY@", "PAY", true}, {"@ROLL", "PAYROLL", true}, {"P@R@L", "PAYROLL", true}, {"P?YROLL", "PAYROLL", true}, {"P?YROLL", "PYROLL", false},
		{"FTA_%", "FTA_1", true}, {"FTA_%", "FTA_A", false}, {"FTA_%", "FTA_12", false}, {"@", "", true}, {"", "", true}, {"", "A", false}, {"?", "", false}, {`S\@E`, "S@E", true}, {`S\@E`, "SxE", false}, {`S\?`, "S?", true},
		{"@@@B", "AAAB", true}, {"A@B@C", "AxBxD", false}, {"?@", "é", true}, {"%", "٣", false}, {`A\`, `A\`, true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestNameMatch(t *testing.T) {
	job := Object{WorkstationFolder: "/SITE/", Workstation: "FTA1", Folder: "/PAY/NIGHT/", Stream: "PAYROLL", SchedTime: "2130 11/22/2026", ID: "0AAAAAAAAAAAABTB", Job: "NET", JobNumber: "4711"}
	stream := Object{Workstation: "FTA1", Folder: "/PAY/", Stream: "PAYROLL"}
	station := Object{WorkstationFolder: "/SITE/", Workstation: "FTA1"}
	for _, c := range []struct {
		name string
		o    Object
		want bool
	}{
		{"NET", job, true}, {"net", job, true}, {"PAYROLL", job, false}, {"PAYROLL", stream, true}, {"FTA1", station, true}, {"SITE/FTA1", station, true}, {"OTHER/FTA1", station, false}, {"PAYROLL.NET", job, true}, {"PAYROLL.GROSS", job, false},
		{"FTA1#PAYROLL.NET", job, true}, {"FTA2#PAYROLL.NET", job, false}, {"/SITE/FTA1#PAY/NIGHT/PAYROLL.NET", job, true}, {"FTA1#/PAYROLL.NET", job, false}, {"FTA1#PAY/@/@.@", job, true},
		{"FTA1#PAYROLL(2130).NET", job, true}, {"PAYROLL(2130 11/22).NET", job, true}, {"PAYROLL(2130 11/22/26).NET", job, true}, {"PAYROLL(2130 11/22/2025).NET", job, false}, {"PAYROLL(0900).NET", job, false},
		{"FTA1#4711", job, true}, {"FTA1#4712", job, false}, {"0AAAAAAAAAAAABTB.NET;schedid", job, true}, {"0AAAAAAAAAAAABTC.NET;schedid", job, false}, {"FTA1#PAYROLL", job, true}, {"FTA1#", job, true},
	} {
		n, err := Parse(c.name)
		if err != nil || n.Match(c.o) != c.want {
			t.Errorf("%s against %+v: %v, want %v (%v)", c.name, c.o, n.Match(c.o), c.want, err)
		}
	}
	for in, want := range map[string]bool{"A#B.C": false, "A#@.C": true, "PAY?": true, `S\@E`: false, "@/A#B": true} {
		if n, err := Parse(in); err != nil || n.HasWildcard() != want {
			t.Errorf("%s: HasWildcard() = %v, %v", in, n.HasWildcard(), err)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for in, want := range map[string]Command{
		"sj @#@.@+state=abend;info": {Verb: "showjobs", Text: "@#@.@", IsName: true, Target: Name{Workstation: "@", Stream: "@", Job: "@"},
			Qualifiers: []Qualifier{{Name: "state", Values: []string{"abend"}}}, Options: []Option{{Name: "info"}}},
		"cj=site3#apwkly(0900 02/19/23).report": {Verb: "cancel", Text: "site3#apwkly(0900 02/19/23).report", IsName: true, Target: Name{Workstation: "site3", Stream: "apwkly", SchedTime: "0900 02/19/23", Job: "report"}},
		"rr ws#stream.job":                      {Verb: "rerun", Text: "ws#stream.job", IsName: true, Target: Name{Workstation: "ws", Stream: "stream", Job: "job"}},
		"lc WS;10":                              {Verb: "limit", Text: "WS", IsName: true, Target: Name{Stream: "WS"}, Options: []Option{{Name: "10"}}},
		"sc @!@":                                {Verb: "showcpus", Text: "@!@"},
		"SF":                                    {Verb: "showfiles"},
		"ss sked1(1100 03/05/2023)+state=hold,ready~priority=0;deps;offline": {Verb: "showschedules", Text: "sked1(1100 03/05/2023)", IsName: true, Target: Name{Stream: "sked1", SchedTime: "1100 03/05/2023"},
			Qualifiers: []Qualifier{{Name: "state", Values: []string{"hold", "ready"}}, {Exclude: true, Name: "priority", Values: []string{"0"}}}, Options: []Option{{Name: "deps"}, {Name: "offline"}}},
		"rs myfolder/0AAAAAAAAAAAABSE; schedid": {Verb: "release", Text: "myfolder/0AAAAAAAAAAAABSE", IsName: true, Target: Name{Folder: "myfolder", ID: "0AAAAAAAAAAAABSE"}, Options: []Option{{Name: "schedid"}}},
		"altpri A#B.C;50":                       {Verb: "altpri", Text: "A#B.C", IsName: true, Target: Name{Workstation: "A", Stream: "B", Job: "C"}, Options: []Option{{Name: "50"}}},
		"submit job = X":                        {Verb: "submit", Text: "job = X"},
	} {
		got, err := ParseCommand(in)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParseCommand(%q): %v %s", in, err, diff)
		}
	}
	for _, in := range []string{"", "why did it fail", "é", strings.Repeat("x", MaxLength+1)} {
		if c, err := ParseCommand(in); err == nil {
			t.Errorf("ParseCommand(%.20q) = %+v", in, c)
		}
	}
	for _, short := range strings.Fields("adj ads ap cj cs conf cons ddj dds dep df dj ds f k lc ls lk lis rc rj rs rep rr res set sc sf sj sp sr ss shut sbd sbf sbj sbs switchm to v altpri") {
		if c, err := ParseCommand(short + " X"); err != nil || len(c.Verb) <= len(short) && short != "altpri" {
			t.Errorf("%s is %q, %v", short, c.Verb, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"A#B.C", "/@/@#/@/@.@", "W#S(0900 02/19/23).J", "A#B[(0600 03/04/19),(0AAA)].C", "N::A#B;schedid", `S\@E`, "A#123", "/A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > max(len(s), MaxLength) {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		again, err := Parse(n.String())
		if err != nil || again != n {
			t.Fatalf("%q is %+v, printed %q, is %+v (%v)", s, n, n.String(), again, err)
		}
		n.Match(Object{Workstation: s, Stream: s, Job: s})
		if _, err := ParseCommand("sj " + s); err != nil && len(s) < MaxLength-3 {
			t.Fatalf("sj %q: %v", s, err)
		}
	})
}
