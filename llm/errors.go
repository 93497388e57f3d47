package llm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Class is the kind of a fault. It decides what is tried next.
type Class string

// The classes of faults.
const (
	Credential    Class = "credential"     // the key is wrong or expired: the next key
	ModelAccess   Class = "model_access"   // the key may not use the model: the next key
	Quota         Class = "quota"          // the key's money is used up: the next key
	ModelGone     Class = "model_gone"     // no such model there: the next target
	RegionBlocked Class = "region_blocked" // not from here: the next target
	RateLimit     Class = "rate_limit"     // too fast: the next key, and a pause for this one
	CallerFault   Class = "caller_fault"   // the request is wrong: nobody else is asked, with exceptions by Code
	Transient     Class = "transient"      // broken, slow or unreadable: the next target, later the same again
	Unknown       Class = "unknown"        // anything else: the next target
)

// Codes of faults that matter beyond their class.
const (
	CodeTimeout     = "timeout"         // no answer, or no further piece of it, in time
	CodeNetwork     = "network"         // the connection failed
	CodeTruncated   = "truncated"       // the answer broke off
	CodeEmpty       = "empty"           // an answer without content
	CodeGarbage     = "unreadable"      // an answer that is not one
	CodeOverloaded  = "overloaded"      // the provider says so itself
	CodeContext     = "context_length"  // the request is longer than the model takes: another may take it
	CodeUnsupported = "unsupported"     // the server does not know a parameter: another may
	CodeCanceled    = "canceled"        // the caller has gone
	CodeCircuitOpen = "circuit_open"    // the breaker rejects calls
	CodeCoolingDown = "cooling_down"    // asked to wait, and the wait is not over
	CodeCapability  = "capability"      // the target cannot do what the request needs
	CodeBudget      = "budget"          // the money of the request, user or day is used up
	CodeUnpriced    = "unpriced"        // a limit is set and the model's price is not known
	CodeNoKey       = "no_key"          // every key of the target is refused or cooling down
	CodeDeadline    = "deadline"        // the time of the whole chain is used up
	CodeNoTarget    = "model_not_found" // no target has the requested name
)

// Error is a fault of one attempt. Its text never holds a key.
type Error struct {
	Class      Class
	Code       string // one of the Code constants or the provider's own
	Status     int    // HTTP status, 0 when there was none
	Provider   string
	Model      string
	Message    string        // what the provider said, without secrets, or what happened
	RetryAfter time.Duration // 0 when the provider did not say
	// Learned says that the model now knows how to ask this server (it had used
	// a parameter the server does not take): ask it again at once.
	Learned bool
	// Partial says that a part of the answer has reached the caller. Nobody else
	// is asked then.
	Partial bool
	Err     error
}

// Error names the model, the fault and what the provider said.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Provider)
	if e.Model != "" {
		b.WriteString("/" + e.Model)
	}
	if e.Partial {
		b.WriteString(": the answer broke off in the middle")
	}
	fmt.Fprintf(&b, ": %s", strings.ReplaceAll(string(e.Class), "_", " "))
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ", HTTP %d", e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// rotates reports whether the fault is the key's and another key may do.
func (e *Error) rotates() bool {
	switch e.Class {
	case Credential, ModelAccess, Quota, RateLimit:
		return true
	}
	return false
}

// final reports whether nobody else should be asked after the fault.
func (e *Error) final() bool {
	if e.Code == CodeCanceled || e.Partial {
		return true
	}
	return e.Class == CallerFault && e.Code != CodeContext && e.Code != CodeUnsupported
}

// again reports whether the same target may answer later.
func (e *Error) again() bool { return e.Class == Transient || e.Class == RateLimit }

// reason is the contract's word for why a fallback was taken.
func reason(class Class, code string) string {
	switch {
	case code == CodeCircuitOpen:
		return "circuit_open"
	case code == CodeTimeout:
		return "timeout"
	case class == RateLimit, class == Quota, code == CodeCoolingDown:
		return "rate_limit"
	}
	return "error"
}

// AsError finds the *Error in err. A context that ended becomes one, and
// anything else a fault of class unknown.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: Unknown, Message: err.Error(), Err: err}
}

// ChainError says that no target answered, with the trail of what was tried.
type ChainError struct {
	Class      Class         // of the fault that is worth telling: the last real one
	Code       string        // its code, or CodeDeadline, CodeBudget, …
	Status     int           // HTTP status to answer with
	RetryAfter time.Duration // when a target may answer again; 0 is not known
	Attempts   []Attempt
	Err        error // the last fault
}

