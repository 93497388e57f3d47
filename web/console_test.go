package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestSignIn(t *testing.T) {
	ctx := browser(t)
	b := open(t, ctx, newFake(t, plan(40)))
	b.goTo("/journal?view=undo")
	b.see("Sign in")
	if got := eval[string](b, "location.pathname + location.search"); got != "/login?next=%2Fjournal%3Fview%3Dundo" {
		t.Errorf("signed out, the page is %s", got)
	}
	b.typeIn("[name=username]", "ana")
	b.typeIn("[name=password]", "wrong")
	b.press("Sign in")
	b.see("The name or the password is wrong.")
	b.typeIn("[name=password]", "")
	eval[chromedp.Void](b, "document.querySelector('[name=password]').value = 'secret'")
	b.press("Sign in")
	b.see("Cannot be undone")
	if got := eval[string](b, "location.pathname + location.search"); got != "/journal?view=undo" {
		t.Errorf("after sign-in the page is %s, want the address that was asked for", got)
	}
	if shown := eval[bool](b, "document.cookie !== '' || JSON.stringify({...localStorage, ...sessionStorage}).includes('s_')"); shown {
		t.Error("a script of the page can read the session")
	}
	eval[chromedp.Void](b, "document.querySelector('.me').open = true")
	b.press("Sign out")
	b.see("Operations console for")
}

func TestSignInByToken(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(40)))
	b.signIn()
	if got := eval[string](b, "location.href"); strings.Contains(got, "good") {
		t.Errorf("the token is still in the address: %s", got)
	}
	if n := eval[int](b, "history.length"); n > 3 {
		t.Errorf("sign-in left %d history entries", n)
	}
	for _, tc := range []struct{ token, want string }{
		{"good", "This link was used before."},
		{"never-made", "The name or the password is wrong."},
		{"a", "wrong."}, {"b", "wrong."}, {"c", "Locked for now"},
	} {
		b.goTo("/login")
		b.wait("the form", "document.querySelector('form')")
		b.goTo("/login#token=" + tc.token)
		b.see(tc.want)
	}
	b.see("Try again in 60 seconds.")
}

