package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/breaker"
	"resync/internal/auth"
	"resync/internal/store"
)

// breakerView is a breaker as the contract lists it: its state is in capitals
// there.
type breakerView struct {
	breaker.Status
	State string `json:"state" enum:"CLOSED,OPEN,HALF_OPEN,FORCED_OPEN,DISABLED"`
}

func viewBreaker(s breaker.Status) breakerView { return breakerView{s, capitals(s.State)} }

func capitals(s breaker.State) string { return strings.ToUpper(s.String()) }

type breakersOutput struct {
	Body struct {
		Breakers          []breakerView  `json:"breakers"`
		Total             int            `json:"total"`
		OpenCount         int            `json:"open_count"`
		CriticalOpenCount int            `json:"critical_open_count"`
		Health            breaker.Health `json:"health"`
	}
}

type breakerOutput struct {
	Body breakerView
}

type breakerInput struct {
	Name string `path:"name" maxLength:"200"`
}

// switchInput steers a breaker. The contract's reset has no body.
type switchInput struct {
	Name string `path:"name" maxLength:"200"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"400" doc:"kept in the breaker's history; required except for a reset"`
		TTL    int    `json:"ttl_seconds,omitempty" minimum:"0" maximum:"604800" doc:"after which the switch ends by itself; 0 = never"`
	} `required:"false"`
}

type switchOutput struct {
	Body struct {
		Success  bool        `json:"success"`
		Message  string      `json:"message"`
		NewState string      `json:"new_state" enum:"CLOSED,OPEN,HALF_OPEN,FORCED_OPEN,DISABLED"`
		Breaker  breakerView `json:"breaker"`
	}
}

// registerResilience adds what an operator sees of the circuit breakers and an
// administrator does to them. Everything works without store and shared state:
// that is when it is needed.
func (s *server) registerResilience() {
	s.registerDoctor()
	const base = "/admin/resilience/breakers"
	add(s, route{id: "breakers", method: http.MethodGet, paths: both(base), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "All circuit breakers"}, s.breakers)
	add(s, route{id: "breaker", method: http.MethodGet, paths: both(base + "/{name}"), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "One circuit breaker with its last changes of state", errors: []int{404}}, s.breaker)
	for _, act := range []struct {
		verb, summary string
		do            func(name, reason, by string, ttl time.Duration) error
	}{
		{"reset", "Close a circuit breaker and count from nothing", func(name, reason, by string, _ time.Duration) error { return s.Breakers.Reset(name, reason, by) }},
		{"enable", "End force-open or disable", func(name, reason, by string, _ time.Duration) error { return s.Breakers.Enable(name, reason, by) }},
		{"force-open", "Refuse every call until the time is over", s.forceOpen},
		{"disable", "Let every call pass and only note when it would have opened", s.disable},
	} {
		// The contract's path says "breaker", in the singular.
		paths := append(both(base+"/{name}/"+act.verb), both("/admin/resilience/breaker/{name}/"+act.verb)...)
		add(s, route{id: "breaker-" + act.verb, method: http.MethodPost, paths: paths, tag: "resilience", tier: ReadOnly, role: auth.Admin, key: keyNone,
			summary: act.summary, errors: []int{400, 404}}, func(ctx context.Context, in *switchInput) (*switchOutput, error) {
			return s.switchBreaker(ctx, in, act.verb, act.do)
		})
	}
}

func (s *server) forceOpen(name, reason, by string, ttl time.Duration) error {
	return s.Breakers.ForceOpen(name, reason, by, ttl)
}

func (s *server) disable(name, reason, by string, ttl time.Duration) error {
	return s.Breakers.Disable(name, reason, by, ttl)
}

func (s *server) breakers(context.Context, *struct{}) (*breakersOutput, error) {
	out := &breakersOutput{}
	out.Body.Breakers = []breakerView{}
	for _, st := range s.Breakers.Snapshot() {
		out.Body.Breakers = append(out.Body.Breakers, viewBreaker(st))
	}
	h := s.Breakers.Health()
	out.Body.Health, out.Body.Total, out.Body.OpenCount, out.Body.CriticalOpenCount = h, h.TotalBreakers, h.OpenBreakers, h.CriticalOpen
	return out, nil
}

func (s *server) breaker(_ context.Context, in *breakerInput) (*breakerOutput, error) {
	b, err := s.Breakers.Get(in.Name)
	if err != nil {
		return nil, breakerProblem(err)
	}
	return &breakerOutput{viewBreaker(b.Detail())}, nil
}

// switchKept is how long a switch waits to be written down. It holds all the same when
// it is not: a breaker is switched when something is broken, and that may be the
// database.
const switchKept = 2 * time.Second

func (s *server) switchBreaker(ctx context.Context, in *switchInput, verb string, do func(name, reason, by string, ttl time.Duration) error) (*switchOutput, error) {
	reason, ttl := "", time.Duration(0)
	if in.Body != nil {
		reason, ttl = strings.TrimSpace(in.Body.Reason), time.Duration(in.Body.TTL)*time.Second
	}
	switch {
	case reason != "":
	case verb == "reset":
		reason = "no reason given"
	default:
		return nil, huma.Error400BadRequest("say why: reason must not be empty")
	}
	by := identityOf(ctx).User
	if err := do(in.Name, reason, by, ttl); err != nil {
		return nil, breakerProblem(err)
	}
	s.Log.WarnContext(ctx, "circuit breaker switched by hand", "breaker", in.Name, "action", verb, "user", by, "reason", reason, "ttl", ttl)
	b, err := s.Breakers.Get(in.Name)
	if err != nil {
		return nil, breakerProblem(err)
	}
	keepCtx, cancel := context.WithTimeout(ctx, switchKept)
	defer cancel()
	notKept := s.KeepBreaker(keepCtx, in.Name)
	out := &switchOutput{}
	out.Body.Breaker = viewBreaker(b.Detail())
	out.Body.Success, out.Body.NewState = true, out.Body.Breaker.State
	out.Body.Message = "circuit breaker " + in.Name + " is now " + b.State().String()
	if notKept != nil {
		s.Log.WarnContext(ctx, "the switch of a circuit breaker is not kept yet", "breaker", in.Name, "err", notKept)
		out.Body.Message += "; the database could not keep that yet: a restart before it can would forget it"
	}
	return out, nil
}

func breakerProblem(err error) error {
	if errors.Is(err, breaker.ErrUnknown) {
		return huma.Error404NotFound("no circuit breaker has this name; GET /admin/resilience/breakers lists them")
	}
	return huma.Error400BadRequest(err.Error())
}

// retryAfter adds the time an open breaker asks to wait to a problem document, and
// that after which to look whether the database takes writes again.
func retryAfter(problem, err error) error {
	var open *breaker.OpenError
	switch {
	case errors.As(err, &open) && open.Name == "database" && open.State != breaker.ForcedOpen: // looked at every second
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {databaseRetry}})
	case errors.As(err, &open) && open.RetryAfter > 0:
	case errors.Is(err, store.ErrAway), errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrReadOnly), errors.Is(err, store.ErrStorageFull):
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {databaseRetry}})
	default:
		return problem
	}
	seconds := int((open.RetryAfter + time.Second - 1) / time.Second)
	return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {strconv.Itoa(seconds)}})
}
