package config

import (
	"net/url"
	"slices"
	"strings"
)

// WebhookForm is a receiver as an administrator writes it while the program runs:
// the keys below webhooks.targets.NAME of the settings file, in its words.
type WebhookForm struct {
	URL     string   `json:"url"`              // address, or env:NAME
	Format  string   `json:"format,omitempty"` // standard when empty
	Secret  string   `json:"secret,omitempty"` // env:NAME
	Events  []string `json:"events,omitempty"` // all when empty
	Timeout string   `json:"timeout,omitempty"`
}

// ReadWebhook checks a form as the settings file is checked, and follows its
// references; environ is "NAME=value" lines. The error is a *Problem whose Key is
// the field (name, url, format, secret, events, timeout); it never repeats a secret.
//
// A reference names a variable. One to a file is refused: who may use the console
// could otherwise ask which files the server can read.
func ReadWebhook(name string, f WebhookForm, environ []string) (Webhook, error) {
	for _, r := range []struct{ key, text string }{{"url", f.URL}, {"secret", f.Secret}} {
		how, _, ok := reference(r.text)
		switch {
		case ok && how != "env":
			return Webhook{}, &Problem{Key: r.key, Text: "a file may be named in the settings file only; write env:NAME"}
		case !ok && r.key == "secret" && r.text != "":
			return Webhook{}, &Problem{Key: r.key, Text: "a key is not written here; set it in a variable where Resync runs and write env:NAME"}
		case !ok && r.key == "url" && named(r.text):
			return Webhook{}, &Problem{Key: r.key, Text: "holds a user name or password; receivers are told by their address and the signature"}
		case !ok && r.key == "url" && strings.Contains(r.text, "?"):
			return Webhook{}, &Problem{Key: r.key, Text: "who knows the part after the ? may write there; set the address in a variable where Resync runs and write env:NAME"}
		}
	}
	l := &loader{cfg: &Config{}, env: readEnviron(environ), specs: webhookSpecs(), report: &report{}, values: map[string]value{}, used: map[string]bool{}}
	want := schema(l.specs).children["webhooks"].children["targets"]
	l.section("", hookGroup+".", want, &node{isMap: true, fields: []field{{name: name, value: f.node()}}})
	l.assign()
	if len(l.problems) == 0 {
		l.checkWebhooks()
	}
	if len(l.problems) > 0 {
		p := l.problems[0]
		key, ok := strings.CutPrefix(p.Key, hookGroup+"."+name+".")
		if !ok {
			key = "name"
		}
		return Webhook{}, &Problem{Key: key, Text: p.Text}
	}
	return l.cfg.Webhooks.Targets[0], nil
}

// named reports whether an address holds a user name.
func named(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil
}

// node is the form as if it had been read from a file. What is empty is absent.
func (f WebhookForm) node() *node {
	m := &node{isMap: true}
	for _, s := range []struct{ key, text string }{{"url", f.URL}, {"format", f.Format}, {"secret", f.Secret}, {"timeout", f.Timeout}} {
		if s.text != "" {
			m.fields = append(m.fields, field{name: s.key, value: &node{isScalar: true, scalar: s.text}})
		}
	}
	if events := slices.DeleteFunc(slices.Clone(f.Events), func(e string) bool { return e == "" }); len(events) > 0 {
		list := &node{isList: true}
		for _, e := range events {
			list.items = append(list.items, &node{isScalar: true, scalar: e})
		}
		m.fields = append(m.fields, field{name: "events", value: list})
	}
	return m
}

// IsReference reports whether a text names where a secret is kept instead of being
// one; it may be shown.
func IsReference(s string) bool { return isReference(s) }
