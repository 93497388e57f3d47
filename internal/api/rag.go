package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"resync/internal/auth"
	"resync/internal/knowledge"
)

// RAGFilter is what every search of the knowledge base may be narrowed by.
type RAGFilter struct {
	Collection   string    `query:"collection" maxLength:"40" doc:"one collection, with the handbook; all when absent"`
	Document     string    `query:"document" maxLength:"200" doc:"one document, by its name or id"`
	Tags         string    `query:"tags" maxLength:"500" doc:"comma-separated; a document must have all of them"`
	Version      string    `query:"version" maxLength:"60" doc:"leaves out documents of another version"`
	MinAuthority string    `query:"min_authority" maxLength:"20" doc:"hypothesis, log, chat, postmortem, runbook, official: this or more"`
	UpdatedAfter time.Time `query:"updated_after" doc:"leaves out documents known to be older"`
	NoDeprecated bool      `query:"no_deprecated"`
	NoHandbook   bool      `query:"no_handbook" doc:"leaves out the built-in handbook"`
}

func (f RAGFilter) filter() knowledge.Filter {
	out := knowledge.Filter{Collection: f.Collection, Tags: csv(f.Tags), Version: f.Version, MinAuthority: knowledge.Authority(f.MinAuthority),
		UpdatedAfter: f.UpdatedAfter, NoDeprecated: f.NoDeprecated, NoHandbook: f.NoHandbook}
	if f.Document != "" {
		out.Documents = []string{f.Document}
	}
	return out
}

