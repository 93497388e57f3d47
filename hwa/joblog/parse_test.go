package joblog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"resync/hwa/msgcode"
)

func exit(n int) *int { return &n }

func text(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

var unixHead = []string{
	rule,
	"= JOB       : /SITE/CPUA#JS25[(0600 09/24/23),(0AAAAAAAAAAAABQM)].JOBC",
	"= USER      : batch",
	"= JCLFILE   : /opt/load.sh -d",
	"= TWSRCMAP  : ",
	"= AGENT     : CPUA",
	"= Job Number: 987278608",
	"= Sun Sep 24 17:06:27 CEST 2023",
	rule,
}

var unixFoot = []string{
	rule,
	"= Exit Status           : 8",
	"= SC STATUS_OK : false        = OC LATE : true",
	"= System Time (Seconds) : 1     Elapsed Time (hh:mm:ss) : 01:02:03",
	"= User Time (Seconds)   : 2",
	"= Job CPU usage (ms)    : 3250",
	"= Job Memory usage (kb) : 1272",
	"= Sun Sep 24 18:08:30 CEST 2023",
	rule,
}

func join(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return text(all...)
}

func TestParseUnix(t *testing.T) {
	log := Parse(join(unixHead, []string{"loading", "AWSJC0005E no", "awsbht001e and AWSJCO005E"}, unixFoot))
	code := func(s string) msgcode.Code { c, _ := msgcode.Normalize(s); return c }
	want := []Run{{
		Job: "/SITE/CPUA#JS25[(0600 09/24/23),(0AAAAAAAAAAAABQM)].JOBC", Workstation: "/SITE/CPUA", Stream: "JS25", SchedTime: "0600 09/24/23", SchedID: "0AAAAAAAAAAAABQM", Name: "JOBC",
		User: "batch", Script: "/opt/load.sh -d", Agent: "CPUA", JobNumber: "987278608", Started: "Sun Sep 24 17:06:27 CEST 2023", Ended: "Sun Sep 24 18:08:30 CEST 2023",
		ExitStatus: exit(8), Elapsed: time.Hour + 2*time.Minute + 3*time.Second, CPU: 3250 * time.Millisecond, SystemTime: time.Second, UserTime: 2 * time.Second, MemoryKB: 1272,
		Conditions: []Condition{{true, "STATUS_OK", false}, {false, "LATE", true}},
		Header:     Range{1, 9}, Output: Range{10, 12}, Footer: Range{13, 21},
		Codes: []msgcode.Code{code("AWSJCO005E"), code("AWSBHT001E")},
	}}
	if diff := cmp.Diff(want, log.Runs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Line{{20, unixFoot[7]}, {21, rule}}, log.Tail(2)); diff != "" {
		t.Error(diff)
	}
	if log.Truncated || len(log.Tail(1000)) != 21 || log.Len() != 21 || log.Last().Name != "JOBC" {
		t.Error("tail, length or truncation")
	}
}

// Each case is a log that lost something; check looks at what must survive.
func TestParseTolerant(t *testing.T) {
	body := []string{"one", "two"}
	for name, c := range map[string]struct {
		text string
		want Run
		runs int
	}{
		"no banners":             {join(unixHead[1:8], body, unixFoot[1:8]), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{8, 9}}, 1},
		"no first line":          {join(unixHead[2:], body, unixFoot), Run{ExitStatus: exit(8), Output: Range{8, 9}}, 1},
		"still running":          {join(unixHead, body), Run{Name: "JOBC", Output: Range{10, 11}}, 1},
		"header only":            {join(unixHead), Run{Name: "JOBC"}, 1},
		"header cut":             {join(unixHead[:3]), Run{Name: "JOBC"}, 1},
		"footer only":            {join(unixFoot), Run{ExitStatus: exit(8)}, 1},
		"cut in the output":      {join(body, unixFoot), Run{ExitStatus: exit(8), Output: Range{1, 2}}, 1},
		"content only":           {text("", "one", "two"), Run{Output: Range{2, 3}}, 1},
		"no output":              {join(unixHead, unixFoot), Run{Name: "JOBC", ExitStatus: exit(8)}, 1},
		"empty":                  {"", Run{}, 0},
		"blank":                  {"\n \n\n", Run{}, 0},
		"rerun":                  {join(unixHead, body, unixFoot, unixHead, []string{"three"}, unixFoot), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{30, 30}}, 2},
		"rerun, killed before":   {join(unixHead, body, unixHead, body, unixFoot), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{21, 22}}, 2},
		"rerun, still running":   {join(unixHead, body, unixFoot, unixHead, body), Run{Name: "JOBC", Output: Range{30, 31}}, 2},
		"banner in the output":   {join(unixHead, []string{rule, "= total: 5", rule, "x"}, unixFoot), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{10, 13}}, 1},
		"banners in the output":  {join(unixHead, []string{"== step 1 ==", rule, rule}, unixFoot), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{10, 12}}, 1},
		"scanned, without blank": {text("=JOB：A#B[(0600 09/24/23)，(0AAAAAAAAAAABQM)].JOBC", "=USER：u", "=Sun Sep 24 17:06:27 CEST 2023", "AE", " = Exit Status：0"), Run{Name: "JOBC", ExitStatus: exit(0), Output: Range{4, 4}}, 1},
		"Windows":                {strings.ReplaceAll(join(unixHead, body, unixFoot), "\n", "\r\n"), Run{Name: "JOBC", ExitStatus: exit(8), Output: Range{10, 11}}, 1},
		"negative status":        {text("x", "= Exit Status : -1073741819"), Run{ExitStatus: exit(-1073741819), Output: Range{1, 1}}, 1},
		"Portuguese":             {text("= JOB : A#B[(0600 09/24/23),(X)].JOBC", "= seg 24 set 2023 17:06:27", rule, "x", rule, "= Status de saída : 12", "= seg 24 set 2023 17:09:27"), Run{Name: "JOBC", ExitStatus: exit(12), Output: Range{4, 4}}, 1},
		"status without number":  {text("x", "= Exit Status : unknown"), Run{Output: Range{1, 2}}, 1},
		"job without instance":   {text("= JOB : A#/F/B.JOBC", rule, "x"), Run{Name: "JOBC", Output: Range{3, 3}}, 1},
		"job name alone":         {text("= JOB : JOBC", rule, "x"), Run{Name: "JOBC", Output: Range{3, 3}}, 1},
		"unknown label":          {text("= JOB : JOBC", "= ZONE : EU", "= Job Number: 5", rule, "x"), Run{Name: "JOBC", Output: Range{5, 5}}, 1},
		"next header at once":    {join(unixHead, body, unixFoot[:3], unixHead[2:], body, unixFoot), Run{ExitStatus: exit(8), Output: Range{22, 23}}, 2},
	} {
		log := Parse(c.text)
		if len(log.Runs) != c.runs {
			t.Errorf("%s: %d runs, want %d: %+v", name, len(log.Runs), c.runs, log.Runs)
			continue
		}
		if c.runs == 0 {
			if log.Last() != nil {
				t.Errorf("%s: Last() is not nil", name)
			}
			continue
		}
		run := log.Last()
		got := Run{Name: run.Name, ExitStatus: run.ExitStatus, Output: run.Output}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestElapsed(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"= Elapsed Time (Minutes) : 1":                                              time.Minute,
		"= System Time (Seconds) : 0     Elapsed Time (hh:mm:ss) : 100:00:01":       100*time.Hour + time.Second,
		"= System Time (Seconds) : 0\nElapsed Time (hh:mm:ss) : 00:00:09":           9 * time.Second,
		"= System Time (Seconds) : 0     Elapsed Time (Minutes) : 12":               12 * time.Minute,
		"= Exit Status : 0\n= Elapsed Time (hh:mm:ss) : 00:00\n":                    0,
		"= Exit Status : 0\n= Elapsed Time (hh:mm:ss) : x:y:z\n":                    0,
		"= Exit Status : 0\n= Elapsed Time (Minutes) : -1\n= Elapsed Time (hh:mm:s": 0,
	} {
		if log := Parse(in); log.Last() == nil || log.Last().Elapsed != want {
			t.Errorf("%q: %+v, want %v", in, log.Last(), want)
		}
	}
}

