package config

// Embedder is what turns texts into vectors for the search by meaning.
type Embedder struct {
	Kind       string // none, openai, ollama, tei, local or onnx
	URL        string // of the server; "" for local and onnx
	Model      string // its name; "" is the directory's name, or what a tei server serves
	Key        Secret
	Dir        string // with the model's files, for local and onnx
	Dimensions int    // every vector must have; 0 takes the model's
}

// embedderSpecs are the settings of the embedding model.
func embedderSpecs() []spec {
	at := func(t target) *Embedder { return &t.Knowledge.Embedder }
	return []spec{
		{"knowledge.embedder.kind", nil, "none", oneOf(func(t target) *string { return &at(t).Kind }, "none", "openai", "ollama", "tei", "local", "onnx"), "What turns passages and questions into vectors, so that they are also found by meaning: a server that speaks the OpenAI, Ollama or Text Embeddings Inference protocol, or a model on this machine (local: a BERT model's safetensors files, in every build; onnx: needs a build with -tags onnx). With none words alone decide. See embedding.md."},
		{"knowledge.embedder.url", nil, "", webURL(func(t target) *string { return &at(t).URL }), "Address of the embedding server, such as http://localhost:11434."},
		{"knowledge.embedder.model", nil, "", text(func(t target) *string { return &at(t).Model }), "Name of the embedding model. The words that E5, BGE and others want before a text follow from it."},
		{"knowledge.embedder.key", nil, "", secret(func(t target) *Secret { return &at(t).Key }), "Key of the embedding server."},
		{"knowledge.embedder.dir", nil, "", text(func(t target) *string { return &at(t).Dir }), "Directory with the files of a local model; make models puts some into data/models. Nothing is downloaded at start."},
		{"knowledge.embedder.dimensions", nil, "0", integer(func(t target) *int { return &at(t).Dimensions }, 0, 8192), "Length every vector must have, to notice a server whose model was exchanged; 0 takes what the model gives."},
	}
}

// checkEmbedder looks at what belongs together.
func (l *loader) checkEmbedder() {
	const prefix = "knowledge.embedder."
	e := l.cfg.Knowledge.Embedder
	need := func(field, value string) {
		if value == "" {
			l.add(prefix+field, l.origin(prefix+"kind"), "is needed for an embedder of kind %s", e.Kind)
		}
	}
	switch e.Kind {
	case "openai", "ollama":
		need("url", e.URL)
		need("model", e.Model)
	case "tei":
		need("url", e.URL)
	case "local", "onnx":
		need("dir", e.Dir)
	case "none":
		for _, field := range []string{"url", "model", "dir"} {
			if o := l.origin(prefix + field); o.Layer != Default {
				l.warn(prefix+field, o, "is set, but has no effect: %skind is none", prefix)
			}
		}
	}
}
