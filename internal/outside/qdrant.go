package outside

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
)

// Qdrant keeps passages in a collection of a Qdrant server (1.10 or newer): the
// words as a sparse vector with the server's own rarity ("modifier":"idf"), the
// meaning as a dense one. Make it with [OpenQdrant].
type Qdrant struct{ s Server }

// OpenQdrant makes the collection when it is not there.
func OpenQdrant(ctx context.Context, s Server) (*Qdrant, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	q := &Qdrant{s}
	err := q.call(ctx, http.MethodGet, "", nil, nil)
	if !isStatus(err, http.StatusNotFound) {
		return q, err
	}
	body := map[string]any{"sparse_vectors": map[string]any{"words": map[string]any{"modifier": "idf"}}}
	if s.Dims > 0 {
		body["vectors"] = map[string]any{"meaning": map[string]any{"size": s.Dims, "distance": "Cosine"}}
	}
	if err := q.call(ctx, http.MethodPut, "", body, nil); err != nil {
		return nil, err
	}
	// Removing a document's passages looks them up by its name.
	return q, q.call(ctx, http.MethodPut, "/index?wait=true", map[string]any{"field_name": "document", "field_schema": "keyword"}, nil)
}

func (q *Qdrant) call(ctx context.Context, method, path string, body, out any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("ask Qdrant: %w", err)
		}
	}
	return q.s.call(ctx, method, "/collections/"+q.s.Name+path, "api-key", "application/json", data, out)
}

// qdrantWords is a sparse vector as the server reads it.
type qdrantWords struct {
	Indices []uint32  `json:"indices"`
	Values  []float32 `json:"values"`
}

// payload is what a point brings back.
type payload struct {
	ID       string `json:"id"`
	Document string `json:"document"`
	Text     string `json:"text"`
	about
}

// qdrantBatch is how many points one request stores.
const qdrantBatch = 200

// Upsert removes what the document had and stores its passages. Between the two
// requests the document has none: the server has no transactions.
func (q *Qdrant) Upsert(ctx context.Context, document string, passages []Passage) error {
	if err := checkPassages(document, passages); err != nil {
		return err
	}
	if err := q.Delete(ctx, document); err != nil {
		return err
	}
	for from := 0; from < len(passages); from += qdrantBatch {
		var points []map[string]any
		for _, p := range passages[from:min(from+qdrantBatch, len(passages))] {
			at, values := p.Words.sorted()
			vector := map[string]any{"words": qdrantWords{at, values}}
			if q.s.Dims > 0 && p.Meaning != nil {
				vector["meaning"] = p.Meaning
			}
			points = append(points, map[string]any{"id": pointID(p.ID), "vector": vector,
				"payload": payload{p.ID, p.Document, p.Text, aboutOf(p)}})
		}
		if err := q.call(ctx, http.MethodPut, "/points?wait=true", map[string]any{"points": points}, nil); err != nil {
			return err
		}
	}
	return nil
}

// pointID makes the UUID a point must have of a passage's id (version 8, RFC 9562).
func pointID(id string) string {
	h := sha256.Sum256([]byte(id))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func documentsAre(names ...string) map[string]any {
	return map[string]any{"must": []any{map[string]any{"key": "document", "match": map[string]any{"any": names}}}}
}

// Delete removes the passages of a document.
func (q *Qdrant) Delete(ctx context.Context, document string) error {
	return q.call(ctx, http.MethodPost, "/points/delete?wait=true", map[string]any{"filter": documentsAre(document)}, nil)
}

// Search asks by words and, with a model, by meaning.
func (q *Qdrant) Search(ctx context.Context, question Question) ([]Candidate, error) {
	var words, meaning []Candidate
	var err error
	if len(question.Words) > 0 {
		at, values := question.Words.sorted()
		words, err = q.query(ctx, question, "words", qdrantWords{at, values})
	}
	if err == nil && q.s.Dims > 0 && question.Meaning != nil {
		meaning, err = q.query(ctx, question, "meaning", question.Meaning)
	}
	if err != nil {
		return nil, err
	}
	return merge(words, meaning, meaningWeight, question.K), nil
}

func (q *Qdrant) query(ctx context.Context, question Question, using string, vector any) ([]Candidate, error) {
	body := map[string]any{"query": vector, "using": using, "limit": question.K, "with_payload": true}
	if len(question.Documents) > 0 {
		body["filter"] = documentsAre(question.Documents...)
	}
	var answer struct {
		Result struct {
			Points []struct {
				Score   float64 `json:"score"`
				Payload payload `json:"payload"`
			} `json:"points"`
		} `json:"result"`
	}
	if err := q.call(ctx, http.MethodPost, "/points/query", body, &answer); err != nil {
		return nil, err
	}
	out := make([]Candidate, 0, len(answer.Result.Points))
	for _, p := range answer.Result.Points {
		out = append(out, Candidate{p.Payload.passage(p.Payload.ID, p.Payload.Document, p.Payload.Text), p.Score})
	}
	return out, nil
}
