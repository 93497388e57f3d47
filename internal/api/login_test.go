package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/store"
)

func withAdmin(c *hostConfig) {
	c.config = func(cfg *config.Config) {
		cfg.Admin = config.Admin{Username: "root", Password: config.NewSecret("correct-horse-battery-9")}
	}
}

func TestLoginByOneTimeToken(t *testing.T) {
	h := newHost(t)
	token := h.token("ana", auth.Operator)
	b := h.anonymous()
	b.get("/api/v1/auth/verify").problem(http.StatusUnauthorized, "not logged in")
	got := b.post("/api/v1/auth/login", map[string]string{"token": token})
	if diff := cmp.Diff(map[string]any{"user": map[string]any{"name": "ana", "roles": []any{"operator"}}}, got.ok()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(got.object(), b.get("/api/v1/auth/verify").ok()); diff != "" {
		t.Error("verify: " + diff)
	}
	again := h.anonymous()
	again.post("/api/v1/auth/login", map[string]string{"token": token}).problem(http.StatusUnauthorized, "this login link is not valid: it has been used")
	again.post("/api/v1/auth/login", map[string]string{"token": "made-up"}).problem(http.StatusUnauthorized, "this login link is not valid")
	if again.cookie() != "" {
		t.Error("a failed login left a cookie")
	}
}

func TestAnExpiredTokenSaysSo(t *testing.T) {
	h := newHost(t)
	h.token("ana", auth.Operator) // makes the account
	db, err := store.Open(t.Context(), "sqlite:"+h.file)
	must(t, err)
	defer db.Close()
	hash := sha256.Sum256([]byte("yesterday"))
	must(t, db.PutLoginToken(t.Context(), store.LoginToken{TokenHash: hex.EncodeToString(hash[:]), User: "ana", ExpiresAt: time.Now().Add(-time.Minute)}))
	h.anonymous().post("/api/v1/auth/login", map[string]string{"token": "yesterday"}).problem(http.StatusUnauthorized, "this login link is not valid: it has expired")
}

func TestSessionCookie(t *testing.T) {
	h := newHost(t)
	b := h.anonymous()
	resp := b.post("/api/v1/auth/login", map[string]string{"token": h.token("ana", auth.Operator)})
	cookies := (&http.Response{Header: resp.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Name != "resync_session" || len(c.Value) < 43 {
		t.Errorf("cookie %s", c)
	}
	if strings.Contains(string(resp.body), c.Value) {
		t.Error("the body repeats the session's secret")
	}
	logout := b.post("/api/v1/auth/logout", map[string]any{})
	if logout.status >= 300 || !strings.Contains(logout.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout: %s %s", logout, logout.header.Get("Set-Cookie"))
	}
	// The session is gone on the server, not only in the browser.
	thief := h.anonymous()
	thief.get("/api/v1/auth/verify", "Cookie", "resync_session="+c.Value).problem(http.StatusUnauthorized)
}

func TestLogoutEndsThisSessionOnly(t *testing.T) {
	h := newHost(t)
	one, two := h.as("operator-x"), h.as("operator-x")
	one.post("/api/v1/auth/logout", map[string]any{})
	one.get("/api/v1/auth/verify").problem(http.StatusUnauthorized)
	two.get("/api/v1/auth/verify").ok()
}

func TestPasswordLoginAndLockout(t *testing.T) {
	h := newHost(t, withAdmin)
	b := h.anonymous()
	login := func(user, password string) reply {
		return b.post("/api/v1/auth/login", map[string]string{"username": user, "password": password})
	}
	login("root", "correct-horse-battery-9").ok()
	b.get("/api/v1/auth/verify").ok()
	for _, tt := range []struct {
		body map[string]string
		says string
	}{
		{map[string]string{}, "give either token, or username and password"},
		{map[string]string{"username": "root"}, "give either"},
		{map[string]string{"token": "x", "username": "root", "password": "p"}, "give either"},
	} {
		b.post("/api/v1/auth/login", tt.body).problem(http.StatusBadRequest, tt.says)
	}
	// The text does not tell a wrong password from an unknown name.
	wrong, unknown := login("root", "wrong-wrong-wrong").problem(http.StatusUnauthorized), login("nobody", "wrong-wrong-wrong").problem(http.StatusUnauthorized)
	if wrong["detail"] != unknown["detail"] {
		t.Errorf("%q and %q", wrong["detail"], unknown["detail"])
	}
	for range auth.MaxFailures - 1 {
		login("root", "wrong-wrong-wrong").problem(http.StatusUnauthorized)
	}
	locked := login("root", "correct-horse-battery-9")
	locked.problem(http.StatusTooManyRequests, "too many failed logins", "minutes")
	if n, err := strconv.Atoi(locked.header.Get("Retry-After")); err != nil || n < 1 || n > 901 {
		t.Errorf("Retry-After: %q", locked.header.Get("Retry-After"))
	}
	if s := h.log.String(); strings.Contains(s, "wrong-wrong-wrong") || strings.Contains(s, "correct-horse") {
		t.Error("a password stands in the log")
	}
}

func TestRefusalsDoNotRepeatSecrets(t *testing.T) {
	h := newHost(t)
	for _, body := range []string{
		`{"username":"root","password":"s3cr3t-canary","extra":1}`,
		`{"username":"root","password":["s3cr3t-canary"]}`,
		`{"username":"root","password":"s3cr3t-canary","Password":"x"}`,
		`{"token":{"s3cr3t-canary":1}}`,
	} {
		r := h.anonymous().postText("/api/v1/auth/login", body)
		if r.status < 400 || strings.Contains(r.String(), "canary") {
			t.Errorf("%s: %s", body, r)
		}
	}
}

// TestDefect06_RolesAndNamesComeFromTheSession: nothing in a request makes
// somebody else of the person, or gives a role.
func TestDefect06_RolesAndNamesComeFromTheSession(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	viewer := h.as("viewer")
	call := map[string]any{"tool_name": "hold_job", "parameters": map[string]any{"job": "PAYROLL_TAX"}}
	viewer.post("/api/v1/agents/tools/execute", call).problem(http.StatusForbidden, "not allowed")
	for _, key := range []string{"user_role", "user_id", "_user_role", "role", "roles", "approver_id"} {
		forged := map[string]any{"tool_name": "hold_job", "parameters": map[string]any{"job": "PAYROLL_TAX"}, key: "admin"}
		viewer.post("/api/v1/agents/tools/execute", forged).problem(http.StatusUnprocessableEntity, key)
		inside := map[string]any{"tool_name": "hold_job", "parameters": map[string]any{"job": "PAYROLL_TAX", key: "admin"}}
		viewer.post("/api/v1/agents/tools/execute", inside).problem(http.StatusBadRequest, key)
	}
	for _, header := range []string{"X-User", "X-Role", "X-User-Role", "X-Forwarded-User", "Authorization"} {
		viewer.post("/api/v1/agents/tools/execute?role=admin&user_role=admin", call, header, "admin").problem(http.StatusForbidden, "not allowed")
	}
	operator := h.as("operator")
	trace := operator.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	operator.post("/api/v1/agents/approvals/"+trace, map[string]any{"action": "approve", "approved_by": "approver"}).problem(http.StatusUnprocessableEntity, "approved_by")
	got := h.as("approver").post("/api/v1/agents/approvals/"+trace, map[string]any{"action": "approve"}).ok()
	if got["approved_by"] != "approver" {
		t.Errorf("approved by %v", got["approved_by"])
	}
	if cat := viewer.get("/api/v1/agents/tools/catalog?user_role=admin").ok(); cat["user_role"] != "viewer" {
		t.Errorf("catalog for %v", cat["user_role"])
	}
}

func TestCrossOriginRequestsAreRefused(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	body := map[string]any{"tool_name": "hold_job", "parameters": map[string]any{"job": "PAYROLL_TAX"}}
	for _, header := range [][]string{
		{"Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site", "Origin", "http://other.127.0.0.1"},
		{"Origin", "null"},
	} {
		b.post("/api/v1/agents/tools/execute", body, header...).problem(http.StatusForbidden, "another site")
		b.post("/api/v1/auth/logout", map[string]any{}, header...).problem(http.StatusForbidden, "another site")
	}
	b.post("/api/v1/agents/tools/execute", body, "Origin", h.base, "Sec-Fetch-Site", "same-origin").ok()
	b.get("/api/v1/auth/verify", "Origin", "https://evil.example").ok() // a read gives the other page nothing: there is no CORS header
	if got := b.get("/api/v1/auth/verify", "Origin", "https://evil.example").header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin: %s", got)
	}
}
