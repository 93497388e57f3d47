package llm

import (
	"maps"
	"sync"
	"time"
)

// Metrics is a snapshot of what a chain has done since it was made, under the
// names of the v5.4.2 contract.
type Metrics struct {
	TotalRequests      int64             `json:"total_requests"`
	SuccessfulRequests int64             `json:"successful_requests"`
	FailedRequests     int64             `json:"failed_requests"` // what a caller broke off is in the total only
	FallbackRequests   int64             `json:"fallback_requests"`
	SuccessRate        float64           `json:"success_rate"`  // of those that ended, 0 to 1; 0 before the first
	FallbackRate       float64           `json:"fallback_rate"` // of the successful ones
	TotalTokens        int64             `json:"total_tokens"`
	TotalCostUSD       float64           `json:"total_cost_usd"`       // of the answers whose price is known
	UnpricedRequests   int64             `json:"unpriced_requests"`    // answers whose price is not known
	AvgLatencyMS       float64           `json:"avg_latency_ms"`       // of the successful ones
	ModelRequests      map[string]int64  `json:"model_requests"`       // :: target → attempts
	ModelFailures      map[string]int64  `json:"model_failures"`       // :: target → attempts that failed
	FallbackReasons    map[string]int64  `json:"fallback_reasons"`     // :: timeout, rate_limit, error, circuit_open → number
	CircuitBreakers    map[string]string `json:"circuit_breakers"`     // :: breaker → state
	LastError          string            `json:"last_error,omitempty"` // of the last request that failed
	LastErrorAt        time.Time         `json:"last_error_at,omitzero"`
	LastFallback       *Fallback         `json:"last_fallback,omitempty"` // nil while the first target has answered everything
}

// Fallback is one answer that did not come from the first target.
type Fallback struct {
	At     time.Time `json:"at"`
	Target string    `json:"target"` // that answered
	Reason string    `json:"reason"` // why the first did not
}

// counters is the live form of Metrics.
type counters struct {
	mu      sync.Mutex
	m       Metrics
	latency float64
}

func newCounters() *counters {
	return &counters{m: Metrics{ModelRequests: map[string]int64{}, ModelFailures: map[string]int64{}, FallbackReasons: map[string]int64{}}}
}

func (c *counters) attempt(a Attempt) {
	if a.Skipped {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.ModelRequests[a.Target]++
	if a.Class != "" && a.Code != CodeCanceled {
		c.m.ModelFailures[a.Target]++
	}
}

// broke counts an attempt that failed after its first piece.
func (c *counters) broke(a Attempt) {
	if a.Code == CodeCanceled {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.ModelFailures[a.Target]++
}

func (c *counters) request(o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.TotalRequests++
	if o.Err != nil {
		if codeOf(o.Err) != CodeCanceled {
			c.m.FailedRequests++
			c.m.LastError, c.m.LastErrorAt = o.Err.Error(), time.Now()
		}
		return
	}
	r := o.Response
	c.m.SuccessfulRequests++
	c.m.TotalTokens += int64(r.TokensUsed)
	c.latency += r.LatencyMS
	if r.CostUSD == nil {
		c.m.UnpricedRequests++
	}
	c.m.TotalCostUSD += costOf(r)
	if r.WasFallback {
		c.m.FallbackRequests++
		c.m.FallbackReasons[r.FallbackReason]++
		c.m.LastFallback = &Fallback{time.Now().UTC(), r.Target, r.FallbackReason}
	}
}

// codeOf is the code of a chain's error.
func codeOf(err error) string {
	switch e := err.(type) {
	case *ChainError:
		return e.Code
	case *Error:
		return e.Code
	}
	return ""
}

// Metrics returns a snapshot.
func (c *Chain) Metrics() Metrics {
	k := c.metrics
	k.mu.Lock()
	m := k.m
	m.ModelRequests, m.ModelFailures, m.FallbackReasons = maps.Clone(m.ModelRequests), maps.Clone(m.ModelFailures), maps.Clone(m.FallbackReasons)
	latency := k.latency
	k.mu.Unlock()
	if n := m.SuccessfulRequests; n > 0 {
		m.AvgLatencyMS = latency / float64(n)
		m.FallbackRate = float64(m.FallbackRequests) / float64(n)
	}
	if n := m.SuccessfulRequests + m.FailedRequests; n > 0 {
		m.SuccessRate = float64(m.SuccessfulRequests) / float64(n)
	}
	m.CircuitBreakers = map[string]string{}
	for _, t := range c.targets {
		if t.brk != nil {
			m.CircuitBreakers[t.brk.Name()] = t.brk.State().String()
		}
	}
	return m
}
