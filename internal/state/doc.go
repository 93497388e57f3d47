// Package state is the short-lived state that several parts, or several servers,
// share: cached answers, rate limits and news between servers. It lives in
// Redis (or Valkey: the same protocol) when an address is configured, and in the
// memory of this process otherwise. Nothing that must survive is kept here: what
// was executed, approved or claimed are rows of the durable store, so losing all
// of this state costs time and never correctness.
//
// A Redis that does not answer must not hang anything. Every call is bounded by
// a few times ten milliseconds, passes a circuit breaker, and fails with
// [ErrUnavailable], which says how long a retry should wait. Whether Redis is
// there is decided by evidence: failed calls make a monitor look at once, and
// it keeps looking until Redis answers again.
package state
