package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEmbedderIsRead(t *testing.T) {
	same := cmp.Comparer(func(a, b Secret) bool { return a.Equal(b) })
	for name, tt := range map[string]struct {
		text string
		want Embedder
	}{
		"nothing": {"", Embedder{Kind: "none"}},
		"server": {"knowledge:\n  embedder: {kind: openai, url: http://h:8000, model: m, key: env:K, dimensions: 384}\n",
			Embedder{Kind: "openai", URL: "http://h:8000", Model: "m", Key: NewSecret("k-1"), Dimensions: 384}},
		"tei":   {"knowledge: {embedder: {kind: tei, url: http://h}}\n", Embedder{Kind: "tei", URL: "http://h"}},
		"local": {"knowledge: {embedder: {kind: local, dir: data/models/minilm}}\n", Embedder{Kind: "local", Dir: "data/models/minilm"}},
	} {
		if diff := cmp.Diff(tt.want, mustLoad(t, tt.text, "K=k-1").Knowledge.Embedder, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if e := mustLoad(t, "", "RESYNC_KNOWLEDGE_EMBEDDER_KIND=ollama", "RESYNC_KNOWLEDGE_EMBEDDER_URL=http://h", "RESYNC_KNOWLEDGE_EMBEDDER_MODEL=m").Knowledge.Embedder; e.Kind != "ollama" {
		t.Errorf("from variables: %+v", e)
	}
}

func TestEmbedderIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"{kind: bert}":                                      "knowledge.embedder.kind",
		"{kind: openai, url: http://h}":                     "knowledge.embedder.model: is needed for an embedder of kind openai",
		"{kind: ollama, model: m}":                          "knowledge.embedder.url: is needed",
		"{kind: tei}":                                       "knowledge.embedder.url: is needed",
		"{kind: local}":                                     "knowledge.embedder.dir: is needed for an embedder of kind local",
		"{kind: onnx, model: m}":                            "knowledge.embedder.dir: is needed",
		"{kind: tei, url: 'ftp://h'}":                       "knowledge.embedder.url",
		"{kind: tei, url: 'http://h', dimensions: 9000}":    "knowledge.embedder.dimensions",
		"{kind: openai, url: 'http://h', model: m, key: x}": "knowledge.embedder.key: a secret may not stand in the file",
	} {
		_, _, err := loadText("knowledge:\n  embedder: " + text + "\n")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, warnings, err := loadText("knowledge: {embedder: {model: m}}\n")
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "knowledge.embedder.model: is set, but has no effect") {
		t.Errorf("a model without a kind: %v, %v", warnings, err)
	}
}
