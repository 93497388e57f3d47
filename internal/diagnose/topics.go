package diagnose

import (
	"regexp"
	"strings"
)

// topic is what the product does in a state that operators ask about, in our
// own words: the answer when no engine can be asked about the job meant. It is
// a rule, not a finding about tonight, and says so.
type topic struct {
	cause, title string
	asks         *regexp.Regexp
	rule         string
	remedy       string
	query        []string
}

func topics() []topic {
	return []topic{
		{
			cause: "ready_not_started", title: "A READY job that does not start is held by a launch gate",
			asks:   topicReady,
			rule:   "A READY job has all its dependencies; what still holds it is the workstation's limit (0, or reached by running jobs), its fence (the job's priority must be above the fence), a workstation that is stopped or not linked, the limit of its job stream, or a resource without free units.",
			remedy: "Look at limit, fence and link of the workstation (conman sc) and at the job's priority; then raise the limit, raise the priority above the fence or lower the fence, or start and link the workstation.",
			query:  []string{queryReady, queryStates, queryLimit},
		},
		{
			cause: "fence", title: "The fence holds jobs of low priority back", asks: topicFence,
			rule:   "A job starts only when its priority is above the fence of its workstation; with a priority equal to or below the fence it stays READY (FENCE).",
			remedy: "Raise the priority of the job above the fence (conman altpri), or lower the fence of the workstation (conman fence).",
			query:  []string{queryFence, queryStates},
		},
		{
			cause: "abend", title: "ABEND: the job ran and ended with an error", asks: topicAbend,
			rule:   "ABEND means that the job ran and ended with a return code that counts as an error. Its successors stay on hold until the job is SUCC or the dependency is released, unless its recovery option (stop, continue, rerun) says otherwise.",
			remedy: "Read the job log, repair the cause, then rerun the job; or confirm SUCC if its work is done; or release the dependency of the successors.",
			query:  []string{queryStates, "recovery options and actions stop continue rerun job ends abnormally", "confirm job changing the state from ABEND to SUCC"},
		},
		{
			cause: "launch_failed", title: "FAIL: the job could not be launched", asks: topicFail,
			rule:   "FAIL means that jobman was unable to launch the job, while ABEND means that it ran and ended with an error. Usual reasons are a logon user that does not exist on the agent, or a script that cannot be read.",
			remedy: "Find the code in TWSMERGE or the job log, correct the logon user (streamlogon) or the script, then rerun; confirm is not supported on FAIL.",
			query:  []string{queryStates, "job failed error retrieving the password structure for logon user"},
		},
		{
			cause: "waiting_for_confirmation", title: "PEND: the job has run and waits to be confirmed", asks: topicPend,
			rule:   "PEND means that the job has completed and waits for a confirmation, because it was scheduled with the confirmed keyword; its successors wait too.",
			remedy: "Check that the work is done, then confirm it as SUCC or ABEND (conman confirm).",
			query:  []string{"confirm job PEND completed awaiting confirmation confirmed keyword succ abend", queryStates},
		},
		{
			cause: "stuck", title: "STUCK: nothing in the job stream can start", asks: topicStuck,
			rule:   "STUCK means that execution of the job stream is interrupted: no job of it can start without an operator, usually because a job ABENDed and the others follow it.",
			remedy: "Find the failed job of the stream and rerun it, confirm it SUCC, or release the dependency of its successors.",
			query:  []string{"STUCK execution interrupted no jobs launched without operator intervention", queryStates},
		},
		{
			cause: "hold", title: "HOLD: the job waits for a dependency, its time, or a priority above 0", asks: topicHold,
			rule:   "HOLD means that something before the launch is missing: a predecessor (follows), a file, a prompt, the start time, or the priority is 0, which holds the job.",
			remedy: "Find the open dependency (conman sj with ;info or ;deps) and resolve it; release the job if its priority is 0.",
			query:  []string{queryStates, "job HOLD awaiting dependency resolution", "priority 0 job held does not start until released"},
		},
	}
}

var (
	topicReady = regexp.MustCompile(`\bREADY\b.*(?i:why|start|run)|(?i:why|start|run).*\bREADY\b`)
	topicFence = regexp.MustCompile(`(?i)\bfence\b`)
	topicAbend = regexp.MustCompile(`\bABEND(?:ed|ED)?\b`)
	topicFail  = regexp.MustCompile(`\bFAIL\b`)
	topicPend  = regexp.MustCompile(`\bPEND\b`)
	topicStuck = regexp.MustCompile(`\bSTUCK\b`)
	topicHold  = regexp.MustCompile(`\bHOLD\b`)
)

// rules are the topics a question touches, as findings that rest on a rule and
// on passages, not on live facts. The first match of a line of states counts
// most: "in FAIL, not ABEND" asks about FAIL.
func (in *inquiry) rules(text string) []*finding {
	var out []*finding
	first := len(text) + 1
	for _, t := range topics() {
		at := t.asks.FindStringIndex(text)
		if at == nil {
			continue
		}
		fd := &finding{rule: true, cause: t.cause, title: t.title, weight: ruleWeight, remedy: t.remedy, query: t.query}
		ev := in.note(Evidence{Kind: "gate", Title: "Rule for " + t.cause, Text: t.rule + " " + t.remedy, Source: "built-in rule of Resync"})
		fd.claims = []claim{because(t.rule, ev)}
		if where := stateAt(text, at); where < first {
			first = where
			out = append([]*finding{fd}, out...)
		} else {
			fd.weight -= 0.1
			out = append(out, fd)
		}
	}
	for i := range out {
		if i > 0 {
			out[i].weight = min(out[i].weight, ruleWeight-0.1)
		}
	}
	return out
}

// ruleWeight places a rule above a passage that merely resembles the question
// and below one that has the question for its title.
const ruleWeight = 0.8

// stateAt is where the state word of a match stands.
func stateAt(text string, at []int) int {
	for _, w := range []string{"READY", "FENCE", "ABEND", "FAIL", "PEND", "STUCK", "HOLD"} {
		if i := strings.Index(text[at[0]:at[1]], w); i >= 0 {
			return at[0] + i
		}
	}
	return at[0]
}

// titled reports whether a passage has the question for its title: most of the
// question's words stand in it.
func titled(question, title string) bool {
	words, hits := 0, 0
	low := strings.ToLower(title)
	for w := range strings.FieldsSeq(strings.ToLower(question)) {
		if w = trimWord(w); len(w) > 3 && !genericWords[w] {
			words++
			if strings.Contains(low, strings.TrimSuffix(w, "s")) {
				hits++
			}
		}
	}
	return words >= 2 && 10*hits >= 6*words
}
