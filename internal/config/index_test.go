package config

import (
	"strings"
	"testing"
)

func TestIndexOutside(t *testing.T) {
	c := mustLoad(t, "knowledge:\n  index: {kind: qdrant, url: 'http://q:6333', name: ops}\n").Knowledge.Index
	if c.Kind != "qdrant" || c.URL.Reveal() != "http://q:6333" || c.Name != "ops" {
		t.Errorf("%+v", c)
	}
	for text, says := range map[string]string{
		"{kind: pgvector}":                                 "knowledge.index.url: is needed for an index of kind pgvector",
		"{kind: opensearch}":                               "knowledge.index.url: is needed for an index of kind opensearch",
		"{kind: elastic}":                                  "knowledge.index.kind",
		"{kind: qdrant, url: 'ftp://h'}":                   "knowledge.index.url",
		"{kind: pgvector, url: 'postgres://u:pw@h/n'}":     "knowledge.index.url",
		"{kind: qdrant, url: 'http://h', key: opensesame}": "knowledge.index.key: a secret may not stand in the file",
	} {
		_, _, err := loadText("knowledge:\n  index: " + text + "\n")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	_, warnings, err := loadText("knowledge: {index: {url: 'http://h'}}\n")
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "knowledge.index.url: is set, but has no effect") {
		t.Errorf("an address without a kind: %v, %v", warnings, err)
	}
}