func report(style Style) Report {
	zone := time.FixedZone("CET", 3600)
	return Report{
		Style: style, Workstation: "/SITE/CPUA", Stream: "PAYROLL", SchedTime: time.Date(2026, 11, 22, 21, 30, 0, 0, zone), SchedID: "0AAAAAAAAAAAABTB", Job: "NET",
		User: "batch", Command: `run "a" <b> & c`, Agent: "CPUA", JobNumber: 4711, Started: time.Date(2026, 11, 22, 21, 31, 0, 0, zone), Ended: time.Date(2026, 11, 22, 22, 33, 5, 0, zone),
		Output: []string{"reading", "AWSITA245E An error occurred", ""}, ExitStatus: 12, CPU: 8 * time.Second, MemoryKB: 2048, Conditions: []Condition{{true, "RC_OK", false}},
	}
}

func TestRenderIsRead(t *testing.T) {
	for _, style := range []Style{Unix, Windows, DynamicAgent} {
		in := report(style)
		log := Parse(Render(in))
		if len(log.Runs) != 1 {
			t.Fatalf("style %d: %d runs", style, len(log.Runs))
		}
		run := log.Runs[0]
		got := fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%d|%v|%v|%d|%v|%d|%s", run.Workstation, run.Stream, run.SchedTime, run.SchedID, run.Name, run.User, run.JobNumber, *run.ExitStatus, run.Elapsed, run.CPU, run.MemoryKB, run.Conditions, run.Output.Last-run.Output.First+1, run.Codes)
		want := "/SITE/CPUA|PAYROLL|2130 11/22/26|0AAAAAAAAAAAABTB|NET|batch|4711|12|1h2m5s|8s|2048|[{true RC_OK false}]|3|[AWSITA245E]"
		if got != want {
			t.Errorf("style %d:\n got %s\nwant %s\n%s", style, got, want, Render(in))
		}
		if (style == DynamicAgent) != strings.Contains(run.Task, "<jsdle:script>run") || (style != DynamicAgent) != (run.Script == in.Command) {
			t.Errorf("style %d: script %q, task %q", style, run.Script, run.Task)
		}
		if run.Started == "" || run.Ended == "" || run.Agent != "CPUA" {
			t.Errorf("style %d: %+v", style, run)
		}
	}
}

