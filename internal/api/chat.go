package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/chat"
	"resync/internal/diagnose"
	"resync/internal/event"
	"resync/internal/store"
)

type chatInput struct {
	Accept    string `header:"Accept"`
	SessionID string `header:"X-Session-ID" maxLength:"64"`
	Body      struct {
		Message   string   `json:"message" maxLength:"10000"`
		SessionID string   `json:"session_id,omitempty" maxLength:"64" doc:"conversation to go on with; a new one when absent"`
		Engine    string   `json:"tws_instance_id,omitempty"`
		Jobs      []string `json:"jobs,omitempty" maxItems:"20" doc:"jobs meant beside the text, such as the one selected on screen"`
		AgentID   string   `json:"agent_id,omitempty" doc:"ignored; kept for clients of the contract"`
	}
}

type chatMetadata struct {
	RoutingMode      string              `json:"routing_mode"`
	Intent           string              `json:"intent"`
	Confidence       float64             `json:"confidence"`
	ToolsUsed        []string            `json:"tools_used"`
	Entities         map[string][]string `json:"entities"`
	SessionID        string              `json:"session_id"`
	TurnID           string              `json:"turn_id"`
	TurnCount        int                 `json:"turn_count"`
	RequiresApproval bool                `json:"requires_approval"`
	ApprovalID       string              `json:"approval_id,omitempty"`
	Engine           string              `json:"tws_instance_id"`
}

type chatReply struct {
	Message   string              `json:"message"`
	Timestamp time.Time           `json:"timestamp"`
	AgentID   string              `json:"agent_id"`
	IsFinal   bool                `json:"is_final"`
	Metadata  chatMetadata        `json:"metadata"`
	Answer    *diagnose.Answer    `json:"answer"`
	Approvals []chat.ApprovalView `json:"approvals"`
}

func (s *server) registerChat() {
	add(s, route{id: "chat", method: http.MethodPost, paths: both("/chat"), tag: "chat", tier: BestEffort, role: auth.Viewer,
		summary: "Ask; with Accept: text/event-stream the answer arrives as it is found", errors: []int{400, 404, 502}}, s.ask)
	add(s, route{id: "chat-turn-events", method: http.MethodGet, paths: one("/api/v1/chat/turns/{turn_id}/events"), tag: "chat", tier: BestEffort,
		role: auth.Viewer, summary: "Follow a turn, from Last-Event-ID on", errors: []int{400, 404}}, s.turnEvents)
	add(s, route{id: "chat-sessions", method: http.MethodGet, paths: one("/api/v1/chat/sessions"), tag: "chat", tier: BestEffort, role: auth.Viewer,
		summary: "Own conversations, last used first"}, s.sessions)
	add(s, route{id: "chat-history", method: http.MethodGet, paths: both("/chat/history"), tag: "chat", tier: BestEffort, role: auth.Viewer,
		summary: "Messages of an own conversation", errors: []int{404}}, s.history)
	add(s, route{id: "chat-forget", method: http.MethodDelete, paths: both("/chat/history"), tag: "chat", tier: Critical, role: auth.Viewer,
		summary: "Delete an own conversation; the journal of actions stays", errors: []int{404}}, s.forget)
}

