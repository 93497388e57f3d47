package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Conversation is a chat of one user.
type Conversation struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"` // time of the last message
}

// Message is one contribution to a conversation.
type Message struct {
	ID             string          `json:"id"`
	ConversationID string          `json:"conversation_id"`
	Role           string          `json:"role"` // user, assistant, tool …
	Content        string          `json:"content"`
	Answer         json.RawMessage `json:"answer,omitempty"` // the whole answer object
	At             time.Time       `json:"at"`
}

// Turn is the work on one question. A turn found running after a restart was
// interrupted by it; [Store.InterruptTurns] says so.
type Turn struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id"`
	State          string    `json:"state"` // TurnRunning, …
	Error          string    `json:"error"`
	StartedAt      time.Time `json:"started_at"`
	EndedAt        time.Time `json:"ended_at"` // zero while running
}

// The states of a turn.
const (
	TurnRunning     = "running"
	TurnDone        = "done"
	TurnError       = "error"
	TurnInterrupted = "interrupted"
)

// CreateConversation stores a conversation. A zero CreatedAt becomes the
// present time. ErrExists when the ID is taken.
func (s *Store) CreateConversation(ctx context.Context, v Conversation) error {
	if v.CreatedAt.IsZero() {
		v.CreatedAt = s.now()
	}
	err := s.update(ctx, func(c conn) error {
		return c.later(ctx, ask{query: `insert into conversations (id, user_name, title, created_at, updated_at) values (?,?,?,?,?)`,
			args: []any{v.ID, v.User, clean(v.Title), ms(v.CreatedAt), ms(v.CreatedAt)}, failed: whenTaken})
	})
	if err != nil {
		return fmt.Errorf("create conversation %q: %w", v.ID, err)
	}
	return nil
}

const conversationColumns = `id, user_name, title, created_at, updated_at`

func scanConversation(scan scanner) (Conversation, error) {
	var v Conversation
	var created, updated int64
	err := scan(&v.ID, &v.User, &v.Title, &created, &updated)
	v.CreatedAt, v.UpdatedAt = at(created), at(updated)
	return v, err
}

// Conversation reads one. Whether the asking user may see it is the caller's
// question. ErrNotFound when there is none.
func (s *Store) Conversation(ctx context.Context, id string) (Conversation, error) {
	list, err := s.conversations(ctx, `where id = ?`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Conversation{}, fmt.Errorf("read conversation %q: %w", id, err)
	}
	return list[0], nil
}

// Conversations lists a user's, the last used first; limit 0 means 50.
func (s *Store) Conversations(ctx context.Context, user string, limit int) ([]Conversation, error) {
	list, err := s.conversations(ctx, `where user_name = ? order by updated_at desc, id desc limit ?`, user, pageSize(limit))
	if err != nil {
		return nil, fmt.Errorf("list conversations of %s: %w", user, err)
	}
	return list, nil
}

func (s *Store) conversations(ctx context.Context, where string, args ...any) ([]Conversation, error) {
	var list []Conversation
	err := s.reader().rows(ctx, `select `+conversationColumns+` from conversations `+where, args, func(scan scanner) error {
		v, err := scanConversation(scan)
		list = append(list, v)
		return err
	})
	return list, err
}

// DeleteConversation removes a conversation with its messages and turns. The
// runs it led to stay. ErrNotFound when there is none.
func (s *Store) DeleteConversation(ctx context.Context, id string) error {
	err := s.update(ctx, func(c conn) error {
		return mustChange(c.exec(ctx, `delete from conversations where id = ?`, id))
	})
	if err != nil {
		return fmt.Errorf("delete conversation %q: %w", id, err)
	}
	return nil
}

// AddMessage stores a message and moves its conversation to the top of the
// list. An empty ID and a zero time are filled in; the message is returned as
// stored. ErrNotFound when there is no such conversation.
func (s *Store) AddMessage(ctx context.Context, m Message) (Message, error) {
	if m.ID == "" {
		m.ID = NewID("msg")
	}
	if m.At.IsZero() {
		m.At = s.now()
	}
	m.At, m.Content = at(ms(m.At)), clean(m.Content)
	err := checkJSON("answer", m.Answer)
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			return c.later(ctx,
				ask{query: `insert into messages (id, conversation_id, role, content, answer, at) values (?,?,?,?,?,?)`,
					args: []any{m.ID, m.ConversationID, m.Role, m.Content, string(m.Answer), ms(m.At)}, failed: whenTaken},
				ask{query: `update conversations set updated_at = ? where id = ?`, args: []any{ms(m.At), m.ConversationID}})
		})
	}
	if err != nil {
		return Message{}, fmt.Errorf("add message to conversation %q: %w", m.ConversationID, err)
	}
	return m, nil
}

