package hwa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{`"PT1H30M"`, 90 * time.Minute, true}, {`"PT0S"`, 0, true}, {`"P1DT2H"`, 26 * time.Hour, true}, {`"PT0.25S"`, 250 * time.Millisecond, true},
		{`"-PT5S"`, -5 * time.Second, true}, {`"PT-5S"`, -5 * time.Second, true}, {`90000`, 90 * time.Second, true}, {`1.5`, 1500 * time.Millisecond, true},
		{`null`, 0, true}, {`"PT36000S"`, 10 * time.Hour, true}, {`""`, 0, false}, {`"P"`, 0, false}, {`"PT"`, 0, false}, {`"P1Y"`, 0, false},
		{`"PT1M1H"`, 0, false}, {`"PT1.5H"`, 0, false}, {`"PT1.S"`, 0, false}, {`"PT.5S"`, 0, false}, {`"P1DT"`, 0, false}, {`"PTT1S"`, 0, false}, {`"+PT1S"`, 0, false}, {`"PT1,5S"`, 1500 * time.Millisecond, true}, {`"1H"`, 0, false}, {`"PTH"`, 0, false}, {`"P1H"`, 0, false}, {`"PT1D"`, 0, false}, {`true`, 0, false},
		{`"P999999999D"`, 0, false}, {`9223372036854775807`, 0, false}, {`1e300`, 0, false},
	} {
		var d Duration
		err := json.Unmarshal([]byte(tt.in), &d)
		if (err == nil) != tt.ok || tt.ok && d.Duration() != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.in, d.Duration(), err, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := Duration(rapid.Int64Range(-1<<63+1, 1<<63-1).Draw(t, "d"))
		var got Duration
		out, err := json.Marshal(want)
		if err == nil {
			err = json.Unmarshal(out, &got)
		}
		if err != nil || got != want {
			t.Fatalf("%d became %s, then %d: %v", want, out, got, err)
		}
	})
}

// TestTimesInOtherForms covers the forms Java servers write times in.
func TestTimesInOtherForms(t *testing.T) {
	want := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	for _, in := range []string{`"2026-11-22T01:02:03Z"`, `"2026-11-22T02:02:03+01:00"`, `"2026-11-22T01:02:03.000+0000"`, `1795309323000`, `"2026-11-22T01:02:03.000Z"`} {
		body := fmt.Sprintf(`{"schedTime":%s,"jobruns":[{"timeInfo":{"actualStartTime":%s}}],"timeRestrictions":{"startTime":""},"name":"2026-11-22 is a name"}`, in, in)
		var j JobInPlan
		if err := decode([]byte(body), &j); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if !j.SchedTime.Equal(want) || !j.JobRuns[0].TimeInfo.ActualStartTime.Equal(want) || !j.TimeRestrictions.StartTime.IsZero() || j.Name != "2026-11-22 is a name" {
			t.Errorf("%s: %+v", in, j)
		}
		var h JobHead
		if _, err := parseHead([]byte(body), &h, newInterner()); err != nil || !h.SchedTime.Equal(want) || h.SchedTime.Location() != time.UTC {
			t.Errorf("%s as a head: %v, %v", in, h.SchedTime, err)
		}
	}
	var j JobInPlan
	if err := decode([]byte(`{"schedTime":"tomorrow"}`), &j); err == nil {
		t.Error("a time that is none was accepted")
	}
}

// TestFastInstant compares the fast reader with the library on dates around its edges.
func TestFastInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%sZ", rapid.IntRange(0, 9999).Draw(t, "y"), rapid.IntRange(0, 13).Draw(t, "m"),
			rapid.IntRange(0, 32).Draw(t, "d"), rapid.IntRange(0, 24).Draw(t, "h"), rapid.IntRange(0, 60).Draw(t, "mi"), rapid.IntRange(0, 60).Draw(t, "s"),
			rapid.SampledFrom([]string{"", ".5", ".000", ".123456789", ".1234567890", "."}).Draw(t, "f"))
		want, err := time.Parse(time.RFC3339, s)
		got, ok := fastInstant(s)
		if ok && (err != nil || !got.Equal(want)) {
			t.Fatalf("%s: fast %v, library %v, %v", s, got, want, err)
		}
		if got, ok := parseInstant(s); ok != (err == nil) || ok && !got.Equal(want) {
			t.Fatalf("%s: %v %v, library %v, %v", s, got, ok, want, err)
		}
	})
}

