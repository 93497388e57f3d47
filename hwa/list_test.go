package hwa

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/oql"
)

// pages is a server of a list of n jobs that behaves as its fields say.
type pages struct {
	n          int
	host       string // of the next links; "" for none
	path       string // of the next links
	ignoreSize bool   // answers with everything whatever the limit
	stuck      bool   // answers every page with the first
	countLast  bool
	noCount    bool
	cutAfter   int // breaks off the first answer to each page after so many jobs
	broken     map[string]bool
	asked      []url.Values
	headers    []http.Header
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.asked = append(p.asked, q)
	p.headers = append(p.headers, r.Header)
	off, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	end := min(off+limit, p.n)
	if p.ignoreSize {
		end = p.n
	}
	if p.stuck {
		off, end = 0, limit
	}
	var jobs []string
	for i := off; i < end; i++ {
		jobs = append(jobs, fmt.Sprintf(`{"id":"%d","name":"J\u00e4%d","extra":{"a":[1,"]}"]},"lastRunCommonStatus":"BRAND_NEW"}`, i, i))
	}
	w.Header().Set("Content-Type", "application/json")
	head, tail := "", ""
	if !p.noCount && r.Header.Get("Include-Count") == "true" {
		head = fmt.Sprintf(`"count": %d, `, p.n)
		if p.countLast {
			head, tail = "", fmt.Sprintf(`, "count": %d`, p.n)
		}
	}
	if p.host != "" && end < p.n {
		tail += fmt.Sprintf(`, "next": "%s%s?offset=%d&limit=%d&Token=evil"`, p.host, p.path, end, limit)
	}
	if p.cutAfter > 0 && !p.broken[q.Get("offset")] {
		p.broken[q.Get("offset")] = true
		w.Header().Set("Content-Length", "100000")
		fmt.Fprintf(w, `{%s"results": [%s,`, head, strings.Join(jobs[:min(p.cutAfter, len(jobs))], ","))
		return
	}
	fmt.Fprintf(w, "{%s\"results\" : [ %s ]%s}\n", head, strings.Join(jobs, " , "), tail)
}

func TestPaging(t *testing.T) {
	ids := func(from, to int) (out []string) {
		for i := from; i < to; i++ {
			out = append(out, strconv.Itoa(i))
		}
		return out
	}
	const own = "/twsd/api/v2/plan/job"
	tests := []struct {
		name     string
		server   pages
		opt      ListOptions
		want     []string
		requests int
		fails    string
	}{
		{"no next link, count first", pages{n: 25}, ListOptions{PageSize: 10}, ids(0, 25), 3, ""},
		{"no next link, count last", pages{n: 20, countLast: true}, ListOptions{PageSize: 10}, ids(0, 20), 2, ""},
		{"no next link, no count", pages{n: 20, noCount: true}, ListOptions{PageSize: 10}, ids(0, 20), 3, ""},
		{"next link of the engine", pages{n: 25, host: "https://mdm.internal:31116", path: own}, ListOptions{PageSize: 10}, ids(0, 25), 3, ""},
		{"next link to another host stays on ours", pages{n: 25, host: "http://evil.example.com", path: own, noCount: true}, ListOptions{PageSize: 10}, ids(0, 25), 3, ""},
		{"next link to another path", pages{n: 25, host: "http://evil.example.com", path: "/twsd/api/v2/engine/info"}, ListOptions{PageSize: 10}, ids(0, 10), 1, "leads elsewhere"},
		{"empty", pages{n: 0}, ListOptions{}, nil, 1, ""},
		{"limit across pages", pages{n: 25}, ListOptions{PageSize: 10, Limit: 13}, ids(0, 13), 2, ""},
		{"offset", pages{n: 25}, ListOptions{PageSize: 10, Offset: 20}, ids(20, 25), 1, ""},
		{"engine ignores the limit", pages{n: 25, ignoreSize: true}, ListOptions{PageSize: 10}, ids(0, 25), 1, ""},
		{"engine ignores the limit, we do not", pages{n: 25, ignoreSize: true}, ListOptions{PageSize: 10, Limit: 12}, ids(0, 12), 1, ""},
		{"engine ignores the offset", pages{n: 25, stuck: true}, ListOptions{PageSize: 10}, ids(0, 10), 2, "repeats page 1"},
		{"answers that break off are resumed", pages{n: 25, cutAfter: 4, broken: map[string]bool{}}, ListOptions{PageSize: 10}, ids(0, 25), 6, ""},
		{"page size out of range", pages{}, ListOptions{PageSize: 10001}, nil, 0, "out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(&tt.server)
			defer srv.Close()
			c := newClient(t, Config{BaseURLs: []string{srv.URL}})
			for _, head := range []bool{false, true} {
				tt.server.asked, tt.server.headers = nil, nil
				if tt.server.broken != nil {
					tt.server.broken = map[string]bool{}
				}
				var count int64
				tt.opt.Count = &count
				var got []string
				var err error
				if head {
					for j, e := range c.JobHeads(t.Context(), tt.opt) {
						if err = e; e == nil {
							got = append(got, j.ID)
						}
					}
				} else {
					for j, e := range c.Jobs(t.Context(), tt.opt) {
						if err = e; e == nil {
							got = append(got, j.ID)
						}
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("heads %v, jobs (-want +got):\n%s", head, diff)
				}
				if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("heads %v, error %v, want %q", head, err, tt.fails)
				}
				if len(tt.server.asked) != tt.requests {
					t.Errorf("heads %v: %d requests, want %d", head, len(tt.server.asked), tt.requests)
				}
				checkPages(t, &tt.server, count, tt.fails != "")
			}
		})
	}
}

