package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/notify"
)

// registerReceivers adds the receivers of webhooks that administrators add, change
// and remove while the program runs. Like all of webhooks it needs no shared state.
func (s *server) registerReceivers() {
	const base, tag = "/admin/webhooks", "webhooks"
	add(s, route{id: "webhook-add", method: http.MethodPost, paths: both(base), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Add a receiver of messages from now on", errors: []int{400, 409}}, s.addReceiver)
	add(s, route{id: "webhook-change", method: http.MethodPut, paths: both(base + "/{name}"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Change a receiver that was added here; what is absent stays", errors: []int{400, 404, 409}}, s.changeReceiver)
	add(s, route{id: "webhook-remove", method: http.MethodDelete, paths: both(base + "/{name}"), tag: tag, tier: ReadOnly, role: auth.Admin, key: keyNone,
		summary: "Remove a receiver that was added here, and end what waits for it", errors: []int{400, 404, 409}}, s.removeReceiver)
}

// ReceiverFields are what may be said of a receiver, in the words of the settings.
type ReceiverFields struct {
	URL     *string   `json:"url,omitempty" maxLength:"2000" doc:"https:// address, or env:NAME. One with a query is a secret and takes env:NAME. It is never shown again"`
	Format  *string   `json:"format,omitempty" maxLength:"20" doc:"standard (when absent) or teams"`
	Secret  *string   `json:"secret,omitempty" maxLength:"200" doc:"env:NAME: the variable that holds the key which signs messages of format standard; empty signs nothing"`
	Events  *[]string `json:"events,omitempty" maxItems:"50" doc:"what it is told: kinds or their groups (action, service); everything when empty"`
	Timeout *string   `json:"timeout,omitempty" maxLength:"20" doc:"how long it may take to answer, such as 5s"`
	Reason  string    `json:"reason,omitempty" maxLength:"400" doc:"why; kept in the audit, and required"`
}

// onto writes what is said over what there is.
func (r ReceiverFields) onto(f *config.WebhookForm) {
	for _, p := range []struct{ from, to *string }{{r.URL, &f.URL}, {r.Format, &f.Format}, {r.Secret, &f.Secret}, {r.Timeout, &f.Timeout}} {
		if p.from != nil {
			*p.to = strings.TrimSpace(*p.from)
		}
	}
	if r.Events != nil {
		f.Events = *r.Events
	}
}

// why is the reason, which may not be empty, and whether receivers can be changed
// at all.
func (s *server) why(reason string) (string, error) {
	if s.Receivers == nil {
		return "", huma.Error503ServiceUnavailable("receivers cannot be changed: the settings below webhooks cannot be used; resync doctor says why")
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return "", huma.Error400BadRequest("reason: say why; it is kept in the audit")
	}
	return reason, nil
}

type addReceiverInput struct {
	Body struct {
		Name string `json:"name" maxLength:"64" doc:"a letter or digit, then letters, digits, - or _"`
		ReceiverFields
	}
}

func (s *server) addReceiver(ctx context.Context, in *addReceiverInput) (*webhookOutput, error) {
	reason, err := s.why(in.Body.Reason)
	if err != nil {
		return nil, err
	}
	var f config.WebhookForm
	in.Body.onto(&f)
	st, err := s.Receivers.Add(ctx, strings.TrimSpace(in.Body.Name), f, reason, identityOf(ctx).User)
	return s.receiverMoved(ctx, "webhook.add", in.Body.Name, st, err)
}

type changeReceiverInput struct {
	Name string `path:"name" maxLength:"64"`
	Body ReceiverFields
}

func (s *server) changeReceiver(ctx context.Context, in *changeReceiverInput) (*webhookOutput, error) {
	reason, err := s.why(in.Body.Reason)
	if err != nil {
		return nil, err
	}
	st, err := s.Receivers.Change(ctx, in.Name, in.Body.onto, reason, identityOf(ctx).User)
	return s.receiverMoved(ctx, "webhook.change", in.Name, st, err)
}

// receiverMoved logs a change, which the store has audited, and tells the other
// servers.
func (s *server) receiverMoved(ctx context.Context, action, name string, st notify.Status, err error) (*webhookOutput, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	s.toldOfReceiver(ctx, action, name)
	return &webhookOutput{st}, nil
}

func (s *server) toldOfReceiver(ctx context.Context, action, name string) {
	s.Log.WarnContext(ctx, "webhooks", "audit", true, "action", action, "target", name, "by", identityOf(ctx).User)
	if s.Tell != nil {
		s.Tell(News{"webhooks", map[string]any{"action": action, "target": name, "at": nowUTC()}})
	}
}

type removedOutput struct {
	Body struct {
		Name  string `json:"name"`
		Ended int    `json:"ended_messages" doc:"that waited for it and are not sent any more"`
	}
}

func (s *server) removeReceiver(ctx context.Context, in *struct {
	Name   string `path:"name" maxLength:"64"`
	Reason string `query:"reason" maxLength:"400" doc:"why; kept in the audit, and required"`
}) (*removedOutput, error) {
	reason, err := s.why(in.Reason)
	if err != nil {
		return nil, err
	}
	out := &removedOutput{}
	out.Body.Name = in.Name
	if out.Body.Ended, err = s.Receivers.Remove(ctx, in.Name, reason, identityOf(ctx).User); err != nil {
		return nil, s.problem(ctx, err)
	}
	s.toldOfReceiver(ctx, "webhook.remove", in.Name)
	return out, nil
}
