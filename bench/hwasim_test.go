package bench

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"resync/hwa"
	"resync/hwa/hwasim"
)

var simUsers = []hwasim.User{{Name: "bench", Password: "bench-secret", Role: hwasim.RoleAdmin}}

func newSim(b *testing.B, profile string) *hwasim.Sim {
	b.Helper()
	s, err := hwasim.New(hwasim.Config{Profile: profile, Users: simUsers})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSimReady is the time until a profile is ready, with the memory it keeps.
// Targets: demo 300 ms, stress 15 s and 2 GB.
func BenchmarkSimReady(b *testing.B) {
	for _, profile := range []string{"demo", "large", "stress"} {
		b.Run(profile, func(b *testing.B) {
			for b.Loop() {
				s := newSim(b, profile)
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MB-kept")
				runtime.KeepAlive(s)
			}
		})
	}
}

// BenchmarkSimPage is one page of 1,000 jobs of the stress profile over HTTP.
// Target: 60 ms.
func BenchmarkSimPage(b *testing.B) {
	s := newSim(b, "stress")
	srv := httptest.NewServer(s)
	defer srv.Close()
	for name, query := range map[string]string{
		"first":   "limit=1000",
		"middle":  "limit=1000&offset=250000",
		"errors":  "limit=1000&oql=jobruns.commonStatus%20=%20%27ERROR%27",
		"running": "limit=1000&oql=jobruns.commonStatus%20=%20%27RUNNING%27",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				req, err := http.NewRequest("GET", srv.URL+"/twsd/api/v2/plan/job?"+query, nil)
				if err != nil {
					b.Fatal(err)
				}
				req.SetBasicAuth("bench", "bench-secret")
				req.Header.Set("scope", "WHOLE_NO_JOB_DEFINITIONS_AND_NO_DEPENDENCIES")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
				b.SetBytes(n)
			}
		})
	}
}

// BenchmarkSimNight plays 24 hours of the large profile.
func BenchmarkSimNight(b *testing.B) {
	for b.Loop() {
		newSim(b, "large").Step(24 * time.Hour)
	}
}

// BenchmarkClientSync reads a whole plan through the typed client.
func BenchmarkClientSync(b *testing.B) {
	for _, profile := range []string{"large", "stress"} {
		b.Run(profile, func(b *testing.B) {
			srv := httptest.NewServer(newSim(b, profile))
			defer srv.Close()
			c, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: "bench", Password: "bench-secret"})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			for b.Loop() {
				jobs := 0
				for _, err := range c.JobHeads(context.Background(), hwa.ListOptions{PageSize: 1000}) {
					if err != nil {
						b.Fatal(err)
					}
					jobs++
				}
				b.ReportMetric(float64(jobs), "jobs")
			}
		})
	}
}
