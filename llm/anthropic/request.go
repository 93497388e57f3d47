package anthropic

import (
	"encoding/json"
	"fmt"
	"strings"

	"resync/llm"
)

type wireRequest struct {
	Model       string        `json:"model"`
	MaxTokens   int           `json:"max_tokens"`
	System      string        `json:"system,omitempty"`
	Messages    []wireMessage `json:"messages"`
	Tools       []wireTool    `json:"tools,omitempty"`
	ToolChoice  *wireChoice   `json:"tool_choice,omitempty"`
	Temperature *float64      `json:"temperature,omitempty"`
	TopP        *float64      `json:"top_p,omitempty"`
	Stop        []string      `json:"stop_sequences,omitempty"`
	Stream      bool          `json:"stream,omitempty"`
}

type wireMessage struct {
	Role    string      `json:"role"`
	Content []wireBlock `json:"content"`
}

type wireBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Thinking  string          `json:"thinking,omitempty"`
	Source    *wireSource     `json:"source,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	Content   string          `json:"content,omitempty"`
}

type wireSource struct {
	Type      string `json:"type"`
	URL       string `json:"url,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
}

type wireTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"input_schema"`
}

type wireChoice struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

// defaultTokens is the length of an answer when the request sets none; the wire
// demands one.
const defaultTokens = 4096

// encode writes a request. What the wire cannot express is an error.
func encode(model string, r *llm.Request, streamed bool) ([]byte, error) {
	if r.JSON || r.Schema != nil {
		return nil, fmt.Errorf("the model cannot be made to answer in JSON")
	}
	w := wireRequest{Model: model, MaxTokens: r.MaxTokens, Temperature: r.Temperature, TopP: r.TopP, Stop: r.Stop, Stream: streamed}
	if w.MaxTokens == 0 {
		w.MaxTokens = defaultTokens
	}
	var system []string
	for _, m := range r.Messages {
		if m.Role == llm.System {
			system = append(system, m.Text)
			continue
		}
		blocks, err := encodeBlocks(m)
		if err != nil {
			return nil, err
		}
		role := "user"
		if m.Role == llm.Assistant {
			role = "assistant"
		}
		// The wire wants the roles to alternate; results of several tools are one message.
		if n := len(w.Messages); n > 0 && w.Messages[n-1].Role == role {
			w.Messages[n-1].Content = append(w.Messages[n-1].Content, blocks...)
			continue
		}
		w.Messages = append(w.Messages, wireMessage{role, blocks})
	}
	w.System = strings.Join(system, "\n\n")
	for _, t := range r.Tools {
		schema := t.Parameters
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object"}`)
		}
		w.Tools = append(w.Tools, wireTool{t.Name, t.Description, schema})
	}
	w.ToolChoice = encodeChoice(r.ToolChoice)
	body, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	return body, nil
}

func encodeChoice(choice string) *wireChoice {
	switch choice {
	case "":
		return nil
	case "auto", "none":
		return &wireChoice{Type: choice}
	case "required":
		return &wireChoice{Type: "any"}
	}
	return &wireChoice{Type: "tool", Name: choice}
}

func encodeBlocks(m llm.Message) ([]wireBlock, error) {
	if m.Role == llm.ToolReply {
		return []wireBlock{{Type: "tool_result", ToolUseID: m.ToolCallID, Content: m.Text}}, nil
	}
	var out []wireBlock
	for _, img := range m.Images {
		src, err := encodeImage(img.URL)
		if err != nil {
			return nil, err
		}
		out = append(out, wireBlock{Type: "image", Source: src})
	}
	if m.Text != "" {
		out = append(out, wireBlock{Type: "text", Text: m.Text})
	}
	for _, c := range m.ToolCalls {
		input := c.Arguments
		if len(input) == 0 {
			input = json.RawMessage("{}")
		}
		if !json.Valid(input) {
			return nil, fmt.Errorf("the arguments of the tool call %s are not JSON", c.ID)
		}
		out = append(out, wireBlock{Type: "tool_use", ID: c.ID, Name: c.Name, Input: input})
	}
	if len(out) == 0 {
		out = []wireBlock{{Type: "text", Text: " "}} // an empty turn: the wire refuses empty texts
	}
	return out, nil
}

func encodeImage(url string) (*wireSource, error) {
	rest, inline := strings.CutPrefix(url, "data:")
	if !inline {
		return &wireSource{Type: "url", URL: url}, nil
	}
	media, data, ok := strings.Cut(rest, ";base64,")
	if !ok {
		return nil, fmt.Errorf("an image is given inline and not in base64")
	}
	return &wireSource{Type: "base64", MediaType: media, Data: data}, nil
}
