package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/agent"
	"resync/internal/chat"
	"resync/internal/config"
	"resync/internal/knowledge"
	"resync/internal/notify"
	"resync/internal/ops"
	"resync/internal/store"
	"resync/internal/telemetry"
	"resync/tool"
)

// traceProblem is a problem document with the id under which the log knows the
// request.
type traceProblem struct {
	*huma.ErrorModel
	TraceID string `json:"trace_id"`
}

// traced completes problem documents. What was sent is not sent back: it may
// hold a password.
func traced(hc huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	for _, e := range m.Errors {
		if strings.HasPrefix(e.Location, "body") {
			e.Value = nil
		}
	}
	return traceProblem{m, telemetry.TraceID(hc.Context())}, nil
}

// statusOf is the HTTP status of an error of the lower floors.
func statusOf(err error) int {
	for _, c := range []struct {
		status int
		is     func(error) bool
	}{
		{http.StatusBadRequest, as[*tool.ArgError]},
		{http.StatusBadRequest, as[*agent.QuestionError]},
		{http.StatusBadRequest, as[*knowledge.RefusedError]},
		{http.StatusBadRequest, fieldOf},
		{http.StatusBadRequest, as[*config.Problem]},
		{http.StatusConflict, is(notify.ErrTaken)},
		{http.StatusConflict, is(notify.ErrFixed)},
		{http.StatusConflict, is(notify.ErrMoved)},
		{http.StatusForbidden, is(knowledge.ErrOwnCorrection)},
		{http.StatusForbidden, as[*tool.DeniedError]},
		{http.StatusForbidden, is(chat.ErrNotYours)},
		{http.StatusNotFound, as[*tool.UnknownToolError]},
		{http.StatusNotFound, as[*ops.NameError]},
		{http.StatusNotFound, is(tool.ErrNotFound)},
		{http.StatusNotFound, is(store.ErrNotFound)},
		{http.StatusConflict, is(store.ErrDecided)},
		{http.StatusConflict, is(store.ErrAlreadyFinal)},
		{http.StatusConflict, as[*ops.RefusedError]},
		{http.StatusConflict, as[*tool.MovedError]},
		{http.StatusConflict, as[*tool.UndoRefusedError]},
		{http.StatusConflict, is(tool.ErrDecided)},
		{http.StatusConflict, is(tool.ErrAlreadyClaimed)},
		{http.StatusConflict, is(tool.ErrDuplicateVote)},
		{http.StatusConflict, is(tool.ErrDigest)},
		{http.StatusConflict, is(store.ErrFenced)},
		{http.StatusGone, is(tool.ErrExpired)},
		{http.StatusServiceUnavailable, is(store.ErrAway)},
		{http.StatusServiceUnavailable, is(store.ErrStorageFull)},
		{http.StatusServiceUnavailable, is(store.ErrBusy)},
		{http.StatusServiceUnavailable, is(store.ErrReadOnly)},
		{http.StatusServiceUnavailable, as[*breaker.OpenError]},
		{http.StatusGatewayTimeout, is(tool.ErrTimeout)},
		{http.StatusGatewayTimeout, is(context.DeadlineExceeded)},
		{499, is(context.Canceled)},
	} {
		if c.is(err) {
			return c.status
		}
	}
	return engineStatus(err)
}

// engineStatus maps what the scheduler, or the way to it, answered.
func engineStatus(err error) int {
	switch hwa.KindOf(err) {
	case "":
		return http.StatusInternalServerError
	case hwa.KindNotFound:
		return http.StatusNotFound
	case hwa.KindBadRequest, hwa.KindInvalid:
		return http.StatusBadRequest
	case hwa.KindBusiness, hwa.KindConflict:
		return http.StatusConflict
	case hwa.KindTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
