package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Protocol is what an embedding server speaks.
type Protocol string

// The protocols.
const (
	// OpenAI is POST /v1/embeddings, which OpenAI, vLLM, llama.cpp, LM Studio,
	// LocalAI, Infinity and many others serve.
	OpenAI Protocol = "openai"
	// Ollama is POST /api/embed.
	Ollama Protocol = "ollama"
	// TEI is POST /embed of Text Embeddings Inference.
	TEI Protocol = "tei"
)

// Limits of one request. Servers accept at least this much.
const (
	maxBatchTexts = 64
	maxBatchBytes = 256 << 10
	maxTextBytes  = 8 << 10  // about 2,000 tokens; no chunk is longer
	maxAnswer     = 64 << 20 // 64 vectors of 8192 numbers take 10 MB as text
	maxDimensions = 8192
)

// Settings say where vectors come from.
type Settings struct {
	Protocol Protocol
	// URL is the server's address, with or without the path of the protocol.
	URL string
	// Model is sent with each request; TEI serves one model and ignores it.
	Model string
	// Key is sent as a bearer token unless it is empty.
	Key string
	// Dimensions is the length every vector must have; 0 takes the first one's.
	Dimensions int
	// Prompts replaces the words put before texts; nil is PromptsFor(Model).
	Prompts *Prompts
}

// Remote embeds texts on a server. It is safe for use by several goroutines.
type Remote struct {
	settings Settings
	endpoint string
	prompts  Prompts
	client   *http.Client
	most     int64 // bytes of an answer
	dims     atomic.Int64
}

// Error is what a server answered instead of vectors. errors.Is tells the
// reason: [ErrUnauthorised], [ErrRateLimited], [ErrUnavailable], [ErrRefused] or
// [ErrAnswer].
type Error struct {
	Reason     error
	URL        string
	Status     int           // of the answer; 0 when there was none
	RetryAfter time.Duration // what the server asked for; 0 when it did not say
	Detail     string        // what the server says, shortened, or the cause
	cause      error
}

// Error says what happened and where.
func (e *Error) Error() string {
	text := fmt.Sprintf("%v (%s", e.Reason, e.URL)
	if e.Status != 0 {
		text += fmt.Sprintf(", status %d", e.Status)
	}
	text += ")"
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap gives the reason and, where there is one, the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.cause}
}

// NewRemote returns an embedder that asks a server through client, which brings
// the timeouts and the circuit breaker. Nothing is sent yet.
func NewRemote(s Settings, client *http.Client) (*Remote, error) {
	endpoint, err := s.Protocol.endpoint(s.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Model == "" && s.Protocol != TEI:
		return nil, fmt.Errorf("embedding model: the %s protocol needs the name of a model", s.Protocol)
	case s.Dimensions < 0 || s.Dimensions > maxDimensions:
		return nil, fmt.Errorf("embedding dimensions: %d is not between 1 and %d", s.Dimensions, maxDimensions)
	case client == nil:
		return nil, errors.New("embedding client: none was given")
	}
	r := &Remote{settings: s, endpoint: endpoint, client: client, most: maxAnswer, prompts: PromptsFor(s.Model)}
	if s.Prompts != nil {
		r.prompts = *s.Prompts
	}
	r.dims.Store(int64(s.Dimensions))
	return r, nil
}

// endpoint completes the address an operator gave.
func (p Protocol) endpoint(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("embedding url: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", fmt.Errorf("embedding url: %q is not an address like http://localhost:11434", u.Redacted())
	}
	path := strings.TrimRight(u.Path, "/")
	switch {
	case p == OpenAI && strings.HasSuffix(path, "/embeddings"), p == Ollama && strings.HasSuffix(path, "/api/embed"), p == TEI && strings.HasSuffix(path, "/embed"):
	case p == OpenAI && (strings.HasSuffix(path, "/v1") || strings.HasSuffix(path, "/openai")):
		path += "/embeddings"
	case p == OpenAI:
		path += "/v1/embeddings"
	case p == Ollama:
		path = strings.TrimSuffix(path, "/api") + "/api/embed"
	case p == TEI:
		path += "/embed"
	default:
		return "", fmt.Errorf("embedding protocol: %q is none of openai, ollama, tei", p)
	}
	u.Path = path
	return u.String(), nil
}

