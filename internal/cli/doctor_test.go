package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/hwasim"
	"resync/internal/health"
	"resync/internal/store"
)

// ward is a set-up that a test breaks in one place before doctor looks at it.
type ward struct {
	t        *testing.T
	sim      *hwasim.Sim
	engine   *httptest.Server
	settings map[string]string // :: line of the settings file → its value
	extra    string            // further lines of the file
	dir      string
}

// newWard is a healthy set-up: a simulated engine behind TLS, a database that a
// server has used, a free port.
func newWard(t *testing.T) *ward {
	sim, err := hwasim.New(hwasim.Config{Jobs: 300, Workstations: 40, Speed: -1})
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{t: t, sim: sim, dir: t.TempDir()}
	w.engine = httptest.NewServer(sim)
	t.Cleanup(func() { w.engine.Close() })
	t.Setenv("NIGHT_PASSWORD", sim.DefaultPassword())
	data := filepath.Join(w.dir, "data")
	db, err := store.Open(t.Context(), filepath.Join(data, "resync.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	w.settings = map[string]string{"urls": "[" + w.engine.URL + "]", "username": sim.DefaultUser(), "password": "env:NIGHT_PASSWORD", "environment": "development",
		"data_dir": data, "addr": "127.0.0.1:0"}
	return w
}

// behindTLS puts the engine behind a certificate that is valid until a time.
func (w *ward) behindTLS(until time.Time) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "mdm1.bank.example"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine.Close()
	w.engine = httptest.NewUnstartedServer(w.sim)
	w.engine.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}} //nolint:gosec // a test
	w.engine.Config.ErrorLog = nil
	w.engine.StartTLS()
	ca := filepath.Join(w.dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.settings["urls"], w.settings["ca_file"] = "["+w.engine.URL+"]", ca
}

func (w *ward) database() string { return filepath.Join(w.settings["data_dir"], "resync.db") }

// file writes the settings file.
func (w *ward) file() string {
	w.t.Helper()
	var b strings.Builder
	b.WriteString("engines:\n  night:\n")
	for _, k := range []string{"urls", "username", "password", "environment", "ca_file"} {
		if v := w.settings[k]; v != "" {
			fmt.Fprintf(&b, "    %s: %s\n", k, v)
		}
	}
	fmt.Fprintf(&b, "data_dir: %s\nserver:\n  addr: %s\n%s", w.settings["data_dir"], w.settings["addr"], w.extra)
	file := filepath.Join(w.dir, "resync.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// examine runs doctor and returns status, findings and all it wrote.
func (w *ward) examine(more ...string) (int, health.Suite, string) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"doctor", "--json", "--config", w.file()}, more...)
	code := Run(w.t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	var s health.Suite
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		w.t.Fatalf("status %d, %v: %s%s", code, err, stdout.String(), stderr.String())
	}
	return code, s, stdout.String() + stderr.String()
}

func failures(s health.Suite) (out []string) {
	for _, r := range s.Results {
		if r.Status == "failed" {
			out = append(out, r.Check)
		}
	}
	slices.Sort(out)
	return out
}

