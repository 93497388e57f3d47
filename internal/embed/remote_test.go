package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// letters is what the fake servers answer: how often a, b and c occur, and 1.
func letters(text string) []float32 {
	return []float32{float32(strings.Count(text, "a")), float32(strings.Count(text, "b")), float32(strings.Count(text, "c")), 1}
}

// fake is a server of one protocol. It refuses what the real ones refuse.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	texts    []string // all it was asked
	requests int
	auth     string
	body     map[string]any // of the last request
}

func newFake(t *testing.T, p Protocol) *fake {
	t.Helper()
	f := &fake{}
	path := map[Protocol]string{OpenAI: "/v1/embeddings", Ollama: "/api/embed", TEI: "/embed"}[p]
	field := map[Protocol]string{OpenAI: "input", Ollama: "input", TEI: "inputs"}[p]
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests++
		f.auth, f.body = r.Header.Get("Authorization"), nil
		if err := json.NewDecoder(r.Body).Decode(&f.body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		texts, _ := f.body[field].([]any)
		if len(texts) == 0 || len(texts) > 64 {
			http.Error(w, `{"error":"batch size must be 1 to 64"}`, http.StatusRequestEntityTooLarge)
			return
		}
		var vectors [][]float32
		for _, text := range texts {
			s, _ := text.(string)
			if s == "" {
				http.Error(w, `{"error":"inputs cannot be empty"}`, http.StatusUnprocessableEntity)
				return
			}
			f.texts = append(f.texts, s)
			vectors = append(vectors, letters(s))
		}
		_ = json.NewEncoder(w).Encode(answerOf(p, vectors)) // the client sees a short answer
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

// answerOf is a whole answer of a protocol, with the fields we do not read; the
// OpenAI one backwards, as its index field allows.
func answerOf(p Protocol, vectors [][]float32) any {
	switch p {
	case Ollama:
		return map[string]any{"model": "m", "embeddings": vectors, "total_duration": 14143917, "prompt_eval_count": 8}
	case TEI:
		return vectors
	}
	var data []map[string]any
	for i, v := range slices.Backward(vectors) {
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": v})
	}
	return map[string]any{"object": "list", "data": data, "model": "m", "usage": map[string]any{"prompt_tokens": 1, "total_tokens": 1}}
}

func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func remote(t *testing.T, s Settings) *Remote {
	t.Helper()
	r, err := NewRemote(s, client(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRemoteEmbedsOverEveryProtocol(t *testing.T) {
	for _, p := range []Protocol{OpenAI, Ollama, TEI} {
		t.Run(string(p), func(t *testing.T) {
			server := newFake(t, p)
			r := remote(t, Settings{Protocol: p, URL: server.URL + "/", Model: "plain", Key: "k-1"})
			if r.Dimensions() != 0 {
				t.Errorf("dimensions before the first answer: %d", r.Dimensions())
			}
			texts := []string{"aaa", "", "b\xff"}
			for i := range 150 {
				texts = append(texts, strings.Repeat("c", i))
			}
			got, err := r.Embed(t.Context(), texts, Passage)
			if err != nil {
				t.Fatal(err)
			}
			var want [][]float32
			for _, text := range texts {
				v := letters(text)
				if err := normalise(v); err != nil {
					t.Fatal(err)
				}
				want = append(want, v)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("vectors (-want +got):\n%s", diff)
			}
			if server.requests != 3 || server.auth != "Bearer k-1" || r.Dimensions() != 4 {
				t.Errorf("%d requests, %q, %d dimensions", server.requests, server.auth, r.Dimensions())
			}
			if server.texts[2] != "b\uFFFD" {
				t.Errorf("invalid UTF-8 was sent as %q", server.texts[2])
			}
			if got, err := r.Embed(t.Context(), nil, Query); len(got) != 0 || err != nil {
				t.Errorf("no texts: %v, %v", got, err)
			}
		})
	}
}

// The bodies are what the protocols' documentation asks for.
func TestRemoteAsksAsTheProtocolSays(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		want     map[string]any
	}{
		{Settings{Protocol: OpenAI, Model: "m", Dimensions: 4}, map[string]any{"model": "m", "input": []any{"x"}, "encoding_format": "float"}},
		{Settings{Protocol: OpenAI, Model: "text-embedding-3-small", Dimensions: 4}, map[string]any{"model": "text-embedding-3-small", "input": []any{"x"}, "encoding_format": "float", "dimensions": 4.0}},
		{Settings{Protocol: OpenAI, Model: "intfloat/multilingual-e5-small"}, map[string]any{"model": "intfloat/multilingual-e5-small", "input": []any{"query: x"}, "encoding_format": "float"}},
		{Settings{Protocol: OpenAI, Model: "multilingual-e5-small-q4"}, map[string]any{"model": "multilingual-e5-small-q4", "input": []any{"x"}, "encoding_format": "float", "input_type": "query"}},
		{Settings{Protocol: Ollama, Model: "nomic-embed-text"}, map[string]any{"model": "nomic-embed-text", "input": []any{"search_query: x"}, "truncate": true}},
		{Settings{Protocol: TEI, Model: "BAAI/bge-small-en-v1.5"}, map[string]any{"inputs": []any{represent + "x"}, "normalize": true, "truncate": true}},
		{Settings{Protocol: TEI, Prompts: &Prompts{Query: "Q: "}}, map[string]any{"inputs": []any{"Q: x"}, "normalize": true, "truncate": true}},
	} {
		t.Run(string(c.settings.Protocol)+" "+c.settings.Model, func(t *testing.T) {
			server := newFake(t, c.settings.Protocol)
			c.settings.URL = server.URL
			if _, err := remote(t, c.settings).Embed(t.Context(), []string{"x"}, Query); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, server.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if server.auth != "" {
				t.Errorf("a key was sent without one being set: %q", server.auth)
			}
		})
	}
}

func TestRemoteSplitsAndCutsLongTexts(t *testing.T) {
	server := newFake(t, TEI)
	long := strings.Repeat("ação ", 5000)
	texts := slices.Repeat([]string{long}, 40)
	if _, err := remote(t, Settings{Protocol: TEI, URL: server.URL}).Embed(t.Context(), texts, Passage); err != nil {
		t.Fatal(err)
	}
	if server.requests != 2 { // 32 × 8 kB fill 256 kB
		t.Errorf("%d requests", server.requests)
	}
	for _, sent := range server.texts {
		if len(sent) > maxTextBytes || len(sent) < maxTextBytes-4 || !strings.HasPrefix(long, sent) {
			t.Fatalf("%d bytes were sent, ending in %q", len(sent), sent[len(sent)-8:])
		}
	}
}

func TestRemoteSaysWhatWentWrong(t *testing.T) {
	key := "sk-very-secret"
	for _, c := range []struct {
		name, answer string
		status       int
		reason       error
		retry        time.Duration
		detail       string
	}{
		{"key", `{"error":{"message":"Incorrect API key provided: sk-very-secret"}}`, 401, ErrUnauthorised, 0, "Incorrect API key provided: •••"},
		{"forbidden", `no`, 403, ErrUnauthorised, 0, "no"},
		{"limit", `{"error":"slow down"}`, 429, ErrRateLimited, 7 * time.Second, "slow down"},
		{"long", `{"error":"input too long","error_type":"validation"}`, 413, ErrRefused, 7 * time.Second, "input too long"},
		{"no model", `{"error":"model \"m\" not found, try pulling it first"}`, 404, ErrRefused, 7 * time.Second, `model "m" not found, try pulling it first`},
		{"down", "<html>\n  bad   gateway</html>", 502, ErrUnavailable, 7 * time.Second, "<html> bad gateway</html>"},
		{"redirect", ``, 304, ErrUnavailable, 7 * time.Second, ""},
		{"page", `<!doctype html>`, 200, ErrAnswer, 0, "it is not JSON of the OpenAI protocol"},
		{"empty", ``, 200, ErrAnswer, 0, "it is not JSON"},
		{"fewer", `{"data":[]}`, 200, ErrAnswer, 0, "0 vectors for 2 texts"},
		{"doubled", `{"data":[{"index":1,"embedding":[1]},{"index":1,"embedding":[1]}]}`, 200, ErrAnswer, 0, "index 1 is doubled"},
		{"range", `{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}`, 200, ErrAnswer, 0, "index 2"},
		{"hole", `{"data":[{"index":0,"embedding":[1]},{"index":1}]}`, 200, ErrAnswer, 0, "vector 1 is missing"},
		{"zeros", `{"data":[{"index":0,"embedding":[0,0]},{"index":1,"embedding":[1,1]}]}`, 200, ErrAnswer, 0, "2 zeros"},
		{"too large a number", `{"data":[{"index":0,"embedding":[1e99]},{"index":1,"embedding":[1]}]}`, 200, ErrAnswer, 0, "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.retry > 0 {
					w.Header().Set("Retry-After", "7")
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer) // a client that went away is the test's own
			}))
			defer server.Close()
			r := remote(t, Settings{Protocol: OpenAI, URL: server.URL, Model: "m", Key: key})
			_, err := r.Embed(t.Context(), []string{"x", "y"}, Query)
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, c.reason) {
				t.Fatalf("got %v, want %v", err, c.reason)
			}
			if e.RetryAfter != c.retry || e.Status != c.status || !strings.Contains(e.Detail, c.detail) {
				t.Errorf("got %+v", e)
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("the key is in the message: %v", err)
			}
		})
	}
}

