package hwa

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"resync/hwa/oql"
)

// Limits of a job log window.
const (
	MaxLogBytes = 1 << 20 // bytes delivered at most
	MaxLogLines = 10_000  // lines delivered at most
	logWindow   = 500     // lines when LogWindow.To is 0
)

// LogWindow selects lines of a job log, counted from 1, both ends included. The zero value takes the first 500 lines.
type LogWindow struct {
	From, To    int
	ContentOnly bool // leave out the scheduler's header and footer
	MaxBytes    int  // 0 or more than MaxLogBytes: MaxLogBytes
}

// LogText is a part of a job log.
type LogText struct {
	Text      string // valid UTF-8; complete lines, unless a single one is longer than the limit
	From      int    // number of the first line
	Lines     int    // number of lines in Text
	Truncated bool   // a limit in bytes or lines ended it before the window did
	More      bool   // there may be more lines: go on at From+Lines
}

// JobLog reads a window of the log of one run (JobRun.ID, not the id of the job). The answer is bounded whatever the size of the
// log. The engine's "follow" is never used, since it keeps the answer open for as long as the job runs: to follow a log, ask again from
// From+Lines.
func (c *Client) JobLog(ctx context.Context, runID string, w LogWindow) (*LogText, error) {
	path, err := pathOf("read_job_log", "/plan/job/run/%s/joblog", runID)
	if err != nil {
		return nil, err
	}
	return c.jobLog(ctx, path, runID, url.Values{}, w)
}

// JobLogOf reads a window of the log of the last run of the one job a filter selects.
func (c *Client) JobLogOf(ctx context.Context, f Filter, w LogWindow) (*LogText, error) {
	q := url.Values{}
	if f.IsZero() {
		return nil, invalid("read job log", "the filter is empty: name the job, e.g. with WithID")
	}
	if err := f.addTo(q, oql.Jobs, "plan_filter"); err != nil {
		return nil, invalid("read job log", "%w", err)
	}
	return c.jobLog(ctx, "/plan/job/joblog", clip(f.String(), 200), q, w)
}

func (c *Client) jobLog(ctx context.Context, path, target string, q url.Values, w LogWindow) (*LogText, error) {
	if err := w.complete(); err != nil {
		return nil, invalid(words("read_job_log", target), "%w", err)
	}
	q.Set("from_line", strconv.Itoa(w.From))
	q.Set("to_line", strconv.Itoa(w.To))
	q.Set("contentOnly", strconv.FormatBool(w.ContentOnly))
	r := &request{op: "read_job_log", target: target, method: http.MethodGet, path: path, query: q, accept: "text/plain, */*;q=0.1"}
	var out *LogText
	err := c.do(ctx, r, func(body io.Reader, _ *http.Response) error {
		// One byte more than the limit tells a log that fits from one that does not. The rest is not read.
		data, err := io.ReadAll(io.LimitReader(body, int64(w.MaxBytes)+1))
		if err != nil {
			return err
		}
		out = w.cut(data)
		return nil
	})
	return out, err
}

// complete fills in the defaults and checks the window.
func (w *LogWindow) complete() error {
	if w.From == 0 {
		w.From = 1
	}
	if w.To == 0 {
		w.To = w.From + logWindow - 1
	}
	if w.MaxBytes <= 0 || w.MaxBytes > MaxLogBytes {
		w.MaxBytes = MaxLogBytes
	}
	if w.From < 1 || w.To < w.From || w.To-w.From >= MaxLogLines {
		return fmt.Errorf("lines %d to %d of a log: want 1 or more, at most %d at once", w.From, w.To, MaxLogLines)
	}
	return nil
}

// cut makes the answer from what the engine sent, which may be more than the window: not every engine heeds to_line.
func (w *LogWindow) cut(data []byte) *LogText {
	out := &LogText{From: w.From}
	if len(data) > w.MaxBytes {
		out.Truncated = true
		data = data[:w.MaxBytes]
		if end := bytes.LastIndexByte(data, '\n'); end >= 0 {
			data = data[:end+1]
		}
	}
	want := w.To - w.From + 1
	end := 0
	for end < len(data) && out.Lines < want {
		out.Lines++
		next := bytes.IndexByte(data[end:], '\n')
		if next < 0 {
			end = len(data)
			break
		}
		end += next + 1
	}
	out.Truncated = out.Truncated || end < len(data)
	out.More = out.Truncated || out.Lines == want
	out.Text = strings.ToValidUTF8(strings.ReplaceAll(string(data[:end]), "\r\n", "\n"), "\uFFFD")
	return out
}

// JobLogTail reads the last lines of a log, where the exit status and the error are. The engine cannot be asked for a tail, nor
// for the number of lines, so the end is searched by doubling and halving: some 2·log2(n/500) small requests for a log of n
// lines (15 for 70,000), one or two for a log of up to 500.
func (c *Client) JobLogTail(ctx context.Context, runID string, lines int) (*LogText, error) {
	if lines < 1 || lines > MaxLogLines {
		return nil, invalid(words("read_job_log", runID), "a tail of %d lines: want 1 to %d", lines, MaxLogLines)
	}
	head, err := c.JobLog(ctx, runID, LogWindow{})
	if err != nil {
		return nil, err
	}
	total := head.Lines
	if head.More {
		if total, err = c.logLength(ctx, runID, head.Lines); err != nil {
			return nil, err
		}
	}
	if !head.More && total <= lines {
		return head, nil
	}
	from := max(total-lines+1, 1)
	// The log of a running job grows meanwhile: leave room for some more lines.
	return c.JobLog(ctx, runID, LogWindow{From: from, To: from + lines - 1})
}

// logLength finds the number of the last line; line low is known to exist.
func (c *Client) logLength(ctx context.Context, runID string, low int) (int, error) {
	const limit = 1 << 30
	high := low * 2
	for {
		ok, err := c.hasLine(ctx, runID, high)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if high >= limit {
			return 0, &Error{Op: words("read_job_log", runID), Kind: KindProtocol, Message: "the log has no end: the engine does not follow from_line"}
		}
		low, high = high, high*2
	}
	for high-low > logWindow {
		mid := low + (high-low)/2
		ok, err := c.hasLine(ctx, runID, mid)
		if err != nil {
			return 0, err
		}
		if ok {
			low = mid
		} else {
			high = mid
		}
	}
	rest, err := c.JobLog(ctx, runID, LogWindow{From: low, To: high - 1})
	if err != nil {
		return 0, err
	}
	return low + max(rest.Lines, 1) - 1, nil
}

// hasLine asks for one line. Past the end some engines answer with nothing and others refuse the request.
func (c *Client) hasLine(ctx context.Context, runID string, n int) (bool, error) {
	t, err := c.JobLog(ctx, runID, LogWindow{From: n, To: n})
	switch KindOf(err) {
	case "":
		if err != nil {
			return false, err
		}
		return t.Lines > 0, nil
	case KindBusiness, KindBadRequest, KindNotFound:
		return false, nil
	}
	return false, err
}
