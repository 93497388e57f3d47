package bert

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrModel is returned for a directory whose files are not a model that this
// package runs; the message names the file and what is wrong with it.
var ErrModel = errors.New("the model cannot be used")

// shape is config.json, as far as it is needed.
type shape struct {
	Type       string  `json:"model_type"`
	Hidden     int     `json:"hidden_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Inner      int     `json:"intermediate_size"`
	Positions  int     `json:"max_position_embeddings"`
	Types      int     `json:"type_vocab_size"`
	Vocabulary int     `json:"vocab_size"`
	Epsilon    float64 `json:"layer_norm_eps"`
	Activation string  `json:"hidden_act"`
	Position   string  `json:"position_embedding_type"`
}

// pooling is how the vector of a text is made of those of its tokens.
type pooling struct {
	CLS  bool `json:"pooling_mode_cls_token"`
	Mean bool `json:"pooling_mode_mean_tokens"`
}

// readJSON reads a file of the model; a missing one leaves into as it is when it
// may be missing.
func readJSON(dir, name string, into any, required bool) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) && !required {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrModel, filepath.Join(dir, name), err)
	}
	return nil
}

// readShape reads config.json and refuses what the forward pass does not do.
func readShape(dir string) (shape, error) {
	s := shape{Epsilon: 1e-12, Activation: "gelu"}
	if err := readJSON(dir, "config.json", &s, true); err != nil {
		return s, err
	}
	refuse := func(format string, args ...any) (shape, error) {
		return s, fmt.Errorf("%w: %s: %s", ErrModel, filepath.Join(dir, "config.json"), fmt.Sprintf(format, args...))
	}
	switch {
	case s.Type != "bert":
		return refuse("model_type is %q; only bert is run here", s.Type)
	case s.Position != "" && s.Position != "absolute":
		return refuse("position_embedding_type is %q; only absolute is run here", s.Position)
	case s.Hidden < 16 || s.Hidden > 4096 || s.Hidden%panel != 0:
		return refuse("hidden_size is %d; it must be a multiple of %d up to 4096", s.Hidden, panel)
	case s.Inner < 16 || s.Inner > 16384 || s.Inner%panel != 0:
		return refuse("intermediate_size is %d; it must be a multiple of %d up to 16384", s.Inner, panel)
	case s.Layers < 1 || s.Layers > 48:
		return refuse("num_hidden_layers is %d", s.Layers)
	case s.Heads < 1 || s.Hidden%s.Heads != 0 || s.Hidden/s.Heads%panel != 0:
		return refuse("num_attention_heads is %d; hidden_size over it must be a multiple of %d", s.Heads, panel)
	case s.Positions < 8 || s.Positions > 8192:
		return refuse("max_position_embeddings is %d", s.Positions)
	case s.Types < 1 || s.Types > 16:
		return refuse("type_vocab_size is %d", s.Types)
	case s.Vocabulary < 8 || s.Vocabulary > 1<<20:
		return refuse("vocab_size is %d", s.Vocabulary)
	case s.Epsilon <= 0 || s.Epsilon > 0.1:
		return refuse("layer_norm_eps is %v", s.Epsilon)
	}
	if _, err := activation(s.Activation); err != nil {
		return refuse("%v", err)
	}
	return s, nil
}

// readPooling reads how the model was trained to make one vector of many. Models
// that do not say are averaged.
func readPooling(dir string) (pooling, error) {
	var p pooling
	if err := readJSON(filepath.Join(dir, "1_Pooling"), "config.json", &p, false); err != nil {
		return p, err
	}
	if p.CLS && p.Mean {
		return p, fmt.Errorf("%w: 1_Pooling/config.json asks for the first token and the mean together", ErrModel)
	}
	p.Mean = !p.CLS
	return p, nil
}

// readLimit returns how many tokens of a text the model is meant to see.
func readLimit(dir string, s shape) (int, error) {
	limit := struct {
		Tokens int `json:"max_seq_length"`
	}{s.Positions}
	if err := readJSON(dir, "sentence_bert_config.json", &limit, false); err != nil {
		return 0, err
	}
	if limit.Tokens < 4 {
		return 0, fmt.Errorf("%w: sentence_bert_config.json: max_seq_length is %d", ErrModel, limit.Tokens)
	}
	return min(limit.Tokens, s.Positions), nil
}
