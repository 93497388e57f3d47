package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// data finds a file of the shared test data, or skips and says how much is not run.
func data(t *testing.T, name, unrun string) []byte {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
		}
		root = filepath.Join(dir, "../shared/data")
	}
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Skipf("SKIPPED LOUDLY: %s is absent, so %s were not run", name, unrun)
	}
	return text
}

// hostile are strings that would do something if the page treated them as more than text. The markers set window.xss.
func hostile() []string {
	return []string{
		`<img src=x onerror="window.xss=1">`, `<script>window.xss=1</script>`, `"><svg onload=window.xss=1>`, `<iframe srcdoc="<script>parent.xss=1</script>">`,
		`javascript:window.xss=1`, `</code></pre><b id=xss>`, `{{constructor.constructor('window.xss=1')()}}`, "[1](javascript:window.xss=1)", "<a href=javascript:window.xss=1>[2]</a>",
		"&lt;script&gt;window.xss=1&lt;/script&gt;", `'-window.xss-'`, "\u202eTXET DESREVER\u202c", "A\u0000B", strings.Repeat("W", 5000), "__proto__", "constructor", "hasOwnProperty",
	}
}

func TestHostileTextStaysText(t *testing.T) {
	list := hostile()
	list = append(list, naughty(t)...)
	attack(t, list)
}

// TestHostileTextOfOurOwn runs also where the corpus is absent.
func TestHostileTextOfOurOwn(t *testing.T) { attack(t, hostile()) }

func naughty(t *testing.T) []string {
	t.Helper()
	var list []string
	if err := json.Unmarshal(data(t, "attacks/blns.json", "515 strings of the Big List of Naughty Strings"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 400 {
		t.Fatalf("the corpus has only %d strings", len(list))
	}
	return list
}

// attack puts the strings where an engine, a log or a model can put text, and opens every screen that shows them.
func attack(t *testing.T, list []string) {
	t.Helper()
	jobs := make([]job, 0, len(list))
	for i, s := range list {
		jobs = append(jobs, job{ID: "h" + strconv.Itoa(i), Name: s, Stream: s, Workstation: s, Status: "ABEND", Runs: 1})
	}
	f := newFake(t, jobs)
	f.hostile = list
	f.hostileAdmin(list)
	b := open(t, browser(t), f)
	b.screen(1440, 900, "light")
	dialogs := chromedp.Events(b.ctx, page.JavascriptDialogOpening)
	go func() {
		for ev, err := range dialogs {
			if err != nil {
				return
			}
			b.fault("a dialog opened: " + ev.Message)
		}
	}()
	b.signIn()
	for at := 0; at < len(list); at += 20 {
		eval[chromedp.Void](b, "document.querySelector('.scroll').scrollTop = "+strconv.Itoa(at*32))
		b.wait("rows", `document.querySelector('[data-row="`+strconv.Itoa(min(at+5, len(list)-1))+`"] .jobname')`)
		b.inert()
	}
	eval[chromedp.Void](b, "document.querySelector('.scroll').scrollTop = 0")
	b.wait("the first name unchanged", `document.querySelector('[data-row="0"] .jobname')?.textContent === `+quoted(list[0]))

	b.goTo("/?job=" + jobs[0].ID + "&tab=log")
	b.wait("the log", "document.querySelector('.lines li')")
	if got := eval[int](b, "document.querySelectorAll('.lines li').length"); got < len(list) {
		t.Errorf("the log shows %d lines, want %d", got, len(list))
	}
	b.inert()

	b.goTo("/ask")
	b.typeIn("#ask", `<img src=x onerror="window.xss=1">`)
	b.press("Ask")
	b.wait("the answer", "document.querySelector('.answer .answer-foot')")
	b.inert()
	b.click("[data-cite=e1]")
	b.wait("the source", "document.querySelector('.source-body').innerText.length > 10")
	b.inert()
	b.click("[data-tool=rerun_job]")
	b.wait("the card", "document.querySelector('.approval')")
	b.inert()
	for _, path := range []string{"/approvals", "/journal", "/journal?view=undo", "/resilience", "/settings/tokens", "/settings/webhooks", "/settings/webhooks?messages=oncall"} {
		b.goTo(path)
		b.wait("the page", "document.querySelector('.card, .runs, .undo-list, [data-token]')")
		if strings.Contains(path, "messages") {
			b.wait("the messages", "document.querySelector('[data-message]')")
		}
		b.inert()
	}
}

// inert fails when a string has run or has become an element.
func (b *tab) inert() {
	b.t.Helper()
	if eval[bool](b, "window.xss !== undefined || document.querySelector('#xss, #app script, #app iframe, #app img, #app [onload], #app [onerror]') !== null") {
		b.t.Fatalf("a string became code or markup at %s", eval[string](b, "location.href"))
	}
	links := eval[[]string](b, "[...document.querySelectorAll('a')].map(a => a.href)")
	if i := slices.IndexFunc(links, func(u string) bool { return !strings.HasPrefix(u, b.base+"/") }); i >= 0 {
		b.t.Errorf("a link leads to %q", links[i])
	}
}
