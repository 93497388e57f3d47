package app

import (
	"context"
	"fmt"
	"time"

	"resync/internal/api"
	"resync/internal/embed"
	"resync/internal/health"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
	"resync/internal/sandbox"
	"resync/internal/store"
)

func (a *App) openKnowledge(ctx context.Context) error {
	a.chunking = knowledge.NewChunkSettings(a.db)
	o := knowledge.Options{Store: a.db, NoHandbook: !a.opt.Config.Knowledge.Handbook, Cut: knowledge.CutterOf(a.ctx, a.chunking.Chosen), Read: sandbox.Document()}
	if o.Log = a.log; a.opt.Config.DataDir != "" {
		o.IndexFile = knowledge.IndexFileIn(a.opt.Config.DataDir)
	}
	model, err := a.openEmbedder()
	if err != nil {
		return badSetting{err}
	}
	if model != nil {
		a.chunking.CompareBy(model.Model(), func(ctx context.Context, texts []string) ([][]float32, error) {
			return model.Embed(ctx, texts, embed.Passage)
		})
		if a.answers != nil { // doctor has none
			a.answers.RequireCloseness(closeness(model))
		}
	}
	if model != nil && a.looking == nil { // doctor leaves no trace
		if o.Vectors, err = a.openVectors(model); err != nil {
			return err
		}
	}
	base, err := knowledge.New(ctx, o)
	if err != nil {
		return err
	}
	a.base = base
	if err := a.openReranker(); err != nil {
		return badSetting{err}
	}
	if a.looking == nil {
		if err := a.openOuter(model); err != nil {
			return err
		}
	}
	a.reindex, err = knowledge.NewReindexer(base, a.db, knowledge.ReindexOptions{Owner: store.NewID("worker"), Log: a.log})
	return err
}

// closeness says how close two questions are to an embedding model.
func closeness(model embed.Embedder) api.Closeness {
	return func(ctx context.Context, a, b string) (float64, error) {
		v, err := model.Embed(ctx, []string{a, b}, embed.Query)
		if err != nil {
			return 0, fmt.Errorf("comparing two questions: %w", err)
		}
		if len(v) != 2 || len(v[0]) != len(v[1]) {
			return 0, fmt.Errorf("comparing two questions: %w", embed.ErrAnswer)
		}
		var dot float64 // of vectors of length 1: the cosine
		for i := range v[0] {
			dot += float64(v[0][i]) * float64(v[1][i])
		}
		return dot, nil
	}
}

// Ingest reads files and folders into the knowledge base. Progress may be nil.
func (a *App) Ingest(ctx context.Context, paths []string, progress func(done, total int, f knowledge.File)) (knowledge.Report, error) {
	return a.base.Ingest(ctx, paths, progress)
}

// Search returns passages of the knowledge base, best first.
func (a *App) Search(ctx context.Context, query string, k int) ([]retrieve.Passage, error) {
	return a.base.Search(ctx, query, k)
}

// search is what the tool search_knowledge_base does.
func (a *App) search(ctx context.Context, query string, k int) (any, error) {
	hits, err := a.base.Find(ctx, knowledge.Query{Text: query, K: k})
	if err != nil {
		return nil, fmt.Errorf("searching the knowledge base: %w", err)
	}
	out := make([]knowledge.Result, 0, len(hits))
	for _, h := range hits {
		out = append(out, h.Result())
	}
	return out, nil
}

// followDocuments takes over what other processes ingest, remove and correct.
func (a *App) followDocuments() {
	tick := time.NewTicker(a.opt.SyncEvery)
	defer tick.Stop()
	for {
		if err := a.base.Refresh(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("looking for documents of other processes", "err", err)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *App) knowledgeCheck(context.Context) health.Result {
	s := a.base.Stats()
	if s.Documents == 0 {
		return health.Warned("no manual has been ingested; answers cite the handbook alone")
	}
	return health.Passed(fmt.Sprintf("%d documents, %d passages", s.Documents, s.Passages))
}
