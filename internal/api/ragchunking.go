package api

import (
	"context"
	"net/http"
	"time"

	"resync/chunk"
	"resync/internal/auth"
	"resync/internal/knowledge"
)

func (s *server) registerChunking() {
	const tag = "knowledge"
	base := both("/admin/rag/chunking")
	add(s, route{id: "rag-chunking", method: http.MethodGet, paths: base, tag: tag, tier: BestEffort, role: auth.Operator,
		summary: "How documents are cut into passages"}, s.chunking)
	add(s, route{id: "rag-chunking-put", method: http.MethodPut, paths: base, tag: tag, tier: BestEffort, role: auth.Admin,
		summary: "Set how documents are cut from now on", errors: []int{400}}, s.putChunking)
	add(s, route{id: "rag-chunking-reset", method: http.MethodDelete, paths: base, tag: tag, tier: BestEffort, role: auth.Admin,
		summary: "Cut documents in the built-in way again"}, s.resetChunking)
	add(s, route{id: "rag-chunking-preview", method: http.MethodPost, paths: both("/admin/rag/chunking/preview"), tag: tag, tier: BestEffort,
		role: auth.Operator, key: keyNone, summary: "Cut a text with these settings and store nothing", errors: []int{400}}, s.previewChunking)
}

// chunkingBody is a change of the settings: what is absent stays.
type chunkingBody struct {
	Strategy           *string `json:"strategy,omitempty" enum:"tws_optimized,structure_aware,semantic,hierarchical,recursive,fixed_size"`
	MaxTokens          *int    `json:"max_tokens,omitempty" minimum:"16" maximum:"8192" doc:"no passage has more"`
	MinTokens          *int    `json:"min_tokens,omitempty" minimum:"0" maximum:"8192" doc:"smaller passages are joined to a neighbour"`
	OverlapTokens      *int    `json:"overlap_tokens,omitempty" minimum:"0" maximum:"4096"`
	PreserveMaxTokens  *int    `json:"preserve_max_tokens,omitempty" minimum:"0" maximum:"8192" doc:"what is preserved stays whole up to here; 0 is max_tokens"`
	PreserveErrorDocs  *bool   `json:"preserve_error_docs,omitempty" doc:"keep a problem with its cause and solution"`
	PreserveProcedures *bool   `json:"preserve_procedures,omitempty"`
	PreserveCodeBlocks *bool   `json:"preserve_code_blocks,omitempty"`
	PreserveTables     *bool   `json:"preserve_tables,omitempty"`
	ExtractErrorCodes  *bool   `json:"extract_error_codes,omitempty"`
	ExtractJobNames    *bool   `json:"extract_job_names,omitempty"`
	ExtractCommands    *bool   `json:"extract_commands,omitempty"`
	Hierarchy          []int   `json:"hierarchy,omitempty" minItems:"3" maxItems:"3"`
	SemanticPercentile *int    `json:"semantic_percentile,omitempty" minimum:"50" maximum:"99"`
	SemanticBuffer     *int    `json:"semantic_buffer,omitempty" minimum:"1" maximum:"10"`
	Tokenizer          *string `json:"tokenizer,omitempty" enum:"cl100k,o200k,characters"`
}

