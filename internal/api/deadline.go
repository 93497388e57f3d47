package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// readTime is how long a request that reads may take when Deps does not say.
const readTime = 30 * time.Second

// bounded gives a request that reads its deadline, which travels down to the
// socket and counts from when the request came: neither an engine that hangs nor a
// slow look at the session keeps anybody longer. Streams end with their
// client, and what acts has the time of its tool.
func bounded[I, O any](s *server, r route, h func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	limit := s.ReadTime
	if limit <= 0 {
		limit = readTime
	}
	if r.method != http.MethodGet || streams[O]() {
		return h
	}
	return func(ctx context.Context, in *I) (*O, error) {
		start := postureOf(ctx).start
		if start.IsZero() {
			start = time.Now()
		}
		ctx, cancel := context.WithDeadline(ctx, start.Add(limit))
		defer cancel()
		return h(ctx, in)
	}
}

// streams reports whether an operation's answer goes on after its handler has
// returned.
func streams[O any]() bool {
	_, ok := any((*O)(nil)).(*huma.StreamResponse)
	return ok
}
