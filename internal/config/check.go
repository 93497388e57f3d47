package config

import (
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// minSecretKey and minPassword are the contract's least lengths in characters.
const (
	minSecretKey = 32
	minPassword  = 8
)

// check looks at what several settings mean together, and fills in what
// follows from others.
func (l *loader) check() {
	l.checkServer()
	l.checkAdmin()
	for i := range l.cfg.Engines {
		l.checkEngine(&l.cfg.Engines[i])
	}
	l.chooseDefaultEngine()
	l.checkLLM()
	l.checkEmbedder()
	l.checkIndex()
	l.checkReranker()
	l.checkWebhooks()
	if l.cfg.Database.URL.IsZero() {
		l.cfg.Database.URL = NewSecret("sqlite:" + filepath.Join(l.cfg.DataDir, "resync.db"))
		l.show("database.url", l.cfg.Database.URL.Reveal(), Origin{})
	}
	l.readStrategy()
	l.warnNoEffect()
}

// warnNoEffect says of settings of the contract that this version cannot use,
// so that nobody waits for their effect.
func (l *loader) warnNoEffect() {
	for _, k := range []struct{ key, why string }{
		{"server.secret_key", "it signs nothing; sessions are random values kept in the database"},
	} {
		if o := l.origin(k.key); o.Layer != Default {
			l.warn(k.key, o, "is set, but has no effect in this version of Resync: %s", k.why)
		}
	}
}

// origin returns where a key's value comes from.
func (l *loader) origin(key string) Origin {
	o, _ := l.cfg.Origin(key)
	return o
}

// show sets what Values says about a key whose value follows from another one,
// which has the given origin.
func (l *loader) show(key, text string, o Origin) {
	for i := range l.cfg.values {
		if l.cfg.values[i].Name == key {
			l.cfg.values[i].Text, l.cfg.values[i].Origin = text, o
		}
	}
}

// checkServer looks at the listener and its certificate.
func (l *loader) checkServer() {
	s := l.cfg.Server
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		l.add("server.tls", l.origin("server.tls.cert"), "cert and key belong together; one of them is missing")
	}
	if !s.SecretKey.IsZero() && len([]rune(s.SecretKey.Reveal())) < minSecretKey {
		l.add("server.secret_key", l.origin("server.secret_key"), "is shorter than %d characters", minSecretKey)
	}
	if s.TLS.Cert == "" && !loopback(s.Addr) && !strings.HasPrefix(s.BaseURL, "https://") {
		l.warn("server.addr", l.origin("server.addr"), "the console is open to other machines without TLS: passwords and sessions travel readable. Set server.tls, or server.base_url to the https:// address of the proxy in front")
	}
}

// loopback reports whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkAdmin refuses passwords that everybody would try first.
func (l *loader) checkAdmin() {
	a, key := l.cfg.Admin, "admin.password"
	if a.Password.IsZero() {
		return
	}
	pw := a.Password.Reveal()
	known := []string{"password", "admin", "administrator", "change_me_please", "changeme", "12345678", "letmein", "resync", "secret"}
	stem := strings.ToLower(strings.TrimRight(pw, "0123456789!.?"))
	switch {
	case len([]rune(pw)) < minPassword:
		l.add(key, l.origin(key), "is shorter than %d characters", minPassword)
	case slices.Contains(known, stem), slices.Contains(known, strings.ToLower(pw)), strings.EqualFold(pw, a.Username):
		l.add(key, l.origin(key), "is one of the passwords everybody tries first")
	}
}

// checkEngine completes an engine's addresses and looks at its credentials.
func (l *loader) checkEngine(e *Engine) {
	prefix := "engines." + e.Name + "."
	urlsAt, hostAt := l.origin(prefix+"urls"), l.origin(prefix+"host")
	switch {
	case e.host != "" && len(e.URLs) > 0 && urlsAt.Layer == hostAt.Layer:
		l.add(prefix+"host", hostAt, "urls is given too; keep one of them")
	case e.host != "" && hostAt.Layer >= urlsAt.Layer: // the environment over the file
		e.URLs = []string{"https://" + net.JoinHostPort(e.host, e.port)}
		l.show(prefix+"urls", e.URLs[0], hostAt)
	case len(e.URLs) == 0:
		l.add(prefix+"urls", Origin{}, "the engine has no address: set urls, or host and port")
	}
	if !e.Token.IsZero() && !e.Password.IsZero() {
		l.add(prefix+"token", l.origin(prefix+"token"), "a password is given too; keep one of them")
	}
	if (e.Username == "") != e.Password.IsZero() {
		l.add(prefix+"username", l.origin(prefix+"username"), "user name and password belong together; one of them is missing")
	}
	if e.Username == "" && e.Token.IsZero() && e.Password.IsZero() {
		l.warn(prefix+"username", l.origin(prefix+"urls"), "no user name, password or token is set; a real engine will refuse every request")
	}
	for _, u := range e.URLs {
		p, err := url.Parse(u)
		if err != nil || p.Scheme != "http" || loopback(net.JoinHostPort(p.Hostname(), "0")) {
			continue
		}
		if !e.PlainHTTP {
			l.add(prefix+"urls", l.origin(prefix+"urls"), "%s is not encrypted: the engine's password would travel readable. Use https://, or set allow_plain_http: true for this engine", u)
			continue
		}
		l.warn(prefix+"urls", l.origin(prefix+"urls"), "%s is not encrypted: the engine's password travels readable", u)
	}
}

// chooseDefaultEngine settles which engine is meant when none is named.
func (l *loader) chooseDefaultEngine() {
	c := l.cfg
	names := make([]string, len(c.Engines))
	for i, e := range c.Engines {
		names[i] = e.Name
	}
	switch {
	case c.DefaultEngine != "" && !slices.Contains(names, c.DefaultEngine):
		l.add("default_engine", l.origin("default_engine"), "there is no engine %q%s", c.DefaultEngine, didYouMean(c.DefaultEngine, names))
	case c.DefaultEngine != "" || len(names) == 0:
		return
	case slices.Contains(names, defaultEngine):
		c.DefaultEngine = defaultEngine
	default:
		c.DefaultEngine = names[0]
	}
	l.show("default_engine", c.DefaultEngine, Origin{})
}
