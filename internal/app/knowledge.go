package app

import (
	"context"
	"fmt"

	"resync/internal/health"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
)

func (a *App) openKnowledge(ctx context.Context) error {
	open := knowledge.Open
	if !a.opt.Config.Knowledge.Handbook {
		open = knowledge.OpenWithoutHandbook
	}
	base, err := open(ctx, a.db)
	a.base = base
	return err
}

// Ingest reads files and folders into the knowledge base. Progress may be nil.
func (a *App) Ingest(ctx context.Context, paths []string, progress func(done, total int, f knowledge.File)) (knowledge.Report, error) {
	return a.base.Ingest(ctx, paths, progress)
}

// Search returns passages of the knowledge base, best first.
func (a *App) Search(ctx context.Context, query string, k int) ([]retrieve.Passage, error) {
	return a.base.Search(ctx, query, k)
}

// passageView is a passage as tools and the API show it.
type passageView struct {
	Document string   `json:"document"`
	Title    string   `json:"title"`
	Section  string   `json:"section"`
	Source   string   `json:"source"`
	Start    int      `json:"start"`
	End      int      `json:"end"`
	Line     int      `json:"line"`
	EndLine  int      `json:"end_line"`
	Text     string   `json:"content"`
	Score    float64  `json:"score"`
	Codes    []string `json:"codes"`
}

func (a *App) search(ctx context.Context, query string, k int) (any, error) {
	found, err := a.base.Search(ctx, query, k)
	if err != nil {
		return nil, fmt.Errorf("searching the knowledge base: %w", err)
	}
	out := make([]passageView, 0, len(found))
	for _, p := range found {
		out = append(out, passageView{p.Document, p.Title, p.Section(), p.Source(), p.Start, p.End, p.Line, p.EndLine, p.Text, p.Score, p.Codes})
	}
	return out, nil
}

func (a *App) knowledgeCheck(context.Context) health.Result {
	s := a.base.Stats()
	if s.Documents == 0 {
		return health.Warned("no manual has been ingested; answers cite the handbook alone")
	}
	return health.Passed(fmt.Sprintf("%d documents, %d passages", s.Documents, s.Passages))
}
