package msgcode

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFind(t *testing.T) {
	type hit struct {
		raw, code string
		slip      Slip
	}
	for in, want := range map[string][]hit{
		"":                                   nil,
		"21:30:01|BATCHMAN:+ AWSBHT001E Job": {{"AWSBHT001E", "AWSBHT001E", 0}},
		"(AWSBHV082E),AWSJPL017E.":           {{"AWSBHV082E", "AWSBHV082E", 0}, {"AWSJPL017E", "AWSJPL017E", 0}},
		"AWSEDW020E:":                        {{"AWSEDW020E", "AWSEDW020E", 0}},
		"_AWSBHT001E_":                       {{"AWSBHT001E", "AWSBHT001E", 0}},
		"错误AWSBHT001E发生":                     {{"AWSBHT001E", "AWSBHT001E", 0}},
		"“AWSBHT001E”":                       {{"AWSBHT001E", "AWSBHT001E", 0}},
		"éAWSBHT001E AWSBHT001Eé":            nil,
		"٣AWSBHT001E":                        nil,
		"AWSJC0005E":                         {{"AWSJC0005E", "AWSJCO005E", SlipConfused}},
		"AWSITA1761":                         {{"AWSITA1761", "AWSITA176I", SlipConfused}},
		"AWSBU470I":                          {{"AWSBU470I", "AWSBHU470I", SlipLetter}},
		"WSWUI0331E":                         {{"WSWUI0331E", "AWSWUI0331E", SlipPrefix}},
		"AwsBDW009E":                         {{"AwsBDW009E", "AWSBDW009E", SlipCase}},
		"what is awsjpl017e?":                {{"awsjpl017e", "AWSJPL017E", SlipCase}},
		"AWSUI2003 The":                      {{"AWSUI2003", "AWSUI2003", SlipSeverity}},
		"nullDSRA0010E: SQL":                 {{"DSRA0010E", "DSRA0010E", SlipGlued}},
		"nulIDSRA0010E":                      {{"DSRA0010E", "DSRA0010E", SlipGlued}},
		"error AWSJOM179EComposer":           {{"AWSJOM179E", "AWSJOM179E", SlipGlued}},
		"messageAWSJCS011E":                  {{"AWSJCS011E", "AWSJCS011E", SlipGlued}},
		"ORA-00942, ora-01555":               {{"ORA-00942", "ORA-00942", 0}, {"ora-01555", "ORA-01555", SlipCase}},
		"FLORA-00942 ORA-009421 ORA-0094":    nil,
		"AWSITA*E AWS00101EMissing JAWSITA122E AWS00101E":                 nil,
		"AWSBHT001EAWSBHU002E AWSBHT001e2 xAWSBHT001E 1AWSBHT001E":        nil,
		"id 9daec769-39e0-3283-9006-2933c84d3c78 at 2026-11-22T21:30:00Z": nil,
		"SQL State = 57011, SQLSTATE=57011 SQL0911N":                      {{"SQL0911N", "SQL0911N", 0}},
	} {
		var got []hit
		for _, m := range Find(in) {
			if in[m.Start:m.End] != m.Raw {
				t.Errorf("%q: span %d:%d is not %q", in, m.Start, m.End, m.Raw)
			}
			got = append(got, hit{m.Raw, m.Code.Text, m.Slip})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(hit{})); diff != "" {
			t.Errorf("Find(%q): %s", in, diff)
		}
	}
}

// The predecessor's regular expression cut four-digit codes and found families
// that do not exist (hwa.md §3).
func TestPredecessorTruncations(t *testing.T) {
	for _, code := range []string{"AWSUI0766E", "AWSJIM1001W", "AWSBRC0106I", "AWSUI0360E", "AWSWUI0331E", "EEWOJTR0207E", "AWKCLI153I", "AWKDBE009E", "AWKFTE007E", "AWKJDE235W", "AWKTSA050E"} {
		got := Find("see " + code + ".")
		if len(got) != 1 || got[0].Code.Text != code || got[0].Slip != 0 {
			t.Errorf("%s: found %+v", code, got)
		}
	}
}

// strict is the regular expression of the reference; Go has no look-around, so
// oracleFind tests the neighbours.
var strict = regexp.MustCompile(`AW[SK][A-Z]{2,3}\d{3,4}[IWESTA]|EEW[A-Z]{0,4}\d{3,5}[IWES]|HTWGT\d{3,4}[IWE]|EQQ(?:[A-Z]{1,2}\d{2,3}|\d{4})[IWEA]|ACTEX\d{4}[IWE]|WAINST\d{3}[IWE]|CTG[A-Z]{3}\d{3,4}[IWE]|CW[A-Z]{3}\d{4}[IWEA]|(?:SECJ|DSRA|J2CA|SRVE|WSVR|ADMU|SESN|JSAS|WTRN|CNTR)\d{4}[IWEA]|SQL\d{4,5}[NWC]|ORA-\d{5}`)

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// oracleFind is the slow, obvious finder: codes spelt right that stand alone.
func oracleFind(text string) []string {
	var out []string
	for _, at := range strict.FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		after, _ := utf8.DecodeRuneInString(text[at[1]:])
		if !alnum(before) && !alnum(after) {
			out = append(out, text[at[0]:at[1]])
		}
	}
	return out
}

// spelt lists what Find read in words that the strict expression accepts.
func spelt(text string) []string {
	var out []string
	for _, m := range Find(text) {
		before, _ := utf8.DecodeLastRuneInString(text[:m.Start])
		after, _ := utf8.DecodeRuneInString(text[m.End:])
		if strict.FindString(m.Raw) == m.Raw && m.Slip&SlipGlued == 0 && !alnum(before) && !alnum(after) {
			out = append(out, m.Raw)
		}
	}
	return out
}

func TestFindAgreesWithExpression(t *testing.T) {
	piece := rapid.OneOf(
		rapid.StringMatching(`(AW[SK]|EEW|EQQ|CW|CTG|SQL|ORA-|DSRA|WAINST|HTWGT|ACTEX|J2CA)[A-Z0]{0,4}[0-9O]{2,6}[IWESTANC]?`),
		rapid.SampledFrom([]string{" ", "\n", ".", "-", ":", "é", "错", "null", "x", "7", "_", "AWSBHT001E", "AWSITA*E"}),
		rapid.StringN(0, 5, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		if diff := cmp.Diff(oracleFind(text), spelt(text)); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"AWSBHT001E", "nullDSRA0010E", "AWSJC0005E AWSITA1761", "WSWUI0331E", "ORA-00942", "AwsBDW009E:AWSUI2003", "AWSJOM179EComposer", "错AWSBHT001E", "EEWOJTR0207E SQL5146W"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if diff := cmp.Diff(oracleFind(s), spelt(s)); diff != "" {
			t.Fatalf("%q: %s", s, diff)
		}
		last := 0
		for _, m := range Find(s) {
			if m.Start < last || m.End <= m.Start || s[m.Start:m.End] != m.Raw {
				t.Fatalf("%q: %+v", s, m)
			}
			last = m.End
			again, ok := Normalize(m.Code.Text)
			if !ok || again != m.Code {
				t.Fatalf("%q: %+v normalises to %+v", s, m.Code, again)
			}
		}
		Normalize(s)
	})
}