// ask answers with one JSON document, or with a stream when the client asks
// for one. Either way the turn runs to its end and is stored.
func (s *server) ask(ctx context.Context, in *chatInput) (*huma.StreamResponse, error) {
	session := in.Body.SessionID
	if session == "" {
		session = in.SessionID
	}
	e, err := s.engine(in.Body.Engine)
	if err != nil {
		return nil, err
	}
	info, err := s.Chat.Start(ctx, person(ctx), chat.Question{SessionID: session, Text: in.Body.Message, Jobs: in.Body.Jobs, Engine: e.Name, Withheld: s.withheld(ctx)})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if strings.Contains(in.Accept, "text/event-stream") {
		return s.follow(ctx, info.TurnID, 0)
	}
	res, err := s.Chat.Wait(ctx, person(ctx), info.TurnID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	reply := s.reply(ctx, e, res)
	return &huma.StreamResponse{Body: func(hc huma.Context) { writeJSON(hc, reply) }}, nil
}

func (s *server) reply(ctx context.Context, e *Engine, res chat.Result) chatReply {
	ans := res.Answer
	r := chatReply{Message: ans.Text, Timestamp: res.At, AgentID: "resync", IsFinal: true, Answer: ans, Approvals: res.Approvals}
	if r.Approvals == nil {
		r.Approvals = []chat.ApprovalView{}
	}
	r.Metadata = chatMetadata{
		RoutingMode: routing(ans.Intent), Intent: string(ans.Intent), SessionID: res.SessionID, TurnID: res.TurnID, Engine: e.Name,
		ToolsUsed: []string{}, Entities: map[string][]string{}, RequiresApproval: len(res.Approvals) > 0,
	}
	if len(ans.Hypotheses) > 0 {
		r.Metadata.Confidence = ans.Hypotheses[0].Confidence
	}
	for _, c := range res.Calls {
		r.Metadata.ToolsUsed = append(r.Metadata.ToolsUsed, c.Tool)
	}
	for _, ev := range ans.Evidence {
		r.Metadata.Entities[ev.Kind] = append(r.Metadata.Entities[ev.Kind], ev.Title)
	}
	if len(res.Approvals) > 0 {
		r.Metadata.ApprovalID = res.Approvals[0].TraceID
	}
	if _, total, err := s.Chat.History(ctx, person(ctx), res.SessionID, 1); err == nil {
		r.Metadata.TurnCount = (total + 1) / 2
	}
	return r
}

// routing maps an intent to the contract's routing modes.
func routing(i diagnose.Intent) string {
	switch i {
	case diagnose.IntentDiagnosis:
		return "diagnostic"
	case diagnose.IntentAction, diagnose.IntentStatus:
		return "agentic"
	}
	return "rag_only"
}

func (s *server) follow(ctx context.Context, turnID string, after uint64) (*huma.StreamResponse, error) {
	who := person(ctx)
	// The stream lives on the connection's context, which the body has.
	if err := s.Chat.Known(who, turnID); err != nil {
		return nil, s.problem(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		ctx, cancel := linkContext(hc.Context(), s.Base)
		defer cancel()
		ch, err := s.Chat.Events(ctx, who, turnID, after)
		if err != nil {
			hc.SetStatus(statusOf(err))
			return
		}
		defer s.Metrics.SSEOpened()()
		sse(hc, s.Base, ch, false,
			func(m event.Message[chat.Event]) frame { return frame{m.Seq, m.Value.Name, m.Value.Data} },
			func(m event.Message[chat.Event]) bool { return m.Value.Name == "done" })
	}}, nil
}

func (s *server) turnEvents(ctx context.Context, in *struct {
	TurnID string `path:"turn_id" maxLength:"64"`
	Last   string `header:"Last-Event-ID"`
}) (*huma.StreamResponse, error) {
	after, err := lastEventID(in.Last)
	if err != nil {
		return nil, err
	}
	return s.follow(ctx, in.TurnID, after)
}

type sessionsOutput struct {
	Body struct {
		Sessions []store.Conversation `json:"sessions"`
	}
}

func (s *server) sessions(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*sessionsOutput, error) {
	list, err := s.Chat.Sessions(ctx, person(ctx), in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &sessionsOutput{}
	out.Body.Sessions = append([]store.Conversation{}, list...)
	return out, nil
}

type historyOutput struct {
	Body struct {
		History   []store.Message `json:"history"`
		SessionID string          `json:"session_id"`
		Total     int             `json:"total_messages"`
	}
}

func (s *server) history(ctx context.Context, in *struct {
	SessionID string `query:"session_id" required:"true" maxLength:"64"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}) (*historyOutput, error) {
	list, total, err := s.Chat.History(ctx, person(ctx), in.SessionID, in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &historyOutput{}
	out.Body.History, out.Body.SessionID, out.Body.Total = append([]store.Message{}, list...), in.SessionID, total
	return out, nil
}

func (s *server) forget(ctx context.Context, in *struct {
	SessionID string `query:"session_id" required:"true" maxLength:"64"`
}) (*struct{}, error) {
	if err := s.Chat.Forget(ctx, person(ctx), in.SessionID); err != nil {
		return nil, s.problem(ctx, err)
	}
	return nil, nil
}

func (s *server) registerEvents() {
	add(s, route{id: "events", method: http.MethodGet, paths: one("/api/v1/events"), tag: "events", tier: BestEffort, role: auth.Viewer,
		summary: "What moves: runs, approvals, the plan; resumes by Last-Event-ID", errors: []int{400}}, s.events)
}

func (s *server) events(_ context.Context, in *struct {
	Last string `header:"Last-Event-ID"`
}) (*huma.StreamResponse, error) {
	after, err := lastEventID(in.Last)
	if err != nil {
		return nil, err
	}
	if in.Last == "" {
		after = s.News.Seq() // a fresh screen reads the state itself
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		ctx, cancel := linkContext(hc.Context(), s.Base)
		defer cancel()
		ch, missed := s.News.Subscribe(ctx, after)
		defer s.Metrics.SSEOpened()()
		sse(hc, s.Base, s.withRealtime(ctx, ch), missed,
			func(m event.Message[News]) frame { return frame{m.Seq, m.Value.Name, m.Value.Data} },
			func(event.Message[News]) bool { return false })
	}}, nil
}
