package app

import (
	"context"
	"fmt"

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
	reply, err := agent.New(e.diag, nil).Ask(ctx, tool.Identity{}, agent.Question{Text: question}, agent.Listener{})
	if err != nil {
		return nil, err
	}
	return reply.Answer, nil
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