// Error lists the attempts.
func (e *ChainError) Error() string {
	parts := make([]string, 0, len(e.Attempts))
	for _, a := range e.Attempts {
		what := a.Error
		if what == "" {
			what = strings.TrimSpace(string(a.Class) + " " + a.Code)
		}
		parts = append(parts, a.Target+": "+what)
	}
	head := "no language model answered"
	if e.Code == CodeDeadline {
		head = "no language model answered in time"
	}
	if len(parts) == 0 {
		if e.Err != nil {
			return head + ": " + e.Err.Error()
		}
		return head
	}
	return head + " (" + strings.Join(parts, "; ") + ")"
}

// Unwrap returns the last fault.
func (e *ChainError) Unwrap() error { return e.Err }

// statusOf is the HTTP status a caller of an endpoint is given for a fault.
func statusOf(class Class, code string) int {
	switch {
	case code == CodeNoTarget:
		return http.StatusNotFound
	case code == CodeBudget, code == CodeUnpriced:
		return http.StatusPaymentRequired
	case code == CodeCanceled:
		return 499
	case code == CodeDeadline, code == CodeTimeout:
		return http.StatusGatewayTimeout
	case code == CodeCircuitOpen, code == CodeCoolingDown, code == CodeNoKey:
		return http.StatusServiceUnavailable
	case code == CodeCapability, code == CodeUnsupported, code == CodeContext:
		return http.StatusBadRequest
	}
	switch class {
	case RateLimit:
		return http.StatusTooManyRequests
	case CallerFault:
		return http.StatusBadRequest
	}
	return http.StatusBadGateway
}

// Classify reads a provider's refusal: the HTTP status, the provider's own
// error code or type, and its text. Statuses and codes decide; the text is
// looked at only where providers give nothing else, and for whole phrases.
func Classify(status int, code, text string) (Class, string) {
	if class, c, ok := byCode(strings.ToLower(code)); ok {
		return class, c
	}
	low := strings.ToLower(text)
	switch status {
	case http.StatusUnauthorized:
		return Credential, code
	case http.StatusPaymentRequired:
		return Quota, code
	case http.StatusForbidden:
		if strings.Contains(low, "country") || strings.Contains(low, "region") {
			return RegionBlocked, code
		}
		return ModelAccess, code
	case http.StatusUnavailableForLegalReasons:
		return RegionBlocked, code
	case http.StatusNotFound, http.StatusGone:
		return ModelGone, code
	case http.StatusTooManyRequests:
		return RateLimit, code
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return Transient, code
	case 529:
		return Transient, CodeOverloaded
	case http.StatusRequestEntityTooLarge:
		return CallerFault, CodeContext
	}
	switch {
	case status >= 500:
		return Transient, code
	case status >= 400:
		return badRequest(code, low)
	case status >= 300:
		return Transient, "redirect"
	}
	return Unknown, code
}

// byCode maps the codes providers agree on.
func byCode(code string) (Class, string, bool) {
	switch code {
	case "invalid_api_key", "authentication_error", "invalid_authentication", "account_deactivated":
		return Credential, code, true
	case "permission_error", "model_not_allowed", "permission_denied":
		return ModelAccess, code, true
	case "insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_credits", "billing_not_active":
		return Quota, code, true
	case "model_not_found", "not_found_error", "deploymentnotfound", "model_deprecated":
		return ModelGone, code, true
	case "unsupported_country_region_territory":
		return RegionBlocked, code, true
	case "rate_limit_error", "rate_limit_exceeded":
		return RateLimit, code, true
	case "context_length_exceeded", "request_too_large", "string_above_max_length":
		return CallerFault, CodeContext, true
	case "unsupported_parameter", "unsupported_value":
		return CallerFault, CodeUnsupported, true
	case "overloaded_error":
		return Transient, CodeOverloaded, true
	case "timeout_error":
		return Transient, CodeTimeout, true
	case "api_error", "server_error", "internal_server_error":
		return Transient, code, true
	}
	return "", "", false
}

// badRequest tells apart the refusals of a request that another model may take.
func badRequest(code, low string) (Class, string) {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(low, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("maximum context length", "context window", "prompt is too long", "context size", "too many tokens"):
		return CallerFault, CodeContext
	case has("credit balance is too low"):
		return Quota, code
	case has("does not support", "not supported", "unsupported parameter", "unrecognized request argument", "extra_forbidden", "extra inputs are not permitted"):
		return CallerFault, CodeUnsupported
	}
	return CallerFault, code
}
