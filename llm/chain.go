package llm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"resync/breaker"
)

// Target is one place a chain may ask.
type Target struct {
	Name    string // unique in the chain
	Model   Model
	Keys    []string      // API keys, used in turn when one is refused; none for a server that needs none
	Timeout time.Duration // for the whole answer, or for the first piece of a stream; 0 is a fair share of what is left
	Price   *Price        // overrides the table
	Caps    Caps          // overrides the table and what the model says of itself
}

// Options are the settings of a [Chain]. Targets is required.
type Options struct {
	Targets []Target      // asked in this order
	Budget  time.Duration // for a request over the whole chain, or until the first piece of a stream; 30 s
	Idle    time.Duration // longest silence within a stream; 15 s
	Longest time.Duration // of a stream after its first piece; 5 min
	Rounds  int           // how often the chain is gone through at most; 2. A second time is paid for by a tenth of a target's answers
	// Backoff is the least wait before a second round; it doubles each round up
	// to ten times itself and varies by a fifth. 500 ms.
	Backoff time.Duration
	// Breaker returns the breaker of a provider; nil, or a nil breaker, is none.
	Breaker func(provider string) *breaker.Breaker
	Prices  *Prices // nil is the built-in table
	Meter   *Meter  // nil counts in memory without limits
	// Observe hears of every attempt when it has ended, Done of every request.
	// Both are called by the goroutine of the request and must return soon.
	Observe func(context.Context, Attempt)
	Done    func(context.Context, Outcome)
}

// Outcome is how a request ended, for metrics and traces.
type Outcome struct {
	Response *Response // nil when it failed
	Partial  *Response // what came of a stream that broke off, or that its caller ended; its tokens are paid for
	Err      error
	Started  time.Time
	Took     time.Duration // until the answer was whole, or it failed; not until somebody has read it
	FirstAt  time.Time     // of the first piece of a stream; zero otherwise
	Stream   bool
	User     string // of the request
}

// Chain asks its targets until one answers. It is safe for concurrent use.
type Chain struct {
	opt     Options
	targets []*target
	metrics *counters
}

// target is a Target with what the chain knows about it.
type target struct {
	Target
	info  Info
	caps  Caps
	price *Price
	from  string // where the price is from
	brk   *breaker.Breaker
	keys  *keyring
	again *breaker.Budget // for asking it a second time in one request
}

// What further rounds may cost a target: a tenth of its answers, and ten at once.
const (
	againShare   = 0.1
	againReserve = 10
)

// New returns a chain over the targets.
func New(o Options) (*Chain, error) {
	if len(o.Targets) == 0 {
		return nil, errors.New("llm: a chain needs at least one target")
	}
	setDefaults(&o)
	if o.Prices == nil {
		var err error
		if o.Prices, err = BuiltinPrices(); err != nil {
			return nil, err
		}
	}
	c := &Chain{opt: o, metrics: newCounters()}
	for i, t := range o.Targets {
		if t.Name == "" || t.Model == nil {
			return nil, fmt.Errorf("llm: target %d needs a name and a model", i+1)
		}
		if slices.ContainsFunc(c.targets, func(o *target) bool { return o.Name == t.Name }) {
			return nil, fmt.Errorf("llm: two targets are called %q", t.Name)
		}
		c.targets = append(c.targets, c.newTarget(t))
	}
	return c, nil
}

func setDefaults(o *Options) {
	for _, d := range []struct {
		at  *time.Duration
		def time.Duration
	}{{&o.Budget, 30 * time.Second}, {&o.Idle, 15 * time.Second}, {&o.Longest, 5 * time.Minute}, {&o.Backoff, 500 * time.Millisecond}} {
		if *d.at <= 0 {
			*d.at = d.def
		}
	}
	if o.Rounds <= 0 {
		o.Rounds = 2
	}
	if o.Meter == nil {
		o.Meter = NewMeter(nil, Limits{}, nil)
	}
}

func (c *Chain) newTarget(t Target) *target {
	out := &target{Target: t, info: t.Model.Info(), keys: newKeyring(t.Keys), again: breaker.NewBudget(againShare, againReserve)}
	row, _ := c.opt.Prices.Find(out.info.Provider, out.info.Model)
	out.caps = t.Caps.merge(out.info.Caps).merge(row.caps())
	if out.price = t.Price; out.price == nil {
		if p, ok := row.Price(); ok {
			out.price, out.from = &p, row.Source
		}
	}
	if c.opt.Breaker != nil {
		out.brk = c.opt.Breaker(out.info.Provider)
	}
	return out
}

// TargetView is a target as it may be shown.
type TargetView struct {
	Name     string   `json:"name"`
	Provider string   `json:"provider"`
	Model    string   `json:"model"`
	Keys     int      `json:"keys"`
	Usable   int      `json:"usable_keys"`
	Breaker  string   `json:"breaker,omitempty"`
	Input    *float64 `json:"input_usd_per_million"` // null when not known
	Output   *float64 `json:"output_usd_per_million"`
	// PriceSource says where the prices are from, for those of a table.
	PriceSource string `json:"price_source,omitempty"`
}

