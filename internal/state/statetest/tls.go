package statetest

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resync/internal/faultnet"
)

// Secured is a redis-server that also speaks TLS, with a certificate of an
// authority of its own.
type Secured struct {
	*Server
	TLSAddr string
	CAFile  string // PEM of the authority, which is the server's own certificate
	KeyFile string // PEM of its key
}

// StartTLS runs a server until the test ends; its certificate is good from
// notBefore to notAfter.
func StartTLS(t testing.TB, notBefore, notAfter time.Time, args ...string) *Secured {
	t.Helper()
	Need(t, serverProgram())
	if out, _ := exec.Command(serverProgram(), "--port", "0", "--tls-port", "1").Output(); strings.Contains(string(out), "Failed finding TLS support") { // it ends at once, for want of a certificate or of TLS
		t.Skipf("SKIPPED: %s was built without TLS", serverProgram())
	}
	cert, _ := faultnet.Certificate(t, notBefore, notAfter)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := &Secured{TLSAddr: freeAddr(t), CAFile: file("cert.pem", "CERTIFICATE", cert.Certificate[0]), KeyFile: file("key.pem", "PRIVATE KEY", key)}
	_, port, _ := net.SplitHostPort(s.TLSAddr)
	s.Server = Start(t, append([]string{"--tls-port", port, "--tls-cert-file", s.CAFile, "--tls-key-file", s.KeyFile,
		"--tls-ca-cert-file", s.CAFile, "--tls-auth-clients", "no"}, args...)...)
	return s
}

// URL is the server's address for REDIS_URL, over TLS.
func (s *Secured) URL() string {
	return "rediss://" + s.TLSAddr + "?ca_file=" + url.QueryEscape(s.CAFile)
}
