package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/notify"
)

// registerWebhooks adds who is told what happens, and what became of messages. It
// needs no shared state: messages about an outage of Redis are looked for during one.
func (s *server) registerWebhooks() {
	const base, tag = "/admin/webhooks", "webhooks"
	add(s, route{id: "webhooks", method: http.MethodGet, paths: both(base), tag: tag, tier: ReadOnly, role: auth.Admin,
		summary: "Receivers of messages and how they are"}, s.webhooks)
	add(s, route{id: "webhook-deliveries", method: http.MethodGet, paths: both(base + "/deliveries"), tag: tag, tier: ReadOnly, role: auth.Admin,
		summary: "Messages, newest first, and what became of them", errors: []int{404}}, s.deliveries)
	add(s, route{id: "webhook-test", method: http.MethodPost, paths: both(base + "/{name}/test"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Send a receiver a message of type test now", errors: []int{404}}, s.tryWebhook)
	add(s, route{id: "webhook-off", method: http.MethodPost, paths: both(base + "/{name}/off"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Send a receiver nothing any more", errors: []int{400, 404}}, s.webhookOff)
	add(s, route{id: "webhook-on", method: http.MethodPost, paths: both(base + "/{name}/on"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Send a receiver messages again", errors: []int{400, 404}}, s.webhookOn)
	add(s, route{id: "webhook-redeliver", method: http.MethodPost, paths: both(base + "/redeliver"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Send messages that were put aside again, with their ids", errors: []int{400, 404, 409}}, s.redeliver)
}

type webhooksOutput struct {
	Body struct {
		Targets []notify.Status `json:"targets"`
		Events  []notify.Kind   `json:"events" doc:"what a receiver can be told"`
		Lost    int64           `json:"lost" doc:"events since the start that could not be kept, because the database did not take them"`
	}
}

func (s *server) webhooks(ctx context.Context, _ *struct{}) (*webhooksOutput, error) {
	list, err := s.Webhooks.Targets(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &webhooksOutput{}
	out.Body.Targets, out.Body.Events, out.Body.Lost = list, notify.Kinds(), s.Webhooks.Lost()
	return out, nil
}

type deliveriesInput struct {
	Target string `query:"target" maxLength:"64"`
	State  string `query:"state" enum:"failed,all" default:"failed"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

type deliveriesOutput struct {
	Body struct {
		Deliveries []notify.Delivery `json:"deliveries"`
		Total      int               `json:"total"`
	}
}

func (s *server) deliveries(ctx context.Context, in *deliveriesInput) (*deliveriesOutput, error) {
	read := s.Webhooks.Failed
	if in.State == "all" {
		read = s.Webhooks.Deliveries
	}
	list, err := read(ctx, in.Target, in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &deliveriesOutput{}
	out.Body.Deliveries, out.Body.Total = list, len(list)
	return out, nil
}

type webhookInput struct {
	Name string `path:"name" maxLength:"64"`
}

type trialOutput struct{ Body notify.Trial }

func (s *server) tryWebhook(ctx context.Context, in *webhookInput) (*trialOutput, error) {
	got, err := s.Webhooks.Try(ctx, in.Name, identityOf(ctx).User)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &trialOutput{got}, nil
}

type webhookSwitchInput struct {
	Name string `path:"name" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" maxLength:"400" doc:"why; kept in the audit"`
	}
}

type webhookOutput struct{ Body notify.Status }

func (s *server) webhookOff(ctx context.Context, in *webhookSwitchInput) (*webhookOutput, error) {
	return s.switchWebhook(ctx, in, s.Webhooks.SwitchOff)
}

func (s *server) webhookOn(ctx context.Context, in *webhookSwitchInput) (*webhookOutput, error) {
	return s.switchWebhook(ctx, in, s.Webhooks.SwitchOn)
}

func (s *server) switchWebhook(ctx context.Context, in *webhookSwitchInput, do func(ctx context.Context, target, reason, by string) (notify.Status, error)) (*webhookOutput, error) {
	reason := strings.TrimSpace(in.Body.Reason)
	if reason == "" {
		return nil, huma.Error400BadRequest("say why: reason must not be empty")
	}
	st, err := do(ctx, in.Name, reason, identityOf(ctx).User)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &webhookOutput{st}, nil
}

type redeliverInput struct {
	Body struct {
		ID     string `json:"id,omitempty" maxLength:"80" doc:"one message; without it all that were put aside, up to 1000"`
		Target string `json:"target,omitempty" maxLength:"64" doc:"with no id: only those of this receiver"`
	}
}

type redeliverOutput struct {
	Body struct {
		Messages int `json:"messages" doc:"that are sent again"`
	}
}

func (s *server) redeliver(ctx context.Context, in *redeliverInput) (*redeliverOutput, error) {
	by, out := identityOf(ctx).User, &redeliverOutput{}
	var err error
	if in.Body.ID != "" {
		out.Body.Messages = 1
		_, err = s.Webhooks.Redeliver(ctx, in.Body.ID, by)
	} else {
		out.Body.Messages, err = s.Webhooks.RedeliverAll(ctx, in.Body.Target, by)
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return out, nil
}
