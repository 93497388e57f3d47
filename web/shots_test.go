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
		}
	}
}
