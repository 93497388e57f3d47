// Package bench holds the benchmarks whose results stand in its README: what is
// compared with what, the command, and the last figures with their machine.
package bench
