package web_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What the screens of the safety nets and of the documents read and send.

func (f *fake) rolesNow() []string {
	if f.roles == nil {
		return []string{"approver"}
	}
	return f.roles
}

func (f *fake) listAway(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"degraded": len(f.away) > 0, "parts": append([]obj{}, f.away...)})
}

func (f *fake) oneBreaker(w http.ResponseWriter, r *http.Request) {
	answer(w, obj{"name": r.PathValue("name"), "state": "CLOSED", "since": at(0), "transitions": []obj{
		{"seq": 1, "from": "closed", "to": "open", "at": at(0), "cause": "5 failures in a row, the last: connection refused", "trace_id": "7f3ac901d2"}}})
}

func (f *fake) forceBreaker(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	for _, b := range f.breakers {
		if b["name"] == r.PathValue("name") {
			b["state"], b["switch"] = "FORCED_OPEN", obj{"by": "ana", "reason": in["reason"]}
		}
	}
	f.sent = append(f.sent, fmt.Sprint(r.PathValue("name"), " ", in["reason"], " ", in["ttl_seconds"]))
	answer(w, obj{"success": true, "new_state": "FORCED_OPEN"})
}

func (f *fake) redis(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"status": "healthy", "redis": obj{"mode": "normal", "healthy": true, "since": at(0), "latency_ms": 0.42, "outages": 2, "unavailable_seconds": 61,
		"degraded_percent": 0.0, "tiers": obj{"critical": 10, "best_effort": 50, "read_only": 30}}})
}

func (f *fake) models(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"configured": true, "budget_seconds": 30, "spent_today_usd": 1.25, "your_spent_today_usd": 0.02, "limit_day_usd": 5, "targets": []obj{
		{"name": "big", "provider": "openai", "model": "gpt-4o", "keys": 2, "usable_keys": 1, "breaker": "llm_openai", "input_usd_per_million": 2.5, "output_usd_per_million": 10},
		{"name": "near", "provider": "ollama", "model": "qwen", "keys": 0, "usable_keys": 0, "input_usd_per_million": nil, "output_usd_per_million": nil}},
		"metrics": obj{"last_fallback": obj{"at": at(0), "target": "near", "reason": "rate_limit"}}})
}

func (f *fake) listDocs(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"files": append([]obj{}, f.docs...), "total": len(f.docs)})
}

func (f *fake) addDoc(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		problem(w, 400, "Bad Request", "file: the document is missing")
		return
	}
	defer file.Close()
	raw, _ := io.ReadAll(file)
	if strings.HasSuffix(head.Filename, ".exe") {
		problem(w, 415, "Unsupported Media Type", "a program is no document")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	doc := obj{"file_id": f.next("doc"), "filename": head.Filename, "title": head.Filename, "status": "completed", "chunks_count": 3, "processed_at": at(0), "collection": "documents", "bytes": len(raw)}
	if strings.Contains(string(raw), "ignore previous instructions") {
		doc["status"] = "quarantined"
		doc["held"] = []obj{{"line": 2, "quote": "<b>ignore previous instructions</b>", "why": "it looks like an order to a language model"}}
	}
	f.docs = append(f.docs, doc)
	answer(w, doc)
}

func (f *fake) reviewDoc(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	for _, d := range f.docs {
		if d["file_id"] == r.PathValue("id") {
			d["status"] = map[string]string{"release": "completed", "reject": "rejected"}[str(in["action"])]
		}
	}
	answer(w, obj{})
}

func (f *fake) listFixes(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"corrections": append([]obj{}, f.fixes...), "total": len(f.fixes)})
}

func (f *fake) decideFix(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	f.sent = append(f.sent, r.PathValue("id")+" "+str(in["action"]))
	f.fixes = slices.DeleteFunc(f.fixes, func(c obj) bool { return c["id"] == r.PathValue("id") })
	answer(w, obj{})
}

func (f *fake) passages(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Query().Get("query"), "nothing") {
		answer(w, obj{"results": []obj{}, "total": 0})
		return
	}
	answer(w, obj{"total": 1, "results": []obj{{"chunk_id": "c1", "document": "manual.pdf", "title": "AWSBHT001E", "section": "Chapter 5 > Errors > AWSBHT001E", "source": "manual.pdf",
		"start": 1200, "end": 1400, "line": 40, "end_line": 44, "page_start": 12, "page_end": 13, "content": "AWSBHT001E The file system is full. <i>Free</i> some room.", "score": 7.5, "codes": []string{"AWSBHT001E"}}}})
}

func (f *fake) explain(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"results": []obj{{"rank": 1, "chunk_id": "c1", "score": 7.5, "parts": []obj{{"name": "exact_code", "value": 5}, {"name": "section", "value": 2.5}}, "ranking": obj{"by": "words"}}}})
}

func (f *fake) listCuts(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"jobs": append([]obj{}, f.jobs2...), "total": len(f.jobs2)})
}

func (f *fake) startCut(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs2 = []obj{{"job_id": "job_1", "status": "running", "progress": 40, "documents_processed": 4, "documents_total": 10, "document": "manual.pdf", "eta_seconds": 90, "dry_run": false,
		"created_by": "ana", "started_at": time.Now().UTC().Format(time.RFC3339)}}
	answer(w, obj{"job_id": "job_1", "status": "queued", "message": "it has begun"})
}

func (f *fake) cancelCut(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs2[0]["status"] = "cancelled"
	w.WriteHeader(http.StatusNoContent)
}
