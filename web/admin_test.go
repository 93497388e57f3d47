package web_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// field fills a field of the open dialog in place of what stands there.
func (b *tab) field(name, text string) {
	b.t.Helper()
	sel := "dialog[open] [name=" + name + "]"
	b.wait(sel, "document.querySelector("+quoted(sel)+")")
	eval[chromedp.Void](b, "(() => { const e = document.querySelector("+quoted(sel)+"); e.focus(); e.select(); })()")
	b.typeIn(sel, text)
}

// invalid reports whether a field of the open dialog is marked as refused.
func (b *tab) invalid(name string) bool {
	b.t.Helper()
	return eval[bool](b, "document.querySelector("+quoted("dialog[open] [name="+name+"]")+").getAttribute('aria-invalid') === 'true'")
}

func (b *tab) pick(card, choice string) {
	b.t.Helper()
	b.click(card + " .menu summary")
	b.press(choice)
	b.wait("the dialog", "document.querySelector('dialog[open]')")
}

// TestScreensOfAdministrators are the screens on which Resync itself is set up, in
// one browser.
func TestScreensOfAdministrators(t *testing.T) {
	ctx := browser(t)
	for name, run := range map[string]func(*testing.T, context.Context){
		"numbers": testNumbersOfBreakers, "tokens": testTokensScreen, "webhooks": testWebhooksScreen, "keyboard": testSettingsByKeyboard,
	} {
		t.Run(name, func(t *testing.T) { run(t, ctx) })
	}
}

// testNumbersOfBreakers: an administrator changes when a breaker opens, with a
// reason; a refusal marks the field; the card says who did it; back to the defaults;
// held open and let through with an end. Who is no administrator can change nothing.
func testNumbersOfBreakers(t *testing.T, ctx context.Context) {
	f := newFake(t, plan(12))
	f.roles = []string{"admin"}
	f.breakers = []obj{
		{"name": "tws_api", "state": "CLOSED", "is_critical": true, "since": at(0), "threshold": 5, "recovery_timeout": 60, "failure_count": 0},
		{"name": "siem", "state": "CLOSED", "since": at(0), "threshold": 10, "recovery_timeout": 300},
	}
	b := open(t, ctx, f)
	b.signIn()
	b.keys("gr")
	b.see("Everything is as it was made")
	b.pick("[data-breaker=tws_api]", "Numbers")
	b.see("Nobody has changed them")
	b.field("threshold", "1000")
	b.field("reason", "the night's engine is slow")
	b.press("Save")
	b.see("breakers.tws_api.threshold: 1000 is not from 1 to 999 failures")
	if !b.invalid("threshold") || b.invalid("recovery") {
		t.Error("the refused field is not the one that is marked")
	}
	b.field("threshold", "2")
	b.press("Save")
	b.wait("the dialog to close", "!document.querySelector('dialog[open]')")
	b.see("Numbers set by ana")
	b.see("(default 5 failures, 1 min)")
	b.see("the night's engine is slow")
	b.pick("[data-breaker=tws_api]", "Numbers")
	b.see("2 failures")
	b.click("dialog [name=back]")
	b.field("reason", "the night is over")
	b.press("Go back to the defaults")
	b.wait("the mark to go", "!document.body.innerText.includes('Numbers set by')")

	b.pick("[data-breaker=siem]", "Force open")
	b.field("minutes", "30")
	b.field("reason", "maintenance")
	b.press("Force open")
	b.see("Is switched off by ana")
	f.mu.Lock()
	if !slices.Equal(f.sent, []string{"siem maintenance 1800"}) {
		t.Errorf("the server was asked %q", f.sent)
	}
	f.roles = []string{"operator"}
	f.mu.Unlock()
	b.goTo("/resilience")
	b.see("Changes by administrators")
	if eval[bool](b, "document.querySelector('.net .menu') !== null") {
		t.Error("an operator is offered to change breakers")
	}
}

