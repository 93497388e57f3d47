package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRerankerIsRead(t *testing.T) {
	same := cmp.Comparer(func(a, b Secret) bool { return a.Equal(b) })
	for name, tt := range map[string]struct {
		text string
		want Reranker
	}{
		"nothing": {"", Reranker{Kind: "lexical", Candidates: 30, Timeout: 1500 * time.Millisecond}},
		"server": {"knowledge:\n  reranker: {kind: jina, url: http://h:8000, model: m, key: env:K, candidates: 50, timeout: 3s}\n",
			Reranker{Kind: "jina", URL: "http://h:8000", Model: "m", Key: NewSecret("k-1"), Candidates: 50, Timeout: 3 * time.Second}},
		"tei":  {"knowledge: {reranker: {kind: tei, url: http://h}}\n", Reranker{Kind: "tei", URL: "http://h", Candidates: 30, Timeout: 1500 * time.Millisecond}},
		"onnx": {"knowledge: {reranker: {kind: onnx, dir: data/models/cross}}\n", Reranker{Kind: "onnx", Dir: "data/models/cross", Candidates: 30, Timeout: 1500 * time.Millisecond}},
	} {
		if diff := cmp.Diff(tt.want, mustLoad(t, tt.text, "K=k-1").Knowledge.Reranker, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRerankerIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"{kind: bert}":                                    "knowledge.reranker.kind",
		"{kind: tei}":                                     "knowledge.reranker.url: is needed for a reranker of kind tei",
		"{kind: cohere, url: http://h}":                   "knowledge.reranker.model: is needed for a reranker of kind cohere",
		"{kind: infinity, model: m}":                      "knowledge.reranker.url: is needed",
		"{kind: onnx}":                                    "knowledge.reranker.dir: is needed",
		"{kind: llm}":                                     "knowledge.reranker.kind: is llm, but llm.targets names no language model",
		"{kind: tei, url: 'ftp://h'}":                     "knowledge.reranker.url",
		"{kind: tei, url: 'http://h', candidates: 1}":     "knowledge.reranker.candidates",
		"{kind: tei, url: 'http://h', timeout: 1h}":       "knowledge.reranker.timeout",
		"{kind: jina, url: 'http://h', model: m, key: x}": "knowledge.reranker.key: a secret may not stand in the file",
	} {
		_, _, err := loadText("knowledge:\n  reranker: " + text + "\n")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, warnings, err := loadText("knowledge: {reranker: {model: m}}\n")
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "knowledge.reranker.model: is set, but has no effect") {
		t.Errorf("a model without a kind: %v, %v", warnings, err)
	}
}
