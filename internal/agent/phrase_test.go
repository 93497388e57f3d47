package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resync/internal/diagnose"
	"resync/tool"
)

// said is a phraser with fixed words.
type said struct {
	sentences []diagnose.Sentence
	err       error
	hang      bool
	asked     int
}

func (s *said) Phrase(ctx context.Context, _ tool.Identity, _ string, _ []diagnose.Evidence, _ Asking) (Phrased, error) {
	s.asked++
	if s.hang {
		<-ctx.Done()
		return Phrased{}, ctx.Err()
	}
	return Phrased{Sentences: s.sentences, By: "gpt-4o"}, s.err
}

// fromDocuments is an answer as the documents alone give it.
type fromDocuments struct{ intent diagnose.Intent }

func (f fromDocuments) Answer(_ context.Context, q diagnose.Question) (*diagnose.Answer, error) {
	a := &diagnose.Answer{Question: q.Text, Intent: f.intent, Mode: diagnose.ModeOffline,
		Evidence:  []diagnose.Evidence{{ID: "e1", Kind: "passage", Title: "Fence", Text: "The fence of a workstation keeps jobs whose priority is not higher than 50 from starting. Message AWSBHT061E."}},
		Sentences: []diagnose.Sentence{{Text: "See the passage on the fence.", Evidence: []string{"e1"}}}}
	a.Finish()
	return a, nil
}

// A model's words are taken when the evidence bears them out; else the offline
// answer stands and says so.
func TestAnswersPutIntoWords(t *testing.T) {
	e1 := []string{"e1"}
	good := diagnose.Sentence{Text: "Jobs with a priority not higher than 50 do not start.", Evidence: e1}
	for name, tt := range map[string]struct {
		intent  diagnose.Intent
		phraser *said
		mode    string
		says    string // in the answer
		why     string // in the reason
	}{
		"borne out":        {diagnose.IntentKnowledge, &said{sentences: []diagnose.Sentence{good}}, diagnose.ModeModel, "do not start. [1]", "gpt-4o"},
		"one doubt":        {diagnose.IntentKnowledge, &said{sentences: []diagnose.Sentence{good, good, {Text: "The code is AWSXYZ999E.", Evidence: e1}}}, diagnose.ModeModel, "AWSXYZ999E. [1] (not confirmed)", "gpt-4o"},
		"made up":          {diagnose.IntentKnowledge, &said{sentences: []diagnose.Sentence{{Text: "It starts at 77.", Evidence: e1}}}, diagnose.ModeOffline, "See the passage", "not borne out"},
		"cites nothing":    {diagnose.IntentKnowledge, &said{sentences: []diagnose.Sentence{good, good, good, {Text: "Hello."}}}, diagnose.ModeOffline, "See the passage", "not borne out"},
		"silent":           {diagnose.IntentKnowledge, &said{}, diagnose.ModeOffline, "See the passage", "not borne out"},
		"nobody answers":   {diagnose.IntentKnowledge, &said{err: errors.New("no language model answered in time")}, diagnose.ModeOffline, "See the passage", "in time"},
		"not its business": {diagnose.IntentDiagnosis, &said{sentences: []diagnose.Sentence{good}}, diagnose.ModeOffline, "See the passage", ""},
		"an action":        {diagnose.IntentAction, &said{sentences: []diagnose.Sentence{good}}, diagnose.ModeOffline, "See the passage", ""},
	} {
		reply, err := New(fromDocuments{tt.intent}, nil).WithPhraser(tt.phraser).Ask(t.Context(), tool.Identity{User: "ana"}, Question{Text: "what is the fence?"}, Listener{})
		if err != nil {
			t.Fatal(err)
		}
		a := reply.Answer
		if a.Mode != tt.mode || !strings.Contains(a.Text, tt.says) || !strings.Contains(a.ModeReason, tt.why) || (tt.why == "") != (tt.phraser.asked == 0) {
			t.Errorf("%s: mode %s because of %q: %s", name, a.Mode, a.ModeReason, a.Text)
		}
		if len(a.Evidence) != 1 {
			t.Errorf("%s: the evidence is gone", name)
		}
	}
}

// Better words are not waited for long, and nobody is asked for them without a
// phraser.
func TestWordsAreNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		reply, err := New(fromDocuments{diagnose.IntentKnowledge}, nil).WithPhraser(&said{hang: true}).Ask(t.Context(), tool.Identity{}, Question{Text: "what is the fence?"}, Listener{})
		if err != nil || reply.Answer.Mode != diagnose.ModeOffline || time.Since(start) != phraseTime {
			t.Errorf("%+v, %v after %s", reply.Answer, err, time.Since(start))
		}
		reply, err = New(fromDocuments{diagnose.IntentKnowledge}, nil).Ask(t.Context(), tool.Identity{}, Question{Text: "what is the fence?"}, Listener{})
		if err != nil || reply.Answer.ModeReason != "" {
			t.Errorf("%+v, %v", reply.Answer, err)
		}
	})
}
