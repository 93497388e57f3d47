package app

import (
	"context"
	"net/url"
	"os"

	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/notify"
)

// receiversNews tells the other servers that receivers of webhooks have been added,
// changed or removed.
const receiversNews = "webhooks"

// addedTarget is a receiver that an administrator has added. The error is a
// *config.Problem that names the field; the target has its breaker and format then.
func (a *App) addedTarget(name string, r notify.Receiver) (notify.Target, error) {
	w, err := config.ReadWebhook(name, r.WebhookForm, os.Environ())
	if err != nil {
		return notify.Target{}, err
	}
	u, err := url.Parse(w.URL.Reveal())
	if err == nil {
		err = a.hooks.guard.CheckURL(u)
	}
	if err != nil {
		return notify.Target{}, &config.Problem{Key: "url", Text: err.Error()}
	}
	if _, err := notify.Key(w.Secret.Reveal()); err != nil && w.Format == string(notify.Standard) {
		return notify.Target{}, &config.Problem{Key: "secret", Text: err.Error()}
	}
	a.hooks.owns(addedBreaker(name), name) // first: what the breaker goes on with is no news for the receiver behind it
	b, err := a.breakerOf(addedBreaker(name), "webhook")
	if err != nil {
		return notify.Target{}, err
	}
	a.hooks.hide(w.Secrets()...)
	return a.targetOf(a.hooks, w, b)
}

// addedBreaker is the name of the breaker before an added receiver, whatever its
// format: the format may be changed.
func addedBreaker(name string) string { return "webhook:" + name }

// receiverGone forgets what was made for a receiver.
func (a *App) receiverGone(name string) {
	a.breakers.Remove(addedBreaker(name))
	a.hooks.mu.Lock()
	defer a.hooks.mu.Unlock()
	delete(a.hooks.own, addedBreaker(name))
}

// receivers are those of the console; nil where webhooks could not be opened.
func (a *App) receivers() *notify.Book {
	if a.hooks == nil {
		return nil
	}
	return a.hooks.book
}

// loadReceivers reads the receivers of the console, because another server may have
// changed them. What cannot be read leaves those there are.
func (a *App) loadReceivers(ctx context.Context) {
	if a.hooks == nil || a.hooks.book == nil {
		return
	}
	if err := a.hooks.book.Load(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("receivers of webhooks that were added in the console", "err", err)
	}
}

// receiversMoved makes true what another server has changed.
func (a *App) receiversMoved() {
	a.loadReceivers(a.ctx)
	a.tellMissed() // notes since when anybody is told anything
}

// tellServers passes news on to the screens and the other servers.
func (a *App) tellServers(n api.News) {
	if n.Name == receiversNews {
		a.receiversMoved()
	}
	a.share(n, "")
}

// owns notes whose breaker it is: a receiver is not told of its own.
func (h *hooks) owns(breaker, receiver string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own[breaker] = receiver
}

// owner is the receiver a breaker stands before; "" when it stands before none.
func (h *hooks) owner(breaker string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.own[breaker]
}

// hide takes texts out of what is told from now on.
func (h *hooks) hide(secrets ...string) {
	for _, s := range secrets {
		h.redact.Add(s)
	}
}