// over puts what is given in place of what holds.
func (b chunkingBody) over(c knowledge.ChunkConfig) knowledge.ChunkConfig {
	if b.Strategy != nil {
		c.Strategy = chunk.Strategy(*b.Strategy)
	}
	if len(b.Hierarchy) == len(c.Hierarchy) {
		copy(c.Hierarchy[:], b.Hierarchy)
	}
	if b.Tokenizer != nil {
		c.Tokenizer = *b.Tokenizer
	}
	for _, n := range []struct{ from, to *int }{{b.MaxTokens, &c.MaxTokens}, {b.MinTokens, &c.MinTokens}, {b.OverlapTokens, &c.OverlapTokens},
		{b.PreserveMaxTokens, &c.PreserveMaxTokens}, {b.SemanticPercentile, &c.SemanticPercentile}, {b.SemanticBuffer, &c.SemanticBuffer}} {
		if n.from != nil {
			*n.to = *n.from
		}
	}
	for _, f := range []struct{ from, to *bool }{{b.PreserveErrorDocs, &c.PreserveErrorDocs}, {b.PreserveProcedures, &c.PreserveProcedures},
		{b.PreserveCodeBlocks, &c.PreserveCodeBlocks}, {b.PreserveTables, &c.PreserveTables}, {b.ExtractErrorCodes, &c.ExtractErrorCodes},
		{b.ExtractJobNames, &c.ExtractJobNames}, {b.ExtractCommands, &c.ExtractCommands}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return c
}

// bodyOf shows a configuration.
func bodyOf(c knowledge.ChunkConfig) chunkingBody {
	strategy := string(c.Strategy)
	return chunkingBody{
		Strategy: &strategy, MaxTokens: &c.MaxTokens, MinTokens: &c.MinTokens, OverlapTokens: &c.OverlapTokens, PreserveMaxTokens: &c.PreserveMaxTokens,
		PreserveErrorDocs: &c.PreserveErrorDocs, PreserveProcedures: &c.PreserveProcedures, PreserveCodeBlocks: &c.PreserveCodeBlocks,
		PreserveTables: &c.PreserveTables, ExtractErrorCodes: &c.ExtractErrorCodes, ExtractJobNames: &c.ExtractJobNames,
		ExtractCommands: &c.ExtractCommands, Hierarchy: c.Hierarchy[:], SemanticPercentile: &c.SemanticPercentile,
		SemanticBuffer: &c.SemanticBuffer, Tokenizer: &c.Tokenizer,
	}
}

type chunkingOutput struct {
	Body struct {
		Config    chunkingBody `json:"config"`
		Source    string       `json:"source" enum:"built-in,stored" doc:"built-in while no administrator has set anything"`
		UpdatedBy string       `json:"updated_by,omitempty"`
		UpdatedAt *time.Time   `json:"updated_at,omitempty"`
		Message   string       `json:"message"`
	}
}

func chunkingState(st knowledge.ChunkState) *chunkingOutput {
	out := &chunkingOutput{}
	b := &out.Body
	b.Config, b.Source, b.UpdatedBy = bodyOf(st.Config), st.Source, st.UpdatedBy
	b.Message = "nobody has set anything: documents are cut into whole sections and whole problems with their solutions; the settings hold for documents that name a strategy"
	if st.Source == "stored" {
		b.UpdatedAt = &st.UpdatedAt
		b.Message = "documents that come from now on are cut like this unless they name a way of their own; a reindex applies it to those already here"
	}
	return out
}

func (s *server) chunking(ctx context.Context, _ *struct{}) (*chunkingOutput, error) {
	st, err := s.Chunking.State(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return chunkingState(st), nil
}

func (s *server) putChunking(ctx context.Context, in *struct{ Body chunkingBody }) (*chunkingOutput, error) {
	st, err := s.Chunking.State(ctx)
	if err == nil {
		st, err = s.Chunking.Put(ctx, in.Body.over(st.Config), identityOf(ctx).User)
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return chunkingState(st), nil
}

func (s *server) resetChunking(ctx context.Context, _ *struct{}) (*chunkingOutput, error) {
	st, err := s.Chunking.Reset(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return chunkingState(st), nil
}

type previewInput struct {
	Body struct {
		Config chunkingBody `json:"config,omitempty" doc:"changes to try; what holds now when absent"`
		Text   string       `json:"text" minLength:"1" maxLength:"2097152" doc:"Markdown or plain text"`
		Source string       `json:"source,omitempty" maxLength:"200" doc:"name of the document, for ids and titles"`
		Limit  int          `json:"limit,omitempty" minimum:"0" maximum:"500" doc:"passages to show; 50 when absent"`
	}
}

// previewChunk is a passage as it is written: the text with its context is made while
// writing, by the passage's own MarshalJSON, and stands here for the description.
type previewChunk struct {
	chunk.Chunk
	Contextualized string `json:"contextualized_content,omitempty"`
}

type previewOutput struct {
	Body struct {
		Config  chunkingBody   `json:"config"`
		Chunks  []previewChunk `json:"chunks"`
		Total   int            `json:"total"`
		Tokens  int            `json:"tokens" doc:"of all passages together, what is repeated counted twice"`
		Largest int            `json:"largest" doc:"tokens of the largest passage"`
		Covered float64        `json:"covered" doc:"share of the text that is in a passage, from 0 to 1; contents pages and indexes are left out"`
	}
}

// previewDefault is how many passages a preview shows that does not say.
const previewDefault = 50

func (s *server) previewChunking(ctx context.Context, in *previewInput) (*previewOutput, error) {
	st, err := s.Chunking.State(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	cfg := in.Body.Config.over(st.Config)
	if in.Body.Source == "" {
		in.Body.Source = "preview.md"
	}
	chunks, err := s.Chunking.Preview(ctx, cfg, in.Body.Text, in.Body.Source)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &previewOutput{}
	b := &out.Body
	b.Config, b.Total = bodyOf(cfg), len(chunks)
	covered, end := 0, 0
	for _, c := range chunks {
		b.Tokens += c.Metadata.TokenCount
		b.Largest = max(b.Largest, c.Metadata.TokenCount)
		covered += max(0, c.End-max(c.Start, end))
		end = max(end, c.End)
	}
	b.Covered = float64(covered) / float64(len(in.Body.Text))
	limit := in.Body.Limit
	if limit == 0 {
		limit = previewDefault
	}
	b.Chunks = make([]previewChunk, 0, min(limit, len(chunks)))
	for _, c := range chunks[:min(limit, len(chunks))] {
		b.Chunks = append(b.Chunks, previewChunk{Chunk: c})
	}
	return out, nil
}
