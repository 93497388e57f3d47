package openai

import (
	"encoding/json"
	"strconv"
	"time"

	"resync/llm"
)

// The wire's answers, for models of another wire behind a [Server].
type wireAnswer struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []wireChoice `json:"choices"`
	Usage   *wireUsage   `json:"usage,omitempty"`
}

type wireChoice struct {
	Index   int        `json:"index"`
	Message *wireReply `json:"message,omitempty"`
	Delta   *wireReply `json:"delta,omitempty"`
	Finish  *string    `json:"finish_reason"`
}

type wireReply struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []wireCall `json:"tool_calls,omitempty"`
}

type wireUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

func encodeUsage(u llm.Usage) *wireUsage {
	return &wireUsage{u.InputTokens, u.OutputTokens, u.Total()}
}

// finishWord is the end of an answer as this wire has it; a stream that had none
// ended by its mark.
func finishWord(reason string) *string {
	if reason == llm.FinishUnnamed {
		reason = llm.FinishStop
	}
	return &reason
}

// encodeAnswer writes a whole answer.
func encodeAnswer(r *llm.Response, started time.Time) wireAnswer {
	reply := &wireReply{Role: "assistant", Content: &r.Content, Reasoning: r.Reasoning}
	for _, c := range r.ToolCalls {
		wc := wireCall{ID: c.ID, Type: "function"}
		wc.Function.Name, wc.Function.Arguments = c.Name, string(c.Arguments)
		reply.ToolCalls = append(reply.ToolCalls, wc)
	}
	return wireAnswer{
		ID: "chatcmpl-" + strconv.FormatInt(started.UnixNano(), 36), Object: "chat.completion", Created: started.Unix(), Model: r.Model,
		Choices: []wireChoice{{Message: reply, Finish: finishWord(r.FinishReason)}}, Usage: encodeUsage(r.Usage),
	}
}

// chunkEncoder writes the pieces of a streamed answer.
type chunkEncoder struct {
	id      string
	created int64
	model   string
	usage   bool // the sender of the request asked for it
	begun   bool
}

// piece writes one piece; nil when there is nothing to say.
func (c *chunkEncoder) piece(d llm.Delta) []byte {
	if d.Model != "" {
		c.model = d.Model
	}
	if !d.Commits && d.FinishReason == "" {
		return nil
	}
	reply := &wireReply{Reasoning: d.Reasoning}
	if !c.begun {
		c.begun, reply.Role = true, "assistant"
	}
	if d.Text != "" {
		reply.Content = &d.Text
	}
	for _, t := range d.Tools {
		wc := wireCall{Index: &t.Index, ID: t.ID, Type: "function"}
		wc.Function.Name, wc.Function.Arguments = t.Name, t.Arguments
		reply.ToolCalls = append(reply.ToolCalls, wc)
	}
	choice := wireChoice{Delta: reply}
	if d.FinishReason != "" {
		choice.Finish = &d.FinishReason
	}
	return c.marshal([]wireChoice{choice}, nil)
}

// last writes the piece with the usage.
func (c *chunkEncoder) last(r *llm.Response) []byte {
	return c.marshal([]wireChoice{}, encodeUsage(r.Usage))
}

func (c *chunkEncoder) marshal(choices []wireChoice, u *wireUsage) []byte {
	data, err := json.Marshal(wireAnswer{ID: c.id, Object: "chat.completion.chunk", Created: c.created, Model: c.model, Choices: choices, Usage: u})
	if err != nil {
		return errorJSON("error", "error", err.Error(), nil)
	}
	return data
}
