package app

import (
	"context"
	"fmt"
	"time"

	"resync/internal/agent"
	"resync/internal/diagnose"
	"resync/tool"
)

// Ask answers one question about an engine ("" is the default one) for the
// command line. Nothing is proposed and nothing is stored.
func (a *App) Ask(ctx context.Context, engineName, question string) (*diagnose.Answer, error) {
	e, err := a.find(engineName)
	if err != nil {
		return nil, err
	}
	if _, err := e.snapshot(ctx); err != nil {
		// Without a plan the documents can still answer; the answer says what
		// was not examined.
		a.log.Warn("the plan could not be read", "engine", e.Name, "err", err)
	}
	reply, err := agent.New(e.diag, nil).WithPhraser(a.phraser()).Ask(ctx, tool.Identity{}, agent.Question{Text: question}, agent.Listener{})
	if err != nil {
		return nil, err
	}
	return reply.Answer, nil
}

// asker is the agent of one engine. The first question after a start waits for
// the plan: an answer without it would be of the documents alone.
type asker struct {
	*agent.Agent
	e     *engine
	trace func(context.Context, agent.Question) (context.Context, func(error))
}

// firstPlan is how long a question waits for the first reading of the plan.
const firstPlan = 10 * time.Second

// Ask passes the question on.
func (k asker) Ask(ctx context.Context, who tool.Identity, q agent.Question, l agent.Listener) (agent.Reply, error) {
	select {
	case <-k.e.tried:
	case <-ctx.Done():
	case <-time.After(firstPlan):
	}
	ctx, end := k.trace(ctx, q)
	reply, err := k.Agent.Ask(ctx, who, q, l)
	end(err)
	return reply, err
}

func (a *App) find(name string) (*engine, error) {
	if name == "" {
		return a.engines[0], nil
	}
	for _, e := range a.engines {
		if e.Name == name {
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no engine named %q", name)
}
