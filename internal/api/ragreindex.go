package api

import (
	"context"
	"net/http"

	"resync/internal/auth"
	"resync/internal/knowledge"
)

func (s *server) registerReindex() {
	const tag = "knowledge"
	base := both("/admin/rag/reindex")
	add(s, route{id: "rag-reindex", method: http.MethodPost, paths: base, tag: tag, tier: BestEffort, role: auth.Admin,
		summary: "Cut the documents anew in the background", errors: []int{400, 404, 409}}, s.startReindex)
	add(s, route{id: "rag-reindexes", method: http.MethodGet, paths: base, tag: tag, tier: BestEffort, role: auth.Operator,
		summary: "The newest reindexes"}, s.reindexes)
	add(s, route{id: "rag-reindex-status", method: http.MethodGet, paths: both("/admin/rag/reindex/{job_id}"), tag: tag, tier: BestEffort,
		role: auth.Operator, summary: "How far a reindex is", errors: []int{404}}, s.reindexStatus)
	add(s, route{id: "rag-reindex-cancel", method: http.MethodDelete, paths: both("/admin/rag/reindex/{job_id}"), tag: tag, tier: BestEffort,
		role: auth.Admin, summary: "Cancel a reindex; the old passages stay", errors: []int{404, 409}}, s.cancelReindex)
}

type reindexInput struct {
	Body struct {
		Strategy     string   `json:"strategy,omitempty" maxLength:"40" doc:"how to cut; each document keeps its own way when absent"`
		ChunkSize    int      `json:"chunk_size,omitempty" minimum:"0" maximum:"8192" doc:"most tokens of a passage"`
		ChunkOverlap int      `json:"chunk_overlap,omitempty" minimum:"0" maximum:"4096"`
		Documents    []string `json:"documents,omitempty" maxItems:"10000" doc:"file ids; all when absent"`
		DryRun       bool     `json:"dry_run,omitempty" doc:"counts and changes nothing"`
	}
}

type reindexOutput struct {
	Body struct {
		JobID   string `json:"job_id"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}
}

func (s *server) startReindex(ctx context.Context, in *reindexInput) (*reindexOutput, error) {
	q := knowledge.ReindexRequest{Documents: in.Body.Documents, DryRun: in.Body.DryRun, By: identityOf(ctx).User}
	how := knowledge.Chunking{Strategy: in.Body.Strategy, MaxTokens: in.Body.ChunkSize, OverlapTokens: in.Body.ChunkOverlap}
	if how != (knowledge.Chunking{}) {
		q.How = &how
	}
	job, made, err := s.Reindex.Start(ctx, q)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &reindexOutput{}
	out.Body.JobID, out.Body.Status, out.Body.Message = job.ID, string(job.Status), "the documents are cut anew in the background; the old passages serve until all are done"
	switch {
	case !made:
		out.Body.Message = "a reindex is going on already; this is it, and what was asked now was not added to it"
	case q.DryRun:
		out.Body.Message = "what a reindex would do is counted in the background; nothing changes"
	}
	return out, nil
}

type reindexesOutput struct {
	Body struct {
		Jobs  []knowledge.ReindexStatus `json:"jobs"`
		Total int                       `json:"total"`
	}
}

func (s *server) reindexes(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
}) (*reindexesOutput, error) {
	list, err := s.Reindex.List(ctx, in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &reindexesOutput{}
	out.Body.Jobs, out.Body.Total = list, len(list)
	return out, nil
}

type jobInput struct {
	JobID string `path:"job_id" maxLength:"80"`
}

type jobOutput struct{ Body knowledge.ReindexStatus }

func (s *server) reindexStatus(ctx context.Context, in *jobInput) (*jobOutput, error) {
	st, err := s.Reindex.Status(ctx, in.JobID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &jobOutput{st}, nil
}

func (s *server) cancelReindex(ctx context.Context, in *jobInput) (*jobOutput, error) {
	st, err := s.Reindex.Cancel(ctx, in.JobID, identityOf(ctx).User)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &jobOutput{st}, nil
}
