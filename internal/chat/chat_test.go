package chat

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/internal/agent"
	"resync/internal/diagnose"
	"resync/internal/store"
	"resync/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeAsker answers when it is let, with what it was given.
type fakeAsker struct {
	answer diagnose.Answer
	err    error
	panics bool
	wait   chan struct{} // nil answers at once
	began  chan struct{}
}

func (f *fakeAsker) Ask(ctx context.Context, _ tool.Identity, q agent.Question, l agent.Listener) (agent.Reply, error) {
	if f.began != nil {
		close(f.began)
	}
	l.Evidence(diagnose.Evidence{ID: "e1", Text: "for " + q.Text})
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
			return agent.Reply{}, ctx.Err()
		}
	}
	if f.panics {
		panic("a bad index")
	}
	if f.err != nil {
		return agent.Reply{}, f.err
	}
	ans := f.answer
	return agent.Reply{Answer: &ans}, nil
}

func openDB(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+path)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func newChat(t *testing.T, db *store.Store, a Asker) *Chat {
	t.Helper()
	c := New(db, map[string]Side{"night": {Asker: a}}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	return c
}

func person(name string) tool.Identity { return tool.Identity{User: name, Roles: []string{"operator"}} }

func ask(text string) Question { return Question{Text: text, Engine: "night"} }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTurnIsStoredBeforeItIsTold(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
	c := newChat(t, db, &fakeAsker{answer: diagnose.Answer{Text: "Because."}})
	info, err := c.Start(t.Context(), person("ana"), ask("  Why?  "))
	must(t, err)
	ch, err := c.Events(t.Context(), person("ana"), info.TurnID, 0)
	must(t, err)
	var names []string
	for m := range ch {
		names = append(names, m.Value.Name)
		if m.Value.Name == "answer" {
			list, total, err := c.History(t.Context(), person("ana"), info.SessionID, 10)
			must(t, err)
			if total != 2 || list[0].Content != "Why?" || list[1].Content != "Because." || list[1].Role != "assistant" {
				t.Errorf("told before it was stored: %+v", list)
			}
		}
		if m.Value.Name == "done" {
			break
		}
	}
	if diff := cmp.Diff([]string{"turn", "evidence", "answer", "done"}, names); diff != "" {
		t.Error(diff)
	}
	if turns, err := db.Turns(t.Context(), info.SessionID, 10); err != nil || len(turns) != 1 || turns[0].State != store.TurnDone {
		t.Errorf("turns: %+v %v", turns, err)
	}
}

// TestDefect35_TurnInterruptedByARestart: a turn that ran when the process died
// is marked, and its question is still there.
func TestDefect35_TurnInterruptedByARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	db := openDB(t, path)
	slow := &fakeAsker{wait: make(chan struct{}), began: make(chan struct{})}
	died := New(db, map[string]Side{"night": {Asker: slow}}, slog.New(slog.DiscardHandler))
	info, err := died.Start(t.Context(), person("ana"), ask("Why?"))
	must(t, err)
	<-slow.began // the process dies here: nobody closes the turn

	again := openDB(t, path)
	c := newChat(t, again, &fakeAsker{answer: diagnose.Answer{Text: "Because."}})
	must(t, c.Recover(t.Context()))
	turns, err := again.Turns(t.Context(), info.SessionID, 10)
	must(t, err)
	if len(turns) != 1 || turns[0].State != store.TurnInterrupted {
		t.Errorf("turns: %+v", turns)
	}
	if _, err := c.Wait(t.Context(), person("ana"), info.TurnID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("waiting for a turn of another life: %v", err)
	}
	list, _, err := c.History(t.Context(), person("ana"), info.SessionID, 10)
	must(t, err)
	if len(list) == 0 || list[0].Content != "Why?" {
		t.Errorf("history: %+v", list)
	}
	// The conversation goes on.
	q := ask("And now?")
	q.SessionID = info.SessionID
	next, err := c.Start(t.Context(), person("ana"), q)
	must(t, err)
	if res, err := c.Wait(t.Context(), person("ana"), next.TurnID); err != nil || res.Answer.Text != "Because." {
		t.Errorf("%+v %v", res, err)
	}
	must(t, died.Close(t.Context()))
}

