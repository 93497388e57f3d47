package config

import "time"

// Reranker is what orders the best passages of a search anew.
type Reranker struct {
	Kind       string // lexical, tei, cohere, jina, infinity, llm or onnx
	URL        string // of the server
	Model      string // its name; a tei server serves one and needs none
	Key        Secret
	Dir        string        // with the model's files, for onnx
	Candidates int           // passages it is given
	Timeout    time.Duration // a search waits for it
}

// rerankerSpecs are the settings of the reranker.
func rerankerSpecs() []spec {
	at := func(t target) *Reranker { return &t.Knowledge.Reranker }
	return []spec{
		{"knowledge.reranker.kind", nil, "lexical", oneOf(func(t target) *string { return &at(t).Kind }, "lexical", "tei", "cohere", "jina", "infinity", "llm", "onnx"), "What puts the best passages of a search in order: words alone (lexical), a server with the /rerank of Text Embeddings Inference, Cohere, Jina (vLLM and LocalAI too) or Infinity, the language model of llm.targets, or a cross-encoder on this machine (onnx: needs a build with -tags onnx). When it fails, words decide and the answer says so."},
		{"knowledge.reranker.url", nil, "", webURL(func(t target) *string { return &at(t).URL }), "Address of the server, such as http://localhost:8080."},
		{"knowledge.reranker.model", nil, "", text(func(t target) *string { return &at(t).Model }), "Name of the model; a tei server serves only one and needs none."},
		{"knowledge.reranker.key", nil, "", secret(func(t target) *Secret { return &at(t).Key }), "Key of the server, sent as a bearer token."},
		{"knowledge.reranker.dir", nil, "", text(func(t target) *string { return &at(t).Dir }), "Directory with model.onnx and tokenizer.json, for onnx."},
		{"knowledge.reranker.candidates", nil, "30", integer(func(t target) *int { return &at(t).Candidates }, 2, 100), "How many passages it is given."},
		{"knowledge.reranker.timeout", nil, "1500ms", duration(func(t target) *time.Duration { return &at(t).Timeout }, 50*time.Millisecond, 2*time.Minute), "How long a search waits for it before words decide. A language model needs several seconds."},
	}
}

// checkReranker looks at what belongs together.
func (l *loader) checkReranker() {
	const prefix = "knowledge.reranker."
	r := l.cfg.Knowledge.Reranker
	need := func(field, value string) {
		if value == "" {
			l.add(prefix+field, l.origin(prefix+"kind"), "is needed for a reranker of kind %s", r.Kind)
		}
	}
	var idle []string // fields that mean nothing to the kind
	switch r.Kind {
	case "tei":
		need("url", r.URL)
		idle = []string{"dir"}
	case "cohere", "jina", "infinity":
		need("url", r.URL)
		need("model", r.Model)
		idle = []string{"dir"}
	case "onnx":
		need("dir", r.Dir)
		idle = []string{"url", "key"}
	case "llm":
		if len(l.cfg.LLM.Targets) == 0 {
			l.add(prefix+"kind", l.origin(prefix+"kind"), "is llm, but llm.targets names no language model")
		}
		idle = []string{"url", "model", "key", "dir"}
	case "lexical":
		idle = []string{"url", "model", "key", "dir", "candidates", "timeout"}
	}
	for _, field := range idle {
		if o := l.origin(prefix + field); o.Layer != Default {
			l.warn(prefix+field, o, "is set, but has no effect: %skind is %s", prefix, r.Kind)
		}
	}
}
