// Package hwa is a typed client of the HCL/IBM Workload Automation REST API V2 (base path /twsd/api/v2). It is written by hand
// against the published 10.1.0.1 specification and what engines up to 10.2.8 are known to do differently.
//
// Reads fail over between the configured base URLs and are retried; writes go to one host, are never retried, and their errors
// say whether the engine may already have acted (Error.MayHaveActed). Actions are accepted, not done: the reply of a write means
// that the engine has queued it, so callers confirm by reading the object again.
//
// Every model type encodes as well as decodes, so a simulated engine can use the same types. Unknown enumeration values and
// unknown fields are tolerated. Times are UTC and zero when absent; a pointer is used where zero and absent mean different things.
package hwa
