package hwa

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	anID    = "9daec769-39e0-3283-9006-2933c84d3c78"
	anotrID = "11111111-39e0-3283-9006-2933c84d3c78"
)

var why = Justification{Category: "incident", Description: "month-end\nlate", TicketNum: "INC-1"}

// recorder answers every request with the least the specification allows and keeps the request.
type recorder struct {
	spec *spec
	got  []*http.Request
	body []byte
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.got = append(r.got, req)
	r.body, _ = io.ReadAll(req.Body)
	op := r.spec.find(req.Method, req.URL.EscapedPath())
	if op == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	for code, resp := range op.Responses {
		if strings.HasPrefix(code, "2") {
			fmt.Fprint(w, leastAnswer(w, r.spec, resp.Content))
		}
	}
}

func leastAnswer(w http.ResponseWriter, s *spec, c content) string {
	w.Header().Set("Content-Type", "application/json")
	body, ok := c["application/json"]
	if !ok {
		w.Header().Set("Content-Type", "text/plain")
		return ""
	}
	switch sch := s.resolve(body.Schema); {
	case sch == nil:
		return "{}"
	case sch.Type == "array":
		return "[]"
	case sch.Properties["successfulResourceResponses"] != nil:
		return `{"successfulResourceResponses":[{"id":"` + anID + `"}],"failedResourceResponses":[]}`
	case sch.Properties["results"] != nil:
		return `{"count":0,"results":[]}`
	}
	return "{}"
}

// TestConformance walks operations.tsv: every operation is implemented, and then its request is checked against the
// specification, or stands in docs/hwa-coverage.md with the reason.
func TestConformance(t *testing.T) {
	s := loadSpec(t)
	all := calls()
	omitted := coverage(t, "Not offered")
	for id, op := range s.ops {
		call, implemented := all[id]
		_, documented := omitted[id]
		switch {
		case implemented && documented:
			t.Errorf("%s is implemented and yet documented as not offered", id)
		case documented:
		case !implemented:
			t.Errorf("%s (%s %s) is neither implemented nor documented", id, op.Method, op.Path)
		default:
			t.Run(id, func(t *testing.T) { checkCall(t, s, op, call) })
		}
	}
	for id := range all {
		if s.ops[id] == nil {
			t.Errorf("%s is no operation", id)
		}
	}
	for id, why := range omitted {
		if s.ops[id] == nil || len(why) < 20 {
			t.Errorf("docs/hwa-coverage.md: %s is no operation or has no reason", id)
		}
	}
}

// TestCoverageCounts checks the numbers in the text of the page.
func TestCoverageCounts(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "docs", "hwa-coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	done, omitted := len(coverage(t, "Implemented")), len(coverage(t, "Not offered"))
	want := fmt.Sprintf("%d operations. %d are implemented, %d are not offered", done+omitted, done, omitted)
	if !strings.Contains(string(data), want) {
		t.Errorf("docs/hwa-coverage.md should say %q", want)
	}
}

func checkCall(t *testing.T, s *spec, op *operation, call call) {
	rec := &recorder{spec: s}
	srv := httptest.NewServer(rec)
	defer srv.Close()
	c := newClient(t, Config{BaseURLs: []string{srv.URL}})
	if err := call.run(t.Context(), c); err != nil {
		t.Fatalf("%s: %v", call.method, err)
	}
	if len(rec.got) != 1 {
		t.Fatalf("%s sent %d requests", call.method, len(rec.got))
	}
	req := rec.got[0]
	if got := s.find(req.Method, req.URL.EscapedPath()); got != op {
		t.Fatalf("%s sent %s %s", call.method, req.Method, req.URL.EscapedPath())
	}
	checkQuery(t, op, req.URL.Query())
	checkHeaders(t, op, req)
	checkBody(t, s, op, req, rec.body)
}

func checkQuery(t *testing.T, op *operation, q url.Values) {
	t.Helper()
	for _, p := range op.Parameters {
		if p.In == "query" && !q.Has(p.Name) && (p.Required || p.Name == "max_object_affected") {
			t.Errorf("the query parameter %s is missing", p.Name)
		}
	}
	for name := range q {
		// fence is the name 10.2.8 gives to priority; both are sent.
		if !op.declares("query", name) && name != "fence" {
			t.Errorf("the query parameter %s is not in the specification", name)
		}
	}
}

