// Package telemetry is how Resync reports on itself: structured logs on
// log/slog with secrets removed before they are written, the trace id that
// ties a request, its runs and its log lines together, and the Prometheus
// metrics. Nothing here is global: the caller builds a logger and a registry
// and passes them on.
package telemetry
