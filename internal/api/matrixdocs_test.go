package api_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const matrixDoc = "../../docs/fault-matrix.md"

// TestFaultMatrixDocs: every cell is specified, the tests that the tables name
// exist, and docs/fault-matrix.md is what the tables say.
func TestFaultMatrixDocs(t *testing.T) {
	for _, col := range matrix() {
		col.check(t)
	}
	for _, o := range minutes() {
		if !testExists(t, o.pkg, o.test) {
			t.Errorf("there is no test %s in %s", o.test, o.pkg)
		}
	}
	want := matrixText()
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		must(t, os.WriteFile(matrixDoc, []byte(want), 0o644))
		return
	}
	got, err := os.ReadFile(matrixDoc)
	must(t, err)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the tables say; run go test ./internal/api -run TestFaultMatrixDocs -update\n%s", matrixDoc, diff)
	}
}

// check finds rows that nobody has thought of.
func (col column) check(t *testing.T) {
	t.Helper()
	if !testExists(t, ".", col.test) {
		t.Errorf("%s: there is no %s", col.name, col.test)
	}
	for _, h := range col.holes() {
		t.Errorf("%s: %s", col.name, h)
	}
}

// holes are the cells that are missing, twice there or not whole.
func (col column) holes() (out []string) {
	seen := map[string]int{}
	for _, c := range col.cells {
		seen[c.row]++
		if c.none+c.other == "" && len(c.want) != len(col.probes) {
			out = append(out, fmt.Sprintf("%s: %d answers for %d requests", c.row, len(c.want), len(col.probes)))
		}
		if !slices.ContainsFunc(matrixRows(), func(r matrixRow) bool { return r.id == c.row }) {
			out = append(out, "no fault is called "+c.row)
		}
	}
	for _, r := range matrixRows() {
		if seen[r.id] != 1 {
			out = append(out, fmt.Sprintf("%d cells for the fault %s", seen[r.id], r.id))
		}
	}
	return out
}

// The check must bite.
func TestFaultMatrixNoticesAHole(t *testing.T) {
	for name, spoil := range map[string]func(*column){
		"a fault without a cell":   func(c *column) { c.cells = c.cells[1:] },
		"a fault with two cells":   func(c *column) { c.cells = append(c.cells, c.cells[0]) },
		"a tier without an answer": func(c *column) { c.cells[0].want = c.cells[0].want[1:] },
		"a fault nobody knows":     func(c *column) { c.cells[0].row = "flood" },
	} {
		col := redisColumn()
		spoil(&col)
		if len(col.holes()) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}

func testExists(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := os.ReadDir(pkg)
	must(t, err)
	want := regexp.MustCompile(`(?m)^func ` + name + `\(`)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(pkg + "/" + f.Name())
		must(t, err)
		if want.Match(text) {
			return true
		}
	}
	return false
}

// downFor is a test of how often what is down for a minute is asked.
type downFor struct{ what, pkg, test, holds string }

func minutes() []downFor {
	return []downFor{
		{"engine", "../../hwa", "TestOutageOfAMinute", "10 requests a second for a minute, refused, silent or 503, with the breaker and without it: at most 1.1 attempts for each request"},
		{"models", "../../llm", "TestOutageOfAMinute", "10 requests a second for a minute to a chain of one, two and three models, refused, silent or 503: each model is asked at most 1.1 times for each request, with the breakers and without them"},
		{"webhooks", "../notify", "TestOutageOfAMinute", "2 messages a second for a minute to a receiver that is refused, silent or 503: at most 1.1 attempts for each message"},
		{"retries of everything else", "../../breaker", "TestRetriesDoNotAmplifyAnOutage", "the budget of retries alone, and with a breaker"},
	}
}

