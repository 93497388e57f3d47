package hwa

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// Client speaks to one engine, over one or more addresses of it. It is safe for concurrent use. Make it with New.
type Client struct {
	cfg     Config // without secrets
	hosts   []*host
	current atomic.Int32 // index of the host that answered last
	auth    func(*http.Request)
	scrub   func(string) string
}

type host struct {
	base *url.URL
	http *http.Client
}

// New checks the configuration and makes a client. It does not connect: use EngineInfo as the first probe.
func New(cfg Config) (*Client, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Client{auth: cfg.authorize(), scrub: cfg.scrub()}
	for _, s := range cfg.BaseURLs {
		base, err := cfg.parseBase(s)
		if err != nil {
			return nil, err
		}
		transport, err := cfg.transport(base.Hostname())
		if err != nil {
			return nil, err
		}
		c.hosts = append(c.hosts, &host{base: base, http: &http.Client{
			Transport: transport,
			// The API never redirects. Following one would carry the request, and maybe the login, elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	}
	cfg.Password, cfg.Token = "", ""
	c.cfg = cfg
	return c, nil
}

// Close drops idle connections. The client may be used afterwards.
func (c *Client) Close() {
	for _, h := range c.hosts {
		h.http.CloseIdleConnections()
	}
}

// String names the engine's addresses.
func (c *Client) String() string {
	names := make([]string, len(c.hosts))
	for i, h := range c.hosts {
		names[i] = h.base.String()
	}
	return fmt.Sprintf("hwa.Client(%s)", strings.Join(names, ", "))
}

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// BaseURL returns the address that answered last (at first the first configured one), e.g. to show it or to build a link.
func (c *Client) BaseURL() string { return c.hosts[c.current.Load()].base.String() }
