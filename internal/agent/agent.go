// Package agent turns a question into an answer and, when the operator asked
// for an action by name, into a proposal on the guarded executor. Facts come
// from the diagnosis engine; a language model, where one is configured, may
// only route and phrase. Without one the agent works offline and says so.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"resync/internal/diagnose"
	"resync/tool"
)

// Diagnoser answers questions from the engine's facts and the documents.
type Diagnoser interface {
	Answer(ctx context.Context, q diagnose.Question) (*diagnose.Answer, error)
}

// Actor runs tools; it is the guarded executor.
type Actor interface {
	Call(ctx context.Context, who tool.Identity, req tool.Request) (tool.Result, error)
}

// Agent answers. It keeps no state between questions.
type Agent struct {
	diag   Diagnoser
	actor  Actor
	phrase Phraser
}

// New returns an agent; actor may be nil, then nothing is ever proposed.
func New(d Diagnoser, actor Actor) *Agent { return &Agent{diag: d, actor: actor} }

// Limits of one question.
const (
	MaxQuestion = 10000 // characters
	MaxTime     = 60 * time.Second
)

// ToolCall tells of one call of a tool during a turn.
type ToolCall struct {
	RunID    string          `json:"run_id"`
	Tool     string          `json:"tool"`
	Args     json.RawMessage `json:"args"`
	Status   tool.Status     `json:"status"`
	Risk     tool.Risk       `json:"risk_level"`
	Duration int64           `json:"duration_ms"`
	Error    string          `json:"error,omitempty"`
}

// Listener hears of a turn as it goes. Its functions may be nil; they are
// called from the goroutine that asked.
type Listener struct {
	Evidence func(diagnose.Evidence)
	Tool     func(ToolCall, tool.Result)
}

// Question is one message of a person.
type Question struct {
	Text           string
	ConversationID string
	Jobs           []string // jobs named beside the text, such as the one selected on screen
	// Propose lets an action asked for in words become a proposal that waits
	// for approval. Nothing is executed either way.
	Propose bool
	// Withheld says why nothing may be proposed now; the answer then says so. ""
	// when proposals may be made.
	Withheld string
}

// Reply is an answer with the proposals it led to.
type Reply struct {
	Answer    *diagnose.Answer
	Proposals []tool.Result
	Calls     []ToolCall
}

// QuestionError is a question that cannot be taken; its text says why.
type QuestionError struct{ Problem string }

// Error says what is wrong with the question.
func (e *QuestionError) Error() string { return "question refused: " + e.Problem }

// CheckQuestion refuses a text that cannot be a question.
func CheckQuestion(text string) error {
	switch n := len([]rune(text)); {
	case strings.TrimSpace(text) == "":
		return &QuestionError{"it is empty"}
	case n > MaxQuestion:
		return &QuestionError{fmt.Sprintf("it has %d characters, %d are the most", n, MaxQuestion)}
	}
	return nil
}

// Ask answers one question for a person.
func (a *Agent) Ask(ctx context.Context, who tool.Identity, q Question, l Listener) (Reply, error) {
	if err := CheckQuestion(q.Text); err != nil {
		return Reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	ans, err := a.diag.Answer(ctx, diagnose.Question{Text: q.Text, Jobs: q.Jobs, OnEvidence: l.Evidence})
	if err != nil {
		return Reply{}, fmt.Errorf("answering: %w", err)
	}
	ans = a.put(ctx, who, q, ans)
	reply := Reply{Answer: ans}
	// Only what the person asked for is proposed, and only when it is one
	// thing on one named target. What a diagnosis recommends is offered, and
	// becomes a proposal when the person takes it up.
	switch asked := ans.Intent == diagnose.IntentAction && len(ans.Actions) == 1; {
	case asked && q.Withheld != "":
		reply.Answer.Text = appendSentence(reply.Answer, "The action was not proposed: "+q.Withheld+".")
	case asked && q.Propose && a.actor != nil:
		a.propose(ctx, who, q, ans.Actions[0], &reply, l)
	}
	return reply, nil
}

func (a *Agent) propose(ctx context.Context, who tool.Identity, q Question, act diagnose.Action, reply *Reply, l Listener) {
	args, err := json.Marshal(act.Args)
	if err != nil {
		reply.Answer.NotExamined = append(reply.Answer.NotExamined, "the action could not be proposed: "+err.Error())
		return
	}
	res, err := a.actor.Call(ctx, who, tool.Request{Tool: act.Tool, Args: args, Reason: clipRunes(q.Text, 200), ConversationID: q.ConversationID})
	call := ToolCall{RunID: res.RunID, Tool: act.Tool, Args: args, Status: res.Status, Risk: res.Risk.Level, Duration: res.Duration.Milliseconds()}
	if err != nil {
		call.Error, call.Status = err.Error(), tool.StatusError
		reply.Answer.Text = appendSentence(reply.Answer, "The action was not proposed: "+plainReason(err)+".")
	} else {
		reply.Proposals = append(reply.Proposals, res)
		reply.Answer.Text = appendSentence(reply.Answer, "The action waits for approval; nothing has been sent to the engine.")
	}
	reply.Calls = append(reply.Calls, call)
	if l.Tool != nil {
		l.Tool(call, res)
	}
}

// appendSentence adds a sentence about the proposal itself, which is Resync's
// own statement and needs no evidence.
func appendSentence(ans *diagnose.Answer, text string) string {
	ans.Sentences = append(ans.Sentences, diagnose.Sentence{Text: text, Evidence: []string{}, Confirmed: true})
	if ans.Text == "" {
		return text
	}
	return ans.Text + " " + text
}

func plainReason(err error) string {
	var denied *tool.DeniedError
	if errors.As(err, &denied) {
		return denied.Reason
	}
	return err.Error()
}

func clipRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
