// Package knowledge keeps what Resync can cite: the manuals, runbooks and notes an
// operator has ingested, and the handbook that comes with the program.
//
// A [Base] holds one searchable index of all of it. Ingesting stores the text
// first and then swaps in a new index at once, so a search sees either the old
// state or the new one, and a restart rebuilds the index from the stored texts.
//
// The package also scores answers to scenarios, the way the evaluation set of the
// project defines it.
package knowledge