// TestNextStaysInside keeps a crafted sign-in link from sending its user elsewhere.
func TestNextStaysInside(t *testing.T) {
	ctx := browser(t)
	for _, next := range []string{"//evil.example/", "https://evil.example/", `/\evil.example`, "javascript:alert(1)"} {
		b := open(t, ctx, newFake(t, plan(3)))
		b.goTo("/login?next=" + strings.NewReplacer("/", "%2F", ":", "%3A", `\`, "%5C").Replace(next) + "#token=good")
		b.wait("the plan", "document.querySelector('[role=grid] [data-row]')")
		if got := eval[string](b, "location.href"); got != b.base+"/" {
			t.Errorf("next=%s led to %s", next, got)
		}
	}
}

func TestPlanTable(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(3000)))
	b.screen(1440, 900, "light")
	b.signIn()
	b.see("3,000 jobs")
	if rows := eval[int](b, "document.querySelectorAll('[data-row]').length"); rows < 20 || rows > 80 {
		t.Errorf("%d rows are drawn for 3,000 jobs, want what fits the screen and a few more", rows)
	}
	eval[chromedp.Void](b, "document.querySelector('.scroll').scrollTop = 1e9")
	b.wait("the last row with its job", `document.querySelector('[data-row="2999"] .jobname')`)

	b.click(`.filter[href*="ABEND"]`)
	b.wait("the filter in the address", "location.search === '?status=ABEND'")
	b.see("7 jobs")
	b.typeIn("#plan-q", "PAYROLL")
	b.wait("the search in the address", "location.search === '?status=ABEND&q=PAYROLL'")
	b.see("1 job")
	b.typeIn("#plan-q", "_NONE")
	b.see("No job is “PAYROLL_NONE” and abended")
	b.press("Show all jobs")
	b.see("3,000 jobs")
	eval[chromedp.Void](b, "history.back()")
	b.see("No job is “PAYROLL_NONE” and abended")
}

func TestPlanByKeyboard(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(300)))
	b.screen(1440, 900, "dark")
	b.signIn()
	eval[chromedp.Void](b, `document.querySelector('[data-row="0"]').focus()`)
	b.keys(kb.ArrowDown + kb.ArrowDown)
	b.wait("the third row focused", `document.activeElement.dataset.row === '2'`)
	b.keys(kb.Enter)
	b.wait("the job beside the plan", "document.querySelector('#job-name')?.innerText === 'ETL_D01_LOAD'")
	b.keys(kb.Escape)
	b.wait("the panel closed", "!document.querySelector('.panel') && location.search === ''")
	b.keys(kb.End)
	b.wait("the last row focused", `document.activeElement.dataset.row === '299'`)
	b.keys("?")
	b.see("Keyboard shortcuts")
	b.keys(kb.Escape)
	b.wait("the list closed", "!document.querySelector('dialog')")
	b.keys("gj")
	b.see("The outcome of one action is not known")
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent("k", chromedp.KeyModifiers(2))); err != nil {
		t.Fatal(err)
	}
	b.wait("the palette", "document.activeElement.matches('.find-field')")
	b.keys("PAYROLL_NET")
	b.wait("the job found", "document.querySelector('.found .state')")
	b.keys(kb.Enter)
	b.wait("the job", "location.search === '?job=9f0c11d2-0001'")
}

func TestJobPanel(t *testing.T) {
	f := newFake(t, plan(300))
	b := open(t, browser(t), f)
	b.screen(1440, 900, "light")
	b.signIn()
	b.goTo("/?job=9f0c11d2-0001&tab=log")
	b.see("ENOSPC")
	b.wait("a numbered line with its code set off", "[...document.querySelectorAll('.lines li')].some(l => l.value === 12 && l.querySelector('mark')?.innerText === 'AWSBDJ020E')")
	b.press("Blocks")
	b.see("3 jobs wait for it")
	b.press("Runs")
	b.see("2 min 9 s")
	b.press("Why")
	b.see("The file system /data on CPU7 is full")
	f.mu.Lock()
	f.failing["/tws/plan/current/job/{id}"] = 503
	f.mu.Unlock()
	b.goTo("/?job=9f0c11d2-0002")
	b.see("PROD-MDM did not answer within 10 s.")
	b.see("7f3ac901d2")
	f.mu.Lock()
	delete(f.failing, "/tws/plan/current/job/{id}")
	f.mu.Unlock()
	b.press("Try again")
	b.wait("the job", "document.querySelector('#job-name')?.innerText === 'PAYROLL_PRD_POST'")
}

func TestActionFromTheJob(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(300)))
	b.screen(1440, 900, "light")
	b.signIn()
	b.goTo("/?job=9f0c11d2-0002")
	b.press("Actions")
	b.press("Update job priority")
	b.wait("a form that asks for the number", "document.querySelector('dialog input[type=number]')?.max === '101'")
	if off := eval[bool](b, "document.querySelector('dialog .primary').disabled"); !off {
		t.Error("approval can be requested without the required argument")
	}
	b.typeIn("dialog input[type=number]", "70")
	b.see("PROD-MDM is a production engine")
	b.typeIn("dialog [name=reason]", "the auditors wait")
	b.press("Request approval")
	b.wait("the card", "document.querySelector('dialog .approval')")
	b.see("the auditors wait")
}

func TestAskCiteAndReload(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(300)))
	b.screen(1440, 900, "light")
	b.signIn()
	b.goTo("/?job=9f0c11d2-0001")
	b.press("Ask why")
	b.see("Why did PAYROLL_NET abend and what does it block?")
	b.see("Not examined")
	for _, text := range []string{"1 failed", "86%", "AWSBDJ020E", "Stops it", "1 deadline at risk", "not confirmed", "worked out without a language model"} {
		b.see(text)
	}
	if got := eval[string](b, "document.querySelector('.doubt').innerText"); !strings.HasPrefix(got, "The disk was probably filled") {
		t.Errorf("marked as not confirmed: %q", got)
	}
	b.click(".prose [data-cite=e2]")
	b.wait("the log line set off", "[...document.querySelectorAll('.source .lines li')].some(l => l.value === 10 && l.querySelector('mark')?.innerText.includes('ENOSPC'))")
	b.see("GET /plan/job/9f0c11d2-0001/joblog")
	address := eval[string](b, "location.pathname + location.search")
	if !strings.HasPrefix(address, "/ask/c_") || !strings.HasSuffix(address, "?src=e2&turn=1") {
		t.Errorf("the address %s does not hold the conversation and the source", address)
	}
	b.goTo(address)
	b.wait("the same source after a reload", "document.querySelector('#source-title')?.innerText === 'Job log of run 448121'")
	b.press("Next source")
	b.see("handbook.md:112-131")
	b.keys(kb.Escape)
	b.wait("the pane closed", "!document.querySelector('.source')")
	b.press("Delete conversation")
	b.see("Delete this conversation?")
	b.press("Delete")
	b.see("What is wrong tonight?")
}

func TestStopAnAnswer(t *testing.T) {
	f := newFake(t, plan(3))
	f.pace = 300 * time.Millisecond
	b := open(t, browser(t), f)
	b.signIn()
	b.goTo("/ask")
	b.typeIn("#ask", "What is late?")
	b.press("Ask")
	b.see("so far")
	b.press("Stop")
	b.see("No longer following.")
}

// TestAnswerSurvivesACutStream loses the connection in the middle of an answer: the stored answer is fetched and shown.
func TestAnswerSurvivesACutStream(t *testing.T) {
	f := newFake(t, plan(3))
	f.cut = 4
	b := open(t, browser(t), f)
	b.signIn()
	b.goTo("/ask")
	b.typeIn("#ask", "Why did PAYROLL_NET abend?")
	b.press("Ask")
	b.see("Not examined")
	f.mu.Lock()
	if f.resumed != "3" {
		t.Errorf("the stream was taken up after event %q, want 3", f.resumed)
	}
	f.mu.Unlock()
	if n := eval[int](b, "document.querySelectorAll('.turn').length"); n != 1 {
		t.Errorf("%d turns are shown, want 1", n)
	}
}

func TestApproveRunUndo(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(300)))
	b.screen(1440, 900, "light")
	b.signIn()
	b.goTo("/ask")
	b.typeIn("#ask", "Hold the successor of PAYROLL_NET")
	b.press("Ask")
	b.see("Answer ready") // what comes moves the button, and a slow click meets what was there before
	b.click("[data-tool=hold_job]")
	b.wait("the card", "document.querySelector('.approval h3')?.innerText === 'Hold PAYROLL_PRD_POST on CPU7'")
	for _, text := range []string{"5:00 left", "PROD-MDM is a production engine", "Can be undone: release gives back priority 50", "READY", "HOLD"} {
		if text == "5:00 left" {
			text = " left"
		}
		b.see(text)
	}
	b.press("Approve")
	b.see("the plan shows run 2")
	b.wait("verified", "document.querySelector('.runstatus .state').innerText.includes('Verified')")
	b.press("Open in journal")
	b.wait("the journal of the run", "location.pathname.startsWith('/journal/') && document.querySelectorAll('.panel .trail li').length === 4")
	b.press("Undo…")
	b.typeIn("dialog [name=reason]", "held the wrong job")
	eval[chromedp.Void](b, "document.querySelector('dialog form').requestSubmit()")
	b.wait("the undo's own card", "document.querySelector('dialog .approval h3')?.innerText.startsWith('Release PAYROLL_PRD_POST')")
	b.press("Approve")
	b.wait("verified", "document.querySelector('dialog .runstatus .state')?.innerText.includes('Verified')")
}

func TestDeclineNeedsAReason(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(3)))
	b.signIn()
	b.goTo("/approvals")
	b.see("Two-person rule: 1 of 2 approved (boris), 1 missing")
	b.see("Cannot be undone: the engine has no way back from cancel")
	b.press("Decline")
	b.see("Say why you decline")
	b.typeIn(".decide textarea", "wait for the bank file")
	b.press("Decline")
	b.see("Declined by ana: “wait for the bank file”. Nothing was sent to the engine.")
	b.wait("an empty badge", "!document.querySelector('.badge')")
}

// TestTheServersRefusalIsShown decides on an approval that somebody else has decided meanwhile.
func TestTheServersRefusalIsShown(t *testing.T) {
	f := newFake(t, plan(3))
	b := open(t, browser(t), f)
	b.signIn()
	b.goTo("/approvals")
	b.see("Two-person rule")
	f.mu.Lock()
	f.approvals[0]["status"] = "expired"
	f.mu.Unlock()
	b.press("Approve")
	b.see("This approval is expired.")
	b.see("Expired")
	if n := eval[int](b, "document.querySelectorAll('.runstatus').length"); n != 0 {
		t.Error("a refused approval shows a run")
	}
}

func TestLiveEvents(t *testing.T) {
	f := newFake(t, plan(40))
	b := open(t, browser(t), f)
	b.screen(1440, 900, "light")
	b.signIn()
	b.wait("one waiting", "document.querySelector('.badge')?.innerText.includes('1')")
	f.mu.Lock()
	f.jobs[2].Status = "EXEC"
	f.tell("plan", obj{"as_of": at(time.Minute)})
	f.mu.Unlock()
	b.wait("the row's new state", `document.querySelector('[data-row="2"] .state').innerText.includes('Running')`)
	b.press("Live")
	b.see("Paused")
	f.mu.Lock()
	f.jobs[2].Status = "SUCC"
	f.tell("plan", obj{"as_of": at(2 * time.Minute)})
	f.approvals = append(f.approvals, f.approval("kill_job", "Kill something", obj{}, "high", "ivo"))
	f.tell("approval", obj{})
	f.mu.Unlock()
	b.wait("two waiting", "document.querySelector('.badge')?.innerText.includes('2')")
	if got := eval[string](b, `document.querySelector('[data-row="2"] .state').innerText`); !strings.Contains(got, "Running") {
		t.Errorf("paused, the row changed to %q", got)
	}
}

func TestThemeIsKept(t *testing.T) {
	b := open(t, browser(t), newFake(t, plan(3)))
	b.screen(1440, 900, "light")
	b.signIn()
	ground := func() string { return eval[string](b, "getComputedStyle(document.body).backgroundColor") }
	light := ground()
	eval[chromedp.Void](b, "document.querySelector('.me').open = true")
	eval[chromedp.Void](b, "[...document.querySelectorAll('.me label')].find(l => l.innerText === 'Dark').click()")
	dark := ground()
	if light == dark {
		t.Errorf("both themes have the ground %s", light)
	}
	b.goTo("/journal")
	b.see("Journal")
	if got := ground(); got != dark {
		t.Errorf("after a reload the ground is %s, want %s", got, dark)
	}
}
