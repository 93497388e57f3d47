package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestScreenshots writes a picture of every screen in both themes and sizes into the folder that RESYNC_SHOTS names. It is how
// the looks of the console are judged: by eye.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("RESYNC_SHOTS")
	if dir == "" {
		t.Skip("RESYNC_SHOTS names no folder, so no screenshots were taken")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	for _, theme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{1440, 900}, {360, 740}} {
			f := newFake(t, plan(3000))
			b := open(t, ctx, f)
			n := 0
			shot := func(name string) {
				n++
				time.Sleep(150 * time.Millisecond)
				b.shot(filepath.Join(dir, fmt.Sprintf("%s-%d-%d-%s.png", theme, size[0], n, name)))
			}
			b.screen(size[0], size[1], theme)
			b.goTo("/login")
			b.see("Sign in")
			shot("login")
			b.signIn()
			shot("plan")
			b.goTo("/?job=9f0c11d2-0001")
			b.see("The file system /data")
			shot("job-why")
			b.press("Log")
			b.see("ENOSPC")
			shot("job-log")
			b.press("Actions")
			shot("job-actions")
			b.press("Update job priority")
			b.typeIn("dialog input[type=number]", "80")
			b.see("production engine")
			shot("action-form")
			b.goTo("/ask")
			b.see("What is wrong tonight?")
			shot("chat-start")
			b.typeIn("#ask", "Why did PAYROLL_NET abend and what does it block?")
			b.press("Ask")
			b.see("Not examined")
			shot("chat-answer")
			b.click("[data-cite=e2]")
			b.wait("source", "document.querySelector('.source')")
			shot("chat-source")
			b.press("Close sources")
			eval[bool](b, "(document.querySelector('.proposed').scrollIntoView(), true)")
			shot("chat-parts")
			b.click("[data-tool=rerun_job]")
			b.wait("card", "document.querySelector('.approval')")
			eval[bool](b, "(document.querySelector('.approval').scrollIntoView(), true)")
			shot("chat-approval")
			b.press("Approve")
			b.see("the plan shows run 2")
			eval[bool](b, "(document.querySelector('.approval').scrollIntoView(), true)")
			shot("chat-run")
			b.goTo("/approvals")
			b.see("Two-person rule")
			shot("approvals")
			b.goTo("/journal")
			b.see("is not known")
			shot("journal")
			b.press("Hold job")
			b.see("Can be undone")
			shot("journal-run")
			b.goTo("/journal?view=undo")
			b.see("Cannot be undone")
			shot("undo")
			b.press("Undo…")
			b.see("Keep it")
			shot("undo-dialog")
			shotsOfSettings(b, f, shot)
		}
	}
}

// shotsOfSettings are the screens of administrators.
func shotsOfSettings(b *tab, f *fake, shot func(string)) {
	f.mu.Lock()
	f.roles = []string{"admin"}
	f.numbers["siem"] = obj{"threshold": 3, "recovery_timeout": 120, "reason": "the SIEM is moved tonight"}
	f.changes = []obj{{"seq": 1, "at": inMinutes(-12), "actor": "ana", "action": "resilience.config", "target": "breakers.siem", "reason": "the SIEM is moved tonight"}}
	f.breakers = []obj{
		{"name": "tws_api", "state": "OPEN", "is_critical": true, "since": inMinutes(-1), "threshold": 5, "recovery_timeout": 60, "last_error": "the connection was refused"},
		{"name": "siem", "state": "CLOSED", "since": inMinutes(-500), "threshold": 3, "recovery_timeout": 120},
		{"name": "teams", "state": "FORCED_OPEN", "since": inMinutes(-3), "threshold": 5, "recovery_timeout": 120, "switch": obj{"by": "ben", "reason": "maintenance", "until": inMinutes(20)}},
	}
	f.mu.Unlock()
	b.goTo("/resilience")
	b.see("Numbers set by ana")
	b.click("[data-breaker=siem] .menu summary")
	shot("resilience-menu")
	b.press("Numbers")
	b.see("Last changed by ana")
	shot("numbers")
	b.press("Leave it")
	b.pick("[data-breaker=siem]", "Disable")
	shot("disable")
	b.press("Leave it")
	eval[bool](b, "(document.querySelector('#changes-head').scrollIntoView(), true)")
	shot("resilience-changes")
	b.goTo("/settings")
	b.see("Nightly report")
	shot("tokens")
	b.press("New token")
	shot("token-new")
	b.field("name", "Morning summary")
	b.press("Make the token")
	b.see("It is shown this once")
	shot("token-made")
	b.press("Done")
	b.goTo("/settings/webhooks")
	b.press("Send a test")
	b.see("It did not take")
	shot("webhooks")
	b.press("New receiver")
	b.field("name", "ops")
	b.field("url", "https://10.1.2.3/in")
	b.field("reason", "night shift")
	shot("receiver-new")
	b.press("Add")
	b.see("in a private network")
	shot("receiver-refused")
	b.field("url", "https://ops.example.com/in")
	b.press("Add")
	b.wait("the new card", "document.querySelector('[data-receiver=ops]')")
	b.click("[data-receiver=ops] .menu summary")
	shot("webhooks-two")
	b.goTo("/settings/webhooks?messages=oncall")
	b.see("Tries")
	shot("messages")
}
