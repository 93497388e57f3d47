package app

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"resync/hwa"
	"resync/internal/health"
)

// engineRights tries one harmless read of each kind that tools and diagnosis
// need, and asks the engine what it says of its user. What the user may change
// cannot be asked without changing something: the engine's refusal says it then.
func (a *App) engineRights(ctx context.Context, e *engine) health.Result {
	var may, not []string
	for _, r := range readsOf(e.Client) {
		switch err := r.read(ctx); hwa.KindOf(err) {
		case "", hwa.KindNotFound, hwa.KindNotSupported:
			if err != nil && hwa.KindOf(err) == "" { // not from the engine: our own time is over
				return health.Skipped("not everything could be asked: %v", err)
			}
			may = append(may, r.what)
		case hwa.KindForbidden:
			not = append(not, r.what)
		case hwa.KindAuth:
			return health.Skipped("the engine does not accept the user and password, so its rights cannot be asked")
		default:
			return health.Skipped("the engine could not be asked: %v", err)
		}
	}
	said := engineSays(ctx, e.Client)
	user := a.engineConfig(e.Name).Username
	if len(not) > 0 {
		return health.Result{Status: health.Fail, Output: "the engine does not let its user " + user + " read " + strings.Join(not, ", ") + said,
			Fix: "give the user of engines." + e.Name + ".username the rights DISPLAY and LIST on these objects in the engine's security settings; until then answers about them are missing"}
	}
	out := "its user may read " + strings.Join(may, ", ") + said
	if e.ReadOnly {
		return health.Passed(out + "; read_only is set: Resync refuses every action itself")
	}
	return health.Passed(out + "; what it may change shows when it is tried: a refusal of the engine is passed on as it is")
}

// engineRead is one harmless read.
type engineRead struct {
	what string
	read func(context.Context) error
}

func readsOf(c *hwa.Client) []engineRead {
	return []engineRead{
		{"jobs", one(c.Jobs)}, {"job streams", one(c.JobStreams)}, {"workstations", one(c.Workstations)}, {"resources", one(c.Resources)}, {"prompts", one(c.Prompts)},
	}
}

// one reads at most one object of a list.
func one[T any](list func(context.Context, hwa.ListOptions) iter.Seq2[*T, error]) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, err := range list(ctx, hwa.ListOptions{Limit: 1, PageSize: 1}) {
			return err
		}
		return ctx.Err()
	}
}

// engineSays is the engine's own list of what its user has no permission for; ""
// when it has none to give.
func engineSays(ctx context.Context, c *hwa.Client) string {
	said, err := c.ReadPermission(ctx)
	if err != nil {
		return ""
	}
	var denied []string
	for _, what := range slices.Sorted(maps.Keys(said)) {
		if v := strings.ToLower(said[what]); v == "false" || v == "no" || v == "none" || v == "" {
			denied = append(denied, what)
		}
	}
	if len(denied) == 0 {
		return ""
	}
	return "; the engine itself names no permission for " + strings.Join(denied, ", ")
}
