package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Server is how an index is reached over HTTP.
type Server struct {
	// URL is the base address, such as https://qdrant:6333.
	URL string
	// Name is the collection (Qdrant) or the index (OpenSearch).
	Name string
	// Key goes with each request: as api-key (Qdrant), or as the whole
	// Authorization header (OpenSearch); "" sends none.
	Key string
	// Client is the program's own, with its circuit breaker; required.
	Client *http.Client
	// Dims is the length of dense vectors, 0 without a model.
	Dims int
}

// check refuses a server that cannot be asked.
func (s Server) check() error {
	u, err := url.Parse(s.URL)
	switch {
	case s.Client == nil:
		return errors.New("an index outside needs an HTTP client")
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return fmt.Errorf("the address %q of the index outside is no http(s) address", s.URL)
	case s.Name == "" || strings.ContainsAny(s.Name, "/?#% "):
		return fmt.Errorf("%q is no name for an index outside", s.Name)
	}
	return nil
}

// maxAnswer is the largest answer that is read.
const maxAnswer = 64 << 20

// statusError is an answer that is none.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.text) }

// call sends a request and reads the JSON of the answer into out, which may be nil.
func (s Server) call(ctx context.Context, method, path, header, contentType string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(s.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the index outside: %w", err)
	}
	req.Header.Set("Content-Type", contentType)
	if s.Key != "" {
		req.Header.Set(header, s.Key)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	if resp.StatusCode >= 300 {
		bad := &statusError{resp.StatusCode, strings.TrimSpace(string(data[:min(len(data), 300)]))}
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
			return fmt.Errorf("%w: %w", ErrAway, bad)
		}
		return fmt.Errorf("the index outside refuses %s %s: %w", method, path, bad)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%w: its answer to %s is not what is documented: %w", ErrAway, path, err)
	}
	return nil
}

func isStatus(err error, code int) bool {
	var bad *statusError
	return errors.As(err, &bad) && bad.code == code
}
