package failover_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// gateway is a proxy without any care: it passes on what A says and takes every
// end for the end.
type gateway struct{ URL, A string }

func careless(t *testing.T) gateway {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a free port for A
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+addr+"/v1/chat/completions", r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		buf := make([]byte, 512)
		for {
			n, err := resp.Body.Read(buf)
			_, _ = w.Write(buf[:n])
			_ = http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	return gateway{srv.URL, addr}
}

// wrongs are scenarios and what the judge must call the careless gateway's
// answer.
func wrongs() map[string]string {
	return map[string]string{
		"plain-500": "error 500", "plain-html": "nothing that looks like success", "plain-no-choices": "nothing that looks like success",
		"stream-clean-close": "a part that looks whole", "stream-cut": "a part that looks whole", "stream-empty-stream": "nothing that looks like success",
		"stream-stall": "hang", "plain-hang": "hang", "plain-error-200": "error 200",
	}
}
