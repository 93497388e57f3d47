package hwasim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/hwa"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testUsers = []User{
	{Name: "op", Password: "op-secret", Role: RoleOperator},
	{Name: "adm", Password: "adm-secret", Role: RoleAdmin},
	{Name: "eye", Password: "eye-secret", Role: RoleViewer},
}

func newSim(t testing.TB, cfg Config) *Sim {
	t.Helper()
	if cfg.Users == nil {
		cfg.Users = testUsers
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// planSim is a simulation of a small plan that starts at midnight.
func planSim(t testing.TB, plan string) *Sim {
	t.Helper()
	return newSim(t, Config{plan: plan, Start: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
}

const oneStation = "WS A FTA LINUX 10 DM a.example\n"

// site is a simulation behind a server, with the keep-alives off so that no
// connection outlives its test.
type site struct {
	*Sim
	t   testing.TB
	url string
}

func serve(t testing.TB, s *Sim) *site {
	t.Helper()
	srv := httptest.NewServer(s)
	srv.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(srv.Close)
	return &site{Sim: s, t: t, url: srv.URL}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("not JSON: %v in %.300s", err, a.body)
	}
	return v
}

func (x *site) as(user, method, path, body string, header ...string) answer {
	x.t.Helper()
	req, err := http.NewRequest(method, x.url+base+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	for _, u := range testUsers {
		if u.Name == user {
			req.SetBasicAuth(u.Name, u.Password)
		}
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		x.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (x *site) get(path string) answer { x.t.Helper(); return x.as("op", "GET", path, "") }
func (x *site) put(path, body string) answer {
	x.t.Helper()
	return x.as("op", "PUT", path, body)
}

func (x *site) client() *hwa.Client {
	x.t.Helper()
	c, err := hwa.New(hwa.Config{BaseURLs: []string{x.url}, Username: "adm", Password: "adm-secret", AllowPlainHTTP: true})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(c.Close)
	return c
}

// job finds a job by WS#STREAM.JOB.
func (s *Sim) job(t testing.TB, key string) *job {
	t.Helper()
	ji, ok := s.findKey(key)
	if !ok {
		t.Fatalf("no job %s", key)
	}
	return &s.jobs[ji]
}

// states returns "JOB=STATUS" for every job of a stream, in order.
func (s *Sim) states(t testing.TB, stream string) string {
	t.Helper()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := len(s.sorder) - 1; i >= 0; i-- {
		st := &s.streams[s.sorder[i]]
		if s.ws[st.ws].name+"#"+st.name == stream {
			var out []string
			for _, ji := range st.jobs {
				text := s.jobs[ji].name + "=" + s.jobs[ji].st.String()
				if s.jobs[ji].has(fCanceled) {
					text += "(CANCL)"
				}
				out = append(out, text)
			}
			return strings.Join(out, " ")
		}
	}
	t.Fatalf("no stream %s", stream)
	return ""
}

// act does a job action over the wire's own path and fails the test when refused.
func (x *site) act(key, action, body string) {
	x.t.Helper()
	if a := x.try(key, action, body); a.status != http.StatusOK {
		x.t.Fatalf("%s %s: %d %s", action, key, a.status, a.body)
	}
}

func (x *site) try(key, action, body string) answer {
	x.t.Helper()
	x.mu.RLock()
	j := x.job(x.t, key)
	id, run := j.id.String(), j.runID(len(j.runs)-1).String()
	x.mu.RUnlock()
	if action == "rerun" {
		return x.as("adm", "PUT", "/plan/job/run/"+run+"/action/rerun", body)
	}
	return x.as("adm", "PUT", "/plan/job/"+id+"/action/"+action, body)
}
