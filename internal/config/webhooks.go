package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Webhooks is who is told what happens.
type Webhooks struct {
	Targets  []Webhook     // in the order of the file
	Allow    []string      // hosts, addresses and networks inside that messages may go to
	Attempts int           // before a message is put aside
	Keep     time.Duration // how long a message is tried at all
}

// Webhook is one receiver.
type Webhook struct {
	Name    string
	URL     Secret // who knows it may write there
	Format  string // standard or teams
	Secret  Secret // signs messages of format standard
	Events  []string
	Timeout time.Duration
}

// hookGroup is the group of settings that exist once for each receiver.
const hookGroup = "webhooks.targets"

// webhookSpecs are the settings of outgoing messages.
func webhookSpecs() []spec {
	return []spec{
		{"webhooks.allow", nil, "", words(func(t target) *[]string { return &t.Webhooks.Allow }), "Host names, addresses and networks (10.1.2.0/24) inside your network that messages may go to, also by http://. Without it every address of this machine, of private networks and of the local link is refused when the connection is made. A host name never permits the local link (169.254.169.254): list the address for that."},
		{"webhooks.attempts", nil, "10", integer(func(t target) *int { return &t.Webhooks.Attempts }, 1, 100), "How often a message is tried before it is put aside: after 5 s, 15 s, 45 s … up to an hour. While a receiver's circuit breaker is open nothing is tried and nothing counts."},
		{"webhooks.keep", nil, "24h", duration(func(t target) *time.Duration { return &t.Webhooks.Keep }, time.Minute, 30*24*time.Hour), "How long a message is tried at all before it is put aside."},
		{"webhooks.targets.*.url", nil, "", hookURL(func(t target) *Secret { return &t.hook.URL }), "Address of the receiver, https:// (http:// only for what webhooks.allow lists). In the file an address with a query, as Teams workflows have, is refused, because who knows it may write: write a reference."},
		{"webhooks.targets.*.format", nil, "standard", oneOf(func(t target) *string { return &t.hook.Format }, "standard", "teams"), "standard: JSON signed as Standard Webhooks has it. teams: an Adaptive Card for a Microsoft Teams workflow (\"when a Teams webhook request is received\")."},
		{"webhooks.targets.*.secret", nil, "", secret(func(t target) *Secret { return &t.hook.Secret }), "Key that signs messages of format standard: whsec_ and base64, or any text of 16 characters or more. Without it they are not signed."},
		{"webhooks.targets.*.events", nil, "", events(func(t target) *[]string { return &t.hook.Events }), "What the receiver is told: approval.needed, action.done, action.failed, action.unverified, action.outcome_unknown, job.abend, stream.abend, service.degraded, service.healed, or a group (action, service). Without it everything."},
		{"webhooks.targets.*.timeout", nil, "5s", duration(func(t target) *time.Duration { return &t.hook.Timeout }, 100*time.Millisecond, 2*time.Minute), "How long the receiver may take to answer."},
	}
}

// Events lists what a receiver can be told.
func Events() []string {
	return []string{"approval.needed", "action.done", "action.failed", "action.unverified", "action.outcome_unknown", "job.abend", "stream.abend", "service.degraded", "service.healed"}
}

// events is a list of what a receiver is told: names of events or of their groups.
func events(at func(target) *[]string) kind {
	k := words(at)
	set := k.set
	k.doc = "list of events"
	k.set = func(t target, v []string) error {
		for i, w := range v {
			w = strings.ToLower(w)
			group := func(e string) bool { return e == w || strings.HasPrefix(e, w+".") }
			if !slices.ContainsFunc(Events(), group) {
				return fmt.Errorf("%q is no event%s", v[i], didYouMean(w, Events()))
			}
		}
		return set(t, v)
	}
	return k
}

// hookURL is the address of a receiver. A query in it is a secret as a password is.
func hookURL(at func(target) *Secret) kind {
	k := addressSecret(at, "https:// address", func(s string) error {
		u, err := url.Parse(s)
		switch {
		case err != nil:
			return fmt.Errorf("is not a valid address")
		case u.User != nil:
			return fmt.Errorf("holds a user name or password; receivers are told by their address and the signature")
		case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
			return fmt.Errorf("is not an address such as https://hooks.example.com/resync")
		case u.Fragment != "":
			return fmt.Errorf("has a fragment (#…), which is never sent; leave it out")
		}
		return checkPort(u.Port(), true)
	})
	k.query = true
	k.get = func(t target) string {
		u, err := url.Parse(at(t).Reveal())
		if err != nil || u.Host == "" {
			return at(t).String()
		}
		return u.Scheme + "://" + u.Host + "/" + mask
	}
	return k
}

// webhook is named for a receiver.
func (l *loader) webhook(name, key string, o Origin, want *section) *section {
	if !targetName.MatchString(name) {
		l.add(key, o, "a receiver's name is a letter or digit, then up to 63 letters, digits, - or _")
		return nil
	}
	for _, w := range l.cfg.Webhooks.Targets {
		if envForm(w.Name) == envForm(name) {
			l.add(key, o, "the receivers %s and %s cannot be told apart in variable names", w.Name, name)
			return nil
		}
	}
	l.cfg.Webhooks.Targets = append(l.cfg.Webhooks.Targets, Webhook{Name: name})
	return want.children["*"]
}

// addWebhook creates the receiver "default" when variables describe it and the file
// names none.
func (l *loader) addWebhook() {
	if len(l.cfg.Webhooks.Targets) == 0 && slices.ContainsFunc(l.specs, func(s spec) bool { return s.group() == hookGroup && l.env[s.ownVar(defaultEngine)] != "" }) {
		l.cfg.Webhooks.Targets = []Webhook{{Name: defaultEngine}}
	}
}

// checkWebhooks looks at what belongs together.
func (l *loader) checkWebhooks() {
	for _, w := range l.cfg.Webhooks.Targets {
		key := func(field string) string { return hookGroup + "." + w.Name + "." + field }
		switch {
		case w.URL.IsZero():
			l.add(key("url"), Origin{}, "is missing: say where the messages go")
		case w.Format == "teams" && !w.Secret.IsZero():
			l.warn(key("secret"), l.origin(key("secret")), "has no effect: Teams checks no signature")
		case w.Format == "standard" && w.Secret.IsZero():
			l.warn(key("secret"), l.origin(key("url")), "is not set: the receiver cannot tell Resync's messages from anybody else's")
		}
	}
}

// hookSecrets are what must not be read in a log: a key, and the part of an address
// that opens the door.
func (c *Config) hookSecrets() []string {
	var out []string
	for _, w := range c.Webhooks.Targets {
		out = append(out, w.Secrets()...)
	}
	return out
}

// Secrets are what must not be read in a log or a message: the key, and the part of
// the address that opens the door.
func (w Webhook) Secrets() []string {
	var out []string
	if !w.Secret.IsZero() {
		out = append(out, w.Secret.Reveal())
	}
	if u, err := url.Parse(w.URL.Reveal()); err == nil && len(strings.Trim(u.RequestURI(), "/")) >= 12 {
		out = append(out, u.RequestURI())
	}
	return out
}
