package hwa

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"resync/breaker"
)

const apiPath = "/twsd/api/v2"

// Config says where the engine is and how to speak to it. Only BaseURLs and one way to log in are required.
type Config struct {
	// BaseURLs are the addresses of the master and its backups, e.g. "https://master:31116". The API's path /twsd/api/v2 is
	// added where it is missing. Reads go to the first that answers; a write goes to the one that answered last.
	BaseURLs []string

	// Username and Password log in with Basic authentication.
	Username string
	Password string `json:"-"`

	// Token is an API key (JWT) from the console's "Manage API Keys". It wins over Username and Password.
	Token string `json:"-"`

	// CAFile holds PEM certificates trusted in addition to the system's.
	CAFile string

	// InsecureHosts names the hosts (without port) whose certificate is not verified. There is no switch for all hosts.
	InsecureHosts []string

	// AllowPlainHTTP lets credentials travel unencrypted to hosts other than this machine.
	AllowPlainHTTP bool

	// Timeout bounds the time spent waiting for one answer, its body included; time the caller spends between two items of a
	// list does not count. Default 30 s. The deadline of the caller's context applies as well.
	Timeout time.Duration

	// Attempts is how often a read is tried at most, over all hosts; at least every host is tried once. Default 3.
	Attempts int

	// Backoff is the pause before a read is repeated on a host already tried; it doubles each time, with jitter. Default 250 ms.
	Backoff time.Duration

	// PageSize is the number of objects asked for at once in lists, 1 to 10,000. Default 1,000.
	PageSize int

	// MaxResponse bounds the size of one answer in bytes, decompressed. Default 64 MiB.
	MaxResponse int64

	// UserAgent is sent with every request. Default "resync".
	UserAgent string

	// Header completes the head of every request, such as with a traceparent; nil means nothing. It must not block.
	Header func(context.Context, http.Header) `json:"-"`

	// Observer sees every attempt; nil means none.
	Observer Observer

	// Breaker refuses attempts while the engine is down; nil means none. A refused attempt fails at once with KindUnreachable and
	// an *breaker.OpenError as its cause: nothing was sent. One breaker stands before all addresses of the engine.
	Breaker *breaker.Breaker

	// Retries bounds how often reads are repeated, over all calls; nil stands for a tenth of the reads that succeed and a reserve of 10. The first try
	// at each address is not a repetition.
	Retries *breaker.Budget

	// Transport replaces the HTTP transport, e.g. in tests. CAFile and InsecureHosts then must be empty.
	Transport http.RoundTripper
}

// Observer sees every attempt at a request. Methods must be safe for concurrent use.
type Observer interface {
	// Before is called before the attempt. An error refuses it: a circuit breaker returns one while it is open. The attempt
	// then fails with KindUnreachable without anything being sent.
	Before(ctx context.Context, a Attempt) error
	// After is called with the outcome.
	After(ctx context.Context, a Attempt)
}

// Attempt is one attempt at a request. Status, Duration, Kind and Outage are set in After only.
type Attempt struct {
	Op       string        // stable name such as "hold_job": fit for a metric's label
	Host     string        // host:port asked
	Number   int           // 1 for the first attempt
	Write    bool          // the request may change something
	Status   int           // HTTP status, 0 when no answer came
	Duration time.Duration // until the answer was read and processed
	Kind     Kind          // "" for success
	Outage   bool          // Error.CountsAsOutage
}

// String shows the configuration without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("hwa.Config{BaseURLs:%q Login:%s}", c.redactedURLs(), c.login())
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is the configuration without its secrets, for slog.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("base_urls", c.redactedURLs()), slog.String("login", c.login()))
}

func (c Config) login() string {
	switch {
	case c.Token != "":
		return "api key"
	case c.Username != "":
		return "user " + c.Username
	}
	return "none"
}

