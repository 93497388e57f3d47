package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/diagnose"
	"resync/tool"
)

// fakeDiagnoser answers with what it was given.
type fakeDiagnoser struct {
	answer diagnose.Answer
	err    error
	asked  []diagnose.Question
	hang   bool
}

func (f *fakeDiagnoser) Answer(ctx context.Context, q diagnose.Question) (*diagnose.Answer, error) {
	f.asked = append(f.asked, q)
	if f.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if q.OnEvidence != nil {
		for _, e := range f.answer.Evidence {
			q.OnEvidence(e)
		}
	}
	ans := f.answer
	return &ans, f.err
}

// fakeActor notes every call.
type fakeActor struct {
	calls []tool.Request
	who   []tool.Identity
	err   error
}

func (f *fakeActor) Call(_ context.Context, who tool.Identity, r tool.Request) (tool.Result, error) {
	f.calls, f.who = append(f.calls, r), append(f.who, who)
	return tool.Result{RunID: "run_1", Tool: r.Tool, Status: tool.StatusBlocked, Risk: tool.Assessment{Level: tool.RiskHigh}, Duration: 7 * time.Millisecond}, f.err
}

func action(name string) diagnose.Action {
	return diagnose.Action{Tool: name, Args: map[string]any{"job": "WS#S.J"}, Reason: "asked for"}
}

var ana = tool.Identity{User: "ana", Roles: []string{"operator"}}

// TestDefect08_OnlyAnActionAskedForIsProposed: a diagnosis may recommend; only
// what the person asked for, and only when it is one thing, becomes a proposal.
func TestDefect08_OnlyAnActionAskedForIsProposed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		intent  diagnose.Intent
		actions []diagnose.Action
		propose bool
		want    int
	}{
		{"one action asked for", diagnose.IntentAction, []diagnose.Action{action("rerun_job")}, true, 1},
		{"a diagnosis recommends one", diagnose.IntentDiagnosis, []diagnose.Action{action("rerun_job")}, true, 0},
		{"a status question", diagnose.IntentStatus, []diagnose.Action{action("hold_job")}, true, 0},
		{"the target is not clear", diagnose.IntentAskBack, []diagnose.Action{action("hold_job")}, true, 0},
		{"several actions", diagnose.IntentAction, []diagnose.Action{action("hold_job"), action("rerun_job")}, true, 0},
		{"no action", diagnose.IntentAction, nil, true, 0},
		{"the command line", diagnose.IntentAction, []diagnose.Action{action("rerun_job")}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			diag := &fakeDiagnoser{answer: diagnose.Answer{Intent: tt.intent, Actions: tt.actions, Text: "Here."}}
			actor := &fakeActor{}
			reply, err := New(diag, actor).Ask(t.Context(), ana, Question{Text: "Rerun WS#S.J", ConversationID: "chat_1", Propose: tt.propose}, Listener{})
			if err != nil {
				t.Fatal(err)
			}
			if len(actor.calls) != tt.want || len(reply.Proposals) != tt.want || len(reply.Calls) != tt.want {
				t.Fatalf("%d calls, %d proposals, %d told of; want %d", len(actor.calls), len(reply.Proposals), len(reply.Calls), tt.want)
			}
			if tt.want == 0 {
				return
			}
			want := tool.Request{Tool: "rerun_job", Args: json.RawMessage(`{"job":"WS#S.J"}`), Reason: "Rerun WS#S.J", ConversationID: "chat_1"}
			if diff := cmp.Diff(want.Args, actor.calls[0].Args); diff != "" || actor.calls[0].Tool != want.Tool || actor.calls[0].Reason != want.Reason || actor.calls[0].ConversationID != want.ConversationID {
				t.Errorf("called %+v", actor.calls[0])
			}
			if actor.who[0].User != "ana" {
				t.Errorf("in the name of %v", actor.who[0])
			}
			if !strings.Contains(reply.Answer.Text, "waits for approval; nothing has been sent") {
				t.Errorf("answer: %s", reply.Answer.Text)
			}
		})
	}
}

