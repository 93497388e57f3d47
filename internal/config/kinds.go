package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what may be written for a setting and how it reaches the Config.
// set's error never repeats the value of a secret.
type kind struct {
	doc      string
	list     bool // takes several values: a YAML list, or commas in a variable
	secret   bool // a reference in the file, masked when shown
	maySpell bool // a secret that may stand in the file as it is when it holds no password
	query    bool // with maySpell: and no query
	set      func(target, []string) error
	get      func(target) string // as an operator may see it
}

// text is any single line of text.
func text(at func(target) *string) kind {
	return checked("text", at, func(string) error { return nil })
}

// checked is text that must pass check.
func checked(doc string, at func(target) *string, check func(string) error) kind {
	return kind{
		doc: doc,
		set: func(t target, v []string) error {
			if strings.ContainsFunc(v[0], func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return fmt.Errorf("contains a control character")
			}
			if err := check(v[0]); err != nil {
				return err
			}
			*at(t) = v[0]
			return nil
		},
		get: func(t target) string { return *at(t) },
	}
}

// oneOf is one of the given words, in any case.
func oneOf(at func(target) *string, words ...string) kind {
	doc := "one of " + strings.Join(words, ", ")
	return kind{
		doc: doc,
		set: func(t target, v []string) error {
			w := strings.ToLower(v[0])
			if !slices.Contains(words, w) {
				return fmt.Errorf("%q is not %s%s", v[0], doc, didYouMean(w, words))
			}
			*at(t) = w
			return nil
		},
		get: func(t target) string { return *at(t) },
	}
}

// boolean is true, yes, on or 1, or the opposite.
func boolean(at func(target) *bool) kind {
	return kind{
		doc: "true or false",
		set: func(t target, v []string) error {
			switch strings.ToLower(v[0]) {
			case "true", "yes", "on", "1":
				*at(t) = true
			case "false", "no", "off", "0":
				*at(t) = false
			default:
				return fmt.Errorf("%q is not true or false", v[0])
			}
			return nil
		},
		get: func(t target) string { return strconv.FormatBool(*at(t)) },
	}
}

// integer is a whole number in a range.
func integer(at func(target) *int, low, high int) kind {
	doc := fmt.Sprintf("number %d to %d", low, high)
	return kind{
		doc: doc,
		set: func(t target, v []string) error {
			n, err := strconv.Atoi(v[0])
			if err != nil || n < low || n > high {
				return fmt.Errorf("%q is not a %s", v[0], doc)
			}
			*at(t) = n
			return nil
		},
		get: func(t target) string { return strconv.Itoa(*at(t)) },
	}
}

// duration is a Go duration ("90s", "15m") in a range.
func duration(at func(target) *time.Duration, low, high time.Duration) kind {
	doc := "duration " + shortDuration(low) + " to " + shortDuration(high)
	return kind{
		doc: doc,
		set: func(t target, v []string) error {
			d, err := time.ParseDuration(v[0])
			if err != nil {
				return fmt.Errorf("%q is not a duration: write a number with its unit, such as 90s or 15m", v[0])
			}
			if d < low || d > high {
				return fmt.Errorf("%s is outside %s to %s", v[0], shortDuration(low), shortDuration(high))
			}
			*at(t) = d
			return nil
		},
		get: func(t target) string { return shortDuration(*at(t)) },
	}
}

// seconds is a duration that may also be a plain number of seconds ("0.5"), as
// the contract's variables have it.
func seconds(at func(target) *time.Duration, low, high time.Duration) kind {
	k := duration(at, low, high)
	set := k.set
	k.doc += ", or a number of seconds"
	k.set = func(t target, v []string) error {
		if _, err := strconv.ParseFloat(v[0], 64); err == nil {
			v = []string{v[0] + "s"}
		}
		return set(t, v)
	}
	return k
}

// shortDuration prints 15m0s as 15m and 24h0m0s as 24h.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// urls is a list of web addresses.
func urls(at func(target) *[]string) kind {
	return kind{
		doc: "list of https:// addresses", list: true,
		set: func(t target, v []string) error {
			out := make([]string, len(v))
			for i, s := range v {
				if err := checkWebURL(s); err != nil {
					return err
				}
				out[i] = strings.TrimRight(s, "/")
				if slices.Contains(out[:i], out[i]) {
					return fmt.Errorf("names the same address twice: %s", out[i])
				}
			}
			*at(t) = out
			return nil
		},
		get: func(t target) string { return strings.Join(*at(t), ", ") },
	}
}

// webURL is one web address.
func webURL(at func(target) *string) kind {
	return checked("http:// or https:// address", at, checkWebURL)
}

// checkWebURL accepts an absolute web address without user, query and fragment.
// Its errors do not repeat the address, which may hold a password.
func checkWebURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Errorf("is not a valid address")
	case u.User != nil:
		return fmt.Errorf("holds a user name or password; write them under their own keys")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return fmt.Errorf("is not an address such as https://host:31116")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("has a query or a fragment after the path; leave them out")
	}
	return checkPort(u.Port(), true)
}

