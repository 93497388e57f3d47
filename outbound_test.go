package resync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outbound are the places that may make an HTTP client or a connection of their
// own: "file" → how a breaker stands before it, or why none can. Everything else
// takes a client, a transport or a dialer from internal/app, which puts a
// breaker into it.
func outbound() map[string]string {
	return map[string]string{
		"bench/llm/load.go":                   "the load generator of a benchmark; what it asks is what is measured",
		"breaker/transport.go":                "the transport a breaker is put before when none is given",
		"internal/evaluate/failover/stage.go": "a drill: it measures what a client sees, breakers included",
		"internal/state/remote.go":            "each call goes through remote.guard, which asks the breaker redis",
		"internal/state/again.go":             "the TLS dialer of the same clients; each call goes through remote.guard, and the monitor's through look, which ask the breaker redis",
		"internal/store/postgres.go":          "guardedConnector puts the database's breaker before each connection",
		"hwa/client.go":                       "Config.Breaker is asked before each attempt; internal/app sets it",
		"hwa/config.go":                       "the transport of that client",
		"internal/cli/ask.go":                 "the command line asks a Resync server once and ends; nothing is left that a breaker could protect",
	}
}

// Every outbound call of the program passes a breaker: the predecessor had a
// registry of breakers that no call went through (its defect 17).
func TestDefect17_EveryOutboundCallPassesABreaker(t *testing.T) {
	h, allowed := parseHouse(t), outbound()
	used := map[string]bool{}
	for _, f := range h.product() {
		if f.pkg == "internal/faultnet" || strings.HasSuffix(f.pkg, "test") || f.pkg == "hwa/hwasim" || f.pkg == "bench" {
			continue
		}
		for _, call := range f.outbound() {
			switch {
			case f.pkg == "internal/app":
			case allowed[f.path] != "":
				used[f.path] = true
			default:
				t.Errorf("%s: a way out of its own (%s) that no circuit breaker sees; take a client, transport or dialer from internal/app, or put the file into the list with the reason", h.at(call), words(call))
			}
		}
	}
	for file := range allowed {
		if !used[file] {
			t.Errorf("the exception for %s is not needed any more: remove it", file)
		}
	}
}

// outbound returns the expressions of a file that open a way out: composite
// literals of clients, transports and dialers, and the package-level short cuts
// of net/http, net and crypto/tls.
func (f source) outbound() []ast.Node {
	local := map[string]string{} // :: name in the file → import path
	for _, imp := range f.ast.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		if !slices.Contains([]string{"net/http", "net", "crypto/tls", "net/smtp", "net/rpc", "github.com/redis/go-redis/v9", "github.com/jackc/pgx/v5/stdlib", "github.com/jackc/pgx/v5"}, path) {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		switch path {
		case "github.com/redis/go-redis/v9":
			name = "redis"
		case "github.com/jackc/pgx/v5":
			name = "pgx"
		}
		if imp.Name != nil {
			name = imp.Name.Name
		}
		local[name] = path
	}
	var out []ast.Node
	if len(local) == 0 {
		return nil
	}
	ways := waysOut()
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if slices.Contains([]string{"net/http.Client", "net/http.Transport", "net.Dialer", "crypto/tls.Dialer"}, qualified(n.Type, local)) {
				out = append(out, n)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" && len(n.Args) == 1 && slices.Contains([]string{"net/http.Client", "net/http.Transport", "net.Dialer"}, qualified(n.Args[0], local)) {
				out = append(out, n)
			}
		case *ast.SelectorExpr:
			if ways.MatchString(qualified(n, local)) {
				out = append(out, n)
			}
		}
		return true
	})
	return out
}

// waysOut are the functions and variables that reach another machine.
func waysOut() *regexp.Regexp {
	return regexp.MustCompile(`^(net/http\.(DefaultClient|DefaultTransport|Get|Head|Post|PostForm)|net\.Dial|net\.Dial(Timeout|IP|TCP|UDP|Unix)|crypto/tls\.Dial|crypto/tls\.DialWithDialer|` +
		`net/smtp\.(SendMail|Dial)|net/rpc\.Dial\w*|github\.com/redis/go-redis/v9\.New\w*Client|github\.com/jackc/pgx/v5\.Connect\w*|github\.com/jackc/pgx/v5/stdlib\.(OpenDB|GetConnector)\w*)$`)
}

// qualified is "import/path.Name" of a selector on an imported package, or "".
func qualified(e ast.Expr, local map[string]string) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || local[x.Name] == "" {
		return ""
	}
	return local[x.Name] + "." + sel.Sel.Name
}

// words names what was found.
func words(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CompositeLit:
		return "a literal " + words(n.Type)
	case *ast.CallExpr:
		return "new(" + words(n.Args[0]) + ")"
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			return x.Name + "." + n.Sel.Name
		}
	}
	return "an outbound call"
}

// The rule must bite.
func TestOutboundRuleBites(t *testing.T) {
	for text, want := range map[string]int{
		`import "net/http"; var _ = http.Client{}`:                                   1,
		`import "net/http"; var _ = new(http.Client)`:                                1,
		`import web "net/http"; func f() { web.Get("x") }`:                           1,
		`import "net/http"; func f() { http.DefaultClient.Do(nil) }`:                 1,
		`import "net/http"; var _ = &http.Transport{}`:                               1,
		`import "net"; func f() { net.DialTimeout("tcp", "x", 0) }`:                  1,
		`import "net"; var _ = (&net.Dialer{}).DialContext`:                          1,
		`import "crypto/tls"; func f() { tls.Dial("tcp", "x", nil) }`:                1,
		`import r "github.com/redis/go-redis/v9"; var _ = r.NewClusterClient`:        1,
		`import "github.com/redis/go-redis/v9"; var _ = redis.NewClient`:             1,
		`import "net/http"; func f(c *http.Client) { c.Get("x") }`:                   0,
		`import "net/http"; func f(t http.RoundTripper) *http.Client { return nil }`: 0,
		`import "net"; func f() { net.Listen("tcp", "x") }`:                          0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := (source{ast: f}).outbound(); len(got) != want {
			t.Errorf("%s: %d found, want %d", text, len(got), want)
		}
	}
}
