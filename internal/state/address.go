package state

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Address is a parsed REDIS_URL.
type Address struct {
	Kind     Kind
	Hosts    []string // host:port of the servers, or of the sentinels; one path for a socket
	Master   string   // name of the master, for sentinels
	User     string
	Password string
	DB       int
	TLS      *tls.Config // nil without TLS

	SentinelUser, SentinelPassword string
}

// Kind is how the servers of an address belong together.
type Kind string

// The kinds of addresses.
const (
	Single   Kind = "single"
	Sentinel Kind = "sentinel"
	Cluster  Kind = "cluster"
	Socket   Kind = "socket"
)

// ParseAddress reads the address of a Redis or Valkey:
//
//	redis://USER:PASSWORD@HOST:6379/DB       one server (rediss:// with TLS, valkey:// alike)
//	unix:///run/redis.sock?db=DB             one server on this machine
//	redis+sentinel://USER:PASSWORD@S1:26379,S2:26379/MASTER/DB?sentinel_password=…
//	redis+cluster://USER:PASSWORD@N1:6379,N2:6379
//
// The parameters ca_file=PEM, skip_verify=true and, for a certificate of ours,
// cert_file=PEM with key_file=PEM go with TLS; sentinel_user and sentinel_password
// with sentinels. Errors never repeat the address, which may
// hold a password.
func ParseAddress(raw string) (Address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return Address{}, fmt.Errorf("the address of Redis has no scheme: write redis://HOST:PORT")
	}
	a, secure, err := kindOf(scheme)
	if err != nil {
		return a, err
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	user, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, hosts = authority[:i+1], authority[i+1:]
	}
	u, err := url.Parse("redis://" + user + "x" + tail)
	if err != nil {
		return a, fmt.Errorf("the address of Redis cannot be read; special characters of a password are written as %%XX")
	}
	if a.User, a.Password = u.User.Username(), password(u); u.Fragment != "" {
		return a, fmt.Errorf("the address of Redis has a # in it; in a password it is written as %%23")
	}
	if a.Kind == Socket {
		a.Hosts = []string{u.Path}
	} else if a.Hosts, err = hostList(hosts, a.Kind); err != nil {
		return a, err
	}
	if err := a.path(u.Path); err != nil {
		return a, err
	}
	return a, a.parameters(u.Query(), secure)
}

func kindOf(scheme string) (a Address, secure bool, err error) {
	base, form, _ := strings.Cut(strings.Replace(scheme, "-", "+", 1), "+")
	switch {
	case base == "unix" && form == "":
		return Address{Kind: Socket}, false, nil
	case !slices.Contains([]string{"redis", "rediss", "valkey", "valkeys"}, base):
		return a, false, fmt.Errorf("the address of Redis starts with %q; write redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://", scheme)
	}
	secure = base == "rediss" || base == "valkeys"
	switch form {
	case "":
		a.Kind = Single
	case "sentinel":
		a.Kind = Sentinel
	case "cluster":
		a.Kind = Cluster
	default:
		return a, false, fmt.Errorf("the address of Redis starts with %q; after the + only sentinel and cluster are known", scheme)
	}
	return a, secure, nil
}

func password(u *url.URL) string {
	pw, _ := u.User.Password()
	return pw
}

// hostList splits hosts and fills in the usual ports.
func hostList(s string, kind Kind) ([]string, error) {
	port := "6379"
	if kind == Sentinel {
		port = "26379"
	}
	var out []string
	for h := range strings.SplitSeq(s, ",") {
		host, p := h, port
		if hh, pp, err := net.SplitHostPort(h); err == nil {
			host, p = hh, pp
		}
		host = strings.Trim(host, "[]")
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 || (host == "" && s != "") {
			return nil, fmt.Errorf("the address of Redis: %q is not HOST:PORT", h)
		}
		if strings.ContainsAny(host, " /@") || (strings.Contains(host, ":") && net.ParseIP(host) == nil) {
			return nil, fmt.Errorf("the address of Redis: %q is not HOST:PORT", h)
		}
		if host == "" {
			host = "127.0.0.1"
		}
		out = append(out, net.JoinHostPort(host, p))
	}
	if kind == Single && len(out) > 1 {
		return nil, fmt.Errorf("the address of Redis names %d servers: write redis+cluster:// for a cluster, redis+sentinel:// for sentinels", len(out))
	}
	return out, nil
}

// path reads what stands behind the hosts: a database number, and the master's
// name before it.
func (a *Address) path(p string) error {
	if a.Kind == Socket {
		if p == "" || p == "/" {
			return fmt.Errorf("the address of Redis has unix:// but no path after it")
		}
		return nil
	}
	parts := strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
	if a.Kind == Sentinel {
		if len(parts) == 0 {
			return fmt.Errorf("the address of Redis names sentinels but no master: write redis+sentinel://HOSTS/MASTER")
		}
		a.Master, parts = parts[0], parts[1:]
	}
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) > 1:
		return fmt.Errorf("the address of Redis has more after the host than a database number")
	}
	return a.database(parts[0])
}

func (a *Address) database(s string) error {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil || n < 0 || n > 1_000_000:
		return fmt.Errorf("the address of Redis: %q is not the number of a database", s)
	case a.Kind == Cluster && n != 0:
		return fmt.Errorf("the address of Redis: a cluster has database 0 alone")
	}
	a.DB = n
	return nil
}

func (a *Address) parameters(q url.Values, secure bool) error {
	if secure {
		a.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	for name, values := range q {
		v := values[len(values)-1]
		switch {
		case name == "db" && a.Kind != Cluster:
			if err := a.database(v); err != nil {
				return err
			}
		case name == "sentinel_user" && a.Kind == Sentinel:
			a.SentinelUser = v
		case name == "sentinel_password" && a.Kind == Sentinel:
			a.SentinelPassword = v
		case name == "skip_verify" && secure:
			skip, err := strconv.ParseBool(v)
			if err != nil {
				return fmt.Errorf("the address of Redis: skip_verify is %q, not true or false", v)
			}
			a.TLS.InsecureSkipVerify = skip
		case name == "ca_file" && secure:
			pem, err := os.ReadFile(v)
			if err != nil {
				return fmt.Errorf("the address of Redis: ca_file: %w", err)
			}
			a.TLS.RootCAs = x509.NewCertPool()
			if !a.TLS.RootCAs.AppendCertsFromPEM(pem) {
				return fmt.Errorf("the address of Redis: ca_file %s has no certificate in it", v)
			}
		case (name == "cert_file" || name == "key_file") && secure: // read together, below
		default:
			return fmt.Errorf("the address of Redis: the parameter %q is not known here", name)
		}
	}
	return a.certificate(q.Get("cert_file"), q.Get("key_file"))
}

// certificate reads the one this program shows to Redis.
func (a *Address) certificate(cert, key string) error {
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "" || key == "":
		return fmt.Errorf("the address of Redis: cert_file and key_file go together, and one of them is missing")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the address of Redis: cert_file and key_file: %w", err)
	}
	a.TLS.Certificates = []tls.Certificate{pair}
	return nil
}
