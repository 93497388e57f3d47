package app

import (
	"context"
	"errors"
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

// openOuter names the index outside the process, if one is configured. It is opened
// in the background: a server that is away does not keep Resync from starting. Its
// requests and connections pass the breaker rag_retrieval.
func (a *App) openOuter(model embed.Embedder) error {
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
	open := a.openServer(guard, dims)
	if x.Kind == "pgvector" {
		if open, err = a.openPgvector(guard, dims); err != nil {
			return fmt.Errorf("knowledge.index.url: %w", err)
		}
	}
	if model == nil {
		a.outer = knowledge.OpenOuter(open, nil) // not a nil model in an interface
		return nil
	}
	a.outer = knowledge.OpenOuter(open, model)
	return nil
}

// opening makes an index ready on its server.
type opening func(context.Context) (outside.Index, error)

func (a *App) openPgvector(guard *breaker.Breaker, dims int) (opening, error) {
	cfg, err := pgx.ParseConfig(a.opt.Config.Knowledge.Index.URL.Reveal())
	if err != nil {
		return nil, errors.New("it cannot be read; write postgres://USER@HOST/NAME")
	}
	cfg.DialFunc = pgconn.DialFunc(breaker.DialContext(guard, (&net.Dialer{Timeout: 5 * time.Second}).DialContext))
	db := stdlib.OpenDB(*cfg)
	a.closers = append(a.closers, db.Close)
	return func(ctx context.Context) (outside.Index, error) { return outside.OpenPostgres(ctx, db, dims) }, nil
}

func (a *App) openServer(guard *breaker.Breaker, dims int) opening {
	x := a.opt.Config.Knowledge.Index
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment}
	a.closers = append(a.closers, func() error { transport.CloseIdleConnections(); return nil })
	s := outside.Server{URL: x.URL.Reveal(), Name: x.Name, Key: x.Key.Reveal(), Dims: dims,
		Client: &http.Client{Transport: breaker.Transport(guard, transport, nil), Timeout: outerTime}}
	return func(ctx context.Context) (outside.Index, error) {
		if x.Kind == "qdrant" {
			return outside.OpenQdrant(ctx, s)
		}
		return outside.OpenOpenSearch(ctx, s)
	}
}
