package api_test

import (
	"net/http"
	"strings"
	"testing"
)

const executePath = "/api/v1/agents/tools/execute"

// TestBodiesAreReadStrictly: two parsers must never read a request differently,
// whatever the Content-Type says.
func TestBodiesAreReadStrictly(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, tt := range []struct {
		name, path, body string
		status           int
		says             []string
	}{
		{"duplicate key", executePath, `{"tool_name":"get_prompts","tool_name":"hold_job"}`, 400, []string{"tool_name", "given twice"}},
		{"case variant", executePath, `{"tool_name":"get_prompts","TOOL_NAME":"hold_job"}`, 400, []string{"TOOL_NAME", "tool_name", "given twice"}},
		{"case variant alone", executePath, `{"Tool_Name":"get_prompts"}`, 400, []string{"Tool_Name", "small letters"}},
		{"duplicate inside the arguments", executePath, `{"tool_name":"hold_job","parameters":{"job":"A","job":"PROD"}}`, 400, []string{"job", "given twice"}},
		{"unknown field", executePath, `{"tool_name":"get_prompts","dry_run":true}`, 422, []string{"dry_run", "unexpected property"}},
		{"unknown argument", executePath, `{"tool_name":"get_prompts","parameters":{"all":true}}`, 400, []string{"all", "takes none"}},
		{"missing field", executePath, `{"parameters":{}}`, 422, []string{"tool_name"}},
		{"wrong type", executePath, `{"tool_name":7}`, 422, []string{"tool_name"}},
		{"arguments are a list", executePath, `{"tool_name":"get_prompts","parameters":[1]}`, 400, []string{"a JSON object is expected"}},
		{"something behind", executePath, `{"tool_name":"get_prompts"}{"tool_name":"hold_job"}`, 400, []string{"something follows"}},
		{"too deep", executePath, `{"tool_name":"get_prompts","parameters":` + deep + `}`, 400, []string{"nested deeper"}},
		{"not JSON", executePath, `tool_name=get_prompts`, 400, []string{"invalid"}},
		{"cut", executePath, `{"tool_name":`, 400, []string{"not valid JSON"}},
		{"bad UTF-8", executePath, "{\"tool_name\":\"\xff\"}", 400, []string{"UTF-8"}},
		{"duplicate in a batch", executePath + "-parallel", `[{"tool_name":"get_prompts","tool_name":"hold_job"}]`, 400, []string{"tool_name", "given twice"}},
		{"unknown in a batch", executePath + "-parallel", `[{"tool_name":"get_prompts","x":1}]`, 422, []string{"x"}},
		{"long question", "/api/v1/chat", `{"message":"` + strings.Repeat("a", 10001) + `"}`, 422, []string{"message", "10000"}},
		{"empty question", "/api/v1/chat", `{"message":"  "}`, 400, []string{"it is empty"}},
		{"no body", executePath, ``, 400, []string{"body"}},
	} {
		for _, ct := range []string{"application/json", ""} {
			t.Run(tt.name+" "+ct, func(t *testing.T) {
				got := b.postText(tt.path, tt.body, "Content-Type", ct)
				got.t = t
				got.problem(tt.status, tt.says...)
			})
		}
	}
	if n := len(h.sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestBodySize(t *testing.T) {
	b := newHost(t).as("operator")
	for _, path := range []string{executePath, "/api/v1/chat", "/api/v1/agents/approvals/x", "/api/v1/agents/undo/x"} {
		for _, ct := range []string{"application/json", ""} {
			b.postText(path, `{"message":"`+strings.Repeat("a", 70<<10)+`"}`, "Content-Type", ct).problem(http.StatusRequestEntityTooLarge, "larger than 65536 bytes")
		}
	}
}

func TestOtherContentTypes(t *testing.T) {
	b := newHost(t).as("operator")
	for _, ct := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/cbor"} {
		b.postText(executePath, `{"tool_name":"get_prompts"}`, "Content-Type", ct).problem(http.StatusUnsupportedMediaType, "content type")
	}
}

func TestParametersNameTheField(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("viewer")
	for path, field := range map[string]string{
		"/api/v1/tws/plan/current/job?limit=0":                    "query.limit",
		"/api/v1/tws/plan/current/job?limit=x":                    "query.limit",
		"/api/v1/tws/plan/current/job?offset=-1":                  "query.offset",
		"/api/v1/tws/plan/current/job/joblog":                     "query.job_id",
		"/api/v1/tws/plan/current/job/joblog?job_id=a&max_lines=": "query.job_id",
		"/api/v1/agents/approvals?status=maybe":                   "query.status",
		"/api/v1/agents/runs?limit=1001":                          "query.limit",
		"/api/v1/chat/history":                                    "query.session_id",
		"/api/v1/rag/search":                                      "query.query",
	} {
		if strings.HasSuffix(path, "max_lines=") {
			continue // an empty parameter counts as absent
		}
		b.get(path).problem(http.StatusUnprocessableEntity, field)
	}
	b.get("/api/v1/tws/plan/current/job?tws_instance_id=day").problem(http.StatusNotFound, `there is no engine named \"day\"`)
	b.get("/api/v1/events", "Last-Event-ID", "-3").problem(http.StatusBadRequest, "Last-Event-ID")
}
