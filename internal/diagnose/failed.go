package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
	"resync/hwa/joblog"
	"resync/hwa/msgcode"
)

// FailedResult is why a job's last run ended in error.
type FailedResult struct {
	Job         string          `json:"job"`
	Status      string          `json:"status"`
	ReturnCode  *int            `json:"return_code"`
	ExitStatus  *int            `json:"exit_status"` // as the job log's footer has it
	Signals     []joblog.Signal `json:"signals"`
	Codes       []string        `json:"codes"`
	Hypotheses  []Hypothesis    `json:"hypotheses"`
	Evidence    []Evidence      `json:"evidence"`
	NotExamined []string        `json:"not_examined"`
}

// WhyFailed joins what the plan, the run history, the job log and the documents
// say about the last run of the job with the given plan id.
func (e *Engine) WhyFailed(ctx context.Context, jobID string) (*FailedResult, error) {
	in := e.inquire(ctx, Question{Text: "why did it fail"})
	f, err := in.readJob(jobID)
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", jobID, err)
	}
	in.noteJob(f)
	r := &FailedResult{Job: f.name, Status: status(f.job)}
	lg := in.readLog(f)
	in.conclude(in.whyFailed(f, lg), "")
	if f.run != nil {
		r.ReturnCode = f.run.ReturnCode
	}
	if lg != nil {
		r.ExitStatus, r.Signals, r.Codes = lg.exit, lg.signals, lg.codes
	}
	r.Hypotheses, r.Evidence, r.NotExamined = in.ans.Hypotheses, in.ans.Evidence, in.ans.NotExamined
	return r, nil
}

// runLog is what the log of a run says.
type runLog struct {
	ev      string
	exit    *int
	signals []joblog.Signal
	codes   []string
}

const (
	logTail   = 400 // lines of a job log that are read from its end
	logQuoted = 5   // telling lines that are quoted
)

// readLog reads the end of the last run's log. Nil means there is none; the
// reason is in NotExamined.
func (in *inquiry) readLog(f *jobFacts) *runLog {
	if f.run == nil || f.run.ID == "" || in.e.deps.Client == nil {
		in.skipped("job log of "+f.name+": it has no run", nil)
		return nil
	}
	ctx, cancel := in.reading()
	defer cancel()
	text, err := in.e.deps.Client.JobLogTail(ctx, f.run.ID, logTail)
	if err != nil {
		in.skipped("job log of "+f.name, err)
		return nil
	}
	if strings.TrimSpace(text.Text) == "" {
		in.skipped("job log of "+f.name+": it is empty", nil)
		return nil
	}
	return in.noteLog(f, text)
}

func (in *inquiry) noteLog(f *jobFacts, text *hwa.LogText) *runLog {
	parsed := joblog.Parse(text.Text)
	lg := &runLog{signals: parsed.Signals(logQuoted)}
	if run := parsed.Last(); run != nil {
		lg.exit = run.ExitStatus
	}
	shift := max(text.From-1, 0) // the window may begin inside the log
	for i := range lg.signals {
		lg.signals[i].Line += shift
	}
	lg.codes = codeTexts(text.Text)
	var quoted []string
	if lg.exit != nil {
		quoted = append(quoted, fmt.Sprintf("exit status %d", *lg.exit))
	}
	lines := slices.Clone(lg.signals)
	slices.SortFunc(lines, func(a, b joblog.Signal) int { return a.Line - b.Line })
	first, last := text.From, text.From+max(text.Lines-1, 0)
	for i, s := range lines {
		quoted = append(quoted, fmt.Sprintf("line %d: %s", s.Line, strings.TrimSpace(s.Text)))
		if i == 0 {
			first = s.Line
		}
		last = s.Line
	}
	if len(lines) == 0 {
		for _, l := range parsed.Tail(8) {
			quoted = append(quoted, fmt.Sprintf("line %d: %s", l.Number+shift, l.Text))
		}
	}
	if missing := codesNotIn(lg.codes, strings.Join(quoted, "\n")); len(missing) > 0 {
		quoted = append(quoted, "codes in the log: "+strings.Join(missing, " "))
	}
	lg.ev = in.note(Evidence{Kind: "log", Title: "Job log of " + f.name, Text: strings.Join(quoted, "\n"),
		Source: "GET /plan/job/run/" + f.run.ID + "/joblog", Line: first, EndLine: last})
	return lg
}

func codesNotIn(codes []string, text string) []string {
	return slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return strings.Contains(text, c) })
}

func codeTexts(text string) []string {
	var out []string
	for _, c := range msgcode.Codes(text) {
		out = append(out, c.Text)
	}
	return out
}

// whyFailed makes findings of a failed job: the one of its status, enriched by
// what the log says.
func (in *inquiry) whyFailed(f *jobFacts, lg *runLog) []*finding {
	if f.job.LastRunCompositeStatus.Status == hwa.JobStatusFail {
		return in.launchFailed(f, lg)
	}
	return in.abended(f, lg)
}

