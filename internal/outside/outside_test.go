package outside

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store/storetest"
)

// words is a passage's vector of plain words.
func words(text string) Sparse {
	out := Sparse{}
	for _, w := range strings.Fields(strings.ToLower(text)) {
		out[Term(w)]++
	}
	return out
}

func passage(document, id, text string, meaning ...float32) Passage {
	return Passage{ID: id, Document: document, Title: "T " + id, Path: []string{"Chapter", "T " + id}, Kind: "text", Text: text, Start: 3, End: 3 + len(text),
		Line: 2, Last: 4, Words: words(text), Meaning: meaning}
}

// conform is what every index must do.
func conform(t *testing.T, x Index) {
	ctx := t.Context()
	ids := func(q Question) []string {
		t.Helper()
		q.Words, q.K = words(q.Text), 10
		found, err := x.Search(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range found {
			out = append(out, c.ID)
		}
		return out
	}
	if got := ids(Question{Text: "mast"}); len(got) != 0 {
		t.Errorf("an empty index found %v", got)
	}
	first := []Passage{
		passage("a.md", "a1", "the airship waits at the mast of the airship", 1, 0, 0), passage("a.md", "a2", "the gondola is full", 0, 1, 0),
		passage("a.md", "a3", "the rest of the crew sleeps in the town", 0, 0.9, 0.1),
	}
	if err := x.Upsert(ctx, "a.md", first); err != nil {
		t.Fatal(err)
	}
	if err := x.Upsert(ctx, "b.md", []Passage{passage("b.md", "b1", "the mast is painted ünder \u2603 'quotes' \\ and\nlines", 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if got := ids(Question{Text: "airship mast"}); len(got) < 2 || got[0] != "a1" || got[1] != "b1" {
		t.Errorf("airship mast: %v", got)
	}
	if got := ids(Question{Text: "mast", Documents: []string{"b.md"}}); !slices.Equal(got, []string{"b1"}) {
		t.Errorf("only b.md: %v", got)
	}
	if got := ids(Question{Text: "unheard"}); len(got) != 0 {
		t.Errorf("a word nobody has: %v", got)
	}
	if got := ids(Question{Text: "unheard", Meaning: []float32{0, 1, 0}}); len(got) == 0 || got[0] != "a2" {
		t.Errorf("by meaning: %v", got)
	}
	found, err := x.Search(ctx, Question{Text: "painted", Words: words("painted"), K: 1})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	want := passage("b.md", "b1", "the mast is painted ünder \u2603 'quotes' \\ and\nlines")
	got := found[0].Passage
	want.Words, want.Meaning, got.Words, got.Meaning = nil, nil, nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a passage came back changed (-want +got):\n%s", diff)
	}
	if err := x.Upsert(ctx, "a.md", []Passage{passage("a.md", "a9", "nothing but rope", 1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	if got := ids(Question{Text: "airship gondola rope"}); !slices.Equal(got, []string{"a9"}) {
		t.Errorf("after another text: %v", got)
	}
	for range 2 { // what is not there is no error
		if err := x.Delete(ctx, "b.md"); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(Question{Text: "mast"}); len(got) != 0 {
		t.Errorf("after its removal: %v", got)
	}
	for _, bad := range [][]Passage{{passage("other.md", "x", "x")}, {passage("c.md", "", "x")}, {passage("c.md", "x", "x"), passage("c.md", "x", "y")}} {
		if err := x.Upsert(ctx, "c.md", bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if err := x.Upsert(ctx, "", nil); err == nil {
		t.Error("a document without a name was taken")
	}
}

// vectorPostgres is a database of a PostgreSQL that has the extension vector.
// RESYNC_PGVECTOR_BIN names the folder of its programs.
func vectorPostgres(t *testing.T) *sql.DB {
	t.Helper()
	bin := os.Getenv("RESYNC_PGVECTOR_BIN")
	if bin == "" {
		t.Skip("SKIPPED, NOT RUN: passages in PostgreSQL with pgvector: no RESYNC_PGVECTOR_BIN (make pgvector fetches one)")
	}
	t.Setenv("RESYNC_POSTGRES_BIN", bin)
	db, err := sql.Open("pgx", storetest.Postgres(t).NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgres(t *testing.T) {
	x, err := OpenPostgres(t.Context(), vectorPostgres(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	conform(t, x)
	if err := x.Upsert(t.Context(), "c.md", []Passage{passage("c.md", "c", "x", 1, 2)}); err == nil {
		t.Error("a vector of another length was taken")
	}
	if _, err := OpenPostgres(t.Context(), x.db, 3); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// fake answers requests of the documented shapes and refuses all others. Only what
// the real server decides (which points match, and their scores) it decides itself.
type fake struct {
	t      *testing.T
	made   bool
	points map[string]map[string]any // :: id → what was stored
}

func (f *fake) body(r *http.Request) map[string]any {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	var m map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &m); err != nil {
			f.t.Errorf("%s %s: %v in %.200s", r.Method, r.URL, err, data)
		}
	}
	return m
}

// only reports fields that the documentation of the request does not have.
func (f *fake) only(what string, m map[string]any, fields ...string) {
	for k := range m {
		if !slices.Contains(fields, k) {
			f.t.Errorf("%s has the field %q", what, k)
		}
	}
}

func dig(m any, path ...string) any {
	for _, p := range path {
		o, ok := m.(map[string]any)
		if !ok {
			return nil
		}
		m = o[p]
	}
	return m
}

func dot(a map[string]float64, b map[string]float64) (sum float64) {
	for k, v := range a {
		sum += v * b[k]
	}
	return sum
}

// sparseOf reads {"indices":[…],"values":[…]}.
func (f *fake) sparseOf(v any) map[string]float64 {
	m, _ := v.(map[string]any)
	f.only("a sparse vector", m, "indices", "values")
	at, _ := m["indices"].([]any)
	values, _ := m["values"].([]any)
	if len(at) != len(values) || len(at) == 0 {
		f.t.Errorf("a sparse vector of %d indices and %d values", len(at), len(values))
		return nil
	}
	out := map[string]float64{}
	for i := range at {
		out[fmt.Sprint(at[i])] = values[i].(float64)
	}
	return out
}

func listDot(a, b any) (sum float64) {
	x, _ := a.([]any)
	y, _ := b.([]any)
	for i := range min(len(x), len(y)) {
		sum += x[i].(float64) * y[i].(float64)
	}
	return sum
}

type hit struct {
	score float64
	doc   map[string]any
}

// ranked sorts what scored by score and id.
func ranked(points map[string]map[string]any, keep func(map[string]any) bool, score func(map[string]any) float64) []hit {
	var out []hit
	for _, id := range slices.Sorted(maps.Keys(points)) {
		if s := score(points[id]); s > 0 && keep(points[id]) {
			out = append(out, hit{s, points[id]})
		}
	}
	slices.SortStableFunc(out, func(a, b hit) int {
		if a.score > b.score {
			return -1
		}
		return 1
	})
	return out
}

func (f *fake) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

// qdrant follows the documented REST interface: api.qdrant.tech, collections,
// points/query, points/delete.
func (f *fake) qdrant(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Api-Key") != "sesame" || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b := f.body(r)
	switch route := r.Method + " " + r.URL.RequestURI(); route {
	case "GET /collections/ops":
		if !f.made {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		f.answer(w, map[string]any{"result": map[string]any{"status": "green"}})
	case "PUT /collections/ops":
		f.only("create collection", b, "vectors", "sparse_vectors")
		if dig(b, "sparse_vectors", "words", "modifier") != "idf" || dig(b, "vectors", "meaning", "size") != 3.0 || dig(b, "vectors", "meaning", "distance") != "Cosine" {
			f.t.Errorf("create collection: %v", b)
		}
		f.made = true
		f.answer(w, map[string]any{"result": true})
	case "PUT /collections/ops/index?wait=true":
		if !cmp.Equal(b, map[string]any{"field_name": "document", "field_schema": "keyword"}) {
			f.t.Errorf("create index: %v", b)
		}
		f.answer(w, map[string]any{"result": map[string]any{"status": "completed"}})
	case "PUT /collections/ops/points?wait=true":
		f.only("upsert", b, "points")
		for _, p := range b["points"].([]any) {
			p := p.(map[string]any)
			f.only("a point", p, "id", "vector", "payload")
			if id, _ := p["id"].(string); len(id) != 36 || id[14] != '8' {
				f.t.Errorf("the id %q is no UUID", id)
			}
			f.sparseOf(dig(p, "vector", "words"))
			f.points[p["id"].(string)] = p
		}
		f.answer(w, map[string]any{"result": map[string]any{"status": "completed"}})
	case "POST /collections/ops/points/delete?wait=true":
		keep := f.qdrantFilter(b["filter"])
		maps.DeleteFunc(f.points, func(_ string, p map[string]any) bool { return keep(p) })
		f.answer(w, map[string]any{"result": map[string]any{"status": "completed"}})
	case "POST /collections/ops/points/query":
		f.only("query", b, "query", "using", "limit", "with_payload", "filter")
		var score func(map[string]any) float64
		switch b["using"] {
		case "words":
			q := f.sparseOf(b["query"])
			score = func(p map[string]any) float64 { return dot(q, f.sparseOf(dig(p, "vector", "words"))) }
		case "meaning":
			score = func(p map[string]any) float64 { return listDot(b["query"], dig(p, "vector", "meaning")) }
		default:
			f.t.Errorf("using %v", b["using"])
		}
		points := []any{}
		for _, h := range ranked(f.points, f.qdrantFilter(b["filter"]), score) {
			points = append(points, map[string]any{"id": h.doc["id"], "version": 1, "score": h.score, "payload": h.doc["payload"]})
		}
		points = points[:min(len(points), int(b["limit"].(float64)))]
		f.answer(w, map[string]any{"result": map[string]any{"points": points}, "status": "ok", "time": 0.001})
	default:
		f.t.Errorf("no such request: %s", route)
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fake) qdrantFilter(v any) func(map[string]any) bool {
	if v == nil {
		return func(map[string]any) bool { return true }
	}
	must, _ := dig(v, "must").([]any)
	if len(must) != 1 || dig(must[0], "key") != "document" {
		f.t.Errorf("filter %v", v)
		return func(map[string]any) bool { return false }
	}
	names, _ := dig(must[0], "match", "any").([]any)
	return func(p map[string]any) bool { return slices.Contains(names, dig(p, "payload", "document")) }
}

// openSearch follows the documented REST interface: create index, _bulk,
// _delete_by_query, _search with bool/term and knn.
func (f *fake) openSearch(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "sesame" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.RequestURI() == "/ops/_bulk?refresh=true" {
		f.bulk(w, r)
		return
	}
	b := f.body(r)
	switch route := r.Method + " " + r.URL.RequestURI(); route {
	case "GET /ops":
		if !f.made {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		f.answer(w, map[string]any{"ops": map[string]any{}})
	case "PUT /ops":
		f.only("create index", b, "settings", "mappings")
		m := dig(b, "mappings", "properties")
		if dig(b, "settings", "index.knn") != true || dig(m, "meaning", "type") != "knn_vector" || dig(m, "meaning", "dimension") != 3.0 ||
			dig(m, "words", "analyzer") != "whitespace" || dig(m, "document", "type") != "keyword" || dig(m, "passage", "enabled") != false {
			f.t.Errorf("create index: %v", b)
		}
		f.made = true
		f.answer(w, map[string]any{"acknowledged": true})
	case "POST /ops/_delete_by_query?refresh=true&conflicts=proceed":
		name := dig(b, "query", "term", "document")
		if name == nil {
			f.t.Errorf("delete by query: %v", b)
		}
		maps.DeleteFunc(f.points, func(_ string, p map[string]any) bool { return p["document"] == name })
		f.answer(w, map[string]any{"deleted": 1})
	case "POST /ops/_search":
		f.only("search", b, "size", "_source", "query")
		hits := []any{}
		for _, h := range f.openSearchHits(dig(b, "query").(map[string]any)) {
			hits = append(hits, map[string]any{"_id": h.doc["_id"], "_score": h.score, "_source": map[string]any{"passage": h.doc["passage"]}})
		}
		f.answer(w, map[string]any{"hits": map[string]any{"total": map[string]any{"value": len(hits)}, "hits": hits[:min(len(hits), int(b["size"].(float64)))]}})
	default:
		f.t.Errorf("no such request: %s", route)
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fake) bulk(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/x-ndjson" || !strings.HasSuffix(string(data), "\n") {
		f.t.Errorf("bulk: %v, %s, %.100s", err, r.Header.Get("Content-Type"), data)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		var head struct {
			Index struct {
				ID string `json:"_id"`
			} `json:"index"`
		}
		var doc map[string]any
		if err := errors.Join(json.Unmarshal([]byte(lines[i]), &head), json.Unmarshal([]byte(lines[i+1]), &doc)); err != nil || head.Index.ID == "" {
			f.t.Errorf("bulk: %v in %s", err, lines[i])
		}
		doc["_id"] = head.Index.ID
		f.points[head.Index.ID] = doc
	}
	f.answer(w, map[string]any{"errors": false, "items": []any{}})
}

func (f *fake) openSearchHits(q map[string]any) []hit {
	f.only("query", q, "bool", "knn")
	if near, ok := dig(q, "knn", "meaning").(map[string]any); ok {
		f.only("knn", near, "vector", "k", "filter")
		return ranked(f.points, func(map[string]any) bool { return true }, func(p map[string]any) float64 { return listDot(near["vector"], p["meaning"]) })
	}
	b := dig(q, "bool").(map[string]any)
	f.only("bool", b, "should", "minimum_should_match", "filter")
	weights := map[string]float64{}
	for _, s := range b["should"].([]any) {
		t := dig(s, "term", "words").(map[string]any)
		f.only("term", t, "value", "boost")
		weights[t["value"].(string)] = t["boost"].(float64)
	}
	var names []any
	if filter, ok := b["filter"].([]any); ok {
		names, _ = dig(filter[0], "terms", "document").([]any)
	}
	keep := func(p map[string]any) bool { return names == nil || slices.Contains(names, p["document"]) }
	return ranked(f.points, keep, func(p map[string]any) (sum float64) {
		for _, w := range strings.Fields(p["words"].(string)) {
			sum += weights[w]
		}
		return sum
	})
}

func server(t *testing.T, handler func(*fake) http.HandlerFunc) Server {
	t.Helper()
	f := &fake{t: t, points: map[string]map[string]any{}}
	s := httptest.NewServer(handler(f))
	t.Cleanup(s.Close)
	return Server{URL: s.URL, Name: "ops", Key: "sesame", Client: s.Client(), Dims: 3}
}

func TestQdrant(t *testing.T) {
	s := server(t, func(f *fake) http.HandlerFunc { return f.qdrant })
	x, err := OpenQdrant(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	conform(t, x)
	if _, err := OpenQdrant(t.Context(), s); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

func TestOpenSearch(t *testing.T) {
	s := server(t, func(f *fake) http.HandlerFunc { return f.openSearch })
	x, err := OpenOpenSearch(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	conform(t, x)
	if _, err := OpenOpenSearch(t.Context(), s); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// TestServersThatFail: what the server says is told apart from a server that is
// away.
func TestServersThatFail(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		away   bool
	}{
		{"down", 503, "overloaded", true}, {"busy", 429, "slow down", true}, {"refused", 400, "no such vector", false}, {"no key", 401, "", false},
		{"a page instead of JSON", 200, "<html>", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			srv := Server{URL: s.URL, Name: "ops", Client: s.Client(), Dims: 3}
			q := Question{Text: "x", Words: words("x"), K: 1}
			for name, x := range map[string]Index{"qdrant": &Qdrant{srv}, "opensearch": &OpenSearch{srv}} {
				if _, err := x.Search(t.Context(), q); err == nil || errors.Is(err, ErrAway) != c.away {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	gone := Server{URL: "http://127.0.0.1:1", Name: "ops", Client: http.DefaultClient}
	if _, err := OpenQdrant(t.Context(), gone); !errors.Is(err, ErrAway) {
		t.Errorf("nobody listens: %v", err)
	}
	for _, bad := range []Server{{}, {URL: "ftp://x", Name: "a", Client: http.DefaultClient}, {URL: "http://x", Name: "a/b", Client: http.DefaultClient}, {URL: "http://x", Name: "a"}} {
		if _, err := OpenOpenSearch(t.Context(), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestABulkThatFailsInPart(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if filepath.Base(r.URL.Path) == "_bulk" {
			_, _ = io.WriteString(w, `{"errors":true,"items":[{"index":{"_id":"a","error":{"type":"x","reason":"mapper refuses"}}}]}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer s.Close()
	x := &OpenSearch{Server{URL: s.URL, Name: "ops", Client: s.Client()}}
	if err := x.Upsert(context.Background(), "a.md", []Passage{passage("a.md", "a", "x")}); err == nil || !strings.Contains(err.Error(), "mapper refuses") {
		t.Errorf("got %v", err)
	}
}

func TestMerge(t *testing.T) {
	c := func(id string, s float64) Candidate { return Candidate{Passage{ID: id}, s} }
	got := merge([]Candidate{c("a", 10), c("b", 5)}, []Candidate{c("b", 0.9), c("c", 0.45)}, 0.5, 2)
	if len(got) != 2 || got[0].ID != "b" || got[0].Score != 0.75 || got[1].ID != "a" || got[1].Score != 0.5 {
		t.Errorf("%v", got)
	}
	if got := merge([]Candidate{c("a", 0)}, []Candidate{c("a", -1)}, 0.5, 2); len(got) != 1 || got[0].Score != 0 {
		t.Errorf("no positive score: %v", got)
	}
}
