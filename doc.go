// Package resync is the root of the module: an AI operations console for
// HCL/IBM Workload Automation. The program is cmd/resync; docs/architecture.md
// is the map of the packages, and the tests in this directory hold the house
// rules (floors, documentation, no hidden state).
package resync