func (in *inquiry) abended(f *jobFacts, lg *runLog) []*finding {
	fd := &finding{
		state: string(hwa.JobStatusAbend), cause: "abend_return_code", title: f.name + " ended with a return code that counts as an error", weight: 0.9,
		check:  "Check the job log at the lines named, and whether the job may be run twice, before repairing.",
		remedy: "Repair the cause, then rerun the job; if its work is in fact done, confirm SUCC (conman confirm) or release the dependency of its successors.",
		query:  []string{queryStates, "ABEND job ran and ended with an error return code successors held", "recovery options and actions stop continue rerun job ends abnormally", "confirm job changing the state from ABEND to SUCC"},
	}
	said, ev := f.name+" is in "+status(f.job), []string{f.jobEv}
	if f.run != nil && f.run.ReturnCode != nil {
		said += fmt.Sprintf(" with return code %d", *f.run.ReturnCode)
		ev = append(ev, f.runEv)
	}
	if f.run != nil && !f.run.TimeInfo.ActualEndTime.IsZero() {
		said += ", ended " + stamp(f.run.TimeInfo.ActualEndTime)
		ev = append(ev, f.runEv)
	}
	fd.claims = append(fd.claims, claim{text: said + ".", ev: ev, stated: true})
	if f.run != nil && f.run.ReturnCode != nil {
		if hint := returnCodeHint(*f.run.ReturnCode); hint != "" {
			rule := in.note(Evidence{Kind: "gate", Title: "Rule for return codes", Source: "built-in rule of Resync", Text: hint})
			fd.claims = append(fd.claims, because(hint, rule))
			fd.cause, fd.title = returnCodeCause(*f.run.ReturnCode), f.name+" failed: "+signalName(joblog.Kind(returnCodeCause(*f.run.ReturnCode)))
		}
	}
	in.readLogInto(fd, f, lg)
	if lg != nil && len(lg.signals) > 0 && signalHint(lg.signals[0].Kind) != "" {
		fd.cause = string(lg.signals[0].Kind)
		fd.title = f.name + " failed: " + signalName(lg.signals[0].Kind)
	}
	in.recovery(fd, f)
	if f.run != nil && f.run.ID != "" {
		fd.fix = []Fix{rerunFix(f)}
	}
	fd.fix = append(fd.fix, Fix{Action: "Confirm SUCC or release the successors' dependency, when the work is in fact done (outside Resync)", Risk: RiskMutating})
	out := []*finding{fd}
	if f.job.JobStatusFlags.NeedMessage {
		prompt := recoveryPromptFinding(f)
		fd.claims = append(fd.claims, prompt.claims...)
		fd.remedy += " " + prompt.remedy
		out = append(out, prompt)
	}
	return out
}

func (in *inquiry) launchFailed(f *jobFacts, lg *runLog) []*finding {
	fd := &finding{
		state: string(hwa.JobStatusFail), cause: "launch_failed", title: f.name + " could not be launched", weight: 0.92,
		check:  "Check on the agent that the logon user exists and that its script and directory can be read; a code in the log or in TWSMERGE names the reason.",
		remedy: "Correct what kept it from launching (the logon user of the job definition, streamlogon, or the script), then rerun; confirm is not supported on FAIL.",
		query:  []string{queryStates, "job failed error retrieving the password structure for logon user"},
	}
	rule := in.note(Evidence{Kind: "gate", Title: "Rule for FAIL and ABEND", Source: "built-in rule of Resync",
		Text: "FAIL: the job could not be launched. ABEND: the job ran and ended with an error."})
	fd.claims = append(fd.claims, because(f.name+" is in FAIL: jobman was unable to launch it, while ABEND means that a job ran and ended with an error.", f.jobEv, rule))
	if d := f.job.JobDefinition; d != nil && len(d.UserLogins) > 0 {
		fd.claims = append(fd.claims, because("Its logon user is "+strings.Join(d.UserLogins, ", ")+".", f.jobEv))
	} else {
		fd.claims = append(fd.claims, because("The logon user of the job is the first thing to look at.", f.jobEv))
	}
	in.readLogInto(fd, f, lg)
	fd.fix = []Fix{{Action: "Correct the logon user (streamlogon) or the script of the job definition (outside Resync)", Risk: RiskReadOnly}}
	if f.run != nil && f.run.ID != "" {
		fd.fix = append(fd.fix, rerunFix(f))
	}
	return []*finding{fd}
}

// readLogInto adds the telling lines and codes of the log.
func (in *inquiry) readLogInto(fd *finding, f *jobFacts, lg *runLog) {
	codes := []string{}
	if lg != nil {
		codes = append(codes, lg.codes...)
		for i, s := range lg.signals {
			if i == 2 || s.Kind == joblog.Warning {
				break
			}
			fd.claims = append(fd.claims, because(fmt.Sprintf("The log says at line %d: “%s”.", s.Line, clip(strings.TrimSpace(s.Text), 220)), lg.ev))
		}
		if len(lg.signals) > 0 {
			if hint := signalHint(lg.signals[0].Kind); hint != "" && len(lg.codes) == 0 {
				fd.claims = append(fd.claims, because(hint, lg.ev))
			}
		}
	}
	for _, is := range f.issues {
		codes = append(codes, codeTexts(is.IssueMessage)...)
		fd.claims = append(fd.claims, because("The engine says: “"+clip(is.IssueMessage, 220)+"”.", f.issueEv))
	}
	fd.codes = distinct(append(fd.codes, codes...))
	if len(codes) > 0 {
		fd.query = append([]string{strings.Join(distinct(codes), " ")}, fd.query...)
	}
}

func (in *inquiry) recovery(fd *finding, f *jobFacts) {
	d := f.job.JobDefinition
	if d == nil || d.RecoveryOption == "" {
		return
	}
	said := "Its recovery option is " + string(d.RecoveryOption)
	if d.RecoveryJobName != "" {
		said += " with recovery job " + d.RecoveryJobName
	}
	switch d.RecoveryOption {
	case hwa.RecoveryOptionStop:
		said += ": its successors stay on hold until somebody intervenes"
	case hwa.RecoveryOptionContinue, hwa.RecoveryOptionContinuePrompt:
		said += ": its successors go on in spite of the error"
	}
	fd.claims = append(fd.claims, because(said+".", f.jobEv))
}

func clip(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