// testTokensScreen: the list hides what has ended; a token is made and its text is
// shown once, copied, and nowhere afterwards; one is revoked after a question.
func testTokensScreen(t *testing.T, ctx context.Context) {
	f := newFake(t, plan(12))
	f.roles = []string{"admin"}
	b := open(t, ctx, f)
	b.signIn()
	b.keys("gs")
	b.see("Nightly report")
	b.see("ends soon")
	if eval[bool](b, "document.body.innerText.includes('Old script')") {
		t.Error("a revoked token is among the good ones")
	}
	b.press("New token")
	b.field("name", "Morning summary")
	b.field("user", "nobody")
	b.keys("\r")
	b.see("user: there is no account nobody")
	if !b.invalid("user") {
		t.Error("the refused field is not marked")
	}
	b.field("user", "ben")
	b.press("Make the token")
	b.see("It is shown this once")
	token := "rsy_" + strings.Repeat("x", 43)
	b.wait("the token", "document.querySelector('.secret input').value === "+quoted(token))
	b.press("Copy")
	b.wait("a word about the copy", "/Copied|press Ctrl C/.test(document.querySelector('.secret [role=status]').innerText)")
	b.press("Done")
	b.wait("the token to be gone", "!document.querySelector('.secret') && !document.documentElement.outerHTML.includes("+quoted(token)+")")
	b.see("Morning summary")
	if eval[bool](b, "[...Object.values(localStorage), ...Object.values(sessionStorage), location.href].join().includes('rsy_')") {
		t.Error("the token was kept in the browser")
	}
	b.click("[data-token=tok_a1] .acts button")
	b.see("It cannot be taken back")
	b.press("Keep it")
	b.wait("the dialog to close", "!document.querySelector('dialog[open]')")
	b.click("[data-token=tok_a1] .acts button")
	b.wait("the question", "document.querySelector('dialog[open]')")
	b.press("Revoke")
	b.wait("the token to go", "!document.querySelector('[data-token=tok_a1]')")
	b.click("label.check input")
	b.wait("what has ended", "document.querySelector('[data-token=tok_a1]')?.innerText.includes('revoked')")
	f.mu.Lock()
	f.roles = []string{"viewer"}
	f.mu.Unlock()
	b.goTo("/settings/webhooks")
	b.see("Receivers are shown to administrators only")
	b.goTo("/settings/tokens")
	b.press("New token")
	b.wait("the dialog", "document.querySelector('dialog[open] [name=days]')")
	if eval[bool](b, "document.querySelector('dialog [name=user]') !== null") {
		t.Error("who is no administrator is asked for whom the token is")
	}
}

