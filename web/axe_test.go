package web_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// violation is what axe-core reports for one rule.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		Target  []any  `json:"target"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// TestAccessibility runs axe-core (WCAG 2.2 A and AA and its best practices, contrast among them) over every screen, in both
// themes and at both widths.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 360} {
			t.Run(fmt.Sprintf("%s/%d", theme, width), func(t *testing.T) {
				f := newFake(t, plan(12))
				f.roles = []string{"admin"}
				f.breakers = []obj{{"name": "siem", "state": "CLOSED", "since": at(0), "threshold": 10, "recovery_timeout": 300}}
				b := open(t, ctx, f)
				b.screen(width, 800, theme)
				for _, s := range screens() {
					s.show(b)
					if !eval[bool](b, "'axe' in window") { // a page that was not loaded again has it
						eval[chromedp.Void](b, string(axe)+";void 0")
					}
					found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]violation](`axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)`, chromedp.EvalAwaitPromise))
					if err != nil {
						t.Fatalf("%s: %v", s.name, err)
					}
					for _, v := range found {
						for _, n := range v.Nodes {
							t.Errorf("%s: %s (%s) at %v: %s", s.name, v.ID, v.Help, n.Target, strings.ReplaceAll(n.Summary, "\n", " "))
						}
					}
					if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
						t.Errorf("%s: the page is %d px wider than the screen", s.name, over)
					}
				}
			})
		}
	}
}

type screen struct {
	name string
	show func(*tab)
}

// screens are the places of the console that are looked at for access and contrast.
func screens() []screen {
	at := func(path, text string) func(*tab) {
		return func(b *tab) { b.goTo(path); b.see(text) }
	}
	return []screen{
		{"sign in", at("/login", "Sign in")},
		{"sign in refused", func(b *tab) { b.goTo("/login#token=x"); b.see("Not signed in") }},
		{"plan", (*tab).signIn},
		{"empty plan", at("/?q=NOTHING_LIKE_IT", "No job is")},
		{"why", at("/?job=9f0c11d2-0001", "The file system /data")},
		{"log", at("/?job=9f0c11d2-0001&tab=log", "ENOSPC")},
		{"runs", at("/?job=9f0c11d2-0001&tab=runs", "2 min 9 s")},
		{"successors", at("/?job=9f0c11d2-0001&tab=blocks", "jobs wait for it")},
		{"action", func(b *tab) {
			b.press("Actions")
			b.press("Update job priority")
			b.typeIn("dialog input[type=number]", "70")
			b.see("PROD-MDM is a production engine")
		}},
		{"chat start", at("/ask", "What is wrong tonight?")},
		{"answer", func(b *tab) {
			b.typeIn("#ask", "Why did PAYROLL_NET abend?")
			b.press("Ask")
			b.see("Not examined")
		}},
		{"source", func(b *tab) {
			b.click(".prose [data-cite=e2]")
			b.wait("the source", "document.querySelector('.source')")
		}},
		{"approval", func(b *tab) {
			b.press("Close sources")
			b.click("[data-tool=rerun_job]")
			b.wait("the card", "document.querySelector('.approval')")
		}},
		{"run", func(b *tab) { b.press("Approve"); b.see("the plan shows run 2") }},
		{"approvals", at("/approvals", "Two-person rule")},
		{"journal", at("/journal", "is not known")},
		{"run page", func(b *tab) { b.press("Hold job"); b.see("Can be undone") }},
		{"undo", at("/journal?view=undo", "Cannot be undone")},
		{"undo dialog", func(b *tab) { b.press("Undo…"); b.see("Keep it") }},
		{"resilience", at("/resilience", "The last fallback")},
		{"numbers", func(b *tab) { b.pick("[data-breaker=siem]", "Numbers"); b.see("Nobody has changed them") }},
		{"tokens", at("/settings", "Nightly report")},
		{"the token", func(b *tab) {
			b.press("New token")
			b.field("name", "Morning summary")
			b.press("Make the token")
			b.see("It is shown this once")
		}},
		{"webhooks and a menu", func(b *tab) {
			b.goTo("/settings/webhooks")
			b.click("[data-receiver=oncall] .menu summary")
			b.see("Sends it nothing")
		}},
		{"messages", at("/settings/webhooks?messages=oncall", "Tries")},
		{"new receiver", func(b *tab) {
			b.goTo("/settings/webhooks")
			b.press("New receiver")
			b.see("Key that signs the messages")
		}},
		{"documents", at("/documents?q=AWSBHT001E", "pages 12 to 13")},
		{"shortcuts", func(b *tab) { b.keys("?"); b.see("Keyboard shortcuts") }},
	}
}
