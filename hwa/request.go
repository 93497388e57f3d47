package hwa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is one call before it is bound to a host.
type request struct {
	op     string // stable, e.g. "hold_job"
	target string // id or filter, for messages
	method string
	path   string // below the base, already escaped
	query  url.Values
	header http.Header
	body   any    // nil, a []byte sent as it is, or a value sent as JSON
	accept string // "" for JSON
	ctype  string // of body; "" for JSON
	since  string // engine version that introduced the operation, "" for all
}

func (r *request) write() bool { return r.method != http.MethodGet }

// words is the operation for people: "hold job 9daec769-…".
func (r *request) words() string {
	return strings.TrimSpace(strings.ReplaceAll(r.op, "_", " ") + " " + r.target)
}

// payload encodes the body. A write without one carries {}: the engine answers 415 to a write without a content type.
func (r *request) payload() ([]byte, error) {
	switch b := r.body.(type) {
	case nil:
		if r.write() && r.method != http.MethodDelete {
			return []byte("{}"), nil
		}
		return nil, nil
	case []byte:
		return b, nil
	}
	out, err := json.Marshal(r.body)
	if err != nil {
		return nil, invalid(r.words(), "the request cannot be encoded: %w", err)
	}
	return out, nil
}

func (r *request) url(base *url.URL) string {
	s := base.String() + r.path
	if len(r.query) > 0 {
		s += "?" + r.query.Encode()
	}
	return s
}

// build binds the request to a host.
func (c *Client) build(h *host, r *request, payload []byte) (*http.Request, error) {
	var body io.Reader
	if payload != nil {
		body = bytes.NewReader(payload)
	}
	req, err := http.NewRequest(r.method, r.url(h.base), body)
	if err != nil {
		return nil, invalid(r.words(), "the request cannot be built: %w", err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", orText(r.accept, "application/json"))
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if payload != nil {
		req.Header.Set("Content-Type", orText(r.ctype, "application/json"))
	}
	c.auth(req)
	return req, nil
}

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// pathOf puts ids into a path, e.g. pathOf("/plan/job/%s/action/hold", id). Ids come from the engine or from a model's hands, so
// what could change the path is refused.
func pathOf(op, format string, ids ...string) (string, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		if err := checkID(id); err != nil {
			return "", invalid(strings.ReplaceAll(op, "_", " "), "%w", err)
		}
		args[i] = url.PathEscape(id)
	}
	return fmt.Sprintf(format, args...), nil
}

func checkID(id string) error {
	switch {
	case id == "" || id == "." || id == "..":
		return fmt.Errorf("%q is not an id", id)
	case len(id) > 512:
		return fmt.Errorf("an id of %d characters is too long", len(id))
	case strings.ContainsFunc(id, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' }):
		return fmt.Errorf("%q is not an id: it contains a control character", id)
	}
	return nil
}
