package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/embed"
	"resync/internal/health"
	"resync/internal/knowledge"
)

// embedTime bounds one request to an embedding server: a batch of long passages
// on a slow machine takes a while.
const embedTime = 2 * time.Minute

// openEmbedder makes what embeds texts, or nil when none is configured. A server
// is not asked yet; a local model is read.
func (a *App) openEmbedder() (embed.Embedder, error) {
	e := a.opt.Config.Knowledge.Embedder
	switch e.Kind {
	case "", "none":
		return nil, nil
	case "local":
		m, err := embed.OpenLocal(e.Dir, e.Model, nil)
		if err != nil {
			return nil, fmt.Errorf("knowledge.embedder.dir: %w", err)
		}
		return m, a.checkDimensions(m)
	case "onnx":
		m, err := embed.OpenONNX(e.Dir, e.Model, nil)
		if err != nil {
			return nil, fmt.Errorf("knowledge.embedder.dir: %w", err)
		}
		a.closers = append(a.closers, m.Close)
		return m, a.checkDimensions(m)
	}
	guard, err := a.breakers.Get("rag_embedding")
	if err != nil {
		return nil, err
	}
	m, idle, err := serverEmbedder(embed.Settings{
		Protocol: embed.Protocol(e.Kind), URL: e.URL, Model: e.Model, Key: e.Key.Reveal(), Dimensions: e.Dimensions,
	}, guard)
	if err != nil {
		return nil, fmt.Errorf("knowledge.embedder: %w", err)
	}
	a.closers = append(a.closers, idle)
	return m, nil
}

// serverEmbedder asks an embedding server behind a breaker. The function closes
// connections that are kept open.
func serverEmbedder(s embed.Settings, guard *breaker.Breaker) (*embed.Remote, func() error, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment}
	m, err := embed.NewRemote(s, &http.Client{Transport: breaker.Transport(guard, transport, nil), Timeout: embedTime})
	return m, func() error { transport.CloseIdleConnections(); return nil }, err
}

// EmbeddingServer is an embedder over HTTP for the evaluation, with a breaker of its
// own.
func EmbeddingServer(s embed.Settings) (*embed.Remote, func() error, error) {
	for _, numbers := range breaker.Contract() {
		if numbers.Name == "rag_embedding" {
			return serverEmbedder(s, breaker.New(numbers))
		}
	}
	return nil, nil, errors.New("there is no breaker for embedding servers")
}

// checkDimensions compares a local model with the length that is expected.
func (a *App) checkDimensions(m embed.Embedder) error {
	if want := a.opt.Config.Knowledge.Embedder.Dimensions; want != 0 && want != m.Dimensions() {
		return fmt.Errorf("knowledge.embedder.dimensions: %w: %s gives %d, configured are %d", embed.ErrDimensions, m.Model(), m.Dimensions(), want)
	}
	return nil
}

// openVectors opens the file in which passages' vectors are kept. They can be
// made again, so a file that cannot be used is put aside.
func (a *App) openVectors(m embed.Embedder) (knowledge.Vectors, error) {
	dir := filepath.Join(a.dataDir(), "vectors")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for vectors (data_dir): %w", err)
	}
	path := filepath.Join(dir, vectorsName(a.opt.Config.Knowledge.Embedder)+".vec")
	kept, err := embed.OpenKept(path, m)
	if errors.Is(err, embed.ErrVectorFile) {
		a.log.Warn("the kept vectors cannot be used and are made again", "file", path, "err", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, fmt.Errorf("putting the damaged vectors aside: %w", err)
		}
		kept, err = embed.OpenKept(path, m)
	}
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, kept.Close)
	return kept, nil
}

// vectorsName names the file of one model's vectors: where the model is, what it
// is called and, for a local one, its size and age, since another model makes
// other vectors.
func vectorsName(e config.Embedder) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s|%s|%s|%s|%d", e.Kind, e.URL, e.Model, e.Dir, e.Dimensions) // a hash takes everything
	for _, name := range []string{"model.safetensors", "model.onnx"} {
		if info, err := os.Stat(filepath.Join(e.Dir, name)); e.Dir != "" && err == nil {
			_, _ = fmt.Fprintf(h, "|%d|%d", info.Size(), info.ModTime().UnixNano()) // as above
		}
	}
	return e.Kind + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// meaningCheck says how far the search by meaning is.
func (a *App) meaningCheck(context.Context) health.Result {
	m := a.base.Meaning()
	switch m.State {
	case knowledge.MeaningOff:
		return health.Passed("no embedding model is configured; words decide")
	case knowledge.MeaningFailing:
		return health.Warned("%s does not answer, words decide; %d of %d passages are embedded: %s", m.Model, m.Embedded, m.Passages, m.Error)
	case knowledge.MeaningBuilding:
		return health.Passed(fmt.Sprintf("%s: %d of %d passages are embedded", m.Model, m.Embedded, m.Passages))
	}
	return health.Passed(fmt.Sprintf("%s: all %d passages are embedded", m.Model, m.Passages))
}