func TestConversationsAreTheirOwners(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
	c := newChat(t, db, &fakeAsker{answer: diagnose.Answer{Text: "Because."}})
	info, err := c.Start(t.Context(), person("ana"), ask("Why?"))
	must(t, err)
	bob := person("bob")
	q := ask("And?")
	q.SessionID = info.SessionID
	_, started := c.Start(t.Context(), bob, q)
	_, _, read := c.History(t.Context(), bob, info.SessionID, 10)
	_, followed := c.Events(t.Context(), bob, info.TurnID, 0)
	_, waited := c.Wait(t.Context(), bob, info.TurnID)
	for what, err := range map[string]error{"start": started, "history": read, "events": followed, "wait": waited,
		"known": c.Known(bob, info.TurnID), "forget": c.Forget(t.Context(), bob, info.SessionID)} {
		if !errors.Is(err, ErrNotYours) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if list, err := c.Sessions(t.Context(), bob, 10); err != nil || len(list) != 0 {
		t.Errorf("bob sees %v %v", list, err)
	}
	_, err = c.Wait(t.Context(), person("ana"), info.TurnID)
	must(t, err)
	must(t, c.Forget(t.Context(), person("ana"), info.SessionID))
	if _, _, err := c.History(t.Context(), person("ana"), info.SessionID, 10); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after forgetting: %v", err)
	}
}

func TestTurnGoesOnWhenTheCallerLeaves(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
	slow := &fakeAsker{wait: make(chan struct{}), answer: diagnose.Answer{Text: "Because."}}
	c := newChat(t, db, slow)
	ctx, leave := context.WithCancel(t.Context())
	info, err := c.Start(ctx, person("ana"), ask("Why?"))
	must(t, err)
	leave()
	if _, err := c.Wait(ctx, person("ana"), info.TurnID); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a context that is over: %v", err)
	}
	close(slow.wait)
	if res, err := c.Wait(t.Context(), person("ana"), info.TurnID); err != nil || res.Answer.Text != "Because." {
		t.Errorf("%+v %v", res, err)
	}
}

func TestFailuresAreToldAndStored(t *testing.T) {
	for name, tt := range map[string]struct {
		asker *fakeAsker
		says  string
	}{
		"error": {&fakeAsker{err: errors.New("no index")}, "no index"},
		"panic": {&fakeAsker{panics: true}, "internal fault while answering: a bad index"},
	} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
			c := newChat(t, db, tt.asker)
			info, err := c.Start(t.Context(), person("ana"), ask("Why?"))
			must(t, err)
			if _, err := c.Wait(t.Context(), person("ana"), info.TurnID); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("waiting: %v", err)
			}
			ch, err := c.Events(t.Context(), person("ana"), info.TurnID, 0)
			must(t, err)
			told := ""
			for m := range ch {
				if m.Value.Name == "error" {
					told = m.Value.Data.(map[string]string)["message"]
				}
				if m.Value.Name == "done" {
					break
				}
			}
			if !strings.Contains(told, tt.says) {
				t.Errorf("the stream said %q", told)
			}
			list, _, err := c.History(t.Context(), person("ana"), info.SessionID, 10)
			must(t, err)
			if len(list) != 2 || !strings.HasPrefix(list[1].Content, "No answer: ") {
				t.Errorf("history: %+v", list)
			}
			if turns, err := db.Turns(t.Context(), info.SessionID, 1); err != nil || turns[0].State != store.TurnError {
				t.Errorf("turns: %+v %v", turns, err)
			}
		})
	}
}

func TestCloseEndsRunningTurns(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
	slow := &fakeAsker{wait: make(chan struct{}), began: make(chan struct{})}
	c := New(db, map[string]Side{"night": {Asker: slow}}, slog.New(slog.DiscardHandler))
	info, err := c.Start(t.Context(), person("ana"), ask("Why?"))
	must(t, err)
	<-slow.began
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must(t, c.Close(ctx))
	// The store is open still: the end of the turn is in it.
	turns, err := db.Turns(t.Context(), info.SessionID, 1)
	must(t, err)
	if turns[0].State == store.TurnRunning {
		t.Errorf("the turn is %s after the stop", turns[0].State)
	}
}

func TestRefusedQuestions(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "c.db"))
	c := newChat(t, db, &fakeAsker{})
	for name, tt := range map[string]struct {
		q    Question
		says string
	}{
		"empty":   {ask("  "), "it is empty"},
		"long":    {ask(strings.Repeat("a", agent.MaxQuestion+1)), "are the most"},
		"engine":  {Question{Text: "Why?", Engine: "day"}, `there is no engine named "day"`},
		"session": {Question{Text: "Why?", Engine: "night", SessionID: "chat_none"}, "chat_none"},
	} {
		if _, err := c.Start(t.Context(), person("ana"), tt.q); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := c.Sessions(t.Context(), person("ana"), 10); err != nil || len(list) != 0 {
		t.Errorf("refused questions began conversations: %v %v", list, err)
	}
}

func TestTitles(t *testing.T) {
	for in, want := range map[string]string{
		"Why?":                   "Why?",
		"first\nsecond":          "first",
		strings.Repeat("é", 100): strings.Repeat("é", 79) + "…",
	} {
		if got := title(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
