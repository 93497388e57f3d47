// Package policy decides who may read, propose, approve and execute which tool
// on which engine, by policies written in Cedar (https://docs.cedarpolicy.com)
// that operators can read and edit.
//
// What no policy permits is denied. What a policy cannot evaluate is denied.
// Every answer names its rule and says in plain words why, and for a default
// denial what would allow it. Five guards (guards.cedar) hold beside any policy
// file: read-only engines, the freeze switch, four eyes, administrative tools,
// and that a run executes only for the person who asked for it.
package policy

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cedar-policy/cedar-go"
)

// Action is what somebody wants to do with a tool.
type Action string

// The actions.
const (
	Read    Action = "read"    // call a reading tool, or look at what a writing one would do
	Propose Action = "propose" // ask for a change
	Approve Action = "approve" // agree to a change
	Execute Action = "execute" // the moment before the engine is called
)

// Request is one question. All fields are plain text so that any caller can
// fill them; a value outside the lists is a denial, never a guess.
type Request struct {
	User              string
	Roles             []string // viewer, operator, approver, admin; others grant nothing
	Action            Action
	Tool              string
	Permission        string // read_only, write, execute, admin
	Risk              string // low, medium, high, critical
	EngineName        string
	EngineEnvironment string // production, staging, …
	EngineReadOnly    bool
	Requester         string // who asked, for Approve and Execute; empty means User for Propose
	FourEyesFrom      string // lowest risk that needs a second person; empty means low
}

// Decision is the answer.
type Decision struct {
	Allow  bool
	RuleID string // @id of the deciding policy, or file:line:column; "default-deny", "evaluation-error", "invalid-request"
	Reason string // for people
	// Needed is how many approvals a proposal of this tool and risk needs, and
	// AllowSelf whether the requester may give one; set when Allow.
	Needed    int
	AllowSelf bool
}

// The rule IDs of decisions no policy made.
const (
	DefaultDeny     = "default-deny"
	EvaluationError = "evaluation-error"
	InvalidRequest  = "invalid-request"
)

// Policy is a set of policies with the freeze switch. It is safe for
// concurrent use; a changed file is loaded as a new Policy.
type Policy struct {
	rules  []rule // :: guards first, then the file's, each in order of the text
	frozen atomic.Pointer[string]
}

// rule is one policy of the text.
type rule struct {
	id        string
	reason    string
	approvals int // @approvals, 0 if none
	policy    *cedar.Policy
}

// Freeze forbids all changes on all engines until [Policy.Thaw]; reading goes
// on. The reason is shown to whoever is refused. The switch is not stored:
// whoever wants it to outlive a restart sets it again.
func (p *Policy) Freeze(reason string) { p.frozen.Store(&reason) }

// Thaw ends a freeze.
func (p *Policy) Thaw() { p.frozen.Store(nil) }

// Frozen says whether changes are frozen, and why.
func (p *Policy) Frozen() (reason string, frozen bool) {
	if r := p.frozen.Load(); r != nil {
		return *r, true
	}
	return "", false
}

// Decide answers a request.
func (p *Policy) Decide(r Request) Decision {
	if r.Action == Propose && r.Requester == "" {
		r.Requester = r.User
	}
	if problem := r.problem(); problem != "" {
		return Decision{RuleID: InvalidRequest, Reason: problem}
	}
	v := p.evaluate(r)
	switch {
	case v.failed != nil:
		return Decision{RuleID: EvaluationError, Reason: fmt.Sprintf("the policy %s could not be evaluated (%s), so the answer is no", v.failed.id, v.problem)}
	case v.forbid != nil:
		return Decision{RuleID: v.forbid.id, Reason: p.reasonOf(v.forbid)}
	case v.permit == nil:
		return Decision{RuleID: DefaultDeny, Reason: p.explain(r)}
	}
	return Decision{Allow: true, RuleID: v.permit.id, Reason: v.permit.reason, Needed: max(v.approvals, r.approvals()), AllowSelf: !r.fourEyes()}
}

// reasonOf is the text of a rule; the freeze adds why.
func (p *Policy) reasonOf(r *rule) string {
	if why, frozen := p.Frozen(); r.id == "frozen" && frozen && why != "" {
		return r.reason + ": " + why
	}
	return r.reason
}

// verdict is what the rules say about a request.
type verdict struct {
	forbid, permit, failed *rule // :: the first of each kind that applies
	problem                string
	approvals              int // the most any applying permit asks for
}

