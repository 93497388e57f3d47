package bench

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/plan"
)

const stressJobs = 500_000

// stressPlan is a plan of n jobs in streams of ten on 2,000 workstations. Jobs
// follow each other inside a stream and most streams follow an earlier one, so
// the first job has tens of thousands of successors.
func stressPlan(n int) *plan.Snapshot {
	b := plan.NewBuilder(time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC))
	for w := range 2000 {
		b.AddWorkstation(plan.Workstation{ID: benchID(3, w), Name: fmt.Sprintf("WS%04d", w), Limit: 10, States: []string{"LINKED"}})
	}
	statuses := [][2]string{{"SUCC", "SUCCESSFUL"}, {"HOLD", "WAITING"}, {"HOLD", "WAITING"}, {"READY", "READY"}, {"EXEC", "RUNNING"}, {"ABEND", "ERROR"}}
	for i := range n {
		st, ws := i/10, fmt.Sprintf("WS%04d", i/10%2000)
		j := plan.Job{
			ID: benchID(1, i), RunID: benchID(2, i), Name: fmt.Sprintf("PAY_%06d_LOAD", i), Folder: "/BANK/", Workstation: ws,
			Stream: fmt.Sprintf("STREAM_%05d", st), StreamID: benchID(4, st), StreamWorkstation: ws,
			Status: statuses[i%6][0], CommonStatus: statuses[i%6][1], Priority: 10, Estimated: time.Minute,
			Scheduled: time.Date(2026, 11, 22, i%24, 0, 0, 0, time.UTC),
		}
		if i%50 == 0 {
			j.Deadline = time.Date(2026, 11, 23, i%24, 0, 0, 0, time.UTC)
		}
		var preds []plan.Ref
		if i%10 > 0 {
			preds = append(preds, plan.Ref{JobID: benchID(1, i-1)})
		} else if st > 0 {
			preds = append(preds, plan.Ref{JobID: benchID(1, (st-1)/2*10+9)})
		}
		j.Dependencies = len(preds)
		b.AddJob(j, preds)
	}
	return b.Build()
}

func benchID(kind, n int) string {
	return fmt.Sprintf("%08x-0000-3000-8000-%04x%08x", n*2654435761%(1<<32), kind, n)
}

// BenchmarkPlanMemory reports what 500,000 jobs hold after a sync, measured on
// the heap and not by the snapshot's own account. Target: 400 bytes per job.
func BenchmarkPlanMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		s := stressPlan(stressJobs)
		s.EarliestFinish(0)
		b.ReportMetric(float64(heap()-before)/float64(s.Len()), "heap-bytes/job")
		b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "accounted-bytes/job")
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkImpact searches everything behind the first job. Target: 20 ms.
func BenchmarkImpact(b *testing.B) {
	s := stressPlan(stressJobs)
	b.ResetTimer()
	n := 0
	for b.Loop() {
		n = len(s.Successors(0, 0, false))
	}
	b.ReportMetric(float64(n), "successors")
}

// BenchmarkFilter reports the 99th percentile of filters of each kind over a
// plan of 500,000 jobs synced from the simulator. Target: 10 ms.
func BenchmarkFilter(b *testing.B) {
	s := synced(b)
	some := s.Job(s.Len() / 2)
	filters(b, s, map[string]plan.Filter{
		"text":     {Text: some.Name, Limit: 100},
		"words":    {Text: some.Stream + " load", Limit: 100},
		"common":   {Text: "load", Limit: 100},
		"status":   {Status: []string{"RUNNING"}, Limit: 100},
		"wildcard": {Text: "@#@.@LOAD@", Limit: 100},
		"full":     {Text: some.FullName(), Limit: 100},
		"all":      {Text: some.Stream[:3], Folder: some.Folder, Workstation: "BR@", Status: []string{"HOLD"}, Limit: 100},
	})
}

// BenchmarkFilterUnique is the worst case for names: no two of the 500,000 jobs
// share one, so every text search reads them all.
func BenchmarkFilterUnique(b *testing.B) {
	filters(b, stressPlan(stressJobs), map[string]plan.Filter{
		"text":     {Text: "pay_4999", Limit: 100},
		"common":   {Text: "load", Limit: 100},
		"wildcard": {Text: "@#@.PAY_@99@", Limit: 100},
		"full":     {Text: "WS0007#STREAM_00007.PAY_000070_LOAD", Limit: 100},
	})
}

func filters(b *testing.B, s *plan.Snapshot, kinds map[string]plan.Filter) {
	for name, f := range kinds {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			total := 0
			for b.Loop() {
				start := time.Now()
				total = s.Filter(f).Total
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(total), "hits")
		})
	}
}

// BenchmarkSuggest looks for names like a misspelt one among 500,000.
func BenchmarkSuggest(b *testing.B) {
	s := stressPlan(stressJobs)
	for b.Loop() {
		s.Suggest("PAY_499990_LAOD", 5)
	}
}

// stressEngine is a simulator of 500,000 jobs in this process, with a client.
func stressEngine(b *testing.B) (*hwa.Client, func()) {
	sim, err := hwasim.New(hwasim.Config{Profile: "stress", Speed: -1})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	client, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: sim.DefaultUser(), Password: sim.DefaultPassword()})
	if err != nil {
		b.Fatal(err)
	}
	return client, func() { client.Close(); srv.Close() }
}

// synced is the plan of such an engine; the engine is gone when it returns.
func synced(b *testing.B) *plan.Snapshot {
	client, stop := stressEngine(b)
	var live plan.Live
	s, err := live.Sync(context.Background(), client)
	if err != nil {
		b.Fatal(err)
	}
	stop()
	runtime.GC()
	b.ResetTimer()
	return s
}

// BenchmarkSync reads a plan of 500,000 jobs over the wire from a simulator in
// the same process, which shares the processor. Target: 10 s.
func BenchmarkSync(b *testing.B) {
	client, stop := stressEngine(b)
	defer stop()
	b.ResetTimer()
	for b.Loop() {
		var live plan.Live
		s, err := live.Sync(context.Background(), client)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.Len()), "jobs")
		b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "bytes/job")
	}
}
