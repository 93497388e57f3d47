// Package llm asks language models and keeps what can go wrong with them away
// from its caller.
//
// A [Model] is one model behind one wire (packages llm/openai and
// llm/anthropic). A [Chain] asks several in order, with one retry loop for all
// of them and one budget of time (30 s by default) that they share:
//
//   - A fault falls back to the next target as long as nothing has reached the
//     caller. That is true for streams as well: the first piece of content, of a
//     tool call or of reasoning commits the chain to its target; every fault
//     before it is hidden, every fault after it is an explicit error, and a
//     stream that was cut never ends cleanly.
//   - Faults are typed ([Class]), from status and error code. Keys rotate on
//     refused credentials and used-up quotas; a Retry-After is kept, within the
//     budget; a mistake of the caller is not repeated elsewhere.
//   - A target that cannot do what a request needs (tools, JSON, images) is left
//     out, so that nothing is dropped silently.
//   - Each attempt passes the circuit breaker of its provider. A stream counts
//     at its end; what the caller broke off does not count.
//   - Tool calls are handed over only when the answer they stand in is complete,
//     and once: an answer that was cut has none.
//   - Money is counted in and out separately. A price nobody knows is unknown
//     ([Response.CostUSD] is nil), never zero, and the limits per request, user
//     and day are enforced before a model is asked.
//
// A Chain does not change while it is used: every request works on its own
// order, deadline and record of attempts.
package llm
