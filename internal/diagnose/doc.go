// Package diagnose answers an operator's question about the plan without a
// language model: why is a job not running, why did it fail, what does it
// block, what is wrong with the plan itself, and what do the manuals say.
//
// The shape of every answer is the same. Facts are read from the engine and
// from job logs and kept as [Evidence]; causes are ranked [Hypothesis] values
// that point at the facts they rest on and at the passages of the manuals that
// document them; every sentence names its evidence, and [Check] marks what the
// evidence does not bear out. What could not be looked at is listed in
// Answer.NotExamined: a call that fails makes an answer shorter, never absent.
//
// Nothing here writes to an engine. A repair is either a tool call offered for
// approval ([Action]) or words: the documented fix, to be done outside Resync.
package diagnose
