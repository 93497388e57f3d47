package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is a whole answer of 850 bytes, as a model gives it.
func answer() []byte {
	head, tail := `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"`,
		`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":140,"total_tokens":160}}`
	return []byte(head + strings.Repeat("words ", (850-len(head)-len(tail))/6) + tail)
}

// mockCommand serves a provider that does as little as possible, so that what is
// measured is what stands before it.
func mockCommand(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("mock", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:19001", "address to listen on")
	delay := fs.Duration("delay", 0, "time before the first byte")
	gap := fs.Duration("gap", 0, "time between pieces")
	chunks := fs.Int("chunks", 50, "pieces of a stream")
	if err := fs.Parse(args); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("listening (-addr): %w", err)
	}
	srv := &http.Server{Handler: mock(*delay, *gap, *chunks), ReadHeaderTimeout: 5 * time.Second}
	go func() { <-ctx.Done(); srv.Close() }()
	if err := srv.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}

func mock(delay, gap time.Duration, chunks int) http.Handler {
	whole := answer()
	piece := []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"mock","choices":[{"index":0,"delta":{"content":"words "},"finish_reason":null}]}` + "\n\n")
	end := []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"mock","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		time.Sleep(delay)
		if !bytes.Contains(body, []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			_, _ = w.Write(whole) // who has gone needs no answer
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for i := range chunks {
			if i > 0 {
				time.Sleep(gap)
			}
			if _, err := w.Write(piece); err != nil || rc.Flush() != nil {
				return
			}
		}
		_, _ = w.Write(end)
	})
}
