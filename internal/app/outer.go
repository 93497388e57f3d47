package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"resync/breaker"
	"resync/internal/embed"
	"resync/internal/knowledge"
	"resync/internal/outside"
)

// outerTime bounds one request to an index outside: a batch of passages.
const outerTime = time.Minute

// openOuter makes the index outside the process, if one is configured. Its requests
// and connections pass the breaker rag_retrieval.
func (a *App) openOuter(ctx context.Context, model embed.Embedder) error {
	x := a.opt.Config.Knowledge.Index
	if x.Kind == "" || x.Kind == "in-process" {
		return nil
	}
	guard, err := a.breakers.Get("rag_retrieval")
	if err != nil {
		return err
	}
	dims := 0
	if model != nil {
		dims = model.Dimensions()
	}
	var index outside.Index
	if x.Kind == "pgvector" {
		index, err = a.openPgvector(ctx, x.URL.Reveal(), guard, dims)
	} else {
		index, err = a.openServer(ctx, guard, dims)
	}
	if err != nil {
		return fmt.Errorf("knowledge.index: %w", err)
	}
	if model == nil {
		a.outer = knowledge.NewOuter(index, nil) // not a nil model in an interface
	} else {
		a.outer = knowledge.NewOuter(index, model)
	}
	return nil
}

func (a *App) openPgvector(ctx context.Context, url string, guard *breaker.Breaker, dims int) (outside.Index, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the address in knowledge.index.url cannot be read; write postgres://USER@HOST/NAME")
	}
	cfg.DialFunc = pgconn.DialFunc(breaker.DialContext(guard, (&net.Dialer{Timeout: 5 * time.Second}).DialContext))
	db := stdlib.OpenDB(*cfg)
	a.closers = append(a.closers, db.Close)
	return outside.OpenPostgres(ctx, db, dims)
}

func (a *App) openServer(ctx context.Context, guard *breaker.Breaker, dims int) (outside.Index, error) {
	x := a.opt.Config.Knowledge.Index
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment}
	a.closers = append(a.closers, func() error { transport.CloseIdleConnections(); return nil })
	s := outside.Server{URL: x.URL.Reveal(), Name: x.Name, Key: x.Key.Reveal(), Dims: dims,
		Client: &http.Client{Transport: breaker.Transport(guard, transport, nil), Timeout: outerTime}}
	if x.Kind == "qdrant" {
		return outside.OpenQdrant(ctx, s)
	}
	return outside.OpenOpenSearch(ctx, s)
}