func checkHeaders(t *testing.T, op *operation, req *http.Request) {
	t.Helper()
	plain := []string{"Accept", "Accept-Encoding", "Authorization", "Content-Type", "Content-Length", "User-Agent"}
	for name := range req.Header {
		if !slices.Contains(plain, name) && !op.declares("header", name) {
			t.Errorf("the header %s is not in the specification", name)
		}
	}
	if req.Method == http.MethodGet || strings.Contains(op.Path, "/engine/") {
		return
	}
	for name, want := range map[string]string{"Justification-Category": "incident", "Justification-Description": "month-end late", "Justification-Ticket-Num": "INC-1"} {
		if got := req.Header.Get(name); op.declares("header", name) && got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func checkBody(t *testing.T, s *spec, op *operation, req *http.Request, body []byte) {
	t.Helper()
	if req.Method == http.MethodGet {
		if len(body) > 0 {
			t.Errorf("a GET carries the body %q", body)
		}
		return
	}
	if op.RequestBody == nil {
		if string(body) != "{}" || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("body %q of type %q, want {} as JSON", body, req.Header.Get("Content-Type"))
		}
		return
	}
	declared, ok := op.RequestBody.Content[req.Header.Get("Content-Type")]
	if !ok {
		t.Errorf("the content type %s is not in the specification", req.Header.Get("Content-Type"))
	}
	var sent map[string]any
	sch := s.resolve(declared.Schema)
	if req.Header.Get("Content-Type") != "application/json" || len(sch.Properties) == 0 {
		return
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatalf("the body is no JSON object: %v", err)
	}
	for k := range sent {
		if sch.Properties[k] == nil {
			t.Errorf("the body's field %s is not in the specification", k)
		}
	}
}

var coverageRow = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| (.*?) \\|$")

// coverage reads one table of docs/hwa-coverage.md.
func coverage(t *testing.T, section string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "docs", "hwa-coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/hwa-coverage.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	out := map[string]string{}
	for _, m := range coverageRow.FindAllStringSubmatch(text, -1) {
		if _, twice := out[m[1]]; twice {
			t.Errorf("docs/hwa-coverage.md lists %s twice", m[1])
		}
		out[m[1]] = m[2]
	}
	return out
}

// TestCoverageDoc compares the table of implemented operations with the calls of TestConformance, and every exported method that
// sends a request with both. It needs no data.
func TestCoverageDoc(t *testing.T) {
	want := map[string]string{}
	used := map[string]bool{}
	typ := reflect.TypeFor[*Client]()
	for id, call := range calls() {
		want[id] = "`" + call.method + "`"
		used[call.method] = true
		if _, ok := typ.MethodByName(call.method); !ok {
			t.Errorf("the client has no method %s", call.method)
		}
	}
	if diff := cmp.Diff(want, coverage(t, "Implemented")); diff != "" {
		t.Errorf("docs/hwa-coverage.md, implemented (-test +doc):\n%s", diff)
	}
	extra := coverage(t, "Beyond the specification")
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		takesContext := typ.Method(i).Type.NumIn() > 1 && typ.Method(i).Type.In(1) == reflect.TypeFor[context.Context]()
		if _, ok := extra[name]; !ok && takesContext && !used[name] {
			t.Errorf("method %s is in no table of docs/hwa-coverage.md", name)
		}
	}
	if os.Getenv("HWA_PRINT_COVERAGE") != "" {
		for id, m := range want {
			fmt.Printf("| `%s` | %s |\n", id, m)
		}
	}
}