// Targets lists the chain in its order.
func (c *Chain) Targets() []TargetView {
	out := make([]TargetView, 0, len(c.targets))
	for _, t := range c.targets {
		v := TargetView{Name: t.Name, Provider: t.info.Provider, Model: t.info.Model, Keys: len(t.Keys), Usable: t.keys.usable(time.Now())}
		if t.brk != nil {
			v.Breaker = t.brk.Name()
		}
		if t.price != nil {
			in, out := t.price.Input*1e6, t.price.Output*1e6
			v.Input, v.Output, v.PriceSource = &in, &out, t.from
		}
		out = append(out, v)
	}
	return out
}

// Budget is the time a request may take, or a stream until its first piece.
func (c *Chain) Budget() time.Duration { return c.opt.Budget }

// Limits are those on money; zero ones do not limit.
func (c *Chain) Limits() Limits { return c.opt.Meter.limits }

// SpentToday is what the user ("" for everybody) has spent today in US dollars.
func (c *Chain) SpentToday(ctx context.Context, user string) (float64, error) {
	return c.opt.Meter.Spent(ctx, user)
}

// order is where a request goes: from the named target, or the first one with
// the named model, to the end of the chain.
func (c *Chain) order(model string) []*target {
	if model == "" {
		return c.targets
	}
	if i := slices.IndexFunc(c.targets, func(t *target) bool { return t.Name == model }); i >= 0 {
		return c.targets[i:]
	}
	if i := slices.IndexFunc(c.targets, func(t *target) bool { return t.info.Model == model }); i >= 0 {
		return c.targets[i:]
	}
	return nil
}

// Complete asks the chain for a whole answer.
func (c *Chain) Complete(ctx context.Context, req *Request) (*Response, error) {
	return c.complete(ctx, req, c.order(req.Model), nil)
}

// Answer is Complete for who passes the answer on: it is handed over before its costs
// are booked and its numbers noted, which keeps nobody waiting then. hand is called at
// most once, and never with an error; Answer returns when all is noted.
func (c *Chain) Answer(ctx context.Context, req *Request, hand func(*Response)) error {
	_, err := c.complete(ctx, req, c.order(req.Model), hand)
	return err
}

// CompleteWithFallback asks the primary target, then the others in the order
// given; each is a target's name or its model. The chain itself stays as it is.
func (c *Chain) CompleteWithFallback(ctx context.Context, req *Request, primary string, fallbacks ...string) (*Response, error) {
	var order []*target
	for _, name := range append([]string{primary}, fallbacks...) {
		found := c.order(name)
		if name == "" || len(found) == 0 {
			return nil, c.noTarget(name)
		}
		if !slices.Contains(order, found[0]) {
			order = append(order, found[0])
		}
	}
	return c.complete(ctx, req, order, nil)
}

func (c *Chain) noTarget(name string) error {
	names := make([]string, 0, len(c.targets))
	for _, t := range c.targets {
		names = append(names, t.Name)
	}
	return &ChainError{Class: CallerFault, Code: CodeNoTarget, Status: statusOf(CallerFault, CodeNoTarget),
		Err: fmt.Errorf("there is no model %q; there are %q", name, names)}
}

func (c *Chain) complete(ctx context.Context, req *Request, order []*target, hand func(*Response)) (*Response, error) {
	if len(order) == 0 {
		return nil, c.noTarget(req.Model)
	}
	started := time.Now()
	var resp *Response
	w := c.newWalk(ctx, req, order, started)
	err := w.run(func(ctx context.Context, t *target, call Call) error {
		var err error
		resp, err = t.Model.Complete(ctx, call)
		return err
	})
	if err != nil {
		c.finish(ctx, Outcome{Err: err, Started: started, User: req.User})
		return nil, err
	}
	c.complement(resp, w)
	took := time.Since(started)
	defer func() { // also when handing it over fails
		w.observe(*w.won)
		c.opt.Meter.settle(req.User, w.reserved, costOf(resp))
		c.finish(ctx, Outcome{Response: resp, Started: started, Took: took, User: req.User})
	}()
	if hand != nil {
		hand(resp)
	}
	return resp, nil
}

// complement fills in what the chain knows about an answer.
func (c *Chain) complement(r *Response, w *walk) {
	t := w.answered
	r.Provider, r.Target = t.info.Provider, t.Name
	if r.Model == "" {
		r.Model = t.info.Model
	}
	if r.Usage.Total() == 0 {
		size := max(r.size, len(r.Content)+len(r.Reasoning))
		for _, call := range r.ToolCalls {
			size += len(call.Name) + len(call.Arguments)
		}
		r.Usage = Usage{InputTokens: w.req.size(), OutputTokens: (size + 3) / 4, Estimated: true}
	}
	r.TokensUsed = r.Usage.Total()
	if t.price != nil {
		cost := t.price.Cost(r.Usage)
		r.CostUSD = &cost
	}
	r.LatencyMS = millis(time.Since(w.started))
	r.Attempts = w.trail
	r.WasFallback, r.FallbackReason = w.fallback()
	if r.WasFallback && w.first.brk != nil {
		w.first.brk.CountFallback()
	}
}

// costOf is what is booked for an answer: nothing when its price is unknown.
func costOf(r *Response) float64 {
	if r == nil || r.CostUSD == nil {
		return 0
	}
	return *r.CostUSD
}

// finish counts a request and tells the observer.
func (c *Chain) finish(ctx context.Context, o Outcome) {
	if o.Took == 0 {
		o.Took = time.Since(o.Started)
	}
	c.metrics.request(o)
	if c.opt.Done != nil {
		c.opt.Done(ctx, o)
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// vary spreads a wait by a fifth to both sides, so that many callers do not
// come back at once.
func vary(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
