package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what the durable rows and the plan say at the moment of a scrape.
// A nil map leaves its metric out, so that "not known" is never shown as 0.
type State struct {
	ToolRuns         map[string]int           // rows by status
	OutcomeUnknown   int                      // actions of which it is not known whether the engine carried them out
	ApprovalsPending int                      // approvals waiting for a person
	PlanAge          map[string]time.Duration // time since the plan was last read, by engine
}

// stateCollector reads State when it is scraped.
type stateCollector struct {
	read     func(context.Context) (State, error)
	timeout  time.Duration
	runs     *prometheus.Desc
	unknown  *prometheus.Desc
	pending  *prometheus.Desc
	planAge  *prometheus.Desc
	failures prometheus.Counter
}

// NewStateCollector returns a collector that calls read on each scrape with the
// given timeout. The numbers come from the rows themselves, so they are right
// after a restart too. When read fails they are absent from that scrape and
// resync_state_read_failures_total grows.
func NewStateCollector(timeout time.Duration, read func(context.Context) (State, error)) prometheus.Collector {
	return &stateCollector{
		read: read, timeout: timeout,
		runs:    prometheus.NewDesc("resync_tool_runs", "Tool runs on record, by status.", []string{"status"}, nil),
		unknown: prometheus.NewDesc("resync_action_outcome_unknown", "Actions whose outcome on the engine is not known yet.", nil, nil),
		pending: prometheus.NewDesc("resync_approvals_pending", "Approvals waiting for a person.", nil, nil),
		planAge: prometheus.NewDesc("resync_plan_age_seconds", "Time since the plan was last read from the engine.", []string{"engine"}, nil),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "resync_state_read_failures_total", Help: "Scrapes in which the state could not be read.",
		}),
	}
}

// Describe lists the metrics.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.runs
	ch <- c.unknown
	ch <- c.pending
	ch <- c.planAge
	c.failures.Describe(ch)
}

// Collect reads the state and sends what is known.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	s, err := c.read(ctx)
	for engine, age := range s.PlanAge { // known without the database
		ch <- prometheus.MustNewConstMetric(c.planAge, prometheus.GaugeValue, age.Seconds(), engine)
	}
	if err != nil {
		c.failures.Inc()
		c.failures.Collect(ch)
		return
	}
	c.failures.Collect(ch)
	for status, n := range s.ToolRuns {
		ch <- prometheus.MustNewConstMetric(c.runs, prometheus.GaugeValue, float64(n), status)
	}
	ch <- prometheus.MustNewConstMetric(c.unknown, prometheus.GaugeValue, float64(s.OutcomeUnknown))
	ch <- prometheus.MustNewConstMetric(c.pending, prometheus.GaugeValue, float64(s.ApprovalsPending))
}
