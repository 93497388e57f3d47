package retrieve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// Shape is the form of a server's /rerank.
type Shape string

// The shapes that are known, with where they answer.
const (
	// ShapeTEI is Hugging Face's Text Embeddings Inference: POST /rerank, a list comes back.
	ShapeTEI Shape = "tei"
	// ShapeCohere is Cohere's API v2: POST /v2/rerank.
	ShapeCohere Shape = "cohere"
	// ShapeJina is Jina's API, which vLLM and LocalAI speak too: POST /v1/rerank.
	ShapeJina Shape = "jina"
	// ShapeInfinity is the Infinity server: POST /rerank.
	ShapeInfinity Shape = "infinity"
)

// RerankServer is where a reranker is reached.
type RerankServer struct {
	Shape Shape
	// URL is the server's address; a path in it is kept before that of the shape.
	URL string
	// Model names the model; TEI serves only one and needs none.
	Model string
	// Key is sent as a bearer token when it is not empty.
	Key string
}

// maxRerankAnswer is the longest answer in bytes that is read.
const maxRerankAnswer = 4 << 20

// rerankText is the most bytes of one passage that are sent: cross-encoders read about
// 512 tokens.
const rerankText = 4000

// HTTPReranker asks a server. It is safe for concurrent use.
type HTTPReranker struct {
	server   RerankServer
	endpoint string
	client   *http.Client
}

// NewHTTPReranker checks the settings. The client, which is to bound the time and to
// count failures, is the caller's.
func NewHTTPReranker(s RerankServer, client *http.Client) (*HTTPReranker, error) {
	path := map[Shape]string{ShapeTEI: "/rerank", ShapeCohere: "/v2/rerank", ShapeJina: "/v1/rerank", ShapeInfinity: "/rerank"}[s.Shape]
	if path == "" {
		return nil, fmt.Errorf("reranker: shape %q: tei, cohere, jina and infinity are known", s.Shape)
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("reranker: url %q is no http address", s.URL)
	}
	if s.Model == "" && s.Shape != ShapeTEI {
		return nil, fmt.Errorf("reranker: model is empty; a %s server needs its name", s.Shape)
	}
	if client == nil {
		return nil, errors.New("reranker: no HTTP client")
	}
	if !strings.HasSuffix(u.Path, "/rerank") { // the whole address may be given as well
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	}
	return &HTTPReranker{server: s, endpoint: u.String(), client: client}, nil
}

// Rerank asks the server how well each text answers the question.
func (r *HTTPReranker) Rerank(ctx context.Context, question string, texts []string) ([]float64, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(r.request(question, texts))
	if err != nil {
		return nil, fmt.Errorf("ask the reranker: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the reranker: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.server.Key != "" {
		req.Header.Set("Authorization", "Bearer "+r.server.Key)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the reranker: %w", err)
	}
	defer resp.Body.Close() // read to its end below
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxRerankAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the reranker's answer: %w", err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the reranker answered %s: %s", resp.Status, cutRunes(strings.TrimSpace(string(answer)), 200))
	case len(answer) > maxRerankAnswer:
		return nil, fmt.Errorf("the reranker's answer is longer than %d MB", maxRerankAnswer>>20)
	}
	return r.scores(answer, len(texts))
}

// request is the body of the shape.
func (r *HTTPReranker) request(question string, texts []string) any {
	short := make([]string, len(texts))
	for i, t := range texts {
		short[i] = strings.ToValidUTF8(t[:min(len(t), rerankText)], "")
	}
	if r.server.Shape == ShapeTEI {
		return map[string]any{"query": question, "texts": short, "truncate": true}
	}
	body := map[string]any{"model": r.server.Model, "query": question, "documents": short, "top_n": len(short)}
	if r.server.Shape != ShapeCohere {
		body["return_documents"] = false
	}
	return body
}

// scores reads the answer of any shape. Each text must have exactly one score.
func (r *HTTPReranker) scores(answer []byte, n int) ([]float64, error) {
	type row struct {
		Index     *int
		Score     *float64
		Relevance *float64 `json:"relevance_score"`
	}
	var rows []row
	if r.server.Shape == ShapeTEI {
		if err := json.Unmarshal(answer, &rows); err != nil {
			return nil, fmt.Errorf("read the reranker's answer: %w", err)
		}
	} else {
		var with struct{ Results []row }
		if err := json.Unmarshal(answer, &with); err != nil {
			return nil, fmt.Errorf("read the reranker's answer: %w", err)
		}
		rows = with.Results
	}
	out, seen := make([]float64, n), make([]bool, n)
	for _, w := range rows {
		score := w.Score
		if score == nil {
			score = w.Relevance
		}
		if w.Index == nil || score == nil || *w.Index < 0 || *w.Index >= n || seen[*w.Index] || math.IsNaN(*score) {
			return nil, errors.New("read the reranker's answer: an entry has no text or no score, or a text has two")
		}
		out[*w.Index], seen[*w.Index] = *score, true
	}
	for i, ok := range seen {
		if !ok {
			return nil, fmt.Errorf("read the reranker's answer: text %d of %d has no score", i+1, n)
		}
	}
	return out, nil
}
