// Package oql is the Orchestration Query Language of HCL/IBM Workload
// Automation's REST API V2, with the conman-like plan filters that stand beside
// it: build, parse, print and evaluate. It depends on nothing outside the
// standard library, so the client, the simulator and the agent can share it.
//
// # Language
//
// As in the User's Guide and Reference, chapter "Using Orchestration Query
// Language": terms `field op value` joined by AND and OR, parentheses, and an
// optional ORDER BY at the end. Operators are = != < <= > >= IN [..] NOT IN
// LIKE NOT LIKE. Keywords ignore case, fields and values do not. Field names
// start with a letter and continue with letters, digits, '-', '#' and '.'.
// Values are integers, 'strings', true, false and null; ISO 8601 instants and
// durations and UUIDs may stand without quotes, and so may a plain word, because
// the manual's first example does that. The printer always quotes them.
// There is no free-standing NOT: the manual has none.
//
// # Use
//
//	q, err := oql.Parse("commonStatus IN ['ERROR'] ORDER BY name")   // *SyntaxError on failure
//	q := oql.Where(oql.And(oql.Eq("name", "PAYROLL_NET"), oql.In("commonStatus", "ERROR", "HELD"))).Asc("name")
//	text, err := q.Wire()          // text for the engine; refuses what it cannot quote safely
//	text := q.String()             // text for people; Parse(q.String()) gives q again
//	ok := oql.Evaluate(q.Where, lookup)                    // one object
//	match, err := oql.Bind(q.Where, accessorOf)            // many objects: field names resolved once
//	less, err := oql.BindOrder(q.OrderBy, accessorOf)      // for slices.SortStableFunc
//	f, err := oql.ParsePlanFilter(oql.Jobs, "/@/@#/@/@.@") // plan_filter
//
// # Evaluation
//
// A field may hold several values (jobruns.commonStatus, activeStates): a
// positive operator holds when one of them does. !=, NOT IN and NOT LIKE are
// exact complements of =, IN and LIKE, also for a field that is absent. A
// literal is read as the field's type wants it: '3' equals 3, 'true' equals
// true, '2025-03-01T00:00:00.000Z' equals that instant, 'PT90M' equals PT1H30M.
// In fields called commonStatus the manual's SUCCEED and the API's SUCCESSFUL
// are one value.
package oql