// TestDoctorNamesWhatIsBroken: each set-up is broken in one place, and doctor
// names that place, and nothing else, with what to do about it.
func TestDoctorNamesWhatIsBroken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken func(w *ward)
		fails  []string // checks
		says   string   // in the message of the first
		fix    string   // in its advice
	}{
		{"wrong engine password", func(w *ward) { w.t.Setenv("NIGHT_PASSWORD", "canary-wrong") },
			[]string{"night:reachable", "night:plan", "night:tool"}, "does not accept the user and password", "engines.night.password"},
		{"engine unreachable", func(w *ward) { w.settings["urls"] = "[http://127.0.0.1:1]" },
			[]string{"night:reachable", "night:address", "night:plan", "night:tool"}, "refused", "engines.night.urls"},
		{"engine's name unknown", func(w *ward) { w.settings["urls"] = "[https://mdm1.invalid:31116]" },
			[]string{"night:address", "night:reachable", "night:plan", "night:tool"}, "mdm1.invalid", "engines.night.urls"},
		{"expired certificate", func(w *ward) { w.behindTLS(time.Now().Add(-24 * time.Hour)) },
			[]string{"night:certificate", "night:reachable", "night:plan", "night:tool"}, "mdm1.bank.example expired on", "renewed"},
		{"unknown authority", func(w *ward) { w.behindTLS(time.Now().Add(1000 * time.Hour)); w.settings["ca_file"] = "" },
			[]string{"night:certificate", "night:reachable", "night:plan", "night:tool"}, "unknown authority", "ca_file"},
		{"clock skew", func(w *ward) {
			w.engine.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Date", time.Now().Add(7*time.Minute).UTC().Format(http.TimeFormat))
				w.sim.ServeHTTP(rw, r)
			})
		}, []string{"night:clock"}, "clock and this machine's differ by", "time service"},
		{"data directory is a file", func(w *ward) {
			blocked := filepath.Join(w.dir, "blocked")
			w.write(blocked, "")
			w.settings["data_dir"] = filepath.Join(blocked, "data")
		}, []string{"data:writable", "store:reachable"}, "not a directory", "give this user the right to write"},
		{"not a database", func(w *ward) { w.write(w.database(), strings.Repeat("no database ", 400)) },
			[]string{"store:reachable"}, "not a Resync database", "move the file away"},
		{"damaged database", func(w *ward) { w.damage() }, []string{"store:reachable"}, "malformed", "restore the last copy"},
		{"database of a newer version", func(w *ward) { w.sql(`insert into goose_db_version (version_id, is_applied) values (9999, 1)`) },
			[]string{"store:reachable"}, "9999", "newer Resync"},
		{"PostgreSQL gone", func(w *ward) { w.extra = "database:\n  url: postgres://resync@127.0.0.1:1/resync\n" },
			[]string{"store:reachable"}, "127.0.0.1:1", "database.url"},
		{"engine's user without rights", func(w *ward) {
			w.engine.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/plan/resource") || strings.Contains(r.URL.Path, "/plan/prompt") {
					http.Error(rw, `{"messages":["AWSBHU618E The user is not authorized"]}`, http.StatusForbidden)
					return
				}
				w.sim.ServeHTTP(rw, r)
			})
		}, []string{"night:rights"}, "read resources, prompts", "DISPLAY and LIST"},
		{"port in use", func(w *ward) { w.settings["addr"] = strings.TrimPrefix(w.engine.URL, "http://") },
			[]string{"server:port"}, "in use", "server.addr"},
		{"Redis away", func(w *ward) { w.extra = "redis:\n  url: redis://127.0.0.1:1/0\n" }, []string{"redis:reachable"}, "nothing listens", "redis.url"},
		{"tier for a route that is not there", func(w *ward) {
			file := filepath.Join(w.dir, "redis_strategy.yaml")
			w.write(file, "runtime:\n  exceptions:\n    critical:\n      - pattern: \"GET /no/such/route\"\n")
			w.extra = "redis:\n  strategy_file: " + file + "\n"
		}, []string{"http:health", "http:routes", "http:rules", "http:tiers", "start:http"}, "/no/such/route", "redis_strategy.yaml"},
		{"model refuses connections", func(w *ward) { w.extra = "llm:\n  endpoint: http://127.0.0.1:1/v1\n  model: m\n" }, []string{"llm:reachable"}, "127.0.0.1:1", "llm.endpoint"},
		{"model refuses the key", func(w *ward) {
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusUnauthorized) }))
			w.t.Cleanup(srv.Close)
			w.t.Setenv("MODEL_KEY", "canary-key")
			w.extra = "llm:\n  endpoint: " + srv.URL + "/v1\n  model: m\n  api_key: env:MODEL_KEY\n"
		}, []string{"llm:reachable"}, "refuses the key", "llm.endpoint"},
		{"knowledge index broken", func(w *ward) {
			w.sql(`insert into documents (id, collection, source, title, sha256, body, bytes, ingested_at, meta) values ('d1', 'c', 's.md', 't', 'h', 'b', 1, 1, '{broken')`)
		}, []string{"rag:index", "start:knowledge"}, "c:s.md", "ingest"},
		{"literal key", func(w *ward) { w.settings["password"] = "canary-literal" }, []string{"settings:load", "settings:secrets"}, "engines.night.password", "env:NAME"},
		{"key of a model in a comment", func(w *ward) { w.extra = "# old: sk-abcdefghijklmnopqrstuvwxyz0123\n" }, []string{"settings:secrets"}, "line 10", "env:NAME"},
		{"variable not set", func(w *ward) { w.settings["password"] = "env:NO_SUCH_VARIABLE" }, []string{"settings:load", "settings:references"}, "NO_SUCH_VARIABLE", "set the variable"},
		{"misspelt key", func(w *ward) { w.extra = "loging:\n  level: info\n" }, []string{"settings:load"}, "did you mean logging?", "docs/configuration.md"},
		{"policy with a mistake", func(w *ward) {
			file := filepath.Join(w.dir, "rules.cedar")
			w.write(file, "permit(principal")
			w.extra = "policy:\n  file: " + file + "\n"
		}, []string{"core:tools", "http:health", "http:routes", "http:rules", "http:tiers", "policy:rules", "start:engines"}, "rules.cedar", "policy.file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			tt.broken(w)
			code, s, all := w.examine()
			if code != exitNotOK || s.Success {
				t.Errorf("status %d, success %v", code, s.Success)
			}
			slices.Sort(tt.fails)
			if diff := cmp.Diff(tt.fails, failures(s)); diff != "" {
				t.Errorf("what fails: %s\n%s", diff, all)
			}
			found := false
			for _, r := range s.Results {
				found = found || r.Status == "failed" && strings.Contains(r.Error, tt.says) && strings.Contains(r.Fix, tt.fix)
			}
			if !found {
				t.Errorf("nothing says %q and advises %q:\n%s", tt.says, tt.fix, all)
			}
			if strings.Contains(all, "canary") {
				t.Errorf("a secret is shown:\n%s", all)
			}
			if n := len(w.sim.Writes()); n != 0 {
				t.Errorf("doctor wrote to the engine %d times", n)
			}
		})
	}
}

