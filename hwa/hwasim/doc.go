// Package hwasim is a simulated HCL/IBM Workload Automation engine that speaks
// the product's REST API V2 on /twsd/api/v2. Client, tests, benchmarks and the
// demo all travel over HTTP to it, so nothing above it knows a simulator from a
// master domain manager.
//
// # Engine
//
// The plan lives in memory: jobs, job streams, workstations, resources, prompts
// and files in flat slices, and one event heap for everything that happens at a
// time (no goroutine per job). The clock is virtual: Step moves it by hand, Run
// couples it to real time with Config.Speed. Two simulations with the same
// Config do the same things in the same order.
//
// Jobs go through the states of the product: HOLD while a dependency, a time, a
// prompt or a file is missing or the priority is 0; READY while a limit, the
// fence, a resource or the agent holds them; then INTRO, EXEC and SUCC, ABEND,
// FAIL or PEND. Recovery options, `every`, latest start, deadline, duration
// limits, cancel, rerun chains, prompts and the daily FINAL rollover with
// carry-forward and a new run number are simulated. Job stream states are
// derived from their jobs.
//
// # Wire
//
// Two version profiles, 10.1.0.1 and 10.2.8, differ where the product does:
// prompt lists exist only in 10.2.8 and the fence parameter is called fence
// there (priority before). Quirks kept: Content-Type missing on a write is 415;
// POST on a PUT action is 405; business refusals are HTTP 500 with AWSJSY404E
// around a code; an ad hoc submit answers with a composite id; key.name in a
// filter is a 400 but sorts; by-filter writes answer 200 with the failures
// inside and stop at max_object_affected (default 1); next is a full URL. A write that was accepted is applied
// even when the caller hangs up; Config.ApplyDelay separates "accepted" from
// "done".
//
// # Refused
//
// These addresses of V2 exist in the product and answer 501 with a text here:
// engine/run-component-command and run-executor-command, engine/licenseServerAccessToken,
// become-mdm, upgrade, connect-to-host-cpu, collect-agent-logs, switch-event-processor
// and its start and stop, run-command on jobs, job/async, job model PATCH, model
// create, update, delete, lock and unlock, jobstream-multiple, service catalogue,
// output-conditions, autocomplete. /model/workspace answers 404 as the product does,
// and so does everything unknown. There is no V1.
//
// # Tests and faults
//
// Inject puts the engine into a named situation (Faults lists them): the twenty
// of the evaluation set, others operators meet, and transport faults. Writes
// returns the journal of accepted writes, so a test can count executions.
// Control serves the same as HTTP, on a handler of its own.
package hwasim
