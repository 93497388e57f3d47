package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"resync/internal/event"
)

// heartbeat keeps proxies from closing a quiet stream.
const heartbeat = 20 * time.Second

// writeLimit is how long one frame may take to leave; a reader that does not
// read is cut off and resumes by Last-Event-ID.
const writeLimit = 5 * time.Second

// frame is one server-sent event.
type frame struct {
	id   uint64
	name string
	data any
}

// sse writes frames until the channel closes, last says so, or the client is
// gone. When base ends the server stops, and an event "end" says so. The format
// is the WHATWG event stream.
func sse[T any](ctx huma.Context, base context.Context, ch <-chan event.Message[T], missed bool, render func(event.Message[T]) frame, last func(event.Message[T]) bool) {
	_, w := humago.Unwrap(ctx)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &streamWriter{w: w, rc: http.NewResponseController(w)}
	out.text("retry: 2000\n\n")
	if missed {
		out.frame(frame{name: "reset", data: map[string]string{"message": "some events are no longer remembered; read the state afresh"}})
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case m, open := <-ch:
			if !open {
				if base.Err() != nil {
					out.frame(frame{name: "end", data: map[string]string{"message": "this server stops; connect again in a moment"}})
				}
				return
			}
			out.frame(render(m))
			if last(m) {
				return
			}
		case <-beat.C:
			out.text(": still here\n\n")
		case <-ctx.Context().Done():
			return
		}
	}
}

type streamWriter struct {
	w   io.Writer
	rc  *http.ResponseController
	err error
}

func (s *streamWriter) text(t string) {
	if s.err != nil {
		return
	}
	// A deadline that cannot be set only loses the protection against slow readers.
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, s.err = io.WriteString(s.w, t); s.err == nil {
		s.err = s.rc.Flush()
	}
}

func (s *streamWriter) frame(f frame) {
	data, err := json.Marshal(f.data)
	if err != nil {
		data = []byte(fmt.Sprintf(`{"message":%q}`, "an event could not be encoded: "+err.Error()))
	}
	head := ""
	if f.id > 0 {
		head = "id: " + strconv.FormatUint(f.id, 10) + "\n"
	}
	s.text(head + "event: " + f.name + "\ndata: " + string(data) + "\n\n")
}

// lastEventID reads the resume point of a reconnecting client.
func lastEventID(header string) (uint64, error) {
	if header == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(header, 10, 63)
	if err != nil {
		return 0, huma.Error400BadRequest("Last-Event-ID is not the number of an event")
	}
	return n, nil
}

// linkContext ends ctx when either parent does.
func linkContext(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}