func (c Config) redactedURLs() []string {
	out := make([]string, len(c.BaseURLs))
	for i, s := range c.BaseURLs {
		if u, err := url.Parse(s); err == nil {
			out[i] = u.Redacted()
		} else {
			out[i] = "(not a URL)"
		}
	}
	return out
}

func (c *Config) setDefaults() {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	if c.Backoff == 0 {
		c.Backoff = 250 * time.Millisecond
	}
	if c.PageSize == 0 {
		c.PageSize = 1000
	}
	if c.MaxResponse == 0 {
		c.MaxResponse = 64 << 20
	}
	if c.UserAgent == "" {
		c.UserAgent = "resync"
	}
	if c.Retries == nil {
		c.Retries = breaker.NewBudget(0.1, 10)
	}
}

func (c *Config) validate() error {
	switch {
	case len(c.BaseURLs) == 0:
		return errors.New("hwa: BaseURLs is empty: give the address of the engine, e.g. https://master:31116")
	case c.Token == "" && (c.Username == "" || c.Password == ""):
		return errors.New("hwa: no login: give Token, or Username and Password")
	case strings.ContainsAny(c.Token, "\r\n ") || strings.ContainsAny(c.Username, ":\r\n"):
		return errors.New("hwa: Token or Username contains a character that cannot be sent")
	case c.Timeout < 0 || c.Attempts < 1 || c.Backoff < 0 || c.MaxResponse < 1:
		return errors.New("hwa: Timeout, Attempts, Backoff and MaxResponse must be positive")
	case c.PageSize < 1 || c.PageSize > 10000:
		return fmt.Errorf("hwa: PageSize is %d, want 1 to 10000", c.PageSize)
	case c.Transport != nil && (c.CAFile != "" || len(c.InsecureHosts) > 0):
		return errors.New("hwa: CAFile and InsecureHosts have no effect on a Transport of your own")
	case slices.ContainsFunc(c.InsecureHosts, func(h string) bool { return h == "" || strings.ContainsAny(h, "*:/ ") }):
		return errors.New("hwa: InsecureHosts wants plain host names, without wildcard and port")
	}
	return nil
}

// parseBase checks one base URL and completes its path.
func (c *Config) parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("hwa: a base URL cannot be parsed")
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("hwa: base URL for host %s contains a user: use Username and Password", u.Host)
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, fmt.Errorf("hwa: base URL %q must look like https://host:port", s)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("hwa: base URL %q must not have a query or fragment", s)
	case u.Scheme == "http" && !c.AllowPlainHTTP && !loopback(u.Hostname()):
		return nil, fmt.Errorf("hwa: base URL %q would send the password unencrypted: use https or set AllowPlainHTTP", s)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	switch {
	case strings.HasSuffix(u.Path, "/api/v2"):
	case strings.HasSuffix(u.Path, "/twsd"):
		u.Path += "/api/v2"
	default:
		u.Path += apiPath
	}
	u.RawPath = ""
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// transport makes the transport for one host. Each host has its own so that verification is off for the named ones only.
func (c *Config) transport(host string) (http.RoundTripper, error) {
	if c.Transport != nil {
		return c.Transport, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 8
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: slices.Contains(c.InsecureHosts, host)}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("hwa: reading CAFile: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("hwa: CAFile %s holds no PEM certificate", c.CAFile)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// authorize returns the function that adds the login to a request. It is a closure so that printing a Client shows no secret.
func (c *Config) authorize() func(*http.Request) {
	value := "Bearer " + c.Token
	if c.Token == "" {
		value = "Basic " + basic(c.Username, c.Password)
	}
	return func(r *http.Request) { r.Header.Set("Authorization", value) }
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// scrub returns the function that removes the secrets from the engine's words, should it echo them. A password too short to be
// told from ordinary text is left to chance.
func (c *Config) scrub() func(string) string {
	var pairs []string
	for _, secret := range []string{c.Token, basic(c.Username, c.Password), c.Password} {
		if len(secret) >= 4 {
			pairs = append(pairs, secret, "[secret]", url.QueryEscape(secret), "[secret]")
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
