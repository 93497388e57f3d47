package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"resync/internal/telemetry"
	"resync/llm/openai"
)

// refuseLLM answers a request below /llm/v1 that never reached the models: its
// callers are programs that know the errors of that wire and no problem documents.
// more are further members of the error, such as the tier.
func refuseLLM(w http.ResponseWriter, r *http.Request, status int, text string, more map[string]any) {
	class, code := wireError(status)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 §11.6.1 asks for it
	}
	members := map[string]any{"trace_id": telemetry.TraceID(r.Context())}
	for name, v := range more {
		members[name] = v
	}
	openai.WriteError(w, status, class, code, text, members)
}

// wireError is what the wire of chat completions calls a status of ours. Clients
// look at the status first; these are the words they know it by.
func wireError(status int) (class, code string) {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error", "invalid_api_key"
	case http.StatusForbidden:
		return "permission_error", "insufficient_permissions"
	case http.StatusNotFound:
		return "invalid_request_error", "unknown_url"
	case http.StatusMethodNotAllowed:
		return "invalid_request_error", "method_not_allowed"
	case http.StatusRequestEntityTooLarge:
		return "invalid_request_error", "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error", "rate_limit_exceeded"
	case http.StatusServiceUnavailable:
		return "service_unavailable_error", "service_unavailable"
	}
	if status < http.StatusInternalServerError {
		return "invalid_request_error", "invalid_request"
	}
	return "server_error", "internal_error"
}

// onLLM is the request and its answer when it goes to /llm/v1.
func onLLM(hc huma.Context) (w http.ResponseWriter, r *http.Request, ok bool) {
	r, w = humago.Unwrap(hc)
	return w, r, isLLM(r)
}