func drawJob(t *rapid.T) *JobInPlan {
	text := rapid.SampledFrom([]string{"", "PAYROLL_NET", "Jörg", `a"b\c`, "/F1/F 2/", "\t\u2028"})
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "absent") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999).Draw(t, "ms")*1e6).UTC()
	})
	long := rapid.Custom(func(t *rapid.T) Duration { return Duration(rapid.Int64Range(0, 1e6).Draw(t, "ms") * 1e6) })
	number := rapid.Custom(func(t *rapid.T) *int {
		if rapid.Bool().Draw(t, "absent") {
			return nil
		}
		return new(rapid.IntRange(-5, 101).Draw(t, "n"))
	})
	flag := rapid.Bool()
	run := rapid.Custom(func(t *rapid.T) JobRun {
		return JobRun{ID: text.Draw(t, "run"), JobNumber: rapid.IntRange(0, 1<<31-1).Draw(t, "no"), ActualWorkstation: text.Draw(t, "ws"), ReturnCode: number.Draw(t, "rc"),
			LastInRerunChain: flag.Draw(t, "last"), MaxDurationGone: flag.Draw(t, "gone"), CommonStatus: CommonStatusError,
			TimeInfo: TimeInfo{EstimatedDuration: long.Draw(t, "est"), ActualStartTime: at.Draw(t, "start"), ElapsedTime: long.Draw(t, "el"), ActualEndTime: at.Draw(t, "end")}}
	})
	j := &JobInPlan{
		ID: text.Draw(t, "id"), Name: text.Draw(t, "name"), Folder: text.Draw(t, "folder"), Workstation: text.Draw(t, "ws"), JobStreamID: text.Draw(t, "sid"),
		JobStreamName: text.Draw(t, "s"), JobStreamWorkstation: text.Draw(t, "sws"), TimeZone: text.Draw(t, "tz"), Key: text.Draw(t, "key"),
		LastRunCompositeStatus: JobCompositeStatus{Status: JobStatus(text.Draw(t, "st")), Substatus: JobSubStatusHoldPriorityZero, Canceled: flag.Draw(t, "c"), CancelPending: flag.Draw(t, "cp"), Error: flag.Draw(t, "e")},
		LastRunCommonStatus:    CommonStatus(text.Draw(t, "cs")), Priority: number.Draw(t, "prio"), SchedTime: at.Draw(t, "sched"), CriticalStart: at.Draw(t, "crit"),
		JobStatusFlags: JobStatusFlags{JobLate: flag.Draw(t, "late"), UntilGone: flag.Draw(t, "until"), DeadlineHasPassed: flag.Draw(t, "dead"), Restarted: true},
		JobOptions:     JobOptions{NoOperation: flag.Draw(t, "nop"), Critical: flag.Draw(t, "cr"), RequiresConfirmation: flag.Draw(t, "rc"), Every: flag.Draw(t, "ev")},
		TimeRestrictions: TimeRestrictions{StartTime: at.Draw(t, "a"), DeadlineTime: at.Draw(t, "b"), LatestStartTime: at.Draw(t, "c"), LateStartAction: LateStartActionDoNotRun,
			MaxDuration: long.Draw(t, "max"), StartTimeSatisfied: new(flag.Draw(t, "sat"))},
		RepeatInterval: long.Draw(t, "rep"), Archived: flag.Draw(t, "arch"), JobRuns: rapid.SliceOfN(run, 0, 4).Draw(t, "runs"),
		Actions: []Action{{Key: "hold", ID: `}]"`}},
	}
	if flag.Draw(t, "stats") {
		j.DependenciesStats = &DependenciesStats{NumberOfDependencies: 3, NumberOfFileDependencies: 1, NumberOfUnresolvedDependencies: 2}
	}
	if flag.Draw(t, "def") {
		j.JobDefinition = &JobDefinitionInPlan{Name: "D", EstimatedDuration: long.Draw(t, "def"), Task: json.RawMessage(`{"a":[{}]}`)}
	}
	return j
}

// TestHeadsAgreeWithJobs checks that the fast decoder reads what encoding/json reads, whatever the buffer sizes.
func TestHeadsAgreeWithJobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		job := drawJob(t)
		raw, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "indent") {
			var b bytes.Buffer
			json.Indent(&b, raw, " ", "\t")
			raw = b.Bytes()
		}
		var full JobInPlan
		if err := decode(raw, &full); err != nil {
			t.Fatal(err)
		}
		want := full.Head()
		var got JobHead
		n, err := parseHead(raw, &got, newInterner())
		if err != nil || n != len(raw) {
			t.Fatalf("%v after %d of %d bytes", err, n, len(raw))
		}
		if diff := cmp.Diff(want, &got, cmp.AllowUnexported(JobHead{}, RunHead{}), cmpopts.IgnoreFields(RunHead{}, "last")); diff != "" {
			t.Fatalf("%s\n%s", raw, diff)
		}
		words := newInterner()
		for cut := rapid.IntRange(0, 12).Draw(t, "cut"); cut < len(raw); cut += 13 {
			if _, err := parseHead(raw[:cut], &got, words); err != errShort {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
	})
}

