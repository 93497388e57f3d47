package state

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// call is one question to Redis, asked through the client that is given.
type call func(context.Context, redis.UniversalClient) error

// again makes a call that may run twice. The pool drops connections whose end it
// can see, but one that a proxy or a dead machine has forgotten breaks only when it
// is written to: then the call is made once more, within the same time, on a
// connection that is new or has just been used. A Redis that is silent is not asked
// again.
func (r *remote) again(ctx context.Context, first redis.UniversalClient, c call) error {
	err := c(ctx, first)
	if !broke(err) || ctx.Err() != nil {
		return err
	}
	return c(ctx, r.fresh)
}

// broke reports a connection that ended under a call. One that could not be made is
// another matter.
func broke(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// freshOptions are those of the client of second attempts: what has been idle is
// not used.
func freshOptions(a Address) *redis.UniversalOptions {
	o := options(a, clientPool)
	o.ConnMaxIdleTime, o.MaxIdleConns = time.Millisecond, 1
	return o
}

// secured is a connection with TLS whose end the pool can see before it uses it:
// the client looks at connections that have a socket, and crypto/tls hides it. What
// has arrived unasked, such as the message that ends TLS, makes it as good as
// closed; the client asks in RESP2, in which a server never speaks first.
type secured struct{ *tls.Conn }

// SyscallConn is that of the connection below.
func (c secured) SyscallConn() (syscall.RawConn, error) {
	below, ok := c.NetConn().(syscall.Conn)
	if !ok {
		return nil, errors.New("the connection below TLS has no socket")
	}
	return below.SyscallConn()
}

// Write writes. A server that does not accept our certificate, or misses one, says so
// after our side of the handshake is over, and ends the connection: the client sees that
// in its first writing, and would not read any more.
func (c secured) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if broke(err) {
		err = cmp.Or(c.lastWord(), err)
	}
	return n, err
}

// lastWord is the alert that has arrived on a connection which cannot be written to,
// when it is about a certificate.
func (c secured) lastWord() error {
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		return nil
	}
	_, err := c.Read(make([]byte, 1))
	if err == nil || !ofCertificate(err) {
		return nil
	}
	return err
}

// ofCertificate reports an alert of the other side about a certificate of ours.
func ofCertificate(err error) bool {
	text := err.Error()
	return strings.Contains(text, "remote error: tls: ") && strings.Contains(text, "certificate")
}

// dialTLS makes secured connections.
func dialTLS(config *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTime, KeepAlive: 5 * time.Minute}, Config: config}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return secured{conn.(*tls.Conn)}, nil // as DialContext promises
	}
}

// distrust says which certificate is not accepted and what to do; "" when the error
// is another.
func distrust(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate of Redis has expired or is not valid yet: have it renewed, or set this machine's clock right"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate of Redis is signed by an authority this machine does not know: name its PEM file in redis.url, as ?ca_file=PATH"
	}
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate of Redis is not for " + other.Host + ": write a name in redis.url that the certificate has"
	}
	if strings.Contains(err.Error(), "tls: certificate required") {
		return "Redis asks for a certificate of Resync: name it in redis.url, as ?cert_file=PATH&key_file=PATH"
	}
	if ofCertificate(err) {
		return "Redis does not accept the certificate of Resync: name one in redis.url, as ?cert_file=PATH&key_file=PATH, that its authority has signed"
	}
	return ""
}
