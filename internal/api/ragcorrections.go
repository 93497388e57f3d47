package api

import (
	"context"
	"net/http"

	"resync/internal/auth"
	"resync/internal/knowledge"
	"resync/internal/store"
)

func (s *server) registerCorrections() {
	const tag = "knowledge"
	add(s, route{id: "rag-corrections", method: http.MethodGet, paths: both("/rag/corrections"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "What operators say against passages"}, s.corrections)
	add(s, route{id: "rag-correction-propose", method: http.MethodPost, paths: both("/rag/corrections"), tag: tag, tier: BestEffort, role: auth.Operator,
		summary: "Propose a correction of a passage", errors: []int{400, 404}}, s.proposeCorrection)
	add(s, route{id: "rag-correction-decide", method: http.MethodPost, paths: both("/rag/corrections/{id}"), tag: tag, tier: BestEffort, role: auth.Admin,
		summary: "Accept a correction, which is then cited before the passage, or reject it", errors: []int{403, 404, 409}}, s.decideCorrection)
}

type correctionsInput struct {
	Status string `query:"status" enum:"pending,accepted,rejected,all" default:"pending"`
}

type correctionsOutput struct {
	Body struct {
		Corrections []store.Correction `json:"corrections"`
		Total       int                `json:"total"`
	}
}

func (s *server) corrections(ctx context.Context, in *correctionsInput) (*correctionsOutput, error) {
	state := store.CorrectionState(in.Status)
	if in.Status == "all" {
		state = ""
	}
	list, err := s.Knowledge.Corrections(ctx, state)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &correctionsOutput{}
	out.Body.Corrections, out.Body.Total = append([]store.Correction{}, list...), len(list)
	return out, nil
}

type proposeInput struct {
	Body struct {
		ChunkID    string `json:"chunk_id" minLength:"1" maxLength:"80" doc:"the passage, from a search"`
		Title      string `json:"title,omitempty" maxLength:"200"`
		Correction string `json:"correction" minLength:"1" maxLength:"8000" doc:"what is right"`
		Reason     string `json:"reason" minLength:"1" maxLength:"1000" doc:"how you know"`
	}
}

type correctionOutput struct{ Body store.Correction }

func (s *server) proposeCorrection(ctx context.Context, in *proposeInput) (*correctionOutput, error) {
	c, err := s.Knowledge.ProposeCorrection(ctx, knowledge.Proposal{ChunkID: in.Body.ChunkID, Title: in.Body.Title, Body: in.Body.Correction,
		Reason: in.Body.Reason, By: identityOf(ctx).User})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &correctionOutput{c}, nil
}

type decideCorrectionInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		Action string `json:"action" enum:"accept,reject"`
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
}

func (s *server) decideCorrection(ctx context.Context, in *decideCorrectionInput) (*correctionOutput, error) {
	c, err := s.Knowledge.DecideCorrection(ctx, in.ID, in.Body.Action == "accept", identityOf(ctx).User, in.Body.Reason)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &correctionOutput{c}, nil
}
