package http1

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// Prepared is a request that is made again and again with other bodies: its head is
// judged and written once. It is safe for concurrent use.
type Prepared struct {
	t       *Transport
	req     *http.Request // without a body; calls share it and change nothing in it
	address string
	head    []byte // up to the number of Content-Length
}

// Prepare prepares a request with a body, which is named when it is made; that of req is
// not looked at. nil is a request whose calls go elsewhere (https, a proxy, an upgrade) or
// cannot be made: [Transport.RoundTrip] makes them, or says why not. What a proxy setting
// says is asked here, once.
func (t *Transport) Prepare(req *http.Request) *Prepared {
	p := &Prepared{t: t, req: req.Clone(context.Background())}
	p.req.Body, p.req.GetBody, p.req.ContentLength = nil, nil, 0
	var ok bool
	if p.address, ok = t.takes(p.req); !ok || !sends(p.req) {
		return nil
	}
	head, err := appendFields(nil, p.req)
	if err != nil {
		return nil
	}
	p.head = append(head, "Content-Length: "...)
	return p
}

// Do makes one call, as [Transport.RoundTrip] does. body is not kept after it returns. A
// body that is empty or larger than the transport's bound is an error: nothing was sent.
func (p *Prepared) Do(ctx context.Context, body []byte) (*http.Response, error) {
	if len(body) == 0 || int64(len(body)) > p.t.opt.MaxBody {
		return nil, fmt.Errorf("a body of %d bytes is not between 1 and %d", len(body), p.t.opt.MaxBody)
	}
	buf := p.t.wire.Get().(*[]byte)
	defer p.t.wire.Put(buf)
	*buf = append((*buf)[:0], p.head...)
	*buf = append(strconv.AppendInt(*buf, int64(len(body)), 10), "\r\n\r\n"...)
	*buf = append(*buf, body...)
	return p.t.send(ctx, p.address, p.req, *buf)
}

// Takes reports whether a body can be sent with Do.
func (p *Prepared) Takes(body []byte) bool {
	return len(body) > 0 && int64(len(body)) <= p.t.opt.MaxBody
}
