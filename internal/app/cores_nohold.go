//go:build !linux

package app

// holdProcessor is nil where a processor of the runtime cannot be held.
func holdProcessor() (release func()) { return nil }