// TestJustificationAlwaysArrives takes the writes of the plan that, by the specification, accept no justification headers and
// checks that the client still delivers the justification, or has no argument for one.
func TestJustificationAlwaysArrives(t *testing.T) {
	s := loadSpec(t)
	var without []string
	for id, op := range s.ops {
		if op.Method != http.MethodGet && strings.Contains(op.Path, "/plan/") && !op.declares("header", "Justification-Category") {
			without = append(without, id)
		}
	}
	if len(without) != 23 {
		t.Errorf("%d writes of the plan take no justification, hwa.md counts 23: %v", len(without), without)
	}
	noArgument := []string{"setOnlinePlanWorkstationById", "setOfflinePlanWorkstationById", "updatePlanWorkstationCollectAgentLogs",
		"rerunPlanJobStreamSuccessorsById", "patchPlanJobModelById", "postPlanJobAsyncById", "becomeMdmPlanWorkstationById",
		"startEventProcessorPlanWorkstationById", "stopEventProcessorPlanWorkstationById", "switchEventProcessorPlanWorkstationById"}
	type cl = *Client
	type cx = context.Context
	type ju = Justification
	twins := map[string]call{
		"linkPlanWorkstationById":                 byIDCall("LinkWorkstation", cl.LinkWorkstation),
		"unlinkPlanWorkstationById":               byIDCall("UnlinkWorkstation", cl.UnlinkWorkstation),
		"startPlanWorkstationById":                byIDCall("StartWorkstation", cl.StartWorkstation),
		"stopPlanWorkstationById":                 byIDCall("StopWorkstation", cl.StopWorkstation),
		"startEventMonitoringPlanWorkstationById": byIDCall("StartEventMonitoring", cl.StartEventMonitoring),
		"stopEventMonitoringPlanWorkstationById":  byIDCall("StopEventMonitoring", cl.StopEventMonitoring),
		"upgradePlanWorkstationById":              byIDCall("UpgradeWorkstation", cl.UpgradeWorkstation),
		"connectToHostCpuPlanWorkstationById": byIDCall("ConnectToHostCPU", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.ConnectToHostCPU(x, id, WorkstationConnectInfo{}, j)
		}),
		"updateLimitPlanWorkstationById": byIDCall("UpdateWorkstationLimit", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationLimit(x, id, 0, j) }),
		"updateFencePlanWorkstationById": byIDCall("UpdateWorkstationFence", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationFence(x, id, 0, j) }),
		"updateQuantityPlanResourceById": byIDCall("UpdateResourceQuantity", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateResourceQuantity(x, id, 1, j) }),
		"updatePriorityPlanJobById":      byIDCall("UpdateJobPriority", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateJobPriority(x, id, 1, j) }),
		"replyPlanPromptById":            byIDCall("ReplyPrompt", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReplyPrompt(x, id, true, j) }),
	}
	for _, id := range without {
		if slices.Contains(noArgument, id) {
			continue
		}
		t.Run(id, func(t *testing.T) {
			rec := &recorder{spec: s}
			mux := http.NewServeMux()
			mux.Handle("/", rec)
			// The by-filter reply to prompts came with 10.2.8 and is not in the specification at hand.
			mux.HandleFunc("PUT /twsd/api/v2/plan/prompt/action/reply", func(w http.ResponseWriter, r *http.Request) {
				rec.got = append(rec.got, r)
				fmt.Fprint(w, `{"successfulResourceResponses":[{"id":"x"}],"failedResourceResponses":[]}`)
			})
			srv := httptest.NewServer(mux)
			defer srv.Close()
			if err := twins[id].run(t.Context(), newClient(t, Config{BaseURLs: []string{srv.URL}})); err != nil {
				t.Fatal(err)
			}
			req := rec.got[len(rec.got)-1]
			if req.Header.Get("Justification-Ticket-Num") != "INC-1" {
				t.Errorf("%s %s carries no justification", req.Method, req.URL)
			}
			if op := s.find(req.Method, req.URL.Path); op != nil && op.ID == id {
				t.Errorf("%s went to the form that takes no justification", twins[id].method)
			}
			if q := req.URL.Query(); q.Has("oql") && (q.Get("oql") != "id = '"+anID+"'" || q.Get("max_object_affected") != "1") {
				t.Errorf("the filter is %q with at most %q objects", q.Get("oql"), q.Get("max_object_affected"))
			}
		})
	}
}