// csv splits a comma-separated list.
func csv(s string) []string {
	var out []string
	for _, p := range strings.Split(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

type ragInput struct {
	Query string `query:"query" required:"true" minLength:"1" maxLength:"2000"`
	TopK  int    `query:"top_k" minimum:"1" maximum:"100" default:"10"`
	RAGFilter
}

// RAGAnswer is the contract's list of passages.
type RAGAnswer struct {
	Query   string             `json:"query"`
	Results []knowledge.Result `json:"results"`
	Total   int                `json:"total"`
	// What put the passages in order, and why a configured reranker did not.
	RankedBy    string `json:"ranked_by,omitempty" doc:"words, or the reranker's name"`
	RankingNote string `json:"ranking_note,omitempty" doc:"why the configured reranker did not order the passages"`
}

type ragOutput struct{ Body RAGAnswer }

func (s *server) registerRAG() {
	const tag = "knowledge"
	add(s, route{id: "rag-search", method: http.MethodGet, paths: both("/rag/search"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "Passages of the knowledge base", errors: []int{400}}, s.ragSearch)
	add(s, route{id: "rag-query", method: http.MethodPost, paths: both("/rag/query"), tag: tag, tier: BestEffort, role: auth.Viewer, key: keyNone,
		summary: "Answer a question from the knowledge base, with citations", errors: []int{400}}, s.ragQuery)
	add(s, route{id: "rag-similar", method: http.MethodGet, paths: both("/rag/similar"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "Passages like a passage, or like a text", errors: []int{400, 404}}, s.ragSimilar)
	add(s, route{id: "rag-explain", method: http.MethodGet, paths: both("/rag/explain"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "What the scores of a search are made of", errors: []int{400, 404}}, s.ragExplain)
	add(s, route{id: "rag-stats", method: http.MethodGet, paths: both("/rag/stats"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "How much the knowledge base holds"}, s.ragStats)
	s.registerFiles()
	s.registerCorrections()
	s.registerReindex()
	s.registerChunking()
}

func (s *server) ragSearch(ctx context.Context, in *ragInput) (*ragOutput, error) {
	hits, err := s.Knowledge.Find(ctx, knowledge.Query{Text: in.Query, K: in.TopK, Filter: in.filter()})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &ragOutput{answerOf(in.Query, hits)}, nil
}

func answerOf(query string, hits []knowledge.Hit) RAGAnswer {
	a := RAGAnswer{Query: query, Results: make([]knowledge.Result, 0, len(hits)), Total: len(hits)}
	for _, h := range hits {
		a.Results = append(a.Results, h.Result())
		a.RankedBy, a.RankingNote = h.Ranking.By, h.Ranking.Note // that of all
	}
	return a
}

type ragQueryInput struct {
	Body struct {
		Query        string    `json:"query" minLength:"1" maxLength:"2000"`
		TopK         int       `json:"top_k,omitempty" minimum:"0" maximum:"100" doc:"passages to look at; 5 when absent"`
		Collection   string    `json:"collection,omitempty" maxLength:"40"`
		Documents    []string  `json:"documents,omitempty" maxItems:"100" doc:"names or ids; any of them"`
		Tags         []string  `json:"tags,omitempty" maxItems:"20" doc:"all of them"`
		Version      string    `json:"version,omitempty" maxLength:"60"`
		MinAuthority string    `json:"min_authority,omitempty" maxLength:"20"`
		UpdatedAfter time.Time `json:"updated_after,omitempty"`
		NoDeprecated bool      `json:"no_deprecated,omitempty"`
	}
}

type ragQueryOutput struct {
	Body struct {
		RAGAnswer
		Answer    string               `json:"answer" doc:"the passage itself, or what the model made of the passages; empty when nothing was found"`
		Mode      string               `json:"mode" enum:"extracted,model,none"`
		Model     string               `json:"model,omitempty" doc:"who phrased the answer"`
		Note      string               `json:"note,omitempty" doc:"why the answer is not a model's although one is configured"`
		Cause     string               `json:"cause,omitempty" doc:"word for word from the first passage"`
		Fix       string               `json:"fix,omitempty" doc:"word for word from the first passage"`
		Risk      string               `json:"risk,omitempty" doc:"class of the documented fix"`
		Citations []knowledge.Citation `json:"citations"`
		Cached    bool                 `json:"cached,omitempty" doc:"the words were found for somebody who asked the same of the same passages"`
		Age       float64              `json:"age_seconds,omitempty" doc:"of such words"`
		Freshness string               `json:"freshness,omitempty" enum:"live,recent,cached"`
		AskedAs   string               `json:"asked_as,omitempty" doc:"the question such words were found for, when it was put in other words"`
	}
}

// queryDefault is how many passages a question looks at that does not say.
const queryDefault = 5

func (s *server) ragQuery(ctx context.Context, in *ragQueryInput) (*ragQueryOutput, error) {
	q := knowledge.Query{Text: in.Body.Query, K: in.Body.TopK, Filter: knowledge.Filter{Collection: in.Body.Collection, Documents: in.Body.Documents,
		Tags: in.Body.Tags, Version: in.Body.Version, MinAuthority: knowledge.Authority(in.Body.MinAuthority), UpdatedAfter: in.Body.UpdatedAfter,
		NoDeprecated: in.Body.NoDeprecated}}
	if q.K == 0 {
		q.K = queryDefault
	}
	cached, writer := s.writer(ctx, q), knowledge.Writer(nil)
	if cached != nil {
		writer = cached
	}
	a, err := s.Knowledge.Answer(ctx, q, writer)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &ragQueryOutput{}
	b := &out.Body
	b.RAGAnswer, b.Answer, b.Model, b.Note, b.Cause, b.Fix, b.Risk = answerOf(q.Text, a.Hits), a.Text, a.By, a.Why, a.Cause, a.Fix, string(a.Risk)
	b.Citations, b.Mode = a.Citations, "extracted"
	switch {
	case a.Text == "":
		b.Mode, b.Citations = "none", []knowledge.Citation{}
	case a.By != "":
		b.Mode = "model"
		if cached.old != nil {
			b.Cached, b.Age, b.Freshness, b.AskedAs = true, cached.old.Seconds, cached.old.Freshness, cached.as
		}
	}
	return out, nil
}

type similarInput struct {
	ChunkID string `query:"chunk_id" maxLength:"80" doc:"a passage of a search"`
	Query   string `query:"query" maxLength:"8000" doc:"a text, instead of chunk_id"`
	TopK    int    `query:"top_k" minimum:"1" maximum:"50" default:"5"`
	RAGFilter
}

func (s *server) ragSimilar(ctx context.Context, in *similarInput) (*ragOutput, error) {
	var hits []knowledge.Hit
	var err error
	switch {
	case (in.ChunkID == "") == (in.Query == ""):
		err = &knowledge.RefusedError{Field: "chunk_id", Reason: "give either chunk_id or query"}
	case in.ChunkID != "":
		hits, err = s.Knowledge.Similar(ctx, in.ChunkID, in.TopK, in.filter())
	default:
		hits, err = s.Knowledge.Find(ctx, knowledge.Query{Text: in.Query, K: in.TopK, Filter: in.filter()})
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &ragOutput{answerOf(in.Query, hits)}, nil
}

type explainInput struct {
	Query   string `query:"query" required:"true" minLength:"1" maxLength:"2000"`
	ChunkID string `query:"chunk_id" maxLength:"80" doc:"only this passage"`
	TopK    int    `query:"top_k" minimum:"1" maximum:"100" default:"5"`
	RAGFilter
}

type explainOutput struct {
	Body struct {
		Query   string                `json:"query"`
		Results []knowledge.Explained `json:"results"`
		Total   int                   `json:"total"`
		Note    string                `json:"note,omitempty"`
	}
}

func (s *server) ragExplain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	q := knowledge.Query{Text: in.Query, K: in.TopK, Filter: in.filter()}
	list, err := s.Knowledge.Explain(ctx, q, in.ChunkID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &explainOutput{}
	out.Body.Query, out.Body.Results, out.Body.Total = in.Query, list, len(list)
	if len(list) == 0 && in.ChunkID != "" {
		out.Body.Results, out.Body.Note = []knowledge.Explained{}, "the passage is not among the first 100 for this question"
	}
	return out, nil
}

type statsOutput struct {
	Body struct {
		TotalDocuments int            `json:"total_documents"`
		TotalChunks    int            `json:"total_chunks"`
		ByStatus       map[string]int `json:"documents_by_status"`
		UseMock        bool           `json:"use_mock" doc:"always false; kept for clients of the contract"`
		Bytes          int            `json:"bytes"`
		Collections    map[string]int `json:"collections"`
		Corrections    int            `json:"corrections_pending"`
	}
}

func (s *server) ragStats(ctx context.Context, _ *struct{}) (*statsOutput, error) {
	st := s.Knowledge.Stats()
	pending, err := s.Knowledge.Corrections(ctx, "pending")
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &statsOutput{}
	out.Body.TotalDocuments, out.Body.TotalChunks, out.Body.Bytes, out.Body.Collections = st.Documents, st.Passages, st.Bytes, st.Collections
	out.Body.Corrections, out.Body.ByStatus = len(pending), map[string]int{}
	for state, n := range st.ByState {
		out.Body.ByStatus[fileStatus(state)] = n
	}
	return out, nil
}
