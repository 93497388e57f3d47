// Package evaluate measures chunking and retrieval: it makes question sets from
// the manuals it is given, reads the sets that others publish, asks them of an
// index, and counts how often the right passage is found.
//
// Three harnesses: [Manuals] generates the five TWS sets from a folder of manuals
// (message codes, problem to solution, headings, the last two also with words
// left out) and asks 60 hand-written operator questions; [Records] takes any
// corpus and questions as JSON lines and reports Pass@k as in Anthropic's
// contextual retrieval evaluation; [Chunking] scores spans by characters as
// Chroma's "Evaluating Chunking Strategies for Retrieval" (2024) does.
//
// Everything is deterministic: the same folder gives the same numbers.
package evaluate
