package state

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"resync/internal/faultnet"
)

// TestTheLastWordIsHeard: a server that wants a certificate of ours has said so and
// reset the connection before anything is written to it.
func TestTheLastWordIsHeard(t *testing.T) {
	cert, roots := faultnet.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	other, _ := faultnet.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for name, tt := range map[string]struct {
		ours  []tls.Certificate
		wants tls.ClientAuthType
		says  string // what an operator is told
	}{
		"none":      {nil, tls.RequireAndVerifyClientCert, "Redis asks for a certificate of Resync"},
		"another's": {[]tls.Certificate{other}, tls.RequireAndVerifyClientCert, "Redis does not accept the certificate of Resync"},
		"no alert":  {nil, tls.NoClientCert, "Redis closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				conn, err := ln.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: roots, ClientAuth: tt.wants})
				if err := s.Handshake(); (err == nil) != (tt.wants == tls.NoClientCert) {
					t.Errorf("the server's side of the handshake: %v", err)
				}
				if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // closing resets
					t.Error(err)
				}
				conn.Close()
			}()
			handshaken, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: roots, Certificates: tt.ours, ServerName: "localhost"})
			if err != nil {
				t.Fatal(err)
			}
			defer handshaken.Close()
			conn := secured{handshaken}
			<-gone
			for err == nil { // the reset may still be on its way
				_, err = conn.Write([]byte("PING\r\n"))
			}
			if said := explain(err); !strings.HasPrefix(said, tt.says) {
				t.Errorf("told is %q (%v), want %q", said, err, tt.says)
			}
		})
	}
}

// TestDistrust: which certificate, and what to do about it.
func TestDistrust(t *testing.T) {
	for says, err := range map[string]error{
		"is not for redis.example: write a name": x509.HostnameError{Host: "redis.example", Certificate: &x509.Certificate{}},
		"?ca_file=PATH":                          x509.UnknownAuthorityError{},
		"have it renewed":                        x509.CertificateInvalidError{Reason: x509.Expired},
	} {
		if got := distrust(err); !strings.Contains(got, says) {
			t.Errorf("%v: %q, want %q", err, got, says)
		}
	}
}
