package hwa

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"resync/hwa/oql"
)

// action is one write.
type action struct {
	op     string // "hold_job"
	method string // "" for PUT
	path   string // already escaped
	query  url.Values
	body   any
	since  string
}

func (a action) request(target string, j Justification) (*request, error) {
	r := &request{op: a.op, target: target, method: orText(a.method, http.MethodPut), path: a.path, query: a.query, body: a.body, since: a.since, header: http.Header{}}
	if err := j.addTo(r.header); err != nil {
		return nil, invalid(r.words(), "%w", err)
	}
	return r, nil
}

// byID runs an action on one object. The answer means accepted, not done.
func (c *Client) byID(ctx context.Context, a action, id string, j Justification) (ResourceResponse, error) {
	path, err := pathOf(a.op, a.path, id)
	if err != nil {
		return ResourceResponse{}, err
	}
	a.path = path
	var out ActionResourceResponse
	if err := c.act(ctx, a, id, j, readMaybeJSON(&out)); err != nil {
		return ResourceResponse{}, err
	}
	if out.IsError || out.Error {
		return ResourceResponse{ID: out.ID, URL: out.URL}, refusal(a.op, id, []ActionResourceResponse{out})
	}
	return ResourceResponse{ID: orText(out.ID, id), URL: out.URL}, nil
}

// act runs an action and hands the answer to read.
func (c *Client) act(ctx context.Context, a action, target string, j Justification, read reader) error {
	r, err := a.request(target, j)
	if err != nil {
		return err
	}
	return c.do(ctx, r, read)
}

// byFilter runs an action on every object the filter takes, max at most. The engine answers HTTP 200 even when it refused every
// object, so the answer is examined: an error comes back when any object failed, together with the answer itself.
func (c *Client) byFilter(ctx context.Context, a action, f Filter, kind oql.ObjectKind, max int, j Justification) (*FilterActionResponse, error) {
	q := url.Values{}
	for k, v := range a.query {
		q[k] = v
	}
	planParam := "plan_filter"
	if strings.HasPrefix(a.op, "submit_") {
		planParam = ""
	}
	words := strings.ReplaceAll(a.op, "_", " ")
	if err := f.forWrite(q, kind, planParam, max); err != nil {
		return nil, invalid(words, "%w", err)
	}
	a.query = q
	out := new(FilterActionResponse)
	if err := c.act(ctx, a, clip(f.String(), 200), j, readJSON(out)); err != nil {
		return nil, err
	}
	return out, verdict(a.op, clip(f.String(), 200), out)
}

// verdict turns an answer to an action by filter into nil or an error.
func verdict(op, target string, out *FilterActionResponse) error {
	failed := slices.Clip(out.FailedResourceResponses)
	for _, r := range out.SuccessfulResourceResponses {
		if r.IsError || r.Error {
			failed = append(failed, r)
		}
	}
	good := len(out.SuccessfulResourceResponses) + len(out.FailedResourceResponses) - len(failed)
	switch {
	case len(failed) > 0:
		e := refusal(op, target, failed)
		if good > 0 {
			e.MayHaveActed = true
			e.Message = fmt.Sprintf("%d objects accepted, %d refused: %s", good, len(failed), e.Message)
		}
		return e
	case good == 0:
		return &Error{Op: words(op, target), Kind: KindNotFound, HTTPStatus: 200, Message: "no object matches: nothing was changed"}
	}
	return nil
}

// refusal makes one error of the refused objects.
func refusal(op, target string, failed []ActionResourceResponse) *Error {
	e := &Error{Op: words(op, target), Kind: KindBusiness, HTTPStatus: 200}
	var texts []string
	for _, r := range failed {
		text := squeeze(r.Message)
		if r.LockData != nil && r.LockData.LockedBy != "" {
			text += " (locked by " + r.LockData.LockedBy + ")"
			e.Kind = KindConflict
		}
		if text != "" && len(texts) < 5 {
			texts = append(texts, text)
		}
	}
	e.ServerText = clip(strings.Join(texts, "; "), textBytes)
	e.Codes = codesIn(e.ServerText)
	e.Message = "the engine refused"
	if e.ServerText != "" {
		e.Message += ": " + e.ServerText
	}
	return e
}

func words(op, target string) string {
	return strings.TrimSpace(strings.ReplaceAll(op, "_", " ") + " " + target)
}

// twin runs an action by id whose by-id form takes no justification: with one, the by-filter form is used on that id alone, so
// that the justification reaches the engine's audit trail.
func (c *Client) twin(ctx context.Context, direct, filtered action, kind oql.ObjectKind, id string, j Justification) (ResourceResponse, error) {
	if j.IsZero() {
		return c.byID(ctx, direct, id, j)
	}
	if err := checkID(id); err != nil {
		return ResourceResponse{}, invalid(words(direct.op, ""), "%w", err)
	}
	out, err := c.byFilter(ctx, filtered, WithID(id), kind, 1, j)
	if err != nil {
		return ResourceResponse{}, err
	}
	first := out.SuccessfulResourceResponses[0]
	return ResourceResponse{ID: orText(first.ID, id), URL: first.URL}, nil
}