// evaluate asks Cedar. Its answer lists the rules that apply in the order we
// give them, permits only when no forbid applies, and apart from them those
// that failed.
func (p *Policy) evaluate(r Request) verdict {
	_, frozen := p.Frozen()
	req, entities := r.cedar(frozen)
	_, diag := cedar.Authorize(p, entities, req)
	var v verdict
	if len(diag.Errors) > 0 {
		v.failed, v.problem = p.rule(diag.Errors[0].PolicyID), diag.Errors[0].Message
	}
	for _, reason := range diag.Reasons {
		switch rule := p.rule(reason.PolicyID); {
		case rule.policy.Effect() == cedar.Forbid:
			v.forbid = cmp.Or(v.forbid, rule)
		default:
			v.permit = cmp.Or(v.permit, rule)
			v.approvals = max(v.approvals, rule.approvals)
		}
	}
	return v
}

// All gives Cedar the policies in the order of the text; Cedar's own set is a
// map and has none.
func (p *Policy) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i := range p.rules {
			if !yield(cedar.PolicyID(p.rules[i].id), p.rules[i].policy) {
				return
			}
		}
	}
}

// rule finds a rule by its ID, which is unique.
func (p *Policy) rule(id cedar.PolicyID) *rule {
	i := slices.IndexFunc(p.rules, func(r rule) bool { return r.id == string(id) })
	return &p.rules[i]
}

// problem says what is wrong with a request, "" if nothing.
func (r Request) problem() string {
	switch {
	case r.User == "":
		return "nobody is logged in"
	case r.Tool == "":
		return "no tool is named"
	case !slices.Contains(actions(), string(r.Action)):
		return fmt.Sprintf("unknown action %q", r.Action)
	case !slices.Contains(permissions(), r.Permission):
		return fmt.Sprintf("tool %s has the unknown permission %q", r.Tool, r.Permission)
	case riskLevel(r.Risk) == 0:
		return fmt.Sprintf("unknown risk %q", r.Risk)
	case r.FourEyesFrom != "" && riskLevel(r.FourEyesFrom) == 0:
		return fmt.Sprintf("unknown risk %q for four eyes", r.FourEyesFrom)
	case r.Requester == "" && (r.Action == Approve || r.Action == Execute):
		return "it is not known who asked for this"
	}
	return ""
}

// fourEyes says whether a second person is needed. Critical always needs one.
func (r Request) fourEyes() bool {
	return riskLevel(r.Risk) >= min(max(riskLevel(r.FourEyesFrom), 1), 4)
}

// approvals is how many people must agree unless a policy asks for more.
func (r Request) approvals() int {
	if r.Risk == "critical" {
		return 2
	}
	return 1
}

func roles() []string       { return []string{"viewer", "operator", "approver", "admin"} }
func actions() []string     { return []string{"read", "propose", "approve", "execute"} }
func permissions() []string { return []string{"read_only", "write", "execute", "admin"} }
func risks() []string       { return []string{"low", "medium", "high", "critical"} }

// riskLevel is 1 for low to 4 for critical, 0 for what is no risk.
func riskLevel(name string) int { return slices.Index(risks(), name) + 1 }

// explain says what would allow a request that no policy permits: it asks again
// with other roles and as another person, so it is true for any policy file.
func (p *Policy) explain(r Request) string {
	what := fmt.Sprintf("no rule lets %s %s %s", r.User, r.Action, r.Tool)
	for _, role := range roles() {
		if p.wouldAllow(r, r.User, role) {
			return fmt.Sprintf("%s; the role %s would allow it (you have %s)", what, role, list(r.Roles))
		}
	}
	if r.Action == Approve {
		for _, role := range roles() {
			if p.wouldAllow(r, r.User+" and somebody else", role) {
				return fmt.Sprintf("%s; somebody else with the role %s could", what, role)
			}
		}
	}
	return what + "; no role would"
}

func (p *Policy) wouldAllow(r Request, user, role string) bool {
	r.User, r.Roles = user, []string{role}
	if r.Action == Propose {
		r.Requester = user
	}
	v := p.evaluate(r)
	return v.failed == nil && v.forbid == nil && v.permit != nil
}

func list(roles []string) string {
	if len(roles) == 0 {
		return "none"
	}
	return strings.Join(roles, ", ")
}
