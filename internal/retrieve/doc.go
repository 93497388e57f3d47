// Package retrieve finds the passage of a manual, runbook or note that answers a
// question, and takes the documented cause and fix out of it word for word.
//
// An [Index] holds everything in memory: message codes are found exactly, before
// any ranking; words are ranked with BM25F over title, path and body (Robertson
// and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009),
// with an analyser that knows identifiers (JnextPlan, localopts, mm unlink) and
// English and Portuguese word forms. A Portuguese question finds English passages
// through a glossary of the field's terms. No language model is involved.
package retrieve
