package hwa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"resync/hwa/oql"
)

// ListOptions say what a list returns. The zero value lists everything in the current plan.
type ListOptions struct {
	Filter   Filter
	PlanID   string // "" for the current plan
	Scope    Scope  // what is filled in; default WHOLE_NO_JOB_DEFINITIONS_AND_NO_DEPENDENCIES (jobs and streams only)
	Offset   int    // objects skipped at the start
	Limit    int    // objects returned at most; 0 for all
	PageSize int    // objects per request; 0 for Config.PageSize

	// SubmittedByMe limits job streams to those the calling user has submitted.
	SubmittedByMe bool

	// Count, when not nil, receives the engine's total as soon as the first page is through, if the engine says one.
	Count *int64
}

// listing describes one list operation.
type listing struct {
	op     string
	path   string
	kind   oql.ObjectKind
	plan   bool // takes plan_id
	scope  bool // takes scope
	model  bool // a model list: no plan_filter
	plain  bool // takes no Include-Count
	since  string
	accept string
}

// cursor is the place of a listing: the next page to ask for and how much of it was already handed out.
type cursor struct {
	opt   ListOptions
	query url.Values
	page  int // pages completed
	given int // objects handed out of the current page
	total int // objects handed out in all
	asked int // limit of the current page
	off   int // offset of the current page
	count int64
	next  string // start of the first object of the current page
	first string // start of the first object of the previous page, to notice an engine that repeats itself
}

// stream pages through a list. For every object each is called with bytes that start with it; see item.
func (c *Client) stream(ctx context.Context, l listing, opt ListOptions, each item) error {
	cur, err := c.open(l, opt)
	if err != nil {
		return err
	}
	for {
		more, err := c.page(ctx, l, cur, each)
		if err != nil || !more {
			return err
		}
	}
}

func (c *Client) open(l listing, opt ListOptions) (*cursor, error) {
	words := strings.ReplaceAll(l.op, "_", " ")
	if opt.PageSize == 0 {
		opt.PageSize = c.cfg.PageSize
	}
	if opt.PageSize < 1 || opt.PageSize > 10000 || opt.Offset < 0 || opt.Limit < 0 {
		return nil, invalid(words, "page size %d (want 1 to 10000), offset %d or limit %d is out of range", opt.PageSize, opt.Offset, opt.Limit)
	}
	q := url.Values{}
	planParam := "plan_filter"
	if l.model {
		planParam = ""
	}
	if err := opt.Filter.addTo(q, l.kind, planParam); err != nil {
		return nil, invalid(words, "%w", err)
	}
	if opt.PlanID != "" && l.plan {
		q.Set("plan_id", opt.PlanID)
	}
	if opt.SubmittedByMe {
		q.Set("submitted_by_me", "true")
	}
	cur := &cursor{opt: opt, query: q, off: opt.Offset, count: -1}
	cur.ask()
	return cur, nil
}

// ask sets the parameters of the page at cur.off.
func (cur *cursor) ask() {
	cur.asked = cur.opt.PageSize
	if cur.opt.Limit > 0 {
		cur.asked = min(cur.asked, cur.opt.Limit-cur.total)
	}
	cur.query.Set("limit", strconv.Itoa(cur.asked))
	cur.query.Set("offset", strconv.Itoa(cur.off))
}

// page reads one page and reports whether there is another. When the answer breaks off, do repeats the request and the objects
// already handed out are skipped.
func (c *Client) page(ctx context.Context, l listing, cur *cursor, each item) (bool, error) {
	r := &request{op: l.op, method: http.MethodGet, path: l.path, query: cur.query, since: l.since, header: http.Header{}, accept: l.accept}
	if !l.plain {
		// Counting is dear on a large plan, and one count is enough.
		r.header.Set("Include-Count", strconv.FormatBool(cur.page == 0))
	}
	if l.scope {
		r.header.Set("scope", orText(string(cur.opt.Scope), string(ScopeWholeNoJobDefinitionsAndNoDependencies)))
	}
	var tail pageTail
	stopped := false
	err := c.do(ctx, r, func(body io.Reader, _ *http.Response) error {
		seen := 0
		var err error
		tail, err = newPageReader(body).read(func(b []byte) (int, error) {
			n, err := cur.hand(b, seen, each)
			if !errors.Is(err, errShort) {
				seen++
			}
			stopped = stopped || errors.Is(err, errStop)
			return n, err
		})
		return err
	})
	if err != nil || stopped {
		return false, err
	}
	return c.turn(cur, l, tail)
}

