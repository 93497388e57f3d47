package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// tab is a Chromium tab on a server, with everything that a clean page must not do collected beside it.
type tab struct {
	t      testing.TB
	ctx    context.Context
	base   string
	mu     sync.Mutex
	faults []string
}

// chromium finds the browser or skips, saying aloud what is not run.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("RESYNC_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && name != "" {
			return found
		}
	}
	t.Skip("SKIPPED LOUDLY: no Chromium found, so 1 browser test of the console was not run (apt-get install chromium, or set RESYNC_CHROMIUM)")
	return ""
}

// browser starts Chromium for one test.
func browser(t testing.TB) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", false))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); stopAlloc() })
	return ctx
}

// open makes a tab on the handler's server. At the end of the test the page must have written nothing to the console, have
// broken no content security policy and have asked no other host for anything.
func open(t testing.TB, parent context.Context, h http.Handler) *tab {
	t.Helper()
	srv := httptest.NewServer(h)
	ctx, stop := chromedp.NewContext(parent)
	b := &tab{t: t, ctx: ctx, base: srv.URL}
	t.Cleanup(func() {
		stop()
		srv.CloseClientConnections()
		srv.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Errorf("page: %s", f)
		}
	})
	console := chromedp.Console(ctx)
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	go b.watchConsole(console)
	go func() {
		for ev, err := range requests {
			if err != nil {
				return
			}
			if u := ev.Request.URL; !strings.HasPrefix(u, b.base) && !strings.HasPrefix(u, "data:") && u != "about:blank" {
				b.fault("request to another host: " + u)
			}
		}
	}()
	return b
}

func (b *tab) watchConsole(console func(func(chromedp.ConsoleMessage, error) bool)) {
	for m, err := range console {
		if err != nil {
			return
		}
		// The browser writes a line for each HTTP failure that a test brings about on purpose.
		if strings.Contains(m.Text, "Failed to load resource") {
			continue
		}
		b.fault("console " + m.String() + " " + m.URL)
	}
}

func (b *tab) fault(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, s)
}

// screen sets the window's size, the theme and reduced motion.
func (b *tab) screen(width, height int64, theme string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, height)); err != nil {
		b.t.Fatal(err)
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) goTo(path string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.base+path)); err != nil {
		b.t.Fatalf("open %s: %v", path, err)
	}
}

// eval runs an expression in the page.
func eval[T any](b *tab, expr string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expr))
	if err != nil {
		b.t.Fatalf("evaluate %.200s: %v", expr, err)
	}
	return v
}

// wait polls until the expression is true. It asks from outside: the page's own policy forbids the evaluation that
// chromedp.Poll would do inside.
func (b *tab) wait(what, expr string) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expr+")")); err == nil && ok {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	shot := filepath.Join(os.TempDir(), "resync-web-failed.png")
	b.shot(shot)
	b.t.Fatalf("waited in vain for %s: %s\nat %s, see %s\n%s", what, expr, eval[string](b, "location.href"), shot, eval[string](b, "document.body.innerText.slice(0, 3000)"))
}

// quoted writes a Go string as a JavaScript one.
func quoted(s string) string { q, _ := json.Marshal(s); return string(q) }

// see waits until the text is on the page.
func (b *tab) see(text string) {
	b.t.Helper()
	b.wait("the text "+text, "document.body.innerText.replace(/\\s+/g, ' ').includes("+quoted(text)+")")
}

// press clicks the first visible button, link or option whose text or label begins with the words.
func (b *tab) press(words string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button,a,summary')].find(e => e.checkVisibility() && !e.disabled && (e.innerText.trim().startsWith(%[1]s) || (e.getAttribute('aria-label') ?? '').startsWith(%[1]s)))`, quoted(words))
	b.wait("a control "+words, find)
	eval[chromedp.Void](b, "("+find+").click()")
}

func (b *tab) click(sel string) {
	b.t.Helper()
	b.wait(sel, "document.querySelector("+quoted(sel)+")")
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(sel))); err != nil {
		b.t.Fatalf("click %s: %v", sel, err)
	}
}

func (b *tab) typeIn(sel, text string) {
	b.t.Helper()
	b.wait(sel, "document.querySelector("+quoted(sel)+")")
	if err := chromedp.Do(b.ctx, chromedp.SendKeys(chromedp.CSS(sel), text)); err != nil {
		b.t.Fatalf("type into %s: %v", sel, err)
	}
}

func (b *tab) keys(keys string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) shot(file string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, png, 0o600)
	}
	if err != nil {
		b.t.Errorf("screenshot: %v", err)
	}
}

// signIn opens the address that the server would print and waits for the plan.
func (b *tab) signIn() {
	b.t.Helper()
	b.goTo("/login#token=good")
	b.wait("the plan", "document.querySelector('[role=grid] [data-row]')")
}
