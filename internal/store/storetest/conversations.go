package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"resync/internal/store"
)

func testConversations(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	create := func(id, user string) {
		t.Helper()
		must(t, s.CreateConversation(ctx, store.Conversation{ID: id, User: user, Title: "Why?"}))
		c.Advance(time.Second)
	}
	titles := func(user string, limit int) []string {
		t.Helper()
		list, err := s.Conversations(ctx, user, limit)
		must(t, err)
		var out []string
		for _, v := range list {
			out = append(out, v.ID)
		}
		return out
	}
	start := c.Now()
	create("c1", "ana")
	create("c2", "ana")
	create("c3", "bo")

	t.Run("list and read", func(t *testing.T) {
		got, err := s.Conversation(ctx, "c1")
		must(t, err)
		equal(t, "conversation", store.Conversation{ID: "c1", User: "ana", Title: "Why?", CreatedAt: start, UpdatedAt: start}, got)
		equal(t, "ana's", []string{"c2", "c1"}, titles("ana", 0))
		equal(t, "newest of ana's", []string{"c2"}, titles("ana", 1))
		if err := s.CreateConversation(ctx, store.Conversation{ID: "c1"}); !errors.Is(err, store.ErrExists) {
			t.Errorf("same ID: %v", err)
		}
	})

	t.Run("messages", func(t *testing.T) {
		var want []store.Message
		for i := range 5 {
			m := store.Message{ConversationID: "c1", Role: "user", Content: fmt.Sprint("message ", i), Answer: json.RawMessage(`{"n":1}`)}
			m, err := s.AddMessage(ctx, m)
			must(t, err)
			if m.ID == "" || !m.At.Equal(c.Now()) {
				t.Errorf("not filled in: %+v", m)
			}
			want = append(want, m)
			c.Advance(time.Millisecond)
		}
		got, total, err := s.History(ctx, "c1", 3)
		must(t, err)
		equal(t, "last three", want[2:], got)
		equal(t, "total", 5, total)
		equal(t, "c1 moved to the top", []string{"c1", "c2"}, titles("ana", 0))
		if _, err := s.AddMessage(ctx, store.Message{ConversationID: "none"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("message to no conversation: %v", err)
		}
		if _, err := s.AddMessage(ctx, store.Message{ConversationID: "c1", Answer: json.RawMessage("{")}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("answer that is not JSON: %v", err)
		}
	})

	t.Run("turns", func(t *testing.T) { testTurns(t, s, c) })

	t.Run("delete", func(t *testing.T) {
		must(t, s.DeleteConversation(ctx, "c1"))
		_, total, err := s.History(ctx, "c1", 0)
		must(t, err)
		equal(t, "messages left", 0, total)
		equal(t, "conversations left", []string{"c2"}, titles("ana", 0))
		if err := s.DeleteConversation(ctx, "c1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("delete twice: %v", err)
		}
	})
}

func testTurns(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	begin := func() store.Turn {
		t.Helper()
		turn, err := s.StartTurn(ctx, store.Turn{ConversationID: "c1"})
		must(t, err)
		c.Advance(time.Second)
		return turn
	}
	a, b, crashed := begin(), begin(), begin()
	must(t, s.EndTurn(ctx, a.ID, store.TurnDone, ""))
	must(t, s.EndTurn(ctx, b.ID, store.TurnError, "no model answered"))
	restart := c.Now()
	running := begin()
	n, err := s.InterruptTurns(ctx, restart)
	must(t, err)
	equal(t, "interrupted", int64(1), n)
	got, err := s.Turns(ctx, "c1", 0)
	must(t, err)
	var states []string
	for _, turn := range got {
		states = append(states, turn.ID+" "+turn.State+" "+turn.Error)
	}
	equal(t, "states, newest first", []string{running.ID + " running ", crashed.ID + " interrupted ",
		b.ID + " error no model answered", a.ID + " done "}, states)
	if err := s.EndTurn(ctx, a.ID, store.TurnError, ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("end twice: %v", err)
	}
	if err := s.EndTurn(ctx, running.ID, "paused", ""); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("unknown state: %v", err)
	}
	if _, err := s.StartTurn(ctx, store.Turn{ConversationID: "none"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("turn in no conversation: %v", err)
	}
}
