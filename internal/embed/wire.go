package embed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// openAIQuestion is the body of POST /v1/embeddings.
type openAIQuestion struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Format     string   `json:"encoding_format"`
	Dimensions int      `json:"dimensions,omitempty"`
	InputType  string   `json:"input_type,omitempty"`
}

// ollamaQuestion is the body of POST /api/embed.
type ollamaQuestion struct {
	Model    string   `json:"model"`
	Input    []string `json:"input"`
	Truncate bool     `json:"truncate"`
}

// teiQuestion is the body of POST /embed.
type teiQuestion struct {
	Inputs    []string `json:"inputs"`
	Normalize bool     `json:"normalize"`
	Truncate  bool     `json:"truncate"`
}

// question returns the body that asks for the vectors of texts.
func (r *Remote) question(texts []string, kind Kind) any {
	switch r.settings.Protocol {
	case Ollama:
		return ollamaQuestion{r.settings.Model, texts, true}
	case TEI:
		return teiQuestion{texts, true, true}
	default:
		q := openAIQuestion{Model: r.settings.Model, Input: texts, Format: "float", InputType: inputType(r.settings.Model, kind)}
		// Only this family can shorten its vectors; other servers refuse the field.
		if strings.HasPrefix(q.Model, "text-embedding-3") {
			q.Dimensions = r.settings.Dimensions
		}
		return q
	}
}

// parse reads want vectors out of an answer.
func (p Protocol) parse(answer []byte, want int) ([][]float32, error) {
	switch p {
	case Ollama:
		var a struct {
			Embeddings [][]float32 `json:"embeddings"`
			Error      string      `json:"error"`
		}
		if err := json.Unmarshal(answer, &a); err != nil {
			return nil, fmt.Errorf("it is not JSON of the Ollama protocol: %w", err)
		}
		if a.Error != "" {
			return nil, errors.New(a.Error)
		}
		return complete(a.Embeddings, want)
	case TEI:
		var a [][]float32
		if err := json.Unmarshal(answer, &a); err != nil {
			return nil, fmt.Errorf("it is not JSON of the TEI protocol: %w", err)
		}
		return complete(a, want)
	default:
		return parseOpenAI(answer, want)
	}
}

// parseOpenAI puts the vectors into the order of their indexes.
func parseOpenAI(answer []byte, want int) ([][]float32, error) {
	var a struct {
		Data []struct {
			Index     *int      `json:"index"`
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("it is not JSON of the OpenAI protocol: %w", err)
	}
	if len(a.Data) != want {
		return nil, fmt.Errorf("%d vectors for %d texts", len(a.Data), want)
	}
	out := make([][]float32, want)
	for i, d := range a.Data {
		at := i
		if d.Index != nil {
			at = *d.Index
		}
		if at < 0 || at >= want || out[at] != nil {
			return nil, fmt.Errorf("index %d is doubled or out of range", at)
		}
		out[at] = d.Embedding
	}
	return complete(out, want)
}

// complete checks that there is a vector for each text.
func complete(vectors [][]float32, want int) ([][]float32, error) {
	if len(vectors) != want {
		return nil, fmt.Errorf("%d vectors for %d texts", len(vectors), want)
	}
	for i, v := range vectors {
		if len(v) == 0 {
			return nil, fmt.Errorf("vector %d is missing or empty", i)
		}
	}
	return vectors, nil
}

// complaint takes the sentence out of an error body: {"error":{"message":…}},
// {"error":"…"}, {"message":…}, {"detail":…} or plain text, cut to 300 characters.
func complaint(body []byte) string {
	var a struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  string          `json:"detail"`
	}
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &a) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		var plain string
		switch {
		case json.Unmarshal(a.Error, &plain) == nil && plain != "":
			text = plain
		case json.Unmarshal(a.Error, &inner) == nil && inner.Message != "":
			text = inner.Message
		case a.Message != "":
			text = a.Message
		case a.Detail != "":
			text = a.Detail
		}
	}
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}
