package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// llmMetrics are what is counted of language models. Targets come from the
// settings, so there are few.
type llmMetrics struct {
	attempts *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	first    *prometheus.HistogramVec

	attempt found[attemptLabels, prometheus.Observer]
	request found[string, prometheus.Observer] // :: outcome
	target  found[string, targetSeries]
}

func (m *llmMetrics) attemptSeries(l attemptLabels) prometheus.Observer {
	return m.attempts.WithLabelValues(l.target, l.outcome)
}

func (m *llmMetrics) requestSeries(outcome string) prometheus.Observer {
	return m.requests.WithLabelValues(outcome)
}

func (m *llmMetrics) targetSeries(target string) targetSeries {
	return targetSeries{input: m.tokens.WithLabelValues(target, "input"), output: m.tokens.WithLabelValues(target, "output"), cost: m.cost.WithLabelValues(target)}
}

func newLLMMetrics(reg prometheus.Registerer) *llmMetrics {
	seconds := []float64{.01, .04, .16, .64, 2.56, 10.24, 40.96, 81.92} // of the buckets OpenTelemetry names for gen_ai.client.operation.duration
	m := &llmMetrics{
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_llm_attempt_duration_seconds", Help: "Time one call of a language model took, by target and outcome: ok or the class of the fault.", Buckets: seconds,
		}, []string{"target", "outcome"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_llm_request_duration_seconds", Help: "Time a request took over the whole chain, by outcome: ok, fallback or failed.", Buckets: seconds,
		}, []string{"outcome"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_llm_tokens_total", Help: "Tokens used, by target and kind: input, cached (a part of input) or output.",
		}, []string{"target", "kind"}),
		cost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_llm_cost_usd_total", Help: "US dollars spent, by target; answers whose price is not known are not in it.",
		}, []string{"target"}),
		first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_llm_first_piece_seconds", Help: "Time until the first piece of a streamed answer.", Buckets: seconds,
		}, []string{"target"}),
	}
	reg.MustRegister(m.attempts, m.requests, m.tokens, m.cost, m.first)
	return m
}

// LLMAttempt counts one call of a language model. outcome is ok or the class of
// the fault.
func (m *Metrics) LLMAttempt(target, outcome string, took time.Duration) {
	m.llm.attempt.get(attemptLabels{target, outcome}, m.llm.attemptSeries).Observe(took.Seconds())
}

// LLMRequest counts a request over the whole chain. target is the one that
// answered; outcome is ok, fallback or failed. cost is in US dollars.
func (m *Metrics) LLMRequest(outcome, target string, input, output, cached int, cost float64, took time.Duration) {
	m.llm.request.get(outcome, m.llm.requestSeries).Observe(took.Seconds())
	if target == "" {
		return
	}
	s := m.llm.target.get(target, m.llm.targetSeries)
	s.input.Add(float64(input))
	s.output.Add(float64(output))
	if cached > 0 {
		m.llm.tokens.WithLabelValues(target, "cached").Add(float64(cached))
	}
	s.cost.Add(cost)
}

// LLMFirstPiece counts the time until a streamed answer began.
func (m *Metrics) LLMFirstPiece(target string, took time.Duration) {
	m.llm.first.WithLabelValues(target).Observe(took.Seconds())
}