func TestRenderRunningAndReruns(t *testing.T) {
	first, second := report(Unix), report(DynamicAgent)
	first.Minutes, second.Running = true, true
	log := Parse(Render(first) + Render(second))
	if len(log.Runs) != 2 || log.Runs[0].Elapsed != 63*time.Minute || log.Last().ExitStatus != nil || log.Last().Ended != "" {
		t.Errorf("%+v", log.Runs)
	}
	if !strings.HasPrefix(Render(first), strings.Repeat("=", 63)+"\n= JOB       : /SITE/CPUA#PAYROLL[(2130 11/22/26),(0AAAAAAAAAAAABTB)].NET\n") {
		t.Error(Render(first))
	}
}

func TestCaps(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	big := join(unixHead) + strings.Repeat(line, MaxBytes/100+1000) + join(unixFoot)
	log := Parse(big)
	total := strings.Count(big, "\n")
	if !log.Truncated || *log.Last().ExitStatus != 8 || log.Last().Footer.Last != total || log.Tail(1)[0].Number != total {
		t.Errorf("truncated %v, footer %+v of %d lines", log.Truncated, log.Last().Footer, total)
	}
	if got := log.Lines(Range{1, 5}); got != nil {
		t.Errorf("lines that were dropped: %v", got)
	}
	many := Parse(strings.Repeat(join(unixHead, unixFoot), maxRuns+5))
	if len(many.Runs) != maxRuns || !many.Truncated {
		t.Errorf("%d runs", len(many.Runs))
	}
	if one := Parse(strings.Repeat("x", MaxBytes+5)); one.Len() != 1 || !one.Truncated {
		t.Errorf("one long line: %d lines", one.Len())
	}
	var codes strings.Builder
	for i := range 500 {
		fmt.Fprintf(&codes, "AWSBHT%03dE\n", i)
	}
	if log := Parse(codes.String()); len(log.Last().Codes) != maxCodes {
		t.Errorf("%d codes kept", len(log.Last().Codes))
	}
}

