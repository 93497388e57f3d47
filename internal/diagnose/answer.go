package diagnose

import (
	"context"
	"time"

	"resync/internal/retrieve"
)

// Intent is what a question asks for.
type Intent string

// The intents of a question.
const (
	IntentKnowledge Intent = "knowledge"   // what is, how do I, what does this code mean
	IntentStatus    Intent = "live_status" // how does the plan or one object stand
	IntentDiagnosis Intent = "diagnosis"   // why, what blocks, what is wrong
	IntentAction    Intent = "action"      // do something
	IntentAskBack   Intent = "ask_back"    // not answerable as put: ask the operator
)

// Risk is how much harm a fix can do, as the scenario files class it.
type Risk string

// The classes of risk, mildest first.
const (
	RiskReadOnly    Risk = "read_only"
	RiskMutating    Risk = "mutating"
	RiskCredential  Risk = "credential_sensitive"
	RiskDestructive Risk = "destructive"
)

// Level orders risks: a higher level can do more harm.
func (r Risk) Level() int {
	switch r {
	case RiskMutating:
		return 1
	case RiskCredential:
		return 2
	case RiskDestructive:
		return 3
	}
	return 0
}

// The modes of an answer.
const (
	ModeOffline = "offline" // computed without a language model
	ModeModel   = "model"   // the same facts, put into words by one
)

// Answer is the whole of what was found. Its JSON form is the contract of the
// command line, the API and the console.
type Answer struct {
	Question    string       `json:"question"`
	Text        string       `json:"answer"` // the sentences joined; each ends with the markers of its evidence, [1] for e1
	Sentences   []Sentence   `json:"sentences"`
	Hypotheses  []Hypothesis `json:"hypotheses"` // best first
	Evidence    []Evidence   `json:"evidence"`
	Blocked     []Blocked    `json:"blocked"`
	Gates       []Gate       `json:"gates"`
	NotExamined []string     `json:"not_examined"`
	Candidates  []Candidate  `json:"candidates"`
	Actions     []Action     `json:"actions"`
	Intent      Intent       `json:"intent"`
	Mode        string       `json:"mode"`                  // "offline": computed without a language model; "model": put into words by one
	ModeReason  string       `json:"mode_reason,omitempty"` // why a configured model is not the one who speaks; or which one does
	AsOf        time.Time    `json:"as_of"`                 // when the facts were read
	// Of an answer from the documents whose words were found for somebody who asked
	// the same of the same passages before.
	Cached    bool    `json:"cached,omitempty"`
	Age       float64 `json:"age_seconds,omitempty"`
	Freshness string  `json:"freshness,omitempty"` // see [Freshness]
	AskedAs   string  `json:"asked_as,omitempty"`  // the question the words were found for, when it was put in other words
}

// Recalled marks an answer whose words are so old. askedAs is the question they
// were found for, "" when it had the same words.
func (a *Answer) Recalled(age time.Duration, askedAs string) {
	a.Cached, a.Age, a.Freshness, a.AskedAs = true, max(age, 0).Round(time.Millisecond).Seconds(), Freshness(age), askedAs
}

// Freshness names an age as the contract does: live below 10 s, recent below two
// minutes, cached.
func Freshness(age time.Duration) string {
	switch {
	case age < 10*time.Second:
		return "live"
	case age < 2*time.Minute:
		return "recent"
	}
	return "cached"
}

// Sentence is one statement of the answer. Confirmed is set by [Check]: every
// name, time, code, count and status in it occurs in the evidence it cites.
type Sentence struct {
	Text      string   `json:"text"`
	Evidence  []string `json:"evidence"`
	Confirmed bool     `json:"confirmed"`
}

// Hypothesis is one possible cause. Text is at most [MaxHypothesis] characters
// and holds cause, what to check, the documented fix and where it is written.
type Hypothesis struct {
	Rank       int      `json:"rank"`
	Cause      string   `json:"cause"` // stable short id such as workstation_limit
	Title      string   `json:"title"`
	Text       string   `json:"text"`
	Confidence float64  `json:"confidence"` // 0..1, comparable inside one answer only
	Evidence   []string `json:"evidence"`
	Citations  []string `json:"citations"` // ids of the evidence that are passages
	Codes      []string `json:"codes"`
	Fix        []Fix    `json:"fix"`
}

// MaxHypothesis is the longest a hypothesis' text may be, in characters.
const MaxHypothesis = 1200

// Fix is one step of a repair. Tool is empty when there is none in Resync: the
// step is then the operator's, and Resync only quotes the documentation.
type Fix struct {
	Action string         `json:"action"`
	Risk   Risk           `json:"risk"`
	Tool   string         `json:"tool"`
	Args   map[string]any `json:"args"`
}

// Evidence is a fact with its source. Text holds the values the sentences that
// cite it may repeat.
type Evidence struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // job run log workstation resource prompt stream passage code issue plan gate
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Source  string    `json:"source"` // "GET /plan/job/<id>" or "awstrmst.md:3123-3150"
	Path    string    `json:"path"`   // section of a passage
	Start   int       `json:"start"`  // byte offsets of a passage in its document
	End     int       `json:"end"`
	Line    int       `json:"line"`
	EndLine int       `json:"end_line"`
	AsOf    time.Time `json:"as_of"`
}

// Blocked is a job that waits for the one asked about.
type Blocked struct {
	Job      string `json:"job"`
	Level    int    `json:"level"` // 1 = waits for it directly
	Status   string `json:"status"`
	Deadline string `json:"deadline"` // RFC 3339, empty when it has none
	AtRisk   bool   `json:"at_risk"`  // cannot meet the deadline even if the cause is repaired now
	Critical bool   `json:"critical"`
	ID       string `json:"id"`
}

// GateState is what became of one condition a job must meet to start.
type GateState string

// The states of a gate.
const (
	GatePass          GateState = "pass"
	GateFail          GateState = "fail"
	GateUnknown       GateState = "unknown"
	GateNotApplicable GateState = "not_applicable"
)

// Gate is one condition a job must meet to start, and whether it does.
type Gate struct {
	Gate     string    `json:"gate"`
	State    GateState `json:"state"`
	Text     string    `json:"text"`
	Evidence []string  `json:"evidence"`
}

// Candidate is a job the question may have meant.
type Candidate struct {
	Job    string `json:"job"`
	Status string `json:"status"`
	ID     string `json:"id"`
}

// Action is a tool call that can be offered to the operator. It is never
// carried out from here.
type Action struct {
	Tool   string         `json:"tool"`
	Args   map[string]any `json:"args"`
	Reason string         `json:"reason"`
	Risk   Risk           `json:"risk"`
}

// Passage is a piece of a document that can be cited.
type Passage = retrieve.Passage

// Passages finds passages for a question. It is satisfied by the knowledge base
// and by a plain index of documents.
type Passages interface {
	Search(ctx context.Context, query string, k int) ([]Passage, error)
}
