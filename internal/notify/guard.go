package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"resync/breaker"
)

// ErrForbidden: a message would go to a place it must not go to.
var ErrForbidden = errors.New("the address is not allowed")

// Guard keeps messages from going to addresses inside, whatever name stands in a
// URL, a redirect or an answer of the DNS. The address is judged when the
// connection is made (a name that is looked up twice may mean two things).
type Guard struct {
	hosts []string
	nets  []netip.Prefix
}

// NewGuard takes what an administrator allows all the same: names of hosts,
// addresses and networks (10.1.2.0/24). A name allows addresses of this machine and
// of private networks, not those of the link (169.254.169.254 gives a cloud's keys
// away): for these the address itself has to be listed.
func NewGuard(allow []string) (*Guard, error) {
	g := &Guard{}
	for _, a := range allow {
		if err := g.add(strings.TrimSpace(a)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Guard) add(a string) error {
	if p, err := netip.ParsePrefix(a); err == nil {
		g.nets = append(g.nets, p.Masked())
		return nil
	}
	if ip, err := netip.ParseAddr(strings.Trim(a, "[]")); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		g.nets = append(g.nets, netip.PrefixFrom(ip, ip.BitLen()))
		return nil
	}
	if a == "" || strings.ContainsAny(a, "/:@*?#[]% \t") {
		return fmt.Errorf("%q is no host name, address or network; write hooks.example.com, 10.1.2.3 or 10.1.2.0/24", a)
	}
	g.hosts = append(g.hosts, plainHost(a))
	return nil
}

// plainHost is a name for comparing.
func plainHost(h string) string { return strings.TrimSuffix(strings.ToLower(h), ".") }

// named reports whether the administrator listed the name.
func (g *Guard) named(host string) bool { return slices.Contains(g.hosts, plainHost(host)) }

// CheckURL refuses a URL that must not be asked: another scheme than https (http
// only to a listed host), a user name, or an address that is forbidden as it
// stands. Its errors do not repeat the URL.
func (g *Guard) CheckURL(u *url.URL) error {
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	literal := err == nil
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%w: only https:// is, not %q", ErrForbidden, u.Scheme)
	case u.Opaque != "" || host == "":
		return fmt.Errorf("%w: it names no host", ErrForbidden)
	case u.User != nil:
		return fmt.Errorf("%w: it holds a user name", ErrForbidden)
	case u.Scheme == "http" && !g.named(host) && !(literal && g.listed(ip)):
		return fmt.Errorf("%w: http:// is not encrypted; use https://, or list the host under webhooks.allow", ErrForbidden)
	case literal:
		return g.judge(host, ip)
	}
	return nil
}

// Control is net.Dialer's ControlContext for a connection to a host as the URL
// names it: it sees the address that is about to be connected to.
func (g *Guard) Control(host string) func(ctx context.Context, network, address string, c syscall.RawConn) error {
	return func(_ context.Context, network, address string, _ syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return fmt.Errorf("%w: %s", ErrForbidden, network)
		}
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s cannot be read", ErrForbidden, address)
		}
		return g.judge(host, ap.Addr())
	}
}

// listed reports whether the address itself is allowed.
func (g *Guard) listed(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(g.nets, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// judge says whether a connection to the address may be made for the host.
func (g *Guard) judge(host string, ip netip.Addr) error {
	why := Inside(ip)
	switch {
	case why == "" || g.listed(ip):
		return nil
	case g.named(host) && (why == private || why == ownMachine):
		return nil
	}
	// Our own refusal says nothing about the receiver: its breaker does not count it.
	return breaker.Ignore(fmt.Errorf("%w: %s is %s; list it under webhooks.allow if messages shall go there", ErrForbidden, ip, why))
}

// What an address is that messages do not go to.
const (
	ownMachine = "this machine"
	private    = "in a private network"
	linkLocal  = "of the local link, where clouds keep their keys"
	special    = "not an address of a server on the Internet"
)

// specialNets are ranges of the IANA registries of special-purpose addresses that
// netip has no question for.
func specialNets() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "::/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Inside says why an address is none of a server on the Internet, "" when it is.
// IPv6 addresses that stand for an IPv4 one (mapped, NAT64, 6to4) are judged by it.
func Inside(ip netip.Addr) string {
	ip = embedded(ip.WithZone("").Unmap())
	switch {
	case !ip.IsValid():
		return special
	case ip.IsLoopback():
		return ownMachine
	case ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsInterfaceLocalMulticast():
		return linkLocal
	case ip.IsPrivate():
		if ip == netip.MustParseAddr("fd00:ec2::254") {
			return linkLocal // Amazon's address of keys
		}
		return private
	case ip.IsUnspecified():
		return ownMachine
	case ip.IsMulticast(), slices.ContainsFunc(specialNets(), func(p netip.Prefix) bool { return p.Contains(ip) }):
		return special
	}
	return ""
}

// embedded is the IPv4 address within an IPv6 one that a gateway would connect to.
func embedded(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("64:ff9b:1::/48").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip
}

// maxRedirects is how many redirects are followed.
const maxRedirects = 3

// Redirects is http.Client's CheckRedirect: at most three, each under the same
// rules, never from https to http, and only those that keep the message (307 and
// 308; after any other a client asks without a body).
func (g *Guard) Redirects(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d redirects", ErrForbidden, maxRedirects)
	case req.Method != http.MethodPost:
		return fmt.Errorf("%w: the redirect drops the message; a receiver that moved answers 307 or 308", ErrForbidden)
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w: the redirect leaves https", ErrForbidden)
	}
	return g.CheckURL(req.URL)
}
