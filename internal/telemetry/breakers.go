package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"resync/breaker"
)

// breakerCollector reads the circuit breakers when it is scraped.
type breakerCollector struct {
	read                                                       func() []breaker.Status
	state, failures, calls, rejected, opened, seconds, dry, fb *prometheus.Desc
}

// NewBreakerCollector returns a collector of the breakers read returns. Names of
// breakers are a closed set: those of the contract, of the engines and of the
// model providers.
func NewBreakerCollector(read func() []breaker.Status) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("resync_breaker_"+name, help, append([]string{"name"}, labels...), nil)
	}
	return &breakerCollector{
		read:     read,
		state:    desc("state", "State of a circuit breaker: 0 closed, 1 open, 2 half_open, 3 forced_open, 4 disabled."),
		failures: desc("consecutive_failures", "Failures in a row."),
		calls:    desc("calls_total", "Calls let through, by how they ended: success, failure, ignored.", "outcome"),
		rejected: desc("rejected_total", "Calls refused without being made."),
		opened:   desc("opened_total", "Times the breaker has opened."),
		seconds:  desc("open_seconds_total", "Time the breaker has spent refusing or probing."),
		dry:      desc("would_open_total", "Outages that would have begun while the breaker was disabled."),
		fb:       desc("fallbacks_total", "Answers that something else gave in place of the dependency."),
	}
}

// Describe lists the metrics.
func (c *breakerCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.state, c.failures, c.calls, c.rejected, c.opened, c.seconds, c.dry, c.fb} {
		ch <- d
	}
}

// Collect reads the breakers.
func (c *breakerCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for _, s := range c.read() {
		gauge(c.state, float64(s.State), s.Name)
		gauge(c.failures, float64(s.FailureCount), s.Name)
		count(c.calls, float64(s.SuccessCount), s.Name, "success")
		count(c.calls, float64(s.TotalFailures), s.Name, "failure")
		count(c.calls, float64(s.Ignored), s.Name, "ignored")
		count(c.rejected, float64(s.Rejected), s.Name)
		count(c.opened, float64(s.Opened), s.Name)
		count(c.seconds, s.OpenTotal, s.Name)
		count(c.dry, float64(s.WouldTrip), s.Name)
		count(c.fb, float64(s.Fallbacks), s.Name)
	}
}
