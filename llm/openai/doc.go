// Package openai speaks the chat completions wire, which most servers of
// language models have in common: OpenAI, Azure, OpenRouter, Ollama, vLLM,
// llama.cpp, the LiteLLM proxy and many more. [Model] is the client, [Server]
// the other end: an endpoint that serves a [llm.Chain] to programs that know
// only this wire.
//
// Servers differ, and the client takes what they send: comments and errors
// inside a stream or a 200, tool calls without an index, arguments as fragments
// or as an object, reasoning under three names, content as text, parts or null,
// usage in the last piece, in one of its own, or not at all, an end without a
// mark if there was a finish_reason. What it does not take is an answer that
// only looks like one: a web page, no choices, nothing in them, or a stream that
// ends without either mark.
package openai