func matrixText() string {
	var b strings.Builder
	b.WriteString(matrixHead)
	for _, col := range matrix() {
		col.write(&b)
	}
	b.WriteString("\n## Down for a minute\n\nWhat is down is not hit harder than it is wanted.\n\n| dependency | what holds | test |\n|---|---|---|\n")
	for _, o := range minutes() {
		fmt.Fprintf(&b, "| %s | %s | `%s` `%s` |\n", o.what, o.holds, strings.TrimPrefix(strings.Replace(o.pkg, "../../", "", 1), "../"), o.test)
	}
	b.WriteString(matrixFoot)
	return b.String()
}

func (col column) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\nBounded by %s. Heals %s. %s\n\nThe requests (`%s`):\n\n", strings.ToUpper(col.name[:1])+col.name[1:], col.bounds, col.heals, col.played, col.test)
	head, line := "| fault |", "|---|"
	for i, p := range col.probes {
		fmt.Fprintf(b, "%d. %s: %s\n", i+1, p.tier, p.what)
		head += fmt.Sprintf(" %d %s |", i+1, p.tier)
		line += "---|"
	}
	fmt.Fprintf(b, "\n%s\n%s\n", head, line)
	for _, r := range matrixRows() {
		i := slices.IndexFunc(col.cells, func(c cell) bool { return c.row == r.id })
		if i < 0 {
			continue
		}
		c, title := col.cells[i], r.title
		if c.like != "" {
			title += "; here: " + c.like
		}
		if c.also != "" {
			title += ". " + c.also
		}
		if c.long {
			title += " *"
		}
		fmt.Fprintf(b, "| %s |", title)
		if c.none+c.other != "" {
			fmt.Fprintf(b, " %s |%s\n", c.none+c.other, strings.Repeat(" |", len(col.probes)-1))
			continue
		}
		for _, a := range c.want {
			fmt.Fprintf(b, " %s |", a.text())
		}
		b.WriteString("\n")
	}
}

// text is an answer in a table.
func (a answer) text() string {
	out := fmt.Sprint(a.status)
	if a.says != "" {
		out += " “" + strings.NewReplacer("|", "\\|", "`", "").Replace(a.says) + "”"
	}
	if name, part, _ := strings.Cut(a.header, ": "); name != "" {
		out += " `" + strings.TrimSuffix(name+": "+part, ": ") + "`"
	}
	return out
}

const matrixHead = `# What happens when something is broken

<!-- Generated by ` + "`go test ./internal/api -run TestFaultMatrixDocs -update`" + ` from the tables of the tests; do not edit. -->

Each section is one dependency, each line one fault, each column a request of a tier (READ_ONLY needs no shared state, BEST_EFFORT goes on with less, CRITICAL
is refused when it cannot be done right). A cell is the answer: its status, what it says and the header that belongs to it. The tests break the
dependency under a whole server, send all requests of the line side by side, compare the answers and the time they took, heal it and see that
everything is used again. Every refusal is a problem document; every 503 has ` + "`Retry-After`" + `. Nothing is ever sent to an engine twice: the tests count its writes.

A request ends at most 100 ms after its bound; ` + "`make long`" + ` asks for that, an ordinary run leaves a busy machine 2 s. Lines with * differ from another by their numbers
only and are played by ` + "`make long`" + ` alone. [operations.md](operations.md) says what to do.
`

const matrixFoot = `
## Deadlines

| what | test |
|---|---|
| a request that reads ends with its 30 s, whatever timeouts and attempts add up to | ` + "`internal/api` `TestReadsEndWithTheirDeadline`" + ` |
| a call of an engine ends with its caller's deadline, for reads and writes and every fault | ` + "`hwa` `TestFaultMatrixEngine`" + ` |
| a database that falls silent in the middle of a call, a transaction, a commit or a long answer | ` + "`internal/store` `TestPostgresAway`" + ` |
| the database goes away while an action is under way | ` + "`internal/api` `TestDatabaseGoneDuringAnAction`" + ` |
| streams of models that break off, fall silent or lie | ` + "`internal/evaluate/failover`, `resync eval failover`" + ` |
`
