// Package chat keeps the conversations of operators with Resync and shows them
// the executor's work: turns that survive a closed browser, cards to approve,
// runs to follow and actions to take back.
package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"resync/internal/agent"
	"resync/internal/diagnose"
	"resync/internal/event"
	"resync/internal/store"
	"resync/tool"
)

// Event is one frame of a turn's stream.
type Event struct {
	Name string `json:"name"` // turn, evidence, tool, approval, answer, error, done
	Data any    `json:"data"`
}

// TurnInfo opens a stream.
type TurnInfo struct {
	SessionID string `json:"session_id"`
	TurnID    string `json:"turn_id"`
}

// Asker answers one question; it is the agent.
type Asker interface {
	Ask(ctx context.Context, who tool.Identity, q agent.Question, l agent.Listener) (agent.Reply, error)
}

// Side is what a chat needs of one engine.
type Side struct {
	Asker Asker
	Desk  *Desk
}

// Question is one message of a person. An empty SessionID begins a conversation.
type Question struct {
	SessionID string
	Text      string
	Jobs      []string // jobs meant beside the text
	Engine    string   // name of the engine it is about
	Withheld  string   // why no action may be proposed now; "" when it may
}

// Chat runs turns. It is safe for concurrent use.
type Chat struct {
	db    *store.Store
	sides map[string]Side // :: engine name → who answers and acts there
	log   *slog.Logger
	base  context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu    sync.Mutex
	turns map[string]*turn // :: turn id → live or recent turn
}

type turn struct {
	user   string
	events *event.Broker[Event]
	done   chan struct{}
	result Result
}

// Result is what came of a turn.
type Result struct {
	SessionID string
	TurnID    string
	Answer    *diagnose.Answer
	Approvals []ApprovalView
	Calls     []agent.ToolCall
	At        time.Time
	Err       error
}

// keepTurns is how long a finished turn's stream can still be resumed.
const keepTurns = 5 * time.Minute

// New returns a chat over the engines by name. Close stops its turns.
func New(db *store.Store, sides map[string]Side, log *slog.Logger) *Chat {
	c := &Chat{db: db, sides: sides, log: log, turns: map[string]*turn{}}
	c.base, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends running turns and waits for them, at most until ctx ends.
func (c *Chat) Close(ctx context.Context) error {
	c.stop()
	done := make(chan struct{})
	go func() { c.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for running turns: %w", ctx.Err())
	}
}

// Recover marks turns that an earlier process left running as interrupted.
func (c *Chat) Recover(ctx context.Context) error {
	n, err := c.db.InterruptTurns(ctx, time.Now())
	if n > 0 {
		c.log.Info("turns interrupted by the last stop", "count", n)
	}
	return err
}

// ErrNotYours is returned for a conversation or turn of somebody else.
var ErrNotYours = errors.New("it belongs to somebody else")

// Start stores the message and answers it in the background. The turn goes on
// when ctx ends: its answer is stored either way.
func (c *Chat) Start(ctx context.Context, who tool.Identity, q Question) (TurnInfo, error) {
	q.Text = strings.TrimSpace(q.Text)
	if err := agent.CheckQuestion(q.Text); err != nil {
		return TurnInfo{}, err
	}
	side, ok := c.sides[q.Engine]
	if !ok {
		return TurnInfo{}, fmt.Errorf("there is no engine named %q: %w", q.Engine, store.ErrNotFound)
	}
	id, err := c.session(ctx, who, q.SessionID, q.Text)
	if err != nil {
		return TurnInfo{}, err
	}
	if _, err := c.db.AddMessage(ctx, store.Message{ConversationID: id, Role: "user", Content: q.Text}); err != nil {
		return TurnInfo{}, fmt.Errorf("storing the message: %w", err)
	}
	row, err := c.db.StartTurn(ctx, store.Turn{ConversationID: id})
	if err != nil {
		return TurnInfo{}, fmt.Errorf("opening the turn: %w", err)
	}
	info := TurnInfo{SessionID: id, TurnID: row.ID}
	t := &turn{user: who.User, events: event.NewBroker[Event](256, 256), done: make(chan struct{})}
	c.mu.Lock()
	c.turns[row.ID] = t
	c.mu.Unlock()
	t.events.Publish(Event{"turn", info})
	c.wg.Go(func() { c.run(turnContext{c.base, ctx}, who, side, info, t, q) })
	return info, nil
}

// turnContext ends with the chat and not with the request that asked, but
// carries what the request carries: its trace and its idempotency key.
type turnContext struct {
	context.Context
	asked context.Context
}

// Value looks in the request first.
func (c turnContext) Value(key any) any {
	if v := c.asked.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

func (c *Chat) session(ctx context.Context, who tool.Identity, id, text string) (string, error) {
	if id == "" {
		id = store.NewID("chat")
		err := c.db.CreateConversation(ctx, store.Conversation{ID: id, User: who.User, Title: title(text)})
		return id, err
	}
	return id, c.own(ctx, who, id)
}

func (c *Chat) own(ctx context.Context, who tool.Identity, id string) error {
	conv, err := c.db.Conversation(ctx, id)
	if err != nil {
		return fmt.Errorf("conversation %s: %w", id, err)
	}
	if conv.User != who.User {
		return fmt.Errorf("conversation %s: %w", id, ErrNotYours)
	}
	return nil
}

func title(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > 80 {
		line = string(r[:79]) + "…"
	}
	return line
}

// run answers one message and stores what came of it.
func (c *Chat) run(ctx context.Context, who tool.Identity, side Side, info TurnInfo, t *turn, q Question) {
	res := Result{SessionID: info.SessionID, TurnID: info.TurnID}
	reply, err := c.ask(ctx, who, side, info, t, q)
	res.Answer, res.Calls, res.At, res.Err = reply.Answer, reply.Calls, time.Now().UTC(), err
	for _, p := range reply.Proposals {
		card, cerr := side.Desk.Approval(c.base, who, p.RunID)
		if cerr != nil {
			c.log.Error("reading a proposal back", "run_id", p.RunID, "err", cerr)
			continue
		}
		res.Approvals = append(res.Approvals, card)
	}
	c.finish(info, t, res)
}

func (c *Chat) ask(ctx context.Context, who tool.Identity, side Side, info TurnInfo, t *turn, q Question) (reply agent.Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal fault while answering: %v", p)
		}
	}()
	ask := agent.Question{Text: q.Text, ConversationID: info.SessionID, Jobs: q.Jobs, Propose: true, Withheld: q.Withheld}
	return side.Asker.Ask(ctx, who, ask, agent.Listener{
		Evidence: func(ev diagnose.Evidence) { t.events.Publish(Event{"evidence", ev}) },
		Tool:     func(call agent.ToolCall, _ tool.Result) { t.events.Publish(Event{"tool", call}) },
	})
}