func TestMessages(t *testing.T) {
	log := Parse(text(
		"10:20:01 22.11.2026|BATCHMAN:+ ",
		"10:20:01 22.11.2026|BATCHMAN:+ ++++++++++++++++++++++++++++++++",
		`10:20:02 22.11.2026|BATCHMAN:+ AWSBHT001E Job "CPUA#JS.JOBC" in file "ls" has failed`,
		"10:20:02 22.11.2026|BATCHMAN:+ with the error: AwsBDW009E",
		"retrieving the password",
		"10:20:02 22.11.2026|BATCHMAN:+ ++++++++++++++++++++++++++++++++",
		"10:20:03 22.11.2026|MAILMAN:+ AWSBCV035W Mailman was unable to link",
		"10:20:03 22.11.2026|MAILMAN:+ AWSBCV082I to CPUB",
		"MAILMAN:06:15/ unlinking CPUC",
		"MAILMAN:06:15/ +++++++****+++",
		"NOTE: this is no process",
		"BATCHMAN:AWSBHT057W x",
	))
	var got []string
	for _, m := range log.Messages {
		got = append(got, fmt.Sprintf("%s %s %d-%d %v %s", m.Time, m.Process, m.Lines.First, m.Lines.Last, m.Codes, m.Text))
	}
	want := []string{
		`10:20:02 22.11.2026 BATCHMAN 3-5 [AWSBHT001E AWSBDW009E] AWSBHT001E Job "CPUA#JS.JOBC" in file "ls" has failed with the error: AwsBDW009E retrieving the password`,
		"10:20:03 22.11.2026 MAILMAN 7-7 [AWSBCV035W] AWSBCV035W Mailman was unable to link",
		"10:20:03 22.11.2026 MAILMAN 8-8 [AWSBCV082I] AWSBCV082I to CPUB",
		"06:15 MAILMAN 9-9 [] unlinking CPUC",
		" BATCHMAN 12-12 [AWSBHT057W] AWSBHT057W x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A TWSMERGE log is no job log.
func TestMergeLogHasNoRun(t *testing.T) {
	log := Parse(text("10:20:02 22.11.2026|BATCHMAN:+ AWSBHT001E failed", "10:20:03 22.11.2026|MAILMAN:+ AWSBCV035W x"))
	if len(log.Runs) != 0 || len(log.Messages) != 2 {
		t.Errorf("%+v", log)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(join(unixHead, []string{"x"}, unixFoot))
	f.Add(Render(report(DynamicAgent)) + Render(report(Windows)))
	f.Add("= Exit Status : -\n=\n= OC :\n= JOB : #[(.)]\n= TASK : <\n")
	f.Add("10:20:02 22.11.2026|BATCHMAN:+ AWSBHT001E\nx\n" + rule)
	f.Fuzz(func(t *testing.T, s string) {
		log := Parse(s)
		last := 0
		for _, r := range log.Runs {
			for _, part := range []Range{r.Header, r.Output, r.Footer} {
				if part.Empty() {
					continue
				}
				if part.First <= last || part.Last < part.First || part.Last > log.Len() {
					t.Fatalf("ranges out of order in %q: %+v", s, log.Runs)
				}
				last = part.Last
			}
		}
		for _, m := range log.Messages {
			if m.Lines.First < 1 || m.Lines.Last > log.Len() || m.Lines.Last < m.Lines.First {
				t.Fatalf("%+v", m)
			}
		}
		for _, sig := range log.Signals(5) {
			if sig.Score < 1 || sig.Score > 100 || sig.Line < 1 || sig.Line > log.Len() || !strings.Contains(s, sig.Text) {
				t.Fatalf("%+v", sig)
			}
		}
	})
}
