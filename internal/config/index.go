package config

// Index is where passages are searched besides this process.
type Index struct {
	Kind string // in-process, pgvector, qdrant or opensearch
	URL  Secret // of the server; postgres://… for pgvector. A Secret because it may hold a password
	Name string // of the collection or index
	Key  Secret
}

// indexSpecs are the settings of an index outside the process.
func indexSpecs() []spec {
	at := func(t target) *Index { return &t.Knowledge.Index }
	return []spec{
		{"knowledge.index.kind", nil, "in-process", oneOf(func(t target) *string { return &at(t).Kind }, "in-process", "pgvector", "qdrant", "opensearch"), "Where passages are searched: in this process, or in PostgreSQL with pgvector, Qdrant or OpenSearch, which this process then keeps filled. While the server does not answer, this process searches."},
		{"knowledge.index.url", nil, "", indexURL(func(t target) *Secret { return &at(t).URL }), "Address of that server: postgres://USER@HOST/NAME for pgvector, http(s)://HOST:PORT for the others. In the file an address with a password is refused: write a reference."},
		{"knowledge.index.name", nil, "resync", text(func(t target) *string { return &at(t).Name }), "Collection (Qdrant) or index (OpenSearch) to keep the passages in."},
		{"knowledge.index.key", nil, "", secret(func(t target) *Secret { return &at(t).Key }), "What is sent as api-key (Qdrant), or as the whole Authorization header (OpenSearch)."},
	}
}

// indexURL is the address of a server that holds passages.
func indexURL(at func(target) *Secret) kind {
	return addressSecret(at, "postgres:// or http(s):// address", func(s string) error {
		return checkScheme(s, "postgres://USER@HOST/NAME or http(s)://HOST:PORT", "postgres", "postgresql", "http", "https")
	})
}

// checkIndex looks at what belongs together.
func (l *loader) checkIndex() {
	x := l.cfg.Knowledge.Index
	if x.Kind != "in-process" && x.Kind != "" && x.URL.IsZero() {
		l.add("knowledge.index.url", l.origin("knowledge.index.kind"), "is needed for an index of kind %s", x.Kind)
	}
	if o := l.origin("knowledge.index.url"); x.Kind == "in-process" && o.Layer != Default {
		l.warn("knowledge.index.url", o, "is set, but has no effect: knowledge.index.kind is in-process")
	}
}