// finish stores the answer, closes the turn and tells the stream. The answer is
// stored before anybody is told that it is there.
func (c *Chat) finish(info TurnInfo, t *turn, res Result) {
	ctx := context.WithoutCancel(c.base)
	state, problem := store.TurnDone, ""
	if res.Err != nil {
		state, problem = store.TurnError, res.Err.Error()
	}
	if err := c.storeAnswer(ctx, info, res); err != nil {
		c.log.Error("storing an answer", "turn_id", info.TurnID, "err", err)
		state, problem = store.TurnError, "the answer could not be stored: "+err.Error()
	}
	if err := c.db.EndTurn(ctx, info.TurnID, state, problem); err != nil {
		c.log.Error("closing a turn", "turn_id", info.TurnID, "err", err)
	}
	if res.Answer != nil {
		t.events.Publish(Event{"answer", res.Answer})
	}
	for _, a := range res.Approvals {
		t.events.Publish(Event{"approval", a})
	}
	if problem != "" {
		t.events.Publish(Event{"error", map[string]string{"message": problem, "trace_id": info.TurnID}})
	}
	t.events.Publish(Event{"done", info})
	t.result = res
	close(t.done)
	time.AfterFunc(keepTurns, func() {
		c.mu.Lock()
		delete(c.turns, info.TurnID)
		c.mu.Unlock()
	})
}

func (c *Chat) storeAnswer(ctx context.Context, info TurnInfo, res Result) error {
	m := store.Message{ConversationID: info.SessionID, Role: "assistant"}
	switch {
	case res.Answer != nil:
		raw, err := json.Marshal(res.Answer)
		if err != nil {
			return fmt.Errorf("encoding the answer: %w", err)
		}
		m.Content, m.Answer = res.Answer.Text, raw
	case res.Err != nil:
		m.Content = "No answer: " + res.Err.Error()
	}
	_, err := c.db.AddMessage(ctx, m)
	return err
}

// Events follows a turn from after a frame number. It is open until the turn's
// "done" frame or the end of ctx.
func (c *Chat) Events(ctx context.Context, who tool.Identity, turnID string, after uint64) (<-chan event.Message[Event], error) {
	t, err := c.turn(who, turnID)
	if err != nil {
		return nil, err
	}
	ch, _ := t.events.Subscribe(ctx, after)
	return ch, nil
}

// Known says whether the person may follow the turn, and why not.
func (c *Chat) Known(who tool.Identity, turnID string) error {
	_, err := c.turn(who, turnID)
	return err
}

func (c *Chat) turn(who tool.Identity, id string) (*turn, error) {
	c.mu.Lock()
	t, ok := c.turns[id]
	c.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("turn %s is over, its answer is in the history: %w", id, store.ErrNotFound)
	}
	if t.user != who.User {
		return nil, fmt.Errorf("turn %s: %w", id, ErrNotYours)
	}
	return t, nil
}

// Wait returns the turn's result when it is there, or ctx's error.
func (c *Chat) Wait(ctx context.Context, who tool.Identity, turnID string) (Result, error) {
	t, err := c.turn(who, turnID)
	if err != nil {
		return Result{}, err
	}
	select {
	case <-t.done:
		return t.result, t.result.Err
	case <-ctx.Done():
		return Result{}, fmt.Errorf("waiting for the answer: %w", ctx.Err())
	}
}

// Sessions lists a person's conversations, last used first.
func (c *Chat) Sessions(ctx context.Context, who tool.Identity, limit int) ([]store.Conversation, error) {
	return c.db.Conversations(ctx, who.User, limit)
}

// History reads the last messages of a person's own conversation.
func (c *Chat) History(ctx context.Context, who tool.Identity, sessionID string, limit int) ([]store.Message, int, error) {
	if err := c.own(ctx, who, sessionID); err != nil {
		return nil, 0, err
	}
	return c.db.History(ctx, sessionID, limit)
}

// Forget deletes a person's own conversation. The journal of actions stays.
func (c *Chat) Forget(ctx context.Context, who tool.Identity, sessionID string) error {
	if err := c.own(ctx, who, sessionID); err != nil {
		return err
	}
	return c.db.DeleteConversation(ctx, sessionID)
}
