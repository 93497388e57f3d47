package faultnet_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"resync/internal/faultnet"
)

// A front presents the certificate it was told to, also to who was connected
// before.
func TestFrontShowsAnotherCertificate(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	t.Cleanup(srv.Close)
	own, err := faultnet.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := faultnet.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := own.Issue(t, now.Add(-time.Hour), now.Add(time.Hour))
	f := faultnet.NewFront(t, srv.Listener.Addr().String(), false, good)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own.PEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	for _, tt := range []struct {
		cert tls.Certificate
		says string
	}{
		{good, ""}, {own.Issue(t, now.Add(-2*time.Hour), now.Add(-time.Hour)), "expired"}, {other.Issue(t, now.Add(-time.Hour), now.Add(time.Hour)), "unknown authority"}, {good, ""},
	} {
		f.Show(tt.cert)
		resp, err := client.Get("https://" + f.Addr())
		if err != nil && strings.Contains(err.Error(), "reset") {
			resp, err = client.Get("https://" + f.Addr()) // the first found the connection that Show has ended
		}
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v, want %q", err, tt.says)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
	}
}
