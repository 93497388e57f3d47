// Package conman reads names the way operators of HCL/IBM Workload Automation
// type them in the conman command line, and finds such names in free text.
//
//	n, err := conman.Parse("SITE/FTA1#PAY/PAYROLL(2130 11/22/26).NET")  // *SyntaxError on failure
//	ok := n.Match(conman.Object{Workstation: "FTA1", Stream: "PAYROLL", Job: "NET"})
//	ok := conman.Match("PAY@_%", "PAYROLL_1")                            // wildcards @ ? %
//	c, err := conman.ParseCommand("sj @#@.@+state=abend;info")           // verb, selection, qualifiers, options
//	for _, c := range conman.Extract("status of job ETL_DAILY on FTA1?") { c.Text, c.Kind, c.Start, c.End, c.Name }
//
// Extract returns candidates, never facts: the caller looks each of them up in the
// plan. It knows the grammar (something with # or STREAM.JOB, names in quotes,
// identifiers in capitals or with underscores and digits, the word after "job" or
// "workstation") and leaves ordinary words, message codes, states and keywords
// alone, in English and in Portuguese.
package conman
