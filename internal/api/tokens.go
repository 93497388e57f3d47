package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/store"
)

// TokenView is an API token as it may be shown.
type TokenView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	User      string     `json:"user" doc:"whose rights, budget and limits it uses"`
	Scope     string     `json:"scope" enum:"llm"`
	State     string     `json:"state" enum:"good,expired,revoked"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	LastUsed  *time.Time `json:"last_used_at,omitempty" doc:"to the minute; absent while it never was"`
}

func viewToken(v store.APIToken, now time.Time) TokenView {
	out := TokenView{ID: v.ID, Name: v.Name, User: v.User, Scope: v.Scope, State: "good", CreatedAt: v.CreatedAt.UTC(), ExpiresAt: v.ExpiresAt.UTC()}
	if !v.LastUsed.IsZero() {
		at := v.LastUsed.UTC()
		out.LastUsed = &at
	}
	switch {
	case !v.RevokedAt.IsZero():
		at := v.RevokedAt.UTC()
		out.State, out.RevokedAt = "revoked", &at
	case !now.Before(v.ExpiresAt):
		out.State = "expired"
	}
	return out
}

type newTokenInput struct {
	Body struct {
		Name    string `json:"name" minLength:"1" maxLength:"100" doc:"what it is for, in your words"`
		Scope   string `json:"scope" maxLength:"40" doc:"llm: the language models below /llm/v1, and nothing else"`
		User    string `json:"user,omitempty" maxLength:"200" doc:"for whom; yourself when absent, anybody else takes an administrator"`
		TTLDays int    `json:"ttl_days,omitempty" minimum:"0" maximum:"366" doc:"days it is good; 90 when absent"`
	}
}

type newTokenOutput struct {
	Body struct {
		TokenView
		Token   string `json:"token,omitempty" doc:"shown this once; absent when the answer is repeated for an Idempotency-Key"`
		Message string `json:"message"`
	}
}

type tokensOutput struct {
	Body struct {
		Tokens []TokenView `json:"tokens"`
		Total  int         `json:"total"`
	}
}

// registerTokens adds the tokens that let programs in. A session is needed for
// it: a token cannot make another.
func (s *server) registerTokens() {
	const tag = "tokens"
	add(s, route{id: "tokens", method: http.MethodGet, paths: one("/api/v1/tokens"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "API tokens, never their text: one's own, or those of everybody for an administrator"}, s.listTokens)
	add(s, route{id: "token-create", method: http.MethodPost, paths: one("/api/v1/tokens"), tag: tag, tier: BestEffort, role: auth.Viewer, secret: "token",
		summary: "Make a token that lets a program in for one purpose; it is shown once", errors: []int{400, 404}}, s.createToken)
	add(s, route{id: "token-revoke", method: http.MethodDelete, paths: one("/api/v1/tokens/{id}"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "End a token for good; other servers follow within five seconds", errors: []int{404}}, s.revokeToken)
}

func (s *server) listTokens(ctx context.Context, in *struct {
	User string `query:"user" maxLength:"200" doc:"of one person; others' take an administrator"`
}) (*tokensOutput, error) {
	me := identityOf(ctx)
	if in.User != "" && in.User != me.User && !me.Roles.Has(auth.Admin) {
		return nil, huma.Error403Forbidden("the tokens of others are shown to administrators only")
	}
	list, err := s.Auth.APITokens(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &tokensOutput{}
	out.Body.Tokens = []TokenView{}
	for _, v := range list {
		if (in.User == "" || v.User == in.User) && (v.User == me.User || me.Roles.Has(auth.Admin)) {
			out.Body.Tokens = append(out.Body.Tokens, viewToken(v, time.Now()))
		}
	}
	out.Body.Total = len(out.Body.Tokens)
	return out, nil
}

func (s *server) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	me := identityOf(ctx)
	req := auth.APITokenRequest{User: in.Body.User, Name: strings.TrimSpace(in.Body.Name), Scope: in.Body.Scope, Life: time.Duration(in.Body.TTLDays) * 24 * time.Hour, By: me.User}
	if req.User == "" {
		req.User = me.User
	}
	if req.Life == 0 {
		req.Life = auth.DefaultAPITokenTime
	}
	switch {
	case req.User != me.User && !me.Roles.Has(auth.Admin):
		return nil, huma.Error403Forbidden("user: a token for somebody else takes an administrator")
	case req.Name == "":
		return nil, huma.Error400BadRequest("name: say what the token is for")
	}
	token, v, err := s.Auth.IssueAPIToken(ctx, req)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	s.Log.InfoContext(ctx, "an API token was made", "audit", true, "token", v.ID, "user", v.User, "scope", v.Scope, "by", me.User, "expires_at", v.ExpiresAt)
	out := &newTokenOutput{}
	out.Body.TokenView, out.Body.Token = viewToken(v, time.Now()), token
	out.Body.Message = "the token is shown this once and cannot be read again; if it is lost, revoke " + v.ID + " and make another"
	return out, nil
}

func (s *server) revokeToken(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"80"`
}) (*struct{}, error) {
	me := identityOf(ctx)
	list, err := s.Auth.APITokens(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	i := slices.IndexFunc(list, func(v store.APIToken) bool { return v.ID == in.ID })
	if i < 0 || list[i].User != me.User && !me.Roles.Has(auth.Admin) { // whose it is, is not told
		return nil, huma.Error404NotFound("there is no token " + in.ID + " of yours")
	}
	if err := s.Auth.RevokeAPIToken(ctx, in.ID, me.User); err != nil {
		return nil, s.problem(ctx, err)
	}
	s.Log.InfoContext(ctx, "an API token was revoked", "audit", true, "token", in.ID, "user", list[i].User, "by", me.User)
	return &struct{}{}, nil
}

// withoutMember leaves a member out of a JSON object: what must not be kept of an
// answer. Anything but an object is not kept at all.
func withoutMember(body []byte, name string) []byte {
	var doc map[string]json.RawMessage
	if json.Unmarshal(body, &doc) != nil {
		return nil
	}
	delete(doc, name)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(doc) != nil {
		return nil
	}
	return out.Bytes()
}
