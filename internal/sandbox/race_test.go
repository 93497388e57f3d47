//go:build race

package sandbox

// raced says that children are instrumented as well: ten times as slow, and where the
// memory ends they die in the words of the race detector.
const raced = true
