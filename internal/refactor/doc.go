// Package refactor reads the structure of a Go module and moves packages inside
// it without breaking a build or losing history.
//
// It works on the syntax alone: every .go file is parsed once (all build tags,
// cgo files and tests included) and changes are byte edits at positions of the
// syntax tree, so formatting, comments and files for other systems are kept. A
// file that was gofmt-clean before an edit is gofmt-clean after it. What the
// syntax cannot prove is not guessed: a qualifier whose rename could meet another
// meaning of the new name is kept by an explicit import name instead.
//
// The way of a move is Open → PlanMove (every refusal happens here, before
// anything is touched) → Apply (git mv, edits, go build and go vet, one commit;
// rolled back whole on any failure).
package refactor
