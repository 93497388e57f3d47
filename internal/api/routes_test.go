package api_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"resync/internal/api"
	"resync/internal/auth"
)

func TestEveryRouteIsDeclared(t *testing.T) {
	routes, err := api.Routes()
	must(t, err)
	doc := newHost(t).anonymous().get("/openapi.json").ok()
	paths := doc["paths"].(map[string]any)
	seen := map[string]bool{}
	for _, r := range routes {
		name := r.Method + " " + r.Path
		if seen[name] {
			t.Errorf("%s is registered twice", name)
		}
		seen[name] = true
		if !slices.Contains([]api.Tier{api.ReadOnly, api.BestEffort, api.Critical}, r.Tier) {
			t.Errorf("%s has no tier: %q", name, r.Tier)
		}
		if _, err := auth.ParseRole(string(r.Role)); err != nil && !slices.Contains(openRoutes(), name) {
			t.Errorf("%s asks for no role and is not in the list of open routes: %v", name, err)
		}
		if r.Operation == "" {
			t.Errorf("%s has no operation", name)
		}
		if strings.Contains(r.Operation, "-alias-") {
			continue // hidden: the same operation under the contract's bare path
		}
		op, ok := dig(paths, r.Path, strings.ToLower(r.Method)).(map[string]any)
		if !ok {
			t.Errorf("%s is not in the OpenAPI document", name)
			continue
		}
		if op["operationId"] != r.Operation || op["x-resync-tier"] != string(r.Tier) || op["x-resync-role"] != string(r.Role) || op["summary"] == "" {
			t.Errorf("%s is described as %v, %v, %v, %v", name, op["operationId"], op["x-resync-tier"], op["x-resync-role"], op["summary"])
		}
		if _, ok := dig(op, "responses", "default").(map[string]any); !ok && dig(op, "responses", "401") == nil {
			t.Errorf("%s describes no errors", name)
		}
	}
	for _, path := range []string{"/api/v1/tws/plan/current/job", "/api/v1/tws/plan/current/job/{id}", "/api/v1/tws/plan/current/job/{id}/successors"} {
		// Parameters of embedded structs were once not read at all.
		if raw := fmt.Sprint(dig(paths, path, "get", "parameters")); !strings.Contains(raw, "tws_instance_id") || strings.Contains(path, "{id}") != strings.Contains(raw, "name:id") {
			t.Errorf("%s does not take the parameters it needs: %s", path, raw)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d routes", len(seen))
	}
}

// openRoutes need no session: without them nobody could sign in or look whether
// the server lives.
func openRoutes() []string {
	return []string{"POST /api/v1/auth/login", "POST /auth/login", "GET /api/v1/version"}
}

func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// TestNothingIsServedBesideTheRoutes reads the package: a handler put on the mux
// directly passes no guard, so each one is listed here with the reason.
func TestNothingIsServedBesideTheRoutes(t *testing.T) {
	allowed := map[string]string{
		`"GET " + p`:            "livez, readyz and health: probes must answer when all else fails",
		`"GET /metrics"`:        "scrapes carry no session",
		`"GET /docs"`:           "the reference page, nothing of the plan is on it",
		`"GET /docs/style.css"`: "its style",
		`"GET /openapi.json"`:   "the description of the API, nothing of the plan is in it",
		`"GET /openapi.yaml"`:   "the same",
		`*ast.UnaryExpr`:        "addRaw hands an operation to the adapter, with the guard, the tier and the limits of every other",
		`"/"`:                   "the console's files and the answers to unknown addresses",
	}
	fset := token.NewFileSet()
	files, err := filepath.Glob("*.go")
	must(t, err)
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || (sel.Sel.Name != "Handle" && sel.Sel.Name != "HandleFunc") || len(call.Args) != 2 {
				return true
			}
			found++
			if p := text(call.Args[0]); allowed[p] == "" {
				t.Errorf("%s: %s is served without a role", fset.Position(n.Pos()), p)
			}
			return true
		})
	}
	if found < 5 {
		t.Errorf("the test saw only %d registrations", found)
	}
}

func text(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.BasicLit:
		return x.Value
	case *ast.Ident:
		return x.Name
	case *ast.BinaryExpr:
		return text(x.X) + " " + x.Op.String() + " " + text(x.Y)
	}
	return fmt.Sprintf("%T", e)
}

