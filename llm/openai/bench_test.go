package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"resync/breaker"
	"resync/llm"
	"resync/llm/http1"
	"resync/llm/openai"
)

// benchServer answers at once, whole or with 52 events.
func benchServer(b *testing.B) *httptest.Server {
	whole := []byte(`{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("words ", 110) +
		`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":140,"total_tokens":160}}`)
	var events bytes.Buffer
	for range 50 {
		events.WriteString(`data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"words "},"finish_reason":null}]}` + "\n\n")
	}
	events.WriteString(`data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write(events.Bytes())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(whole)
	}))
	b.Cleanup(s.Close)
	return s
}

// transports are net/http's, as for models behind https, and the one of models at http://
// addresses.
func transports(b *testing.B, fn func(b *testing.B, rt http.RoundTripper)) {
	std := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(std.CloseIdleConnections)
	own, err := http1.New(http1.Options{Dial: (&net.Dialer{}).DialContext, Other: std})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(own.CloseIdleConnections)
	b.Run("chain", func(b *testing.B) { fn(b, std) })
	b.Run("chain-http1", func(b *testing.B) { fn(b, own) })
}

func benchChain(b *testing.B, rt http.RoundTripper, url string) *llm.Chain {
	m, err := openai.New(openai.Options{Model: "m", BaseURL: url, HTTP: rt})
	if err != nil {
		b.Fatal(err)
	}
	brk := breaker.New(breaker.Settings{Name: "llm_openai", Failures: 5, Delay: time.Minute})
	c, err := llm.New(llm.Options{Targets: []llm.Target{{Name: "a", Model: m, Keys: []string{"k"}, Price: &llm.Price{Input: 1e-6, Output: 1e-6}}},
		Breaker: func(string) *breaker.Breaker { return brk }})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

type bareRequest struct {
	Model    string              `json:"model"`
	Messages []map[string]string `json:"messages"`
	Stream   bool                `json:"stream,omitempty"`
}

type bareAnswer struct {
	Choices []struct {
		Message struct{ Content string } `json:"message"`
		Delta   struct{ Content string } `json:"delta"`
		Finish  string                   `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	} `json:"usage"`
}

// bare is the same call as anybody would write it with net/http alone.
func bare(ctx context.Context, client *http.Client, url string, streamed bool) (*http.Response, error) {
	body, err := json.Marshal(bareRequest{"m", []map[string]string{{"role": "user", "content": "Why did PAYROLL_NET abend?"}}, streamed})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer k")
	resp, err := client.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &closing{resp.Body, cancel}
	return resp, nil
}

type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *closing) Close() error { defer c.cancel(); return c.ReadCloser.Close() }

// BenchmarkComplete is a whole answer through the chain beside a bare call.
func BenchmarkComplete(b *testing.B) {
	s := benchServer(b)
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		b.ReportAllocs()
		for b.Loop() {
			resp, err := bare(b.Context(), client, s.URL, false)
			if err != nil {
				b.Fatal(err)
			}
			var a bareAnswer
			if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.Choices[0].Message.Content == "" {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	})
	transports(b, func(b *testing.B, rt http.RoundTripper) {
		c := benchChain(b, rt, s.URL)
		b.ReportAllocs()
		for b.Loop() {
			r, err := c.Complete(b.Context(), &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "Why did PAYROLL_NET abend?"}}})
			if err != nil || r.Content == "" || r.TokensUsed != 160 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStream is a stream of 52 events through the chain beside a bare one.
func BenchmarkStream(b *testing.B) {
	s := benchServer(b)
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		b.ReportAllocs()
		for b.Loop() {
			resp, err := bare(b.Context(), client, s.URL, true)
			if err != nil {
				b.Fatal(err)
			}
			ev, n := llm.NewEvents(resp.Body), 0
			for {
				_, data, err := ev.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				var a bareAnswer
				if string(data) == "[DONE]" {
					continue
				}
				if err != nil || json.Unmarshal(data, &a) != nil {
					b.Fatal(err)
				}
				n += len(a.Choices[0].Delta.Content)
			}
			resp.Body.Close()
			if n != 300 {
				b.Fatal(n)
			}
		}
	})
	transports(b, func(b *testing.B, rt http.RoundTripper) {
		c := benchChain(b, rt, s.URL)
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			_, err := c.CompleteStream(b.Context(), &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "Why did PAYROLL_NET abend?"}}}, func(d llm.Delta) error { n += len(d.Text); return nil })
			if err != nil || n != 300 {
				b.Fatal(n, err)
			}
		}
	})
}
