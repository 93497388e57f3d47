package hwa

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// planServer is a transport that serves a plan of n jobs from memory, so that a benchmark measures the client alone.
type planServer struct {
	n    int
	jobs [][]byte // repeated
}

func newPlanServer(n int) *planServer {
	p := &planServer{n: n}
	at := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	for i := range 997 { // no divisor of the page size: a page that begins like the last one is an error
		id := fmt.Sprintf("9daec769-39e0-3283-9006-%012d", i)
		job := JobInPlan{
			FlowNodeType: FlowNodeTypeJob, EngineID: "engine", ID: id, PersistentID: id, PlanID: "plan", FolderID: "f", Folder: "/BANK/NIGHT/",
			Name: fmt.Sprintf("PAYROLL_NET_%04d", i), WorkstationID: "w", Workstation: fmt.Sprintf("/WS%02d", i%60), JobStreamID: fmt.Sprint("s", i/10),
			JobStreamName: fmt.Sprintf("PAYROLL_%03d", i/10), JobStreamWorkstation: "/MASTER", Key: "/MASTER#/BANK/NIGHT/PAYROLL.PAYROLL_NET", Position: i % 10,
			LastRunCompositeStatus: JobCompositeStatus{Status: JobStatusSucc, Started: true}, LastRunCommonStatus: CommonStatusSuccessful,
			JobOptions: JobOptions{Critical: i%50 == 0}, Priority: new(10), OrigPriority: new(10), SchedTime: at,
			TimeRestrictions:  TimeRestrictions{StartTime: at, DeadlineTime: at.Add(time.Hour), TimeDependent: true},
			DependenciesStats: &DependenciesStats{NumberOfDependencies: 2, NumberOfJobDependencies: 2},
			JobRuns: []JobRun{{ID: "run-" + id, JobID: id, Name: "PAYROLL_NET", ActualWorkstation: "/WS01", JobNumber: 4711, LastInRerunChain: true, ReturnCode: new(0),
				CompositeStatus: JobCompositeStatus{Status: JobStatusSucc, Started: true}, CommonStatus: CommonStatusSuccessful, RerunType: RerunTypeRegular,
				TimeInfo: TimeInfo{EstimatedDuration: Duration(90 * time.Second), ActualStartTime: at, ElapsedTime: Duration(80 * time.Second), ActualEndTime: at.Add(80 * time.Second)}}},
			Actions: []Action{{Key: "hold", ID: "hold"}, {Key: "rerun", ID: "rerun"}},
		}
		raw, err := json.Marshal(job)
		if err != nil {
			panic(err)
		}
		p.jobs = append(p.jobs, raw)
	}
	return p
}

func (p *planServer) bytes() (total int64) {
	for _, j := range p.jobs {
		total += int64(len(j)) + 1
	}
	return total * int64(p.n) / int64(len(p.jobs))
}

func (p *planServer) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	off, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(&planBody{p: p, from: off, i: off, end: min(off+limit, p.n), part: fmt.Appendf(nil, `{"count":%d,"results":[`, p.n)})}, nil
}

// planBody writes a page piece by piece, without building it.
type planBody struct {
	p            *planServer
	from, i, end int
	part         []byte
	closed       bool
}

func (b *planBody) Read(out []byte) (int, error) {
	n := 0
	for n < len(out) {
		if len(b.part) == 0 {
			switch {
			case b.i < b.end:
				b.part = b.p.jobs[b.i%len(b.p.jobs)]
				if b.i > b.from && n < len(out) {
					out[n] = ','
					n++
				}
				b.i++
				continue
			case !b.closed:
				b.closed, b.part = true, []byte("]}")
				continue
			}
			return n, io.EOF
		}
		k := copy(out[n:], b.part)
		n, b.part = n+k, b.part[k:]
	}
	return n, nil
}

const benchJobs = 500_000

// BenchmarkJobHeads500k lists a plan of half a million jobs as the plan package does.
func BenchmarkJobHeads500k(b *testing.B) {
	p := newPlanServer(benchJobs)
	c := newClient(b, Config{BaseURLs: []string{"https://m"}, Transport: p})
	b.SetBytes(p.bytes())
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range c.JobHeads(b.Context(), ListOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchJobs {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchJobs, "ns/job")
}

// BenchmarkJobs lists whole jobs, a tenth of that plan.
func BenchmarkJobs50k(b *testing.B) {
	p := newPlanServer(benchJobs / 10)
	c := newClient(b, Config{BaseURLs: []string{"https://m"}, Transport: p})
	b.SetBytes(p.bytes())
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range c.Jobs(b.Context(), ListOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(benchJobs/10), "ns/job")
}
