package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestTokensOverHTTP: a person makes a token for a program, sees it once, and ends
// it; others' tokens are an administrator's business; all of it is in the audit
// and none of it holds the token.
func TestTokensOverHTTP(t *testing.T) {
	h, a, _ := modelHost(t, nil)
	ana, bob, admin := h.as("viewer-ana"), h.as("viewer-bob"), h.as("admin")
	const tokens = "/api/v1/tokens"
	made := ana.post(tokens, map[string]any{"name": "report writer", "scope": "llm", "ttl_days": 7}).ok()
	token, id := made["token"].(string), made["id"].(string)
	if made["user"] != "viewer-ana" || made["state"] != "good" || !strings.HasPrefix(token, "rsy_") {
		t.Errorf("%v", made)
	}
	if list := ana.get(tokens).ok()["tokens"].([]any); list[0].(map[string]any)["last_used_at"] != nil {
		t.Errorf("it was never used: %v", list)
	}
	prog := h.anonymous()
	ask := func() reply {
		return prog.do(http.MethodPost, chatPath, strings.NewReader(`{"model":"resync","messages":[{"role":"user","content":"hello"}]}`), "Authorization", "Bearer "+token)
	}
	if r := ask(); r.status != http.StatusOK || len(a.Hits()) != 1 {
		t.Errorf("the token does not let in: %s", r)
	}
	if list := ana.get(tokens).ok()["tokens"].([]any); list[0].(map[string]any)["last_used_at"] == nil {
		t.Errorf("it was used: %v", list)
	}
	// It opens nothing else, and makes no further token.
	prog.do(http.MethodPost, tokens, strings.NewReader(`{"name":"x","scope":"llm"}`), "Authorization", "Bearer "+token).problem(http.StatusUnauthorized)

	for says, r := range map[string]reply{
		"user: a token for somebody else":  bob.post(tokens, map[string]any{"name": "x", "scope": "llm", "user": "viewer-ana"}),
		"shown to administrators only":     bob.get(tokens + "?user=viewer-ana"),
		"there is no token":                bob.do(http.MethodDelete, tokens+"/"+id, nil),
		"one of llm":                       ana.post(tokens, map[string]any{"name": "x", "scope": "everything"}),
		"name: say what the token is for":  ana.post(tokens, map[string]any{"name": " ", "scope": "llm"}),
		"expected number <= 366":           ana.post(tokens, map[string]any{"name": "x", "scope": "llm", "ttl_days": 400}),
		"the details under":                admin.post(tokens, map[string]any{"name": "x", "scope": "llm", "user": "nobody"}),
		"there is no token tok_0 of yours": admin.do(http.MethodDelete, tokens+"/tok_0", nil),
	} {
		if says == "the details under" {
			r.problem(http.StatusNotFound, "nobody")
			continue
		}
		if r.status < 400 || r.status >= 500 || !strings.Contains(string(r.body), says) {
			t.Errorf("want %q: %s", says, r)
		}
	}
	if list := bob.get(tokens).ok(); list["total"] != 0.0 {
		t.Errorf("bob sees %v", list)
	}
	list := admin.get(tokens + "?user=viewer-ana").ok()
	if list["total"] != 1.0 || strings.Contains(string(admin.get(tokens).body), token) {
		t.Errorf("the administrator sees %v", list)
	}
	if r := admin.do(http.MethodDelete, tokens+"/"+id, nil); r.status != http.StatusNoContent {
		t.Errorf("revoking: %s", r)
	}
	if r := ask(); r.status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %s", r)
	}
	if got := ana.get(tokens).ok()["tokens"].([]any)[0].(map[string]any); got["state"] != "revoked" || got["revoked_at"] == nil {
		t.Errorf("%v", got)
	}
	audit := admin.get("/api/v1/admin/audit?action=token.*")
	entries := audit.ok()["entries"].([]any)
	first, last := entries[0].(map[string]any), entries[1].(map[string]any)
	if len(entries) != 2 || first["action"] != "token.revoke" || first["actor"] != "admin" || last["actor"] != "viewer-ana" || last["target"] != id || dig(last, "detail", "name") != "report writer" {
		t.Errorf("%v", entries)
	}
	if strings.Contains(string(audit.body)+h.log.String(), token) {
		t.Error("the token stands in the audit or in the log")
	}
}

// TestATokenIsNotKeptForItsKey: the request repeated with its Idempotency-Key makes
// no second token and does not show the first again: it is kept nowhere.
func TestATokenIsNotKeptForItsKey(t *testing.T) {
	h := newHost(t)
	ana := h.as("viewer-ana")
	send := func() reply {
		return ana.do(http.MethodPost, "/api/v1/tokens", strings.NewReader(`{"name":"nightly","scope":"llm"}`), "Idempotency-Key", "one", "Content-Type", "application/json")
	}
	first, again := send(), send()
	a, b := first.ok(), again.ok()
	if a["token"] == nil || b["token"] != nil || a["id"] != b["id"] || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %s, again %s", first, again)
	}
	if list := ana.get("/api/v1/tokens").ok(); list["total"] != 1.0 {
		t.Errorf("%v", list)
	}
}

// TestTheDescriptionOfATokenIsWhole: what the answer holds stands in the OpenAPI
// document, the parts it shares with the list included.
func TestTheDescriptionOfATokenIsWhole(t *testing.T) {
	h := newHost(t)
	doc := h.as("admin").get("/openapi.json").ok()
	ref := dig(doc, "paths", "/api/v1/tokens", "post", "responses", "200", "content", "application/json", "schema", "$ref").(string)
	props := dig(doc, "components", "schemas", ref[strings.LastIndexByte(ref, '/')+1:], "properties").(map[string]any)
	for _, want := range []string{"token", "message", "id", "state", "expires_at", "last_used_at"} {
		if props[want] == nil {
			t.Errorf("%s is not described: %v", want, props)
		}
	}
}
