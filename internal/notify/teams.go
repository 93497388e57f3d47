package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Teams workflow takes a message with one attachment, an Adaptive Card (schema
// 1.4, adaptivecards.io). The types hold what our cards use of it.
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		ContentType string    `json:"contentType"`
		Content     teamsCard `json:"content"`
	}
	teamsCard struct {
		Schema   string            `json:"$schema"`
		Type     string            `json:"type"`
		Version  string            `json:"version"`
		Teams    map[string]string `json:"msteams"`
		Fallback string            `json:"fallbackText"`
		Body     []teamsElement    `json:"body"`
		Actions  []teamsAction     `json:"actions,omitempty"`
	}
	teamsElement struct {
		Type   string         `json:"type"`
		Text   string         `json:"text,omitempty"`
		Size   string         `json:"size,omitempty"`
		Weight string         `json:"weight,omitempty"`
		Color  string         `json:"color,omitempty"`
		Style  string         `json:"style,omitempty"`
		Bleed  bool           `json:"bleed,omitempty"`
		Subtle bool           `json:"isSubtle,omitempty"`
		Wrap   bool           `json:"wrap,omitempty"`
		Facts  []teamsFact    `json:"facts,omitempty"`
		Items  []teamsElement `json:"items,omitempty"`
	}
	teamsFact struct {
		Title string `json:"title"`
		Value string `json:"value"`
	}
	teamsAction struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
)

// teamsLook is the colour of a severity: of the letters, and of the band behind.
func teamsLook(s Severity) (color, style string) {
	switch s {
	case Critical:
		return "Attention", "attention"
	case Warning:
		return "Warning", "warning"
	case Good:
		return "Good", "good"
	}
	return "Accent", "accent"
}

// teamsCardOf writes a message as a card. A repetition is told by the id at its
// foot: Teams itself does not look at one.
func teamsCardOf(m message, id string) ([]byte, http.Header, error) {
	color, style := teamsLook(m.Severity)
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Teams: map[string]string{"width": "Full"}, Fallback: m.Title}
	card.Body = append(card.Body, teamsElement{Type: "Container", Style: style, Bleed: true,
		Items: []teamsElement{{Type: "TextBlock", Text: literal(m.Title), Size: "Medium", Weight: "Bolder", Color: color, Wrap: true}}})
	if m.Text != "" {
		card.Body = append(card.Body, teamsElement{Type: "TextBlock", Text: literal(m.Text), Wrap: true})
	}
	if len(m.Facts) > 0 {
		set := teamsElement{Type: "FactSet"}
		for _, f := range m.Facts {
			set.Facts = append(set.Facts, teamsFact{literal(f.Name), literal(f.Value)})
		}
		card.Body = append(card.Body, set)
	}
	card.Body = append(card.Body, teamsElement{Type: "TextBlock", Text: literal(m.At.Format(time.RFC3339) + " · " + string(m.Kind) + " · " + id), Size: "Small", Subtle: true, Wrap: true})
	if m.Link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open in Resync", m.Link}}
	}
	body, err := json.Marshal(teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}})
	if err != nil {
		return nil, nil, fmt.Errorf("writing a card: %w", err)
	}
	return body, http.Header{"Content-Type": {"application/json"}}, nil
}

// literal keeps a card from reading Markdown in names of jobs and texts of
// engines: a link in a job's name must not become one.
func literal(s string) string {
	return markdown.Replace(s)
}

// markdown are the characters with a meaning in a card's text.
var markdown = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, "`", "\\`", `~`, `\~`)