func (w *ward) write(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// sql changes the database past the store.
func (w *ward) sql(text string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.database())
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		w.t.Fatal(err)
	}
}

// damage overwrites pages in the middle of the database.
func (w *ward) damage() {
	w.t.Helper()
	w.sql(`pragma journal_mode = delete`) // everything is in the file now
	raw, err := os.ReadFile(w.database())
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 8192; i < len(raw)-8192; i++ {
		raw[i] = 0xAA
	}
	w.write(w.database(), string(raw))
}

// TestDoctorOnAHealthySetUp: nothing fails, and nothing is changed by looking.
func TestDoctorOnAHealthySetUp(t *testing.T) {
	w := newWard(t)
	w.behindTLS(time.Now().Add(90 * 24 * time.Hour))
	before := w.state()
	code, s, all := w.examine()
	if code != exitOK || !s.Success || s.Failed > 0 || s.TotalTests < 30 || s.Passed+s.Failed+s.Skipped+s.Warnings != s.TotalTests || len(s.Results) != s.TotalTests {
		t.Errorf("status %d: %s", code, all)
	}
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("looking changed the files: %s", diff)
	}
	if code, _, _ := w.examine("--strict", "--skip", "none"); code == exitOK && s.Warnings > 0 {
		t.Error("--strict lets warnings pass")
	}
	fresh := newWard(t)
	if err := os.RemoveAll(fresh.settings["data_dir"]); err != nil {
		t.Fatal(err)
	}
	if code, _, all := fresh.examine(); code != exitOK || !strings.Contains(all, "the first start makes it") {
		t.Errorf("before the first start: status %d: %s", code, all)
	}
	if _, err := os.Stat(fresh.settings["data_dir"]); !os.IsNotExist(err) {
		t.Error("doctor made the data directory")
	}
}

// state is size and time of the database file.
func (w *ward) state() string {
	info, err := os.Stat(w.database())
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.Size(), info.ModTime())
}

// TestSmokeHasTheContractsTests: sixteen, in five categories, the skipped ones
// counted. The predecessor counted fifteen and built an empty application.
func TestDefect33_SmokeLooksAtTheRealParts(t *testing.T) {
	w := newWard(t)
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"smoke", "--json", "--config", w.file()}, strings.NewReader(""), &stdout, &stderr); code != exitOK {
		t.Fatalf("status %d: %s%s", code, stdout.String(), stderr.String())
	}
	var doc map[string]any
	var s health.Suite
	if err := json.Unmarshal(stdout.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"success", "total_tests", "passed", "failed", "skipped", "warnings", "total_duration_ms", "started_at", "completed_at", "results"} {
		if _, ok := doc[k]; !ok {
			t.Errorf("the contract's member %s is missing", k)
		}
	}
	count := map[health.Category]int{}
	for _, r := range s.Results {
		count[r.Category]++
	}
	want := map[health.Category]int{health.Configuration: 4, health.Dependencies: 2, health.CoreModules: 4, health.Services: 3, health.Integration: 3}
	if diff := cmp.Diff(want, count); diff != "" || s.TotalTests != 16 || s.Skipped == 0 {
		t.Errorf("%d tests, %d skipped: %s", s.TotalTests, s.Skipped, diff)
	}
}
