package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resync/hwa"
	"resync/internal/config"
)

// Bad input and faults of issue 2: each ends in a sentence that an operator
// understands, at the face they use.

// badEngine is a host whose engine cannot be used from the start.
func badEngine(t *testing.T, change func(*hostConfig)) *host {
	h := newHost(t, change)
	b := h.as("viewer")
	// Without a plan the screens say so and point to the reason.
	b.get("/api/v1/tws/plan/current/job").problem(http.StatusServiceUnavailable, "the plan of engine night has not been read yet", "/health says why")
	return h
}

// says checks the three places where an operator meets an unusable engine: the
// engine's page, a tool and the health page.
func (h *host) says(status int, pieces ...string) {
	h.t.Helper()
	b := h.as("operator")
	b.get("/api/v1/tws/engine/info").unusable(status, pieces...)
	b.post(executePath, map[string]any{"tool_name": "get_job_status", "parameters": map[string]string{"job": "PAYROLL_NET"}}).unusable(status, append(pieces, "PAYROLL_NET")...)
	health := string(b.get("/health").body)
	for _, p := range pieces {
		if !strings.Contains(health, p) {
			h.t.Errorf("/health does not say %q: %s", p, health)
		}
	}
	// Questions are still answered, from the documents, and say what is missing.
	ans := b.post("/api/v1/chat", map[string]string{"message": question}).ok()["answer"].(map[string]any)
	if len(ans["not_examined"].([]any)) == 0 {
		h.t.Errorf("the answer hides that the plan was not read: %v", ans["answer"])
	}
}

// unusable is problem, but once the circuit breaker is open the engine is not
// asked any more: the answer then is 503, says when to come back and still why.
func (r reply) unusable(status int, pieces ...string) {
	r.t.Helper()
	if r.status == http.StatusServiceUnavailable && status == http.StatusBadGateway {
		status = r.status
		if r.header.Get("Retry-After") == "" {
			r.t.Errorf("503 without Retry-After: %s", r)
		}
	}
	r.problem(status, pieces...)
}

func TestFaultWrongCredentials(t *testing.T) {
	h := badEngine(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) { cfg.Engines[0].Password = config.NewSecret("wrong-canary-password") }
	})
	h.says(http.StatusBadGateway, "the engine does not accept the user and password", "AWSBEH021E")
	if all := h.log.String() + string(h.as("operator").get("/health").body); strings.Contains(all, "canary") {
		t.Error("the password shows")
	}
}

func TestFaultUnreachableEngine(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := ln.Addr().String()
	must(t, ln.Close())
	h := badEngine(t, func(c *hostConfig) { c.engine = "http://" + addr })
	h.says(http.StatusBadGateway, "the connection was refused", "nothing listens at this address")
}

func TestFaultHTMLInA200(t *testing.T) {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<html><title>Single sign-on</title><form action="/login"><input type="password"></form></html>`)
	}))
	t.Cleanup(login.Close)
	h := badEngine(t, func(c *hostConfig) { c.engine = login.URL })
	h.says(http.StatusBadGateway, "login page")
}

func TestFaultExpiredCertificate(t *testing.T) {
	cert, file := expired(t)
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	h := badEngine(t, func(c *hostConfig) {
		c.engine = srv.URL
		c.config = func(cfg *config.Config) { cfg.Engines[0].CAFile = file }
	})
	h.says(http.StatusBadGateway, "certificate expired on 2020-01-02", "renew it on the engine")
}

// expired makes a certificate for 127.0.0.1 that was good for one day of 2020.
func expired(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engine"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	must(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestFaultUnknownAndAmbiguousJob(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	b.post(executePath, map[string]any{"tool_name": "rerun_job", "parameters": map[string]string{"job": "PAYROL_NET"}}).
		problem(http.StatusNotFound, `nothing in the plan is named \"PAYROL_NET\"`, "did you mean PAY_AGT1#PAYROLL.PAYROLL_NET?")
	b.post(executePath, map[string]any{"tool_name": "rerun_job", "parameters": map[string]string{"job": "PAY_@"}}).
		problem(http.StatusNotFound, "can mean 4 things", "PAY_AGT2#PAY_POST.PAY_BOOK", "PAY_AGT2#PAY_POST.PAY_ARCHIVE")
	ask := func(q string) map[string]any {
		return b.post("/api/v1/chat", map[string]string{"message": q}).ok()["answer"].(map[string]any)
	}
	if ans := ask("Why did PAYROL_NET abend?"); !strings.Contains(fmt.Sprint(ans), "PAY_AGT1#PAYROLL.PAYROLL_NET") || !strings.Contains(fmt.Sprint(ans["answer"]), "PAYROL_NET") {
		t.Errorf("unknown job: %v", ans["answer"])
	}
	if ans := ask("Why is PAY_AGT2#PAY_POST.@ not running?"); len(ans["candidates"].([]any)) != 4 {
		t.Errorf("ambiguous job: %v, candidates %v", ans["answer"], ans["candidates"])
	}
}