func checkPages(t *testing.T, s *pages, count int64, failed bool) {
	t.Helper()
	for i, h := range s.headers {
		if h.Get("scope") != string(ScopeWholeNoJobDefinitionsAndNoDependencies) {
			t.Errorf("request %d: scope %q", i, h.Get("scope"))
		}
		if s.broken == nil && h.Get("Include-Count") != strconv.FormatBool(i == 0) {
			t.Errorf("request %d: Include-Count %q", i, h.Get("Include-Count"))
		}
	}
	if !failed && !s.noCount && !s.ignoreSize && s.n > 0 && count != int64(s.n) {
		t.Errorf("count %d, want %d", count, s.n)
	}
}

// TestStopEarly checks that a loop that breaks causes no further request.
func TestStopEarly(t *testing.T) {
	p := &pages{n: 100}
	srv := httptest.NewServer(p)
	defer srv.Close()
	c := newClient(t, Config{BaseURLs: []string{srv.URL}, PageSize: 10})
	for range c.Jobs(t.Context(), ListOptions{}) {
		break
	}
	for range c.JobHeads(t.Context(), ListOptions{}) {
		break
	}
	if len(p.asked) != 2 {
		t.Errorf("%d requests for two loops that stop at the first job", len(p.asked))
	}
}

// TestToleratesTheNew checks that values and fields of later versions decode and encode unchanged.
func TestToleratesTheNew(t *testing.T) {
	const in = `{"id":"1","lastRunCommonStatus":"BRAND_NEW","subJobs":[{"a":1}],"lastRunCompositeStatus":{"status":"QUEUED"},"jobruns":[{"id":"r","parentRunId":"p"}]}`
	var j JobInPlan
	if err := decode([]byte(in), &j); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"1","lastRunCompositeStatus":{"status":"QUEUED"},"lastRunCommonStatus":"BRAND_NEW","jobruns":[{"id":"r"}]}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
}

func TestFilters(t *testing.T) {
	parse := func(query, plan string) (string, error) {
		f, err := ParseFilter(oql.Jobs, query, plan)
		if err != nil {
			return "", err
		}
		q := url.Values{}
		if err := f.forWrite(q, oql.Jobs, "plan_filter", 2); err != nil {
			return "", err
		}
		return q.Encode(), nil
	}
	enc := func(pairs ...string) string {
		q := url.Values{"max_object_affected": {"2"}}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return q.Encode()
	}
	for _, tt := range []struct{ query, plan, want, fails string }{
		{"name = 'A' AND folder LIKE '/X@'", "", enc("oql", "name = 'A' AND folder LIKE '/X@'"), ""},
		{"", "/@/WS#/F/S.J", enc("plan_filter", "/@/WS#/F/S.J"), ""},
		{"", "", "", "empty"},
		{"ORDER BY name ASC", "", "", "empty"},
		{"name = 'A' ORDER BY name ASC", "", "", "cannot sort"},
		{"name = 'A' OR 1", "", "", "filter"},
		{"name = 'A'; drop", "", "", "filter"},
		{"", "A&max_object_affected=9", "", "plan filter"},
	} {
		got, err := parse(tt.query, tt.plan)
		if got != tt.want || (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%q %q: %q, %v; want %q, %q", tt.query, tt.plan, got, err, tt.want, tt.fails)
		}
	}
	// Built by hand, the parts of a plan filter are checked before they are sent.
	evil := Select(oql.PlanFilter{Kind: oql.Jobs, Workstation: "A", Name: "B", Job: "C&x=1 "})
	if err := evil.forWrite(url.Values{}, oql.Jobs, "plan_filter", 1); err == nil {
		t.Error("a plan filter with foreign characters was accepted")
	}
	if err := WithID(anID).forWrite(url.Values{}, oql.Jobs, "plan_filter", 0); err == nil {
		t.Error("a write without a limit of affected objects was accepted")
	}
	if err := Select(oql.AllObjects(oql.JobStreams)).forWrite(url.Values{}, oql.Jobs, "plan_filter", 1); err == nil {
		t.Error("a plan filter for job streams was accepted for jobs")
	}
}
