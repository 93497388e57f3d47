// Package anthropic speaks Anthropic's Messages wire (POST /v1/messages,
// version 2023-06-01): whole answers and streams, tools, images, usage with
// cached tokens, and errors where that wire hides them, such as an overload
// reported in the middle of a stream that began with a 200.
//
// The wire has no JSON mode. A request that demands JSON or a schema is left to
// other models of a chain ([llm.Caps]); [llm.CompleteJSON] asks in words instead
// and checks the answer.
package anthropic
