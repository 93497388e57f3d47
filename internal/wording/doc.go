// Package wording tells whether two questions ask the same in slightly other
// words, so that an answer made for one may be given to the other.
//
// [Form] brings a question into a form in which such questions are equal to the
// last byte. It only ever takes away or replaces what is on a short list: words of
// courtesy at both ends, articles, the usual ways of asking how something is done
// ("how do I", "how to", "what are the steps to"), British spelling, short forms that
// a table says mean the same as their long ones. Every other word
// stays where it is: not, without, before, from and to, should and must, was and is,
// numbers, names, codes, options with their letter case, what stands in quotes. So
// a question nobody thought of is missed and never taken for another, which would
// be far worse. Stems as a search uses them are not used: they make one of "import"
// and "important", of "terminal" and "terminate", of "schedule" and "scheduler".
//
// English and Portuguese are known; in another language only white space, the mark
// at the end and the letter at the beginning do not count.
package wording
