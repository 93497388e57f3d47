package diagnose

import "slices"

// claim is a statement and the evidence it rests on.
type claim struct {
	text   string
	ev     []string
	stated bool // the answer says it anyway, in the sentence on the job's status
}

func because(text string, ev ...string) claim { return claim{text: text, ev: ev} }

// finding is a cause in the making: what the engine's facts say, before the
// passages that document it are looked up.
type finding struct {
	cause  string  // stable short id
	title  string  //
	weight float64 // 0..1 how well the facts bear it out
	claims []claim
	check  string // what to look at before acting
	remedy string // the fix in words, with the terms an operator needs
	fix    []Fix
	query  []string // what to look up in the documents, most specific first
	codes  []string
	state  string // the job's status, when the finding is about it: an entry on another status is beside the point

	rule     bool // how the product works, not what was observed
	station  bool // about the workstation: the engine's messages on it belong here
	incident bool // a problem the manuals describe: their cause and fix come first
}

func (f *finding) evidence() []string {
	var out []string
	for _, c := range f.claims {
		for _, id := range c.ev {
			if id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// Tools a fix may name. They are registered elsewhere; a fix without one of
// these is text for the operator.
const (
	toolRerun    = "rerun_job"
	toolHold     = "hold_job"
	toolRelease  = "release_job"
	toolPriority = "update_job_priority"
	toolLimit    = "update_workstation_limit"
)

// verdict is what one gate says about the job.
type verdict struct {
	state   GateState
	text    string
	ev      []string
	finding *finding // set when the gate fails
}

func passed(text string, ev ...string) verdict { return verdict{state: GatePass, text: text, ev: ev} }

func open(text string, f *finding, ev ...string) verdict {
	return verdict{state: GateFail, text: text, ev: ev, finding: f}
}

func notKnown(text string, ev ...string) verdict {
	return verdict{state: GateUnknown, text: text, ev: ev}
}

func notApplicable(text string, ev ...string) verdict {
	return verdict{state: GateNotApplicable, text: text, ev: ev}
}