func TestFaultJobMovedBetweenApprovalAndExecution(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	other := h.direct()
	card := b.get(approvalsPath + "/" + trace).ok()
	id := h.jobID("PAYROLL_TAX")
	_, err := other.UpdateJobPriority(t.Context(), id, 7, hwa.Justification{})
	must(t, err)
	b.approve(trace).problem(http.StatusConflict, fmt.Sprint(card["target"]), "has changed since the approval was asked for", "priority: 50 → 7", "the approval is void, ask again")
	run := b.get(runsPath + "/" + trace).ok()
	if run["status"] != "cancelled" || !strings.Contains(fmt.Sprint(run["message"]), "void, nothing was sent") {
		t.Errorf("run: %v", run["message"])
	}
	if n := h.sim.Executed("job.hold", ""); n != 0 {
		t.Errorf("%d holds", n)
	}
}

// direct is somebody else's client on the same engine.
func (h *host) direct() *hwa.Client {
	h.t.Helper()
	srv := httptest.NewServer(h.sim)
	h.t.Cleanup(srv.Close)
	c, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: h.sim.DefaultUser(), Password: h.sim.DefaultPassword()})
	must(h.t, err)
	h.t.Cleanup(c.Close)
	return c
}

func (h *host) jobID(name string) string {
	h.t.Helper()
	list := h.as("viewer").get("/api/v1/tws/plan/current/job?q=" + name).ok()["items"].([]any)
	if len(list) == 0 {
		h.t.Fatalf("no job %s", name)
	}
	return list[0].(map[string]any)["id"].(string)
}

func TestFaultActionRefusedByTheEngine(t *testing.T) {
	h := newHost(t).ready()
	sit := h.inject("job-abend")
	b := h.as("operator")
	trace := b.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	other := h.direct()
	h.beforeWrite(func(http.ResponseWriter, *http.Request) bool {
		j, err := other.Job(t.Context(), sit.JobID)
		if err == nil {
			_, err = other.RerunJob(t.Context(), j.LastRun().ID, hwa.RerunDetails{}, hwa.Justification{})
		}
		if err != nil {
			t.Error(err)
		}
		return false
	})
	got := b.approve(trace).ok()
	exec, _ := got["execution_result"].(map[string]any)
	if got["status"] != "error" || exec["success"] != false {
		t.Errorf("approved: %v", got)
	}
	for _, want := range []string{"the engine refused", "AWSBIN076E", "incorrect state (INTRO)"} {
		if !strings.Contains(fmt.Sprint(exec["error"]), want) || !strings.Contains(fmt.Sprint(b.get(runsPath + "/" + trace).ok()["error"]), want) {
			t.Errorf("%q is missing: %v", want, exec["error"])
		}
	}
	if n := h.sim.Executed("job.rerun", ""); n != 1 {
		t.Errorf("%d reruns, want the other person's alone", n)
	}
}

func TestFaultAnswerLostAfterTheWrite(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) { cfg.Reconcile.Grace = 50 * time.Millisecond }
	}).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	h.beforeWrite(func(http.ResponseWriter, *http.Request) bool {
		must(t, h.sim.Transport("reset-after", 1, 0, 0))
		return false
	})
	got := b.approve(trace).ok()
	if got["status"] != "outcome_unknown" {
		t.Errorf("approved: %v", got)
	}
	run := b.run(trace, "reconciled")
	if run["status"] != "done" || !strings.Contains(fmt.Sprint(run["message"]), "settled by reading the plan") {
		t.Errorf("run: %v", run)
	}
	if n := h.sim.Executed("job.hold", ""); n != 1 {
		t.Errorf("%d holds", n)
	}
}

func TestFaultReadOnlyEngine(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) { cfg.Engines[0].ReadOnly = true }
	}).ready()
	h.as("operator").post(executePath, map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": "PAYROLL_TAX"}}).
		problem(http.StatusForbidden, "not allowed", "read_only")
}
