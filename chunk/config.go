package chunk

import (
	"context"
	"fmt"
	"strings"
)

// Strategy names a way to cut documents.
type Strategy string

// The strategies.
const (
	// TWSOptimized is for manuals and runbooks of the scheduler: headings made a
	// tree again, a problem kept with its cause and solution, generic headings with
	// the one before them, contents pages and indexes dropped.
	TWSOptimized Strategy = "tws_optimized"
	// StructureAware follows the headings as they stand and keeps tables, code,
	// lists and numbered steps whole where they fit.
	StructureAware Strategy = "structure_aware"
	// Semantic cuts where the subject changes, by the configured embedder or, without
	// one, by the words that neighbouring sentences share.
	Semantic Strategy = "semantic"
	// Hierarchical cuts in three sizes, each inside the one above.
	Hierarchical Strategy = "hierarchical"
	// Recursive fills passages and ends them at paragraphs, lines, sentences or words.
	Recursive Strategy = "recursive"
	// FixedSize is windows of tokens.
	FixedSize Strategy = "fixed_size"
)

// Strategies are all of them, in the order of the contract.
func Strategies() []Strategy {
	return []Strategy{TWSOptimized, StructureAware, Semantic, Hierarchical, Recursive, FixedSize}
}

// Config says how to cut. Start from [DefaultConfig].
type Config struct {
	// Strategy is how to cut.
	Strategy Strategy `json:"strategy"`
	// MaxTokens is the most tokens a passage's content has; nothing exceeds it,
	// except what PreserveMaxTokens allows. From 16 to 8192.
	MaxTokens int `json:"max_tokens"`
	// MinTokens is the size below which a passage is joined to a neighbour where the
	// two fit together.
	MinTokens int `json:"min_tokens"`
	// OverlapTokens is the most tokens that a passage repeats of the one before it
	// in the same section; at most half of MaxTokens.
	OverlapTokens int `json:"overlap_tokens"`
	// PreserveMaxTokens is up to where an error with its solution, a procedure, a
	// table or a code block that is to be preserved stays whole. 0 is MaxTokens.
	PreserveMaxTokens int `json:"preserve_max_tokens"`
	// PreserveErrorDocs keeps a problem, its cause and its solution together.
	PreserveErrorDocs bool `json:"preserve_error_docs"`
	// PreserveProcedures keeps numbered steps together.
	PreserveProcedures bool `json:"preserve_procedures"`
	// PreserveCodeBlocks keeps fenced blocks together.
	PreserveCodeBlocks bool `json:"preserve_code_blocks"`
	// PreserveTables keeps tables together; one that must be split repeats its header
	// in the contextualised content.
	PreserveTables bool `json:"preserve_tables"`
	// ExtractErrorCodes, ExtractJobNames and ExtractCommands fill the metadata.
	ExtractErrorCodes bool `json:"extract_error_codes"`
	ExtractJobNames   bool `json:"extract_job_names"`
	ExtractCommands   bool `json:"extract_commands"`
	// Hierarchy are the sizes of the strategy hierarchical in tokens, each smaller
	// than the one before.
	Hierarchy [3]int `json:"hierarchy"`
	// SemanticPercentile is the share of distances, in percent, below which
	// neighbouring sentences stay together. From 50 to 99.
	SemanticPercentile int `json:"semantic_percentile"`
	// SemanticBuffer is how many sentences on each side are compared. From 1 to 10.
	SemanticBuffer int `json:"semantic_buffer"`
	// Tokenizer counts; nil is cl100k.
	Tokenizer Tokenizer `json:"-"`
	// Embed gives the vectors of sentences for the strategy semantic; nil compares
	// their words. EmbedModel names it in the metadata.
	Embed      func(ctx context.Context, texts []string) ([][]float32, error) `json:"-"`
	EmbedModel string                                                         `json:"-"`
}

// DefaultConfig is the contract's configuration: tws_optimized, 500 tokens of
// cl100k, overlap 75, minimum 50, everything preserved and extracted.
func DefaultConfig() Config {
	return Config{
		Strategy: TWSOptimized, MaxTokens: 500, MinTokens: 50, OverlapTokens: 75,
		PreserveErrorDocs: true, PreserveProcedures: true, PreserveCodeBlocks: true, PreserveTables: true,
		ExtractErrorCodes: true, ExtractJobNames: true, ExtractCommands: true,
		Hierarchy: [3]int{2048, 512, 128}, SemanticPercentile: 90, SemanticBuffer: 2,
	}
}

// FieldError says which setting cannot be used and why.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// Check returns a *FieldError for the first setting that cannot be used.
func (c Config) Check() error {
	known := false
	for _, s := range Strategies() {
		known = known || s == c.Strategy
	}
	if !known {
		return &FieldError{"strategy", fmt.Sprintf("is %q; known are %s", c.Strategy, names(Strategies()))}
	}
	for _, f := range []struct {
		name      string
		value     int
		low, high int
	}{
		{"max_tokens", c.MaxTokens, 16, 8192},
		{"min_tokens", c.MinTokens, 0, c.MaxTokens},
		{"overlap_tokens", c.OverlapTokens, 0, c.MaxTokens / 2},
		{"hierarchy[0]", c.Hierarchy[0], c.Hierarchy[1] + 1, 8192},
		{"hierarchy[1]", c.Hierarchy[1], c.Hierarchy[2] + 1, 8192},
		{"hierarchy[2]", c.Hierarchy[2], 16, 8192},
		{"semantic_percentile", c.SemanticPercentile, 50, 99},
		{"semantic_buffer", c.SemanticBuffer, 1, 10},
	} {
		if f.value < f.low || f.value > f.high {
			return &FieldError{f.name, fmt.Sprintf("is %d; it must be from %d to %d", f.value, f.low, f.high)}
		}
	}
	if c.PreserveMaxTokens != 0 && (c.PreserveMaxTokens < c.MaxTokens || c.PreserveMaxTokens > 8192) {
		return &FieldError{"preserve_max_tokens", fmt.Sprintf("is %d; it must be 0 or from %d (max_tokens) to 8192", c.PreserveMaxTokens, c.MaxTokens)}
	}
	return nil
}

func names(all []Strategy) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// Chunker cuts documents as its configuration says. It is safe for concurrent use.
type Chunker struct{ cfg Config }

// New returns a chunker, or a *FieldError when the configuration cannot be used.
func New(cfg Config) (*Chunker, error) {
	if cfg.Tokenizer == nil {
		cfg.Tokenizer = CL100K()
	}
	if cfg.PreserveMaxTokens == 0 {
		cfg.PreserveMaxTokens = cfg.MaxTokens
	}
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("chunking: %w", err)
	}
	return &Chunker{cfg: cfg}, nil
}

// Config is the configuration in use.
func (c *Chunker) Config() Config { return c.cfg }

// TokenizerNamed returns the tokenizer "cl100k", "o200k" or "characters"; "" is
// cl100k. WordPiece needs a vocabulary: see [NewWordPiece].
func TokenizerNamed(name string) (Tokenizer, error) {
	switch name {
	case "", "cl100k", "cl100k_base":
		return CL100K(), nil
	case "o200k", "o200k_base":
		return O200K(), nil
	case "characters":
		return Characters(), nil
	}
	return nil, &FieldError{"tokenizer", fmt.Sprintf("is %q; known are cl100k, o200k and characters", name)}
}
