package hwa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

var errEmpty = errors.New("the answer is empty")

// webPage is an answer that turned out to be HTML although its header did not say so.
type webPage struct{ text []byte }

func (*webPage) Error() string { return "the answer is a web page" }

// readJSON decodes a whole answer into v.
func readJSON(v any) reader {
	return func(body io.Reader, _ *http.Response) error {
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		return decodeAnswer(data, v)
	}
}

// readMaybeJSON is readJSON for actions by id, where some engines answer without a body: the status has then said all.
func readMaybeJSON(v any) reader {
	return func(body io.Reader, _ *http.Response) error {
		data, err := io.ReadAll(body)
		if err != nil || len(bytes.TrimSpace(data)) == 0 {
			return err
		}
		return decodeAnswer(data, v)
	}
}

func decodeAnswer(data []byte, v any) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return errEmpty
	}
	if looksHTML("", string(data[:min(len(data), 256)])) {
		return &webPage{data[:min(len(data), scrapeBytes)]}
	}
	return decode(data, v)
}

// decode is json.Unmarshal that takes a second look at times written in the other forms Java servers use.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		if syntax.Offset >= int64(len(data)) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	fixed, changed := lenientTimes(data)
	if !changed {
		return err
	}
	return json.Unmarshal(fixed, v)
}

// get reads one JSON document.
func (c *Client) get(ctx context.Context, op, target, path string, query url.Values, v any) error {
	return c.do(ctx, &request{op: op, target: target, method: http.MethodGet, path: path, query: query}, readJSON(v))
}
