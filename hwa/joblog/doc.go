// Package joblog reads the job logs of HCL/IBM Workload Automation (the standard
// list files shown by conman's ;stdlist and by the REST API's joblog operations)
// and the TWSMERGE log, and writes job logs like the product's for a simulator.
//
//	log := joblog.Parse(text)
//	for _, run := range log.Runs { run.Name, run.ExitStatus, run.Elapsed, run.Codes, run.Output }
//	last := log.Last()          // the newest run, nil when the text holds none
//	lines := log.Tail(100)      // the end of the log, with line numbers
//	causes := log.Signals(5)    // the most telling lines of the newest run, best first
//	text := joblog.Render(r)    // a realistic log; concatenate several for reruns
//
// A log is a header between two lines of '=', the job's output, and a footer
// between two more. A rerun appends the same again. Parse expects none of this to
// be there: logs are cut at both ends, banners get lost, labels and dates follow
// the agent's locale, Windows ends lines with CR LF, a content-only log has
// neither header nor footer. What is absent stays empty; ExitStatus is nil when no
// footer told it, which is the case of a job that still runs.
package joblog
