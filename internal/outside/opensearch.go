package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// OpenSearch keeps passages in an index of an OpenSearch cluster (2.11 or newer).
// Its own BM25 counts the words; the terms are ours, so the field takes them apart
// at blanks only. Make it with [OpenOpenSearch].
type OpenSearch struct{ s Server }

// OpenOpenSearch makes the index when it is not there.
func OpenOpenSearch(ctx context.Context, s Server) (*OpenSearch, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	o := &OpenSearch{s}
	err := o.call(ctx, http.MethodGet, "", nil, nil)
	if !isStatus(err, http.StatusNotFound) {
		return o, err
	}
	fields := map[string]any{
		"document": map[string]any{"type": "keyword"}, "words": map[string]any{"type": "text", "analyzer": "whitespace"},
		"passage": map[string]any{"type": "object", "enabled": false},
	}
	settings := map[string]any{}
	if s.Dims > 0 {
		fields["meaning"] = map[string]any{"type": "knn_vector", "dimension": s.Dims,
			"method": map[string]any{"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}}
		settings["index.knn"] = true
	}
	return o, o.call(ctx, http.MethodPut, "", map[string]any{"settings": settings, "mappings": map[string]any{"properties": fields}}, nil)
}

func (o *OpenSearch) call(ctx context.Context, method, path string, body, out any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("ask OpenSearch: %w", err)
		}
	}
	return o.s.call(ctx, method, "/"+o.s.Name+path, "Authorization", "application/json", data, out)
}

// frequencies writes the words of a passage as text in which a term stands as often
// as it weighs, from once to eight times, because the server counts by itself.
func frequencies(s Sparse) string {
	at, values := s.sorted()
	var b strings.Builder
	for i, k := range at {
		for range min(max(int(values[i]*2+0.5), 1), 8) {
			fmt.Fprintf(&b, "%d ", k)
		}
	}
	return strings.TrimSpace(b.String())
}

// openSearchBatch is how many passages one request stores.
const openSearchBatch = 200

// Upsert removes what the document had and stores its passages. Between the two
// requests the document has none: the server has no transactions.
func (o *OpenSearch) Upsert(ctx context.Context, document string, passages []Passage) error {
	if err := checkPassages(document, passages); err != nil {
		return err
	}
	if err := o.Delete(ctx, document); err != nil {
		return err
	}
	for from := 0; from < len(passages); from += openSearchBatch {
		if err := o.bulk(ctx, passages[from:min(from+openSearchBatch, len(passages))]); err != nil {
			return err
		}
	}
	return nil
}

func (o *OpenSearch) bulk(ctx context.Context, passages []Passage) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends each value with the newline the format needs
	for _, p := range passages {
		row := map[string]any{"document": p.Document, "words": frequencies(p.Words), "passage": payload{p.ID, p.Document, p.Text, aboutOf(p)}}
		if o.s.Dims > 0 && p.Meaning != nil {
			row["meaning"] = p.Meaning
		}
		for _, v := range []any{map[string]any{"index": map[string]any{"_id": p.ID}}, row} {
			if err := enc.Encode(v); err != nil {
				return fmt.Errorf("ask OpenSearch: %w", err)
			}
		}
	}
	var answer struct {
		Errors bool `json:"errors"`
		Items  []map[string]struct {
			Error *struct {
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	if err := o.s.call(ctx, http.MethodPost, "/"+o.s.Name+"/_bulk?refresh=true", "Authorization", "application/x-ndjson", b.Bytes(), &answer); err != nil {
		return err
	}
	for _, item := range answer.Items {
		for _, result := range item {
			if answer.Errors && result.Error != nil {
				return fmt.Errorf("OpenSearch refuses a passage: %s", result.Error.Reason)
			}
		}
	}
	return nil
}

// Delete removes the passages of a document.
func (o *OpenSearch) Delete(ctx context.Context, document string) error {
	return o.call(ctx, http.MethodPost, "/_delete_by_query?refresh=true&conflicts=proceed",
		map[string]any{"query": map[string]any{"term": map[string]any{"document": document}}}, nil)
}

// Search asks by words and, with a model, by meaning.
func (o *OpenSearch) Search(ctx context.Context, q Question) ([]Candidate, error) {
	var filter []any
	if len(q.Documents) > 0 {
		filter = []any{map[string]any{"terms": map[string]any{"document": q.Documents}}}
	}
	var words, meaning []Candidate
	var err error
	if len(q.Words) > 0 {
		at, values := q.Words.sorted()
		var should []any
		for i, k := range at {
			should = append(should, map[string]any{"term": map[string]any{"words": map[string]any{"value": fmt.Sprint(k), "boost": values[i]}}})
		}
		match := map[string]any{"should": should, "minimum_should_match": 1}
		if filter != nil {
			match["filter"] = filter
		}
		words, err = o.hits(ctx, map[string]any{"size": q.K, "_source": []string{"passage"}, "query": map[string]any{"bool": match}})
	}
	if err == nil && o.s.Dims > 0 && q.Meaning != nil {
		near := map[string]any{"vector": q.Meaning, "k": q.K}
		if filter != nil {
			near["filter"] = map[string]any{"bool": map[string]any{"filter": filter}}
		}
		meaning, err = o.hits(ctx, map[string]any{"size": q.K, "_source": []string{"passage"}, "query": map[string]any{"knn": map[string]any{"meaning": near}}})
	}
	if err != nil {
		return nil, err
	}
	return merge(words, meaning, meaningWeight, q.K), nil
}

func (o *OpenSearch) hits(ctx context.Context, body map[string]any) ([]Candidate, error) {
	var answer struct {
		Hits struct {
			Hits []struct {
				Score  float64 `json:"_score"`
				Source struct {
					Passage payload `json:"passage"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := o.call(ctx, http.MethodPost, "/_search", body, &answer); err != nil {
		return nil, err
	}
	out := make([]Candidate, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		p := h.Source.Passage
		out = append(out, Candidate{p.passage(p.ID, p.Document, p.Text), h.Score})
	}
	return out, nil
}