// hand deals with one object of a page, the seen-th of this answer: it is skipped when an earlier, broken answer already
// delivered it, and refused past the limit.
func (cur *cursor) hand(b []byte, seen int, each item) (int, error) {
	if cur.opt.Limit > 0 && cur.total >= cur.opt.Limit && seen >= cur.given {
		return 0, errStop
	}
	if seen < cur.given {
		return skipValue(b, 0)
	}
	if seen == 0 {
		if err := cur.notice(b); err != nil {
			return 0, err
		}
	}
	n, err := each(b)
	if !errors.Is(err, errShort) {
		cur.given, cur.total = cur.given+1, cur.total+1
	}
	return n, err
}

// notice remembers the first object of a page and complains when it is that of the page before.
func (cur *cursor) notice(b []byte) error {
	n, err := skipValue(b, 0)
	if err != nil {
		return err
	}
	first := string(b[:min(n, 512)])
	if cur.page > 0 && first == cur.first {
		return fmt.Errorf("page %d repeats page %d: the engine does not follow the offset", cur.page+1, cur.page)
	}
	cur.next = first
	return nil
}

// turn moves the cursor to the next page.
func (c *Client) turn(cur *cursor, l listing, tail pageTail) (bool, error) {
	if tail.count != nil && cur.page == 0 {
		cur.count = *tail.count
		if cur.opt.Count != nil {
			*cur.opt.Count = *tail.count
		}
	}
	got := cur.given
	done := cur.opt.Limit > 0 && cur.total >= cur.opt.Limit
	cur.page, cur.given, cur.off, cur.first = cur.page+1, 0, cur.off+got, cur.next
	switch {
	case done || got == 0:
		return false, nil
	case tail.next != "":
		return true, cur.follow(l, tail.next)
	case got > cur.asked, cur.count >= 0 && int64(cur.off) >= cur.count, cur.count < 0 && got < cur.asked:
		return false, nil
	}
	cur.ask()
	return true, nil
}

// follow takes the query of the engine's next link. Its host is not trusted and its path must be that of the list; parameters
// other than the place in the list stay as they were asked.
func (cur *cursor) follow(l listing, next string) error {
	u, err := url.Parse(next)
	if err != nil || !strings.HasSuffix(strings.TrimRight(u.Path, "/"), l.path) {
		return &Error{Op: strings.ReplaceAll(l.op, "_", " "), Kind: KindProtocol, Message: fmt.Sprintf("the link to the next page leads elsewhere: %q", clip(next, 200))}
	}
	cur.ask()
	if off, err := strconv.Atoi(u.Query().Get("offset")); err == nil && off > 0 {
		if off < cur.off {
			return &Error{Op: strings.ReplaceAll(l.op, "_", " "), Kind: KindProtocol, Message: fmt.Sprintf("the link to the next page leads back to object %d", off)}
		}
		cur.off = off
		cur.query.Set("offset", strconv.Itoa(off))
	}
	for k, v := range u.Query() {
		if _, have := cur.query[k]; !have && len(v) == 1 {
			cur.query.Set(k, v[0])
		}
	}
	return nil
}

// list is stream with objects decoded into fresh values of T.
func list[T any](ctx context.Context, c *Client, l listing, opt ListOptions) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		stopped := false
		err := c.stream(ctx, l, opt, func(b []byte) (int, error) {
			n, err := skipValue(b, 0)
			if err != nil {
				return n, err
			}
			v := new(T)
			if err := decode(b[:n], v); err != nil {
				return n, fmt.Errorf("object in the list: %w", err)
			}
			if !yield(v, nil) {
				stopped = true
				return n, errStop
			}
			return n, nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// Collect gathers a list into a slice; with an error it returns what came before it.
func Collect[T any](seq iter.Seq2[*T, error]) ([]*T, error) {
	var out []*T
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

// rawItem copies each object as JSON.
func rawItem(keep func(json.RawMessage) bool) item {
	return func(b []byte) (int, error) {
		n, err := skipValue(b, 0)
		if err != nil {
			return n, err
		}
		if !keep(append(json.RawMessage(nil), b[:n]...)) {
			return n, errStop
		}
		return n, nil
	}
}