func TestFlowNode(t *testing.T) {
	in := `[{"flowNodeType":"JOB","id":"1","name":"J","lastRunCommonStatus":"HELD"},{"flowNodeType":"JOBSTREAM","id":"2","name":"S","originalJobStreamName":"S","commonStatus":"READY"},` +
		`{"id":"3","originalJobStreamName":"T"},{"id":"4","name":"K"}]`
	var nodes []FlowNode
	if err := json.Unmarshal([]byte(in), &nodes); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes {
		got = append(got, fmt.Sprintf("%v %v %s %s %s", n.Job != nil, n.JobStream != nil, n.ID(), n.Name(), n.Status()))
	}
	want := []string{"true false 1 J HELD", "false true 2 S READY", "false true 3  ", "true false 4 K "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := json.Marshal(nodes[2:])
	if err != nil || string(out) != `[{"flowNodeType":"JOBSTREAM","id":"3","originalJobStreamName":"T"},{"flowNodeType":"JOB","id":"4","name":"K"}]` {
		t.Errorf("%s, %v", out, err)
	}
}

// FuzzPage feeds pages to the splitter in chunks of different sizes: it must not panic, must not depend on the chunks, and must
// agree with encoding/json on what is valid.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"count":2,"results":[{"id":"1"},{"id":"2","a":[[],{"b":"]"}]}],"next":"https://h/twsd/api/v2/plan/job?offset=2"}`), uint8(3))
	f.Add([]byte(` { "results" : null , "count" : null } `), uint8(1))
	f.Add([]byte(`{"results":[1,"\"",true,-1.5e3,null]}`), uint8(2))
	f.Add([]byte(`{"results":[{"id":"1"}`), uint8(9))
	f.Add([]byte(`<html>login`), uint8(9))
	f.Add([]byte(`{"results":[{]]}`), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, chunk uint8) {
		split := func(r io.Reader) (items []string, tail pageTail, err error) {
			tail, err = newPageReader(r).read(rawItem(func(m json.RawMessage) bool { items = append(items, string(m)); return true }))
			return items, tail, err
		}
		items, tail, err := split(bytes.NewReader(data))
		small := &pageReader{r: iotest.OneByteReader(bytes.NewReader(data)), buf: make([]byte, int(chunk)+1)}
		var again []string
		tail2, err2 := small.read(rawItem(func(m json.RawMessage) bool { again = append(again, string(m)); return true }))
		if diff := cmp.Diff(items, again); diff != "" || (err == nil) != (err2 == nil) || tail.next != tail2.next {
			t.Fatalf("chunks matter: %v, %v\n%s", err, err2, diff)
		}
		var want struct {
			Results []json.RawMessage `json:"results"`
		}
		if json.Valid(data) && bytes.Count(data, []byte(`"results"`)) == 1 && !bytes.Contains(data, []byte(`\`)) && json.Unmarshal(data, &want) == nil && err == nil && want.Results != nil {
			if len(items) != len(want.Results) {
				t.Fatalf("%d objects, encoding/json finds %d", len(items), len(want.Results))
			}
		}
	})
}

// FuzzHead feeds anything to the fast decoder.
func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"id":"1","name":"J","priority":10,"jobruns":[{"id":"r","returnCode":-1,"timeInfo":{"elapsedTime":"PT1S","actualStartTime":"2026-11-22T01:02:03Z"}}]}`))
	f.Add([]byte(`{"id":null,"priority":null,"jobruns":null,"schedTime":1795309323000,"dependenciesStats":{"numberOfDependencies":1}}`))
	f.Add([]byte(`{"id":5}`))
	f.Add([]byte(`{"priority":"high"}`))
	f.Add([]byte(`{"jobOptions":{"critical":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h JobHead
		n, err := parseHead(data, &h, newInterner())
		if err == nil && (n <= 0 || n > len(data)) {
			t.Fatalf("%d of %d bytes", n, len(data))
		}
		if err == nil && json.Valid(data) {
			var j JobInPlan
			// Where both succeed and no key occurs twice, they agree on the simple fields.
			if decode(data, &j) == nil && bytes.Count(data, []byte(`"id"`)) == 1 && bytes.Count(bytes.ToLower(data), []byte("id")) == 1 && j.ID != h.ID && len(j.JobRuns) == 0 {
				t.Fatalf("id %q, encoding/json says %q", h.ID, j.ID)
			}
		}
	})
}

// FuzzScrape feeds anything to the reader of error bodies.
func FuzzScrape(f *testing.F) {
	f.Add("application/json", []byte(`{"messages":["AWSJSY404E x","AWSBIN076E y"],"a":{"error":"z"}}`))
	f.Add("text/html", []byte(`<html><head><title>AWSJCO005E</title><style>p{}</style></head><script>x</script><p>no&amp;`))
	f.Add("", []byte("AWSBIO006E \xff\xfe <![CDATA["))
	f.Add("", []byte(strings.Repeat(`[`, 5000)))
	f.Fuzz(func(t *testing.T, ctype string, body []byte) {
		codes, text := scrape(ctype, body)
		if len(text) > textBytes+len("…") || strings.ContainsAny(text, "\r\n") {
			t.Fatalf("%d bytes: %q", len(text), text)
		}
		for i, c := range codes {
			if c == "" || i > 0 && c == codes[i-1] {
				t.Fatalf("codes %q", codes)
			}
		}
		classifyStatus(500, nil, body, true)
	})
}
