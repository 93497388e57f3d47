package telemetry

// Attribute and span names of the OpenTelemetry conventions for generative AI,
// kept here as constants of our own because the conventions are still marked
// "development" and move (they left the general semantic conventions with
// 1.44). GenAISchema says which state of them this is. Contents of questions and
// answers are never recorded.
const (
	GenAISchema = "semantic-conventions-genai, development, as of 2026-11"

	GenAIOperation    = "gen_ai.operation.name"
	GenAIProvider     = "gen_ai.provider.name"
	GenAIRequestModel = "gen_ai.request.model"
	GenAIModel        = "gen_ai.response.model"
	GenAIAgent        = "gen_ai.agent.name"
	GenAIConversation = "gen_ai.conversation.id"
	GenAITool         = "gen_ai.tool.name"
	GenAIToolCall     = "gen_ai.tool.call.id"
	GenAIInputTokens  = "gen_ai.usage.input_tokens"
	GenAIOutputTokens = "gen_ai.usage.output_tokens"
	GenAICacheTokens  = "gen_ai.usage.cache_read_input_tokens"
	GenAIFinish       = "gen_ai.response.finish_reasons" // a list
	ErrorType         = "error.type"                     // of a call that failed

	// The operations; a span is called after one of them and what it works on.
	OpInvokeAgent = "invoke_agent"
	OpExecuteTool = "execute_tool"
	OpChat        = "chat"
)