func TestRemoteChecksTheLength(t *testing.T) {
	server := newFake(t, Ollama)
	_, err := remote(t, Settings{Protocol: Ollama, URL: server.URL, Model: "m", Dimensions: 768}).Embed(t.Context(), []string{"a"}, Query)
	if !errors.Is(err, ErrDimensions) || !strings.Contains(err.Error(), "m gives 4 dimensions, expected are 768") {
		t.Errorf("got %v", err)
	}
	lengths := []int{3, 5}
	changing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v := slices.Repeat([]float32{1}, lengths[0])
		lengths = lengths[1:]
		_ = json.NewEncoder(w).Encode(answerOf(Ollama, [][]float32{v})) // the client sees a short answer
	}))
	defer changing.Close()
	r := remote(t, Settings{Protocol: Ollama, URL: changing.URL, Model: "m"})
	if _, err := r.Embed(t.Context(), []string{"a"}, Query); err != nil || r.Dimensions() != 3 {
		t.Fatalf("%v, %d dimensions", err, r.Dimensions())
	}
	if _, err := r.Embed(t.Context(), []string{"a"}, Query); !errors.Is(err, ErrDimensions) {
		t.Errorf("a model that was exchanged: %v", err)
	}
}

func TestRemoteWithoutAServer(t *testing.T) {
	server := httptest.NewServer(nil)
	url := server.URL
	server.Close()
	_, err := remote(t, Settings{Protocol: TEI, URL: url}).Embed(t.Context(), []string{"a"}, Query)
	if !errors.Is(err, ErrUnavailable) || strings.Count(err.Error(), url) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestRemoteCancelled(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the end of the connection is seen only after the body
		close(held)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; cancel() }()
	_, err := remote(t, Settings{Protocol: TEI, URL: server.URL}).Embed(ctx, []string{"a"}, Query)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v: the caller's own cancellation is no fault of the server", err)
	}
}

func TestRemoteStopsReadingAnEndlessAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		block := []byte(strings.Repeat(" ", 64<<10))
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	r := remote(t, Settings{Protocol: TEI, URL: server.URL})
	if r.most != maxAnswer {
		t.Errorf("%d bytes are read", r.most)
	}
	r.most = 2 << 20 // the real limit takes long with the race detector
	_, err := r.Embed(t.Context(), []string{"a"}, Query)
	if !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), "more than 2 MB") {
		t.Errorf("got %v", err)
	}
}

func TestNewRemoteRefuses(t *testing.T) {
	for name, s := range map[string]Settings{
		"protocol":   {Protocol: "soap", URL: "http://h", Model: "m"},
		"no url":     {Protocol: OpenAI, Model: "m"},
		"file":       {Protocol: OpenAI, URL: "file:///etc/passwd", Model: "m"},
		"password":   {Protocol: OpenAI, URL: "http://u:p@h/", Model: "m"},
		"parameters": {Protocol: OpenAI, URL: "http://h/?a=b", Model: "m"},
		"no model":   {Protocol: Ollama, URL: "http://h"},
		"dimensions": {Protocol: TEI, URL: "http://h", Dimensions: -1},
	} {
		if _, err := NewRemote(s, http.DefaultClient); err == nil {
			t.Errorf("%s: %+v was accepted", name, s)
		} else if strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%s: the message shows a password: %v", name, err)
		}
	}
	if _, err := NewRemote(Settings{Protocol: TEI, URL: "http://h"}, nil); err == nil {
		t.Error("no client was accepted")
	}
}

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		p         Protocol
		url, want string
	}{
		{OpenAI, "https://api.example.com", "https://api.example.com/v1/embeddings"},
		{OpenAI, "http://h:8000/v1/", "http://h:8000/v1/embeddings"},
		{OpenAI, "http://h/openai/deployments/x/embeddings", "http://h/openai/deployments/x/embeddings"},
		{OpenAI, "http://h/v1beta/openai", "http://h/v1beta/openai/embeddings"},
		{Ollama, "http://h:11434", "http://h:11434/api/embed"},
		{Ollama, "http://h:11434/api", "http://h:11434/api/embed"},
		{Ollama, "http://h/ollama/api/embed", "http://h/ollama/api/embed"},
		{TEI, "http://h:8080", "http://h:8080/embed"},
		{TEI, "http://h:8080/embed", "http://h:8080/embed"},
	} {
		if got, err := c.p.endpoint(c.url); got != c.want || err != nil {
			t.Errorf("%s %s: got %s, %v, want %s", c.p, c.url, got, err, c.want)
		}
	}
}