func TestARefusedProposalIsSaid(t *testing.T) {
	for _, tt := range []struct {
		err  error
		says string
	}{
		{&tool.DeniedError{Rule: "r", Reason: "viewers only read"}, "The action was not proposed: viewers only read."},
		{fmt.Errorf("rerun_job: %w", errors.New("it is EXEC")), "The action was not proposed: rerun_job: it is EXEC."},
	} {
		diag := &fakeDiagnoser{answer: diagnose.Answer{Intent: diagnose.IntentAction, Actions: []diagnose.Action{action("rerun_job")}}}
		var heard []ToolCall
		reply, err := New(diag, &fakeActor{err: tt.err}).Ask(t.Context(), ana, Question{Text: "Rerun it", Propose: true}, Listener{Tool: func(c ToolCall, _ tool.Result) { heard = append(heard, c) }})
		if err != nil || reply.Answer.Text != tt.says || len(reply.Proposals) != 0 {
			t.Errorf("%q, %v, %d proposals", reply.Answer.Text, err, len(reply.Proposals))
		}
		if len(heard) != 1 || heard[0].Status != tool.StatusError || heard[0].Error == "" {
			t.Errorf("the stream heard %+v", heard)
		}
	}
}

func TestWithoutAnActorNothingIsProposed(t *testing.T) {
	diag := &fakeDiagnoser{answer: diagnose.Answer{Intent: diagnose.IntentAction, Actions: []diagnose.Action{action("rerun_job")}}}
	reply, err := New(diag, nil).Ask(t.Context(), ana, Question{Text: "Rerun it", Propose: true}, Listener{})
	if err != nil || len(reply.Calls) != 0 {
		t.Errorf("%+v %v", reply, err)
	}
}

func TestQuestions(t *testing.T) {
	diag := &fakeDiagnoser{}
	for _, tt := range []struct{ text, says string }{
		{"", "it is empty"}, {" \n\t ", "it is empty"}, {strings.Repeat("é", MaxQuestion+1), "10001 characters, 10000 are the most"},
	} {
		_, err := New(diag, nil).Ask(t.Context(), ana, Question{Text: tt.text}, Listener{})
		var qe *QuestionError
		if !errors.As(err, &qe) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%.10q: %v", tt.text, err)
		}
	}
	if len(diag.asked) != 0 {
		t.Errorf("a refused question was asked: %v", diag.asked)
	}
	if _, err := New(diag, nil).Ask(t.Context(), ana, Question{Text: strings.Repeat("é", MaxQuestion), Jobs: []string{"WS#S.J"}}, Listener{}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"WS#S.J"}, diag.asked[0].Jobs); diff != "" {
		t.Error(diff)
	}
}

func TestEvidenceIsHeardAsItComes(t *testing.T) {
	diag := &fakeDiagnoser{answer: diagnose.Answer{Evidence: []diagnose.Evidence{{ID: "e1"}, {ID: "e2"}}}}
	var heard []string
	_, err := New(diag, nil).Ask(t.Context(), ana, Question{Text: "Why?"}, Listener{Evidence: func(e diagnose.Evidence) { heard = append(heard, e.ID) }})
	if diff := cmp.Diff([]string{"e1", "e2"}, heard); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReasonIsClippedAtARune(t *testing.T) {
	diag := &fakeDiagnoser{answer: diagnose.Answer{Intent: diagnose.IntentAction, Actions: []diagnose.Action{action("hold_job")}}}
	actor := &fakeActor{}
	_, err := New(diag, actor).Ask(t.Context(), ana, Question{Text: strings.Repeat("é", 300), Propose: true}, Listener{})
	if err != nil || actor.calls[0].Reason != strings.Repeat("é", 200) {
		t.Errorf("%v, %q", err, actor.calls)
	}
}

func TestAQuestionHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := New(&fakeDiagnoser{hang: true}, nil).Ask(t.Context(), ana, Question{Text: "Why?"}, Listener{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != MaxTime {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestAFailedDiagnosisIsAnError(t *testing.T) {
	_, err := New(&fakeDiagnoser{err: errors.New("no index")}, nil).Ask(t.Context(), ana, Question{Text: "Why?"}, Listener{})
	if err == nil || err.Error() != "answering: no index" {
		t.Errorf("%v", err)
	}
}