// testWebhooksScreen: how receivers are; a test that does not go inside; adding one,
// refused and then not; editing it without its address being shown or sent; pausing,
// resuming, messages and sending one again; removing.
func testWebhooksScreen(t *testing.T, ctx context.Context) {
	f := newFake(t, plan(12))
	f.roles = []string{"admin"}
	b := open(t, ctx, f)
	b.signIn()
	b.goTo("/settings/webhooks")
	b.see("2 waiting · 1 put aside · stands in the settings file")
	b.see("it answered 500 Internal Server Error")
	b.press("Send a test")
	b.see("It did not take the message: the address is not allowed: 127.0.0.1 is this machine")
	b.press("Messages")
	b.see("put aside")
	b.click("[data-message=msg_1] button")
	b.see("Nothing was put aside")
	b.click("dialog fieldset label:nth-of-type(2) input")
	b.see("rerun_job on PAYROLL_NET waits for a person")
	if got := eval[string](b, "location.search"); got != "?messages=oncall" {
		t.Errorf("the messages are not in the address: %s", got)
	}
	b.press("Close")

	b.press("New receiver")
	b.field("name", "ops")
	b.field("url", "https://10.1.2.3/in")
	b.field("secret", "env:OPS_KEY")
	b.field("reason", "night shift")
	b.press("Add")
	b.see("url: the address is not allowed: 10.1.2.3 is in a private network")
	if !b.invalid("url") || b.invalid("name") {
		t.Error("the refused field is not the one that is marked")
	}
	b.field("url", "https://ops.example.com/a-path-that-opens-the-door")
	b.click(`dialog [name="job.abend"]`)
	b.press("Add")
	b.wait("the new card", "document.querySelector('[data-receiver=ops]')?.innerText.includes('set up here by ana')")
	if text := eval[string](b, "document.documentElement.outerHTML"); strings.Contains(text, "opens-the-door") {
		t.Error("the address is shown")
	}
	b.click("[data-receiver=ops] .foot button")
	b.see("It took the message: 204, in 0.03 s")
	b.pick("[data-receiver=ops]", "Edit")
	b.click(`dialog [name="everything"]`)
	b.field("reason", "all of it")
	b.press("Save")
	b.wait("everything", "document.querySelector('[data-receiver=ops]').innerText.includes('everything')")
	b.pick("[data-receiver=ops]", "Pause")
	b.field("reason", "on holiday")
	b.press("Pause")
	b.see("Paused by ana")
	b.pick("[data-receiver=ops]", "Resume")
	b.field("reason", "back")
	b.press("Resume")
	b.wait("the pause to end", "!document.body.innerText.includes('Paused by')")
	b.pick("[data-receiver=ops]", "Remove")
	b.field("reason", "not needed")
	b.press("Remove")
	b.wait("the card to go", "!document.querySelector('[data-receiver=ops]')")
	f.mu.Lock()
	defer f.mu.Unlock()
	want := []string{"add ops https://ops.example.com/a-path-that-opens-the-door night shift", "change ops", "remove ops not needed"}
	if !slices.Equal(f.sent, want) {
		t.Errorf("the server was asked %q", f.sent)
	}
}

// testSettingsByKeyboard: a menu opens, closes with Escape and gives the focus back;
// a dialog is reached and left without a mouse.
func testSettingsByKeyboard(t *testing.T, ctx context.Context) {
	f := newFake(t, plan(12))
	f.roles = []string{"admin"}
	f.breakers = []obj{{"name": "siem", "state": "CLOSED", "since": at(0), "threshold": 10, "recovery_timeout": 300}}
	b := open(t, ctx, f)
	b.signIn()
	b.keys("gr")
	b.wait("the card", "document.querySelector('[data-breaker=siem] .menu')")
	on := func() string {
		return eval[string](b, "document.activeElement.innerText?.trim().split('\\n')[0] ?? ''")
	}
	eval[chromedp.Void](b, "document.querySelector('[data-breaker=siem] .foot button').focus()")
	b.keys("\t\r")
	b.wait("the menu", "document.querySelector('.menu[open]')")
	b.keys("\t")
	if got := on(); got != "Numbers…" {
		t.Errorf("the menu's first entry is %q", got)
	}
	b.keys("\u001b")
	b.wait("the menu to close", "!document.querySelector('.menu[open]')")
	if got := on(); !strings.HasPrefix(got, "Change") {
		t.Errorf("after Escape the focus is on %q", got)
	}
	b.keys("\r\t\r")
	b.wait("the dialog with the focus in its first field", "document.activeElement.name === 'threshold'")
	b.keys("\u001b")
	b.wait("the dialog to close", "!document.querySelector('dialog[open]')")
	b.wait("the focus back on the menu", "document.activeElement.innerText?.startsWith('Change')")
	// On a telephone the bar has no room for Settings; the menu of the person has it.
	b.screen(390, 844, "light")
	b.goTo("/")
	b.wait("the bar", "document.querySelector('.me')")
	if over := eval[int](b, "Math.round(document.querySelector('.me').getBoundingClientRect().right - innerWidth)"); over > 0 {
		t.Errorf("the menu of the person is %d px outside the screen", over)
	}
	b.click(".me summary")
	b.press("Settings")
	b.see("Nightly report")
	if eval[bool](b, "document.querySelector('.me').open") {
		t.Error("the menu stays open over the page")
	}
}