// checkPort accepts 1 to 65535, and nothing when optional.
func checkPort(s string, optional bool) error {
	if s == "" && optional {
		return nil
	}
	if n, err := strconv.Atoi(s); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q is not a port: write a number from 1 to 65535", s)
	}
	return nil
}

// port is a TCP port.
func port(at func(target) *string) kind {
	return checked("number 1 to 65535", at, func(s string) error { return checkPort(s, false) })
}

// host is a host name or an IP address, without scheme and port.
func host(at func(target) *string) kind {
	return checked("host name", at, func(s string) error {
		switch {
		case strings.Contains(s, "://"):
			return fmt.Errorf("is a whole address; write only the host here, or the address under urls")
		case net.ParseIP(s) != nil:
			return nil
		case strings.ContainsAny(s, ":/@?#[] \t"):
			return fmt.Errorf("%q is not a host name", s)
		}
		return nil
	})
}

// hostPort is an address to listen on. Port 0 asks for a free one.
func hostPort(at func(target) *string) kind {
	return checked("host:port", at, func(s string) error {
		_, p, err := net.SplitHostPort(s)
		if err != nil {
			return fmt.Errorf("%q is not host:port, such as 127.0.0.1:8080", s)
		}
		if p == "0" {
			return nil
		}
		return checkPort(p, false)
	})
}

// file is the path of an existing regular file.
func file(at func(target) *string) kind {
	return checked("path of a file", at, func(s string) error {
		st, err := os.Stat(s)
		if err != nil {
			return fmt.Errorf("cannot use the file: %w", err)
		}
		if !st.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", s)
		}
		return nil
	})
}

// secret is a text that is never shown.
func secret(at func(target) *Secret) kind {
	return kind{
		doc: "secret", secret: true,
		set: func(t target, v []string) error {
			*at(t) = NewSecret(v[0])
			return nil
		},
		get: func(t target) string { return at(t).String() },
	}
}

// dbURL is the address of a database.
func dbURL(at func(target) *Secret) kind {
	return addressSecret(at, "sqlite:PATH or postgres:// address", func(s string) error {
		if rest, ok := strings.CutPrefix(s, "sqlite:"); ok {
			if strings.TrimLeft(rest, "/") == "" {
				return fmt.Errorf("has sqlite: but no file after it")
			}
			return nil
		}
		return checkScheme(s, "sqlite:PATH or postgres://USER@HOST/NAME", "postgres", "postgresql")
	})
}

// redisURL is the address of a Redis or Valkey, or of several.
func redisURL(at func(target) *Secret) kind {
	return addressSecret(at, "redis:// address", func(s string) error {
		var schemes []string
		for _, base := range []string{"redis", "rediss", "valkey", "valkeys"} {
			schemes = append(schemes, base, base+"+sentinel", base+"-sentinel", base+"+cluster", base+"-cluster")
		}
		return checkScheme(s, "redis://HOST:PORT/N", append(schemes, "unix")...)
	})
}

// oneHost keeps the first of several hosts, so that an address of Redis
// sentinels can be parsed; hosts are all of them.
func oneHost(s string) (first, hosts string) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s, ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	start := strings.LastIndexByte(rest[:end], '@') + 1
	hosts = rest[start:end]
	host, _, _ := strings.Cut(hosts, ",")
	return scheme + "://" + rest[:start] + host + rest[end:], hosts
}

// addressSecret is an address that may hold a password.
func addressSecret(at func(target) *Secret, doc string, check func(string) error) kind {
	return kind{
		doc: doc, secret: true, maySpell: true,
		set: func(t target, v []string) error {
			if err := check(v[0]); err != nil {
				return err
			}
			*at(t) = NewSecret(v[0])
			return nil
		},
		get: func(t target) string { return withoutPassword(at(t).Reveal()) },
	}
}

// checkScheme accepts an address with one of the schemes and a host. Its
// errors do not repeat the address, which may hold a password.
func checkScheme(s, example string, schemes ...string) error {
	s, _ = oneHost(s)
	u, err := url.Parse(s)
	if err != nil || !slices.Contains(schemes, u.Scheme) || (u.Host == "" && u.Path == "") {
		return fmt.Errorf("is not %s", example)
	}
	return nil
}

// urlPasswords returns the passwords inside an address: the one before the @ and
// the parameters that hold one.
func urlPasswords(s string) []string {
	s, _ = oneHost(s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "sqlite" {
		return nil
	}
	own, _ := u.User.Password()
	return slices.DeleteFunc([]string{own, u.Query().Get("password"), u.Query().Get("sentinel_password")}, func(p string) bool { return p == "" })
}

// withoutPassword is the address as it may be shown. What cannot be parsed is
// masked as a whole.
func withoutPassword(s string) string {
	one, hosts := oneHost(s)
	u, err := url.Parse(one)
	switch {
	case s == "", strings.HasPrefix(s, "sqlite:"):
		return s
	case err != nil:
		return mask
	case len(urlPasswords(s)) == 0:
		return s
	}
	return u.Scheme + "://" + u.User.Username() + ":" + mask + "@" + hosts + u.Path
}