// TestDefect24_RouteByRole asks every route as everybody: no session is 401, a
// weaker role 403, and only the declared role or a stronger one gets through.
func TestDefect24_RouteByRole(t *testing.T) {
	h := newHost(t).ready()
	routes, err := api.Routes()
	must(t, err)
	params := regexp.MustCompile(`\{[a-z_]+\}`)
	cells := 0
	for _, who := range []string{"", "viewer", "operator", "approver", "admin"} {
		b, have := h.anonymous(), auth.Roles(nil)
		if who != "" {
			b, have = h.as(who), auth.NewRoles(auth.Role(who))
		}
		slices.SortStableFunc(routes, func(x, y api.Route) int { return strings.Compare(lastIfLogout(x), lastIfLogout(y)) })
		for _, r := range routes {
			path := params.ReplaceAllString(r.Path, "none")
			if strings.HasSuffix(path, "/execute/none") {
				path = strings.TrimSuffix(path, "none") + "hold"
			}
			signedOut := who != "" && b.cookie() == ""
			var got reply
			if r.Method == http.MethodPost {
				got = b.postText(path, "{}")
			} else {
				got = b.do(r.Method, path, nil, "Last-Event-ID", "x") // no stream is opened: the number is wrong
			}
			cells++
			name := fmt.Sprintf("%s %s as %q", r.Method, r.Path, who)
			switch {
			case r.Role == "":
				if got.status == http.StatusForbidden {
					t.Errorf("%s: %s", name, got)
				}
			case who == "" || signedOut:
				got.refused(path, http.StatusUnauthorized, "sign in first")
			case !have.Has(r.Role):
				got.refused(path, http.StatusForbidden, "needs the role "+string(r.Role), who)
			case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden:
				t.Errorf("%s: %s", name, got)
			case got.status == http.StatusInternalServerError:
				t.Errorf("%s fails instead of refusing: %s", name, got)
			case got.status >= 400:
				got.refused(path, got.status)
			}
		}
	}
	t.Logf("%d cells", cells)
}

// lastIfLogout sorts the routes that end the session behind the others.
func lastIfLogout(r api.Route) string {
	return strconv.FormatBool(strings.HasSuffix(r.Path, "/logout"))
}

func TestUnknownAddresses(t *testing.T) {
	h := newHost(t)
	b := h.as("viewer")
	b.get("/api/v1/nope").problem(http.StatusNotFound, "/api/v1/nope", "/docs")
	b.postText("/nope", "{}").problem(http.StatusNotFound, "/nope")
	r := b.get("/api/v1/agents/tools/execute")
	r.problem(http.StatusMethodNotAllowed, "does not take GET", "POST")
	if allow := r.header.Get("Allow"); allow != "POST" {
		t.Errorf("Allow: %q", allow)
	}
	b.do(http.MethodPut, "/api/v1/agents/approvals/x", strings.NewReader("{}")).problem(http.StatusMethodNotAllowed, "GET, POST")
	b.do(http.MethodDelete, "/api/v1/agents/runs", nil).problem(http.StatusMethodNotAllowed)
}

// TestGETNeverChanges: reading every address leaves no trace on the engine, in
// the journal or in the sessions.
func TestGETNeverChanges(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("admin")
	run := b.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	before := b.get("/api/v1/agents/runs").ok()["total"]
	routes, err := api.Routes()
	must(t, err)
	for _, r := range routes {
		if r.Method != http.MethodGet {
			continue
		}
		path := strings.NewReplacer("{trace_id}", run, "{run_id}", run, "{id}", "none", "{turn_id}", "none").Replace(r.Path)
		for _, q := range []string{"", "?action=approve&tool_name=rerun_job&token=x&reason=y&session_id=none"} {
			b.get(path+q, "Last-Event-ID", "x")
		}
	}
	for _, p := range []string{"/login?token=" + h.token("carol-x", auth.Admin), "/docs", "/health", "/metrics", "/readyz"} {
		b.get(p)
	}
	if n := len(h.sim.Writes()); n != 0 {
		t.Errorf("%d writes on the engine", n)
	}
	if after := b.get("/api/v1/agents/runs").ok()["total"]; after != before {
		t.Errorf("%v runs became %v", before, after)
	}
	if got := b.get("/api/v1/agents/approvals/" + run).ok()["status"]; got != "pending" {
		t.Errorf("the approval is %v", got)
	}
	if b.get("/api/v1/auth/verify").status != http.StatusOK {
		t.Error("a GET ended the session")
	}
}

// propose asks for a write and returns its trace id.
func (b *browser) propose(tool string, args map[string]any) string {
	b.h.t.Helper()
	got := b.post("/api/v1/agents/tools/execute", map[string]any{"tool_name": tool, "parameters": args, "reason": "the file came late", "ticket": "INC-42"}).ok()
	if got["status"] != "blocked_on_user" || got["success"] != false {
		b.h.t.Fatalf("%s: %v", tool, got)
	}
	return got["approval_id"].(string)
}
