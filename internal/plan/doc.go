// Package plan holds the in-memory picture of a production plan: every job,
// stream and workstation as one sync saw them, plus the dependency graph.
//
// A [Snapshot] is immutable. It stores jobs as columns with interned texts and
// packed ids (well under 400 bytes per job including its indexes), so that a
// plan of 500,000 jobs fits in about 100 MB and a filter over all of it is a
// few sequential passes. [Live] holds the current snapshot behind an atomic
// pointer: readers never lock and never see a half-built plan.
//
// Every fact read from a snapshot is as old as [Snapshot.AsOf]; callers that
// state a fact to a person state that time with it. Statuses are kept exactly
// as the engine sent them, known to this program or not.
package plan
