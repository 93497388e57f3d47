package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestDefect22ChunkingSettings: what is set is what the next upload is cut with; the
// predecessor took any value and read none.
func TestDefect22ChunkingSettings(t *testing.T) {
	h := newHost(t)
	op, admin, viewer := h.as("operator"), h.as("admin"), h.as("viewer")
	const path = "/api/v1/admin/rag/chunking"
	put := func(b *browser, body string) reply {
		return b.do(http.MethodPut, path, strings.NewReader(body), "Content-Type", "application/json")
	}
	viewer.get(path).problem(http.StatusForbidden, "operator")
	put(op, `{"max_tokens":100}`).problem(http.StatusForbidden, "admin")
	now := op.get(path).ok()
	cfg := now["config"].(map[string]any)
	if now["source"] != "built-in" || cfg["strategy"] != "tws_optimized" || cfg["max_tokens"] != 500.0 || cfg["overlap_tokens"] != 75.0 || cfg["preserve_error_docs"] != true {
		t.Errorf("before anything is set: %v", now)
	}
	long := "# Mast\n\n" + strings.Repeat("The airship waits at the mast for the ropes. ", 60)
	if up := op.upload("whole.md", long).ok(); up["chunks_count"] != 1.0 && up["chunks_count"] != 2.0 {
		t.Errorf("cut in the built-in way: %v", up)
	}
	put(admin, `{"strategy":"clever"}`).problem(http.StatusUnprocessableEntity, "strategy")
	put(admin, `{"max_tokens":60}`).problem(http.StatusBadRequest, "overlap_tokens: is 75", "0 to 30")
	set := put(admin, `{"strategy":"recursive","max_tokens":60,"overlap_tokens":10,"min_tokens":0}`).ok()
	if set["source"] != "stored" || set["updated_by"] == "" || set["updated_at"] == nil {
		t.Errorf("after setting: %v", set)
	}
	if up := op.upload("parts.md", long+"And more.").ok(); up["chunks_count"].(float64) < 8 {
		t.Errorf("cut as set: %v", up)
	}
	try := op.post(path+"/preview", map[string]any{"text": long, "limit": 2, "config": map[string]any{"strategy": "fixed_size", "max_tokens": 30, "overlap_tokens": 0}}).ok()
	if try["total"].(float64) < 15 || len(try["chunks"].([]any)) != 2 || try["largest"].(float64) > 30 || try["covered"].(float64) < 0.9 {
		t.Errorf("preview: %v", try)
	}
	meta := try["chunks"].([]any)[0].(map[string]any)["metadata"].(map[string]any)
	if meta["strategy"] != "fixed_size" || meta["tokenizer"] != "cl100k" || meta["section_path"] != "Mast" {
		t.Errorf("metadata of the preview: %v", meta)
	}
	op.post(path+"/preview", map[string]any{"text": long, "config": map[string]any{"max_tokens": 4}}).problem(http.StatusUnprocessableEntity, "max_tokens")
	if back := admin.do(http.MethodDelete, path, nil).ok(); back["source"] != "built-in" {
		t.Errorf("after going back: %v", back)
	}
}