func TestPromptsOfKnownModels(t *testing.T) {
	e5 := Prompts{"query: ", "passage: "}
	bge := Prompts{Query: represent}
	for model, want := range map[string]Prompts{
		"intfloat/multilingual-e5-small": e5, "e5-base-v2": e5, "E5-Large": e5,
		"intfloat/multilingual-e5-large-instruct": {Query: instruct},
		"BAAI/bge-small-en-v1.5":                  bge, "BAAI/bge-m3": {}, "mxbai-embed-large": bge,
		"nomic-embed-text:latest": {"search_query: ", "search_document: "},
		"all-MiniLM-L6-v2":        {}, "text-embedding-3-small": {}, "model5-made5": {}, "": {},
		"multilingual-e5-small-q4": {}, // its server puts them
	} {
		if got := PromptsFor(model); got != want {
			t.Errorf("%s: got %q, want %q", model, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range []Protocol{OpenAI, Ollama, TEI} {
		answer, err := json.Marshal(answerOf(p, [][]float32{{1, 2}, {3, 4}}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(p), answer)
	}
	f.Add("openai", []byte(`{"data":[{"index":-1,"embedding":[1]},{"index":0}]}`))
	f.Add("ollama", []byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, p string, answer []byte) {
		got, err := Protocol(p).parse(answer, 2)
		if err == nil && (len(got) != 2 || len(got[0]) == 0 || len(got[1]) == 0) {
			t.Errorf("accepted %q as %v", answer, got)
		}
		for _, v := range got {
			if err := normalise(v); err == nil {
				var sum float64
				for _, x := range v {
					sum += float64(x) * float64(x)
				}
				if math.Abs(sum-1) > 1e-3 {
					t.Errorf("length² %v", sum)
				}
			}
		}
		if len([]rune(complaint(answer))) > 301 {
			t.Error("a complaint is long")
		}
	})
}

func ExampleRemote() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[[3,4]]`) // a client that went away is the example's own
	}))
	defer server.Close()
	r, err := NewRemote(Settings{Protocol: TEI, URL: server.URL}, server.Client())
	if err != nil {
		fmt.Println(err)
		return
	}
	vectors, err := r.Embed(context.Background(), []string{"How do I rerun a job?"}, Query)
	fmt.Println(vectors, err)
	// Output: [[0.6 0.8]] <nil>
}