// History reads the last messages of a conversation in order of time, together
// with how many there are in all; limit 0 means 50.
func (s *Store) History(ctx context.Context, conversationID string, limit int) (list []Message, total int, err error) {
	err = s.atOnce(ctx,
		ask{query: `select count(*) from messages where conversation_id = ?`, args: []any{conversationID}, row: func(scan scanner) error { return scan(&total) }},
		ask{query: `select id, conversation_id, role, content, answer, at from messages
			where conversation_id = ? order by at desc, id desc limit ?`, args: []any{conversationID, pageSize(limit)},
			row: func(scan scanner) error {
				var m Message
				var answer string
				var when int64
				err := scan(&m.ID, &m.ConversationID, &m.Role, &m.Content, &answer, &when)
				m.Answer, m.At = raw(answer), at(when)
				list = append(list, m)
				return err
			}})
	if err != nil {
		return nil, 0, fmt.Errorf("read history of %q: %w", conversationID, err)
	}
	slices.Reverse(list)
	return list, total, nil
}

// StartTurn records that work on a question has begun; an empty ID is filled
// in. ErrNotFound when there is no such conversation.
func (s *Store) StartTurn(ctx context.Context, t Turn) (Turn, error) {
	if t.ID == "" {
		t.ID = NewID("turn")
	}
	if t.StartedAt.IsZero() {
		t.StartedAt = s.now()
	}
	t.StartedAt, t.State, t.Error, t.EndedAt = at(ms(t.StartedAt)), TurnRunning, "", time.Time{}
	err := s.update(ctx, func(c conn) error {
		return c.later(ctx, ask{query: `insert into turns (id, conversation_id, state, error, started_at, ended_at) values (?,?,?,'',?,0)`,
			args: []any{t.ID, t.ConversationID, t.State, ms(t.StartedAt)}, failed: whenTaken})
	})
	if err != nil {
		return Turn{}, fmt.Errorf("start turn in conversation %q: %w", t.ConversationID, err)
	}
	return t, nil
}

// EndTurn records how a running turn ended; problem is the message for
// TurnError. ErrNotFound when it is not running.
func (s *Store) EndTurn(ctx context.Context, id, state, problem string) error {
	if state != TurnDone && state != TurnError && state != TurnInterrupted {
		return fmt.Errorf("end turn %q: %w: unknown state %q", id, ErrInvalid, state)
	}
	err := mustChange(s.writer().exec(ctx, `update turns set state = ?, error = ?, ended_at = ? where id = ? and state = 'running'`,
		state, clean(problem), ms(s.now()), id))
	if err != nil {
		return fmt.Errorf("end turn %q: %w", id, err)
	}
	return nil
}

// Turns lists the turns of a conversation, newest first; limit 0 means 50.
func (s *Store) Turns(ctx context.Context, conversationID string, limit int) ([]Turn, error) {
	var list []Turn
	err := s.reader().rows(ctx, `select id, conversation_id, state, error, started_at, ended_at from turns
		where conversation_id = ? order by started_at desc, id desc limit ?`, []any{conversationID, pageSize(limit)},
		func(scan scanner) error {
			var t Turn
			var started, ended int64
			err := scan(&t.ID, &t.ConversationID, &t.State, &t.Error, &started, &ended)
			t.StartedAt, t.EndedAt = at(started), at(ended)
			list = append(list, t)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list turns of %q: %w", conversationID, err)
	}
	return list, nil
}

// InterruptTurns marks the turns that were running when this process started
// (those begun before that time) as interrupted, and returns how many.
func (s *Store) InterruptTurns(ctx context.Context, startedBefore time.Time) (int64, error) {
	var n int64
	err := s.update(ctx, func(c conn) (err error) {
		n, err = c.exec(ctx, `update turns set state = 'interrupted', ended_at = ? where state = 'running' and started_at < ?`,
			ms(s.now()), ms(startedBefore))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("interrupt turns: %w", err)
	}
	return n, nil
}
