package openai_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resync/llm"
	"resync/llm/openai"
)

// long answers with a text of many bytes.
type long int

func (long) Info() llm.Info { return llm.Info{Provider: "p", Model: "m"} }

func (n long) Complete(context.Context, llm.Call) (*llm.Response, error) {
	raw, err := json.Marshal(map[string]string{"text": strings.Repeat("x", int(n))})
	return &llm.Response{Content: "x", Raw: raw, Usage: llm.Usage{InputTokens: 1, OutputTokens: 2}}, err
}

func (long) Stream(context.Context, llm.Call) (llm.Stream, error) { return nil, io.EOF }

// one is a listener with one connection.
type one struct {
	conns chan net.Conn
	once  sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *one) Close() error   { l.once.Do(func() { close(l.conns) }); return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

// TestAReaderWhoStopsHoldsNothingUp: an answer that nobody reads is given up after a
// time, and its costs are booked.
func TestAReaderWhoStopsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var noted []time.Duration // since the beginning
		begun := time.Now()
		c, err := llm.New(llm.Options{Targets: []llm.Target{{Name: "A", Model: long(1 << 20)}},
			Done: func(context.Context, llm.Outcome) { noted = append(noted, time.Since(begun)) }})
		if err != nil {
			t.Fatal(err)
		}
		end := &openai.Server{Chain: c}
		here, there := net.Pipe() // which takes a byte only when it is read
		ln := &one{conns: make(chan net.Conn, 1)}
		ln.conns <- there
		srv := &http.Server{Handler: http.HandlerFunc(end.Chat)}
		go srv.Serve(ln) //nolint:errcheck // ends with Close
		body := `{"messages":[{"role":"user","content":"hi"}]}`
		if _, err := fmt.Fprintf(here, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(here, make([]byte, 100)); err != nil { // and no more
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(noted) != 1 || noted[0] != 30*time.Second {
			t.Errorf("noted after %v, want once after 30 s", noted)
		}
		here.Close()
		srv.Close()
		synctest.Wait()
	})
}
