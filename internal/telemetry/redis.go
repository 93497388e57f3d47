package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// lessMetrics count what an absent Redis and the limits do to requests.
type lessMetrics struct {
	degraded    *prometheus.CounterVec
	refused503  prometheus.Counter
	rateLimited *prometheus.CounterVec
}

func newLessMetrics(reg prometheus.Registerer) lessMetrics {
	m := lessMetrics{
		degraded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_requests_degraded_total", Help: "Requests answered with less because Redis was away, by what was done instead.",
		}, []string{"behavior"}),
		refused503: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "resync_requests_503_total", Help: "Requests refused because Redis was away.",
		}),
		rateLimited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_requests_limited_total", Help: "Requests refused by a rate limit.",
		}, []string{"limit"}),
	}
	reg.MustRegister(m.degraded, m.refused503, m.rateLimited)
	return m
}

// Degraded counts a request that was answered with less, by the behaviour its
// route declares.
func (m *Metrics) Degraded(behavior string) { m.less.degraded.WithLabelValues(behavior).Inc() }

// Refused503 counts a request that was refused because Redis was away.
func (m *Metrics) Refused503() { m.less.refused503.Inc() }

// RateLimited counts a request that a limit refused.
func (m *Metrics) RateLimited(limit string) { m.less.rateLimited.WithLabelValues(limit).Inc() }

// RedisState is what is known of the shared state at the moment of a scrape.
type RedisState struct {
	Configured  bool
	Up          bool
	Unavailable float64 // seconds since the start, in all
	Outages     int
	// How often cached answers were found and not found, with the shared state
	// and without it.
	Hits, Misses, LessHits, LessMisses int64
	// OtherWords counts those found whose question had been put in other words.
	OtherWords int64
}

// redisCollector reads RedisState when it is scraped.
type redisCollector struct {
	read                                                      func() RedisState
	up, degraded, unavailable, outages, misses, cost, answers *prometheus.Desc
}

// NewRedisCollector returns a collector that calls read on each scrape. What is
// not known is absent: a server without Redis has no resync_redis_up, and the
// rates appear when there is something to divide.
func NewRedisCollector(read func() RedisState) prometheus.Collector {
	return &redisCollector{
		read:        read,
		up:          prometheus.NewDesc("resync_redis_up", "1 while the configured Redis answers.", nil, nil),
		degraded:    prometheus.NewDesc("resync_degraded", "1 while something works with less, by what is missing.", []string{"missing"}, nil),
		unavailable: prometheus.NewDesc("resync_redis_unavailable_duration_seconds", "Time Redis has been away since the start, in all.", nil, nil),
		outages:     prometheus.NewDesc("resync_redis_outages_total", "Times Redis went away since the start.", nil, nil),
		misses:      prometheus.NewDesc("resync_cache_miss_rate_during_degradation", "Share of questions whose answer was not cached while Redis was away, 0 to 1.", nil, nil),
		cost: prometheus.NewDesc("resync_llm_cost_increase_during_degradation",
			"How much more often an answer had to be made anew while Redis was away than while it was there; 1 is as often.", nil, nil),
		answers: prometheus.NewDesc("resync_cached_answers_total", "Questions that a language model answers, by what was found in the cache: same_words, other_words, nothing.", []string{"found"}, nil),
	}
}

// Describe lists the metrics.
func (c *redisCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.degraded, c.unavailable, c.outages, c.misses, c.cost, c.answers} {
		ch <- d
	}
}

// Collect reads the state and sends what is known.
func (c *redisCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.read()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(c.degraded, flag(s.Configured && !s.Up), "redis")
	for found, n := range map[string]int64{"same_words": s.Hits + s.LessHits - s.OtherWords, "other_words": s.OtherWords, "nothing": s.Misses + s.LessMisses} {
		ch <- prometheus.MustNewConstMetric(c.answers, prometheus.CounterValue, float64(n), found)
	}
	if !s.Configured {
		return
	}
	gauge(c.up, flag(s.Up))
	gauge(c.unavailable, s.Unavailable)
	ch <- prometheus.MustNewConstMetric(c.outages, prometheus.CounterValue, float64(s.Outages))
	less, ok := rate(s.LessMisses, s.LessHits)
	if !ok {
		return
	}
	gauge(c.misses, less)
	if usual, ok := rate(s.Misses, s.Hits); ok && usual > 0 {
		gauge(c.cost, less/usual)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// rate is the share of a in a+b.
func rate(a, b int64) (float64, bool) {
	if a+b == 0 {
		return 0, false
	}
	return float64(a) / float64(a+b), true
}
