package faultnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// Authority signs certificates for 127.0.0.1 and localhost.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody trusts yet.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("faultnet: key of an authority: %w", err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "faultnet authority"}, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("faultnet: certificate of an authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("faultnet: certificate of an authority: %w", err)
	}
	return &Authority{cert, key}, nil
}

// PEM is the authority's own certificate, for a file of trusted ones such as
// SSL_CERT_FILE names.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Issue signs a certificate that is good for the given time.
func (a *Authority) Issue(t testing.TB, notBefore, notAfter time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("faultnet: key: %v", err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "faultnet"}, NotBefore: notBefore, NotAfter: notAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatalf("faultnet: certificate: %v", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Front speaks TLS before a server that does not, with a certificate that can be
// changed while it runs: the certificate that expires on a Sunday.
type Front struct {
	upstream string
	postgres bool
	ln       net.Listener

	mu   sync.Mutex
	cert tls.Certificate
	open map[net.Conn]struct{}
	wg   sync.WaitGroup
}

// NewFront starts a front before the server at the address; it ends with the test.
// With postgres it first waits for PostgreSQL's request for encryption.
func NewFront(t testing.TB, upstream string, postgres bool, cert tls.Certificate) *Front {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("faultnet: listen: %v", err)
	}
	f := &Front{upstream: upstream, postgres: postgres, ln: ln, cert: cert, open: map[net.Conn]struct{}{}}
	f.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close() // the test is over
		f.Show(cert)
		f.wg.Wait()
	})
	return f
}

// Addr is host:port of the front.
func (f *Front) Addr() string { return f.ln.Addr().String() }

// Show presents another certificate from now on and resets what is open.
func (f *Front) Show(cert tls.Certificate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cert = cert
	for c := range f.open {
		reset(c)
	}
}

func (f *Front) serve(c net.Conn) {
	f.mu.Lock()
	cert := f.cert
	f.open[c] = struct{}{}
	f.mu.Unlock()
	defer func() {
		_ = c.Close() // what it carried is over
		f.mu.Lock()
		delete(f.open, c)
		f.mu.Unlock()
	}()
	if f.postgres && !sslRequest(c) {
		return
	}
	secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if secure.Handshake() != nil {
		return // the client does not like the certificate
	}
	s, err := net.Dial("tcp", f.upstream)
	if err != nil {
		reset(c)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(s, secure); _ = s.Close() })
	both.Go(func() { _, _ = io.Copy(secure, s); _ = secure.Close() })
	both.Wait()
}

// sslRequest reads PostgreSQL's request for encryption and grants it.
func sslRequest(c net.Conn) bool {
	const code = 80877103 // SSLRequest, PostgreSQL documentation, "Message Formats"
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil || binary.BigEndian.Uint32(head[4:]) != code {
		return false
	}
	_, err := c.Write([]byte{'S'})
	return err == nil
}
