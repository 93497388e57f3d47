package hwasim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spec is the part of the REST API's description the wire is held against.
type spec struct {
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	reported map[string]bool // one complaint a field is enough
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Enum       []string          `json:"enum"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
	AllOf      []schema          `json:"allOf"`
	Additional json.RawMessage   `json:"additionalProperties"`
}

func loadSpec(t *testing.T) *spec {
	t.Helper()
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "hwa", "WA_API3_v2.json"))
	if err != nil {
		t.Skip("NOT RUN: 7 kinds of objects were not compared with the API's schemas, the data directory is absent: ", err)
	}
	sp := spec{reported: map[string]bool{}}
	if err := json.Unmarshal(raw, &sp); err != nil {
		t.Fatal(err)
	}
	return &sp
}

func (sp *spec) resolve(s schema) schema {
	for s.Ref != "" {
		s = sp.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	merged := map[string]schema{}
	for _, part := range s.AllOf {
		for k, v := range sp.resolve(part).Properties {
			merged[k] = v
		}
	}
	for k, v := range s.Properties {
		merged[k] = v
	}
	s.Properties = merged
	return s
}

// schemaByType names the schema of a dependency by its type.
var schemaByType = map[string]string{"INTERNAL": "InternalDependencyInPlanV2", "EXTERNAL_JOB": "ExternalJobDependencyInPlanV2",
	"EXTERNAL_JOBSTREAM": "ExternalJobStreamDependencyInPlanV2", "JOIN": "JoinDependencyInPlanV2", "FILE": "FileDependencyInPlanV2",
	"RESOURCE": "ResourceDependencyInPlanV2", "PROMPT": "PromptDependencyInPlanV2", "INTERNETWORK": "InternetworkDependencyInPlanV2"}

// check compares a value with a schema: unknown names, wrong kinds and enum values.
func (sp *spec) check(t *testing.T, path string, v any, s schema) {
	t.Helper()
	s = sp.resolve(s)
	switch v := v.(type) {
	case map[string]any:
		if kind, ok := v["dependencyType"].(string); ok {
			s = sp.resolve(sp.Components.Schemas[schemaByType[kind]])
		}
		if len(s.Properties) == 0 || len(s.Additional) > 0 {
			return
		}
		for k, x := range v {
			p, ok := s.Properties[k]
			if !ok {
				if !sp.reported[path+k] {
					t.Errorf("%s.%s is not in the API's schema", path, k)
				}
				sp.reported[path+k] = true
				continue
			}
			sp.check(t, path+"."+k, x, p)
		}
	case []any:
		if s.Type != "array" || s.Items == nil {
			t.Errorf("%s is a list, the schema says %s", path, s.Type)
			return
		}
		for _, x := range v {
			sp.check(t, path+"[]", x, *s.Items)
		}
	case string:
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			t.Errorf("%s is %q, the schema knows %v", path, v, s.Enum)
		}
		if s.Type != "" && s.Type != "string" {
			t.Errorf("%s is a string, the schema says %s", path, s.Type)
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" {
			t.Errorf("%s is a number, the schema says %s", path, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			t.Errorf("%s is a truth value, the schema says %s", path, s.Type)
		}
	}
}

// TestObjectsFollowSchema holds what the wire sends against the API's description.
func TestObjectsFollowSchema(t *testing.T) {
	sp := loadSpec(t)
	x := demo(t, Config{Faults: []string{"job-abend", "prompt-asked", "resource-deadlock", "file-wait", "latest-start-passed", "ssl-port-zero", "recovery-prompt"}})
	for path, name := range map[string]string{"/plan/job?limit=700": "JobInPlanV2", "/plan/jobstream": "JobStreamInPlanV2", "/plan/workstation": "WorkstationInPlanV2",
		"/plan/resource": "ResourceInPlanV2", "/plan/prompt": "PromptInPlanV2"} {
		for _, o := range x.get(path).json(t)["results"].([]any) {
			sp.check(t, name, o, sp.Components.Schemas[name])
		}
	}
	for _, ji := range x.order[:300] {
		sp.check(t, "JobInPlanV2", any(x.get("/plan/job/"+x.jobs[ji].id.String()).json(t)), sp.Components.Schemas["JobInPlanV2"])
	}
	sp.check(t, "EngineInfoV2", any(x.get("/engine/info").json(t)), sp.Components.Schemas["EngineInfoV2"])
	sp.check(t, "IssuesResponseV2", any(x.get("/plan/job/issues?plan_filter=/@/CRD_AGT1%23/@/@.@").json(t)), sp.Components.Schemas["IssuesResponseV2"])
	filtered := x.as("adm", "PUT", "/plan/job/action/hold?oql=name%20LIKE%20%27PAYROLL_@%27&max_object_affected=20", "{}")
	sp.check(t, "FilterActionResponseV2", any(filtered.json(t)), sp.Components.Schemas["FilterActionResponseV2"])
}

// TestEveryOperationAnswers walks all operations of the API: each is served or
// refused in words, none is forgotten.
func TestEveryOperationAnswers(t *testing.T) {
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "hwa", "operations.tsv"))
	if err != nil {
		t.Skip("NOT RUN: 281 operations were not walked, the data directory is absent: ", err)
	}
	x := demo(t, Config{})
	known := map[string]bool{}
	for _, line := range strings.Split(string(raw), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) < 3 {
			continue
		}
		method, path := f[1], strings.TrimPrefix(f[2], base)
		known[method+" "+path] = true
		for strings.Contains(path, "{") {
			from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
			path = path[:from] + "00000000-0000-3000-8000-000000000000" + path[to+1:]
		}
		a := x.as("adm", method, path, "{}")
		if a.status == 405 || a.status == 404 && strings.Contains(a.body, "HTTP 404") || strings.TrimSpace(a.body) == "" {
			t.Errorf("%s %s is forgotten: %d %s", method, path, a.status, a.body)
		}
	}
	if len(known) != 281 {
		t.Errorf("%d operations in the table, want 281", len(known))
	}
	for _, r := range refusedRoutes {
		if !known[r.method+" "+r.path] && !strings.Contains(r.path, "update-cert") { // 10.2.8
			t.Errorf("the refused %s %s is no operation of the API", r.method, r.path)
		}
	}
}
