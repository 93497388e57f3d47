package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/embed"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
	"resync/llm"
)

// openReranker sets what orders passages anew. Requests to a server pass the breaker
// rag_retrieval; those to a language model pass the breakers of its chain.
func (a *App) openReranker() error {
	set := a.opt.Config.Knowledge.Reranker
	if set.Kind == "llm" {
		if a.llm == nil {
			return errors.New("knowledge.reranker.kind: is llm, but there is no language model")
		}
		a.base.RerankBy(knowledge.Rerank{Model: retrieve.Listwise{Ask: orderer{a.llm}.ask}, Name: "a language model", Candidates: set.Candidates, Timeout: set.Timeout})
		return nil
	}
	guard, err := a.breakers.Get("rag_retrieval")
	if err != nil {
		return err
	}
	r, closing, err := reranker(set, guard)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, closing)
	a.base.RerankBy(r)
	return nil
}

// Reranker is what the settings name, for a command that searches without a server, with
// a breaker of its own. A language model is asked by the server alone: the command line
// then goes by words.
func Reranker(set config.Reranker) (knowledge.Rerank, func() error, error) {
	for _, numbers := range breaker.Contract() {
		if numbers.Name == "rag_retrieval" && set.Kind != "llm" {
			return reranker(set, breaker.New(numbers))
		}
	}
	return knowledge.Rerank{}, func() error { return nil }, nil
}

// reranker makes what the settings name, other than a language model. The function gives
// back what it holds.
func reranker(set config.Reranker, guard *breaker.Breaker) (knowledge.Rerank, func() error, error) {
	r := knowledge.Rerank{Candidates: set.Candidates, Timeout: set.Timeout}
	switch set.Kind {
	case "", "lexical":
		return r, func() error { return nil }, nil
	case "onnx":
		model, err := embed.OpenCrossEncoder(set.Dir)
		if err != nil {
			return r, nil, fmt.Errorf("knowledge.reranker.dir: %w", err)
		}
		r.Model, r.Name = model, "the cross-encoder in "+set.Dir
		return r, model.Close, nil
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment}
	server, err := retrieve.NewHTTPReranker(retrieve.RerankServer{Shape: retrieve.Shape(set.Kind), URL: set.URL, Model: set.Model, Key: set.Key.Reveal()},
		&http.Client{Transport: breaker.Transport(guard, transport, nil), Timeout: set.Timeout})
	if err != nil {
		return r, nil, fmt.Errorf("knowledge.reranker: %w", err)
	}
	r.Model, r.Name = server, strings.TrimSpace("the "+set.Kind+" reranker "+set.Model)
	return r, func() error { transport.CloseIdleConnections(); return nil }, nil
}

// orderer asks the chain of language models for an order.
type orderer struct{ chain *llm.Chain }

// orderTokens are enough for the numbers of a hundred passages.
const orderTokens = 700

func (o orderer) ask(ctx context.Context, prompt string) (string, error) {
	zero := 0.0
	resp, err := o.chain.Complete(ctx, &llm.Request{MaxTokens: orderTokens, Temperature: &zero, Messages: []llm.Message{{Role: llm.User, Text: prompt}}})
	if err != nil {
		return "", err
	}
	return resp.Content, nil
}