// Model is the configured name, or the server's address where there is none.
func (r *Remote) Model() string {
	if r.settings.Model == "" {
		return r.endpoint
	}
	return r.settings.Model
}

// Dimensions is the configured length, or that of the first vectors received.
func (r *Remote) Dimensions() int { return int(r.dims.Load()) }

// Embed asks the server, in as many requests as its limits need, one after the
// other. A text longer than 8 kB is cut. Nothing is repeated: who calls knows how
// long it can wait.
func (r *Remote) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	out := make([][]float32, 0, len(texts))
	for len(out) < len(texts) {
		batch := r.batch(texts[len(out):], kind)
		vectors, err := r.request(ctx, batch, kind)
		if err != nil {
			return nil, fmt.Errorf("embed %d texts: %w", len(texts), err)
		}
		out = append(out, vectors...)
	}
	return out, nil
}

// batch prepares as many texts as fit into one request, at least one.
func (r *Remote) batch(texts []string, kind Kind) []string {
	before := r.prompts.before(kind)
	var out []string
	size := 0
	for _, t := range texts {
		t = before + cut(t, maxTextBytes)
		if len(out) == maxBatchTexts || len(out) > 0 && size+len(t) > maxBatchBytes {
			break
		}
		out = append(out, t)
		size += len(t)
	}
	return out
}

// cut shortens a text to at most n bytes of whole characters. A text of nothing
// becomes a space: several servers refuse an empty one.
func cut(text string, n int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.TrimSpace(text) == "" {
		return " "
	}
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// request sends one batch.
func (r *Remote) request(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	body, err := json.Marshal(r.question(texts, kind))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if r.settings.Key != "" {
		req.Header.Set("Authorization", "Bearer "+r.settings.Key)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.noAnswer(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	if resp.StatusCode != http.StatusOK {
		return nil, r.refusal(resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, r.most+1))
	if err != nil {
		return nil, r.noAnswer(ctx, err)
	}
	if int64(len(answer)) > r.most {
		return nil, r.broken(fmt.Errorf("more than %d MB", r.most>>20))
	}
	vectors, err := r.settings.Protocol.parse(answer, len(texts))
	if err != nil {
		return nil, r.broken(err)
	}
	return vectors, r.check(vectors)
}

// noAnswer says why there was no answer. The caller's own cancellation stays what
// it is.
func (r *Remote) noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var inner *url.Error
	if errors.As(err, &inner) { // its text repeats method and address
		err = inner.Err
	}
	return &Error{Reason: ErrUnavailable, URL: r.endpoint, Detail: err.Error(), cause: err}
}

// broken is an answer that cannot be used.
func (r *Remote) broken(err error) error {
	return &Error{Reason: ErrAnswer, URL: r.endpoint, Status: http.StatusOK, Detail: err.Error()}
}

// refusal turns an answer that is not 200 into an error.
func (r *Remote) refusal(resp *http.Response) error {
	e := &Error{URL: r.endpoint, Status: resp.StatusCode, Reason: ErrUnavailable}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Reason = ErrUnauthorised
	case s == http.StatusTooManyRequests:
		e.Reason = ErrRateLimited
	case s >= 400 && s < 500 && s != http.StatusRequestTimeout:
		e.Reason = ErrRefused
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err == nil {
		e.Detail = complaint(text)
	}
	if r.settings.Key != "" { // some servers repeat it
		e.Detail = strings.ReplaceAll(e.Detail, r.settings.Key, "•••")
	}
	return e
}

// check compares the vectors' length with what is expected, and learns it from
// the first ones.
func (r *Remote) check(vectors [][]float32) error {
	for _, v := range vectors {
		if len(v) > maxDimensions {
			return r.broken(fmt.Errorf("a vector of %d dimensions", len(v)))
		}
		r.dims.CompareAndSwap(0, int64(len(v)))
		if want := r.Dimensions(); len(v) != want {
			return fmt.Errorf("%w: %s gives %d dimensions, expected are %d", ErrDimensions, r.Model(), len(v), want)
		}
		if err := normalise(v); err != nil {
			return r.broken(err)
		}
	}
	return nil
}
