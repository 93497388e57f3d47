package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/store"
)

// cookieName is the session cookie. A __Host- prefix is used on https, where
// browsers enforce it.
const cookieName = "resync_session"

type userView struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

type loginInput struct {
	Body struct {
		Token    string `json:"token,omitempty" maxLength:"200" doc:"a one-time token, as printed at start"`
		Username string `json:"username,omitempty" maxLength:"200"`
		Password string `json:"password,omitempty" maxLength:"1000"`
	}
	remote string
}

// Resolve takes the peer's address, which counts failures per address.
func (in *loginInput) Resolve(ctx huma.Context) []error {
	in.remote = clientIP(ctx.RemoteAddr())
	return nil
}

type loginOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		User userView `json:"user"`
	}
}

func (s *server) registerAuth() {
	add(s, route{id: "login", method: http.MethodPost, paths: []string{"/api/v1/auth/login", "/auth/login"}, tag: "auth", tier: Critical, key: keyNone,
		summary: "Sign in with a one-time token, or with user name and password", errors: []int{400, 401, 429}}, s.login)
	add(s, route{id: "logout", method: http.MethodPost, paths: []string{"/api/v1/auth/logout", "/auth/logout"}, tag: "auth", tier: Critical, role: auth.Viewer, key: keyNone,
		summary: "End the session"}, s.logout)
	add(s, route{id: "verify", method: http.MethodGet, paths: []string{"/api/v1/auth/verify", "/auth/verify"}, tag: "auth", tier: ReadOnly, role: auth.Viewer,
		summary: "Who is signed in"}, s.verify)
}

func (s *server) login(ctx context.Context, in *loginInput) (*loginOutput, error) {
	var sess auth.Session
	var err error
	switch {
	case in.Body.Token != "" && in.Body.Username == "":
		sess, err = s.Auth.LoginWithToken(ctx, in.Body.Token)
	case in.Body.Token == "" && in.Body.Username != "" && in.Body.Password != "":
		sess, err = s.Auth.Login(ctx, in.Body.Username, in.Body.Password, in.remote)
	default:
		return nil, huma.Error400BadRequest("give either token, or username and password")
	}
	if err != nil {
		return nil, s.loginProblem(ctx, err)
	}
	out := &loginOutput{SetCookie: s.cookie(sess.Token, sess.ExpiresAt)}
	out.Body.User = viewUser(sess.Identity)
	return out, nil
}

// loginProblem says what the person may know of a failed login.
func (s *server) loginProblem(ctx context.Context, err error) error {
	var locked *auth.LockedError
	switch {
	case errors.As(err, &locked):
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(locked.Error()),
			http.Header{"Retry-After": {strconv.Itoa(int(locked.RetryAfter.Seconds()) + 1)}})
	case errors.Is(err, auth.ErrCredentials):
		return huma.Error401Unauthorized(auth.ErrCredentials.Error())
	case errors.Is(err, auth.ErrToken):
		return huma.Error401Unauthorized(err.Error())
	}
	if statusOf(err) == http.StatusServiceUnavailable { // who is not signed in is not told where the database is
		s.Log.ErrorContext(ctx, "signing in", "err", err)
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("nobody can sign in now: "+databaseTrouble(err)+". It goes on by itself; try again in "+databaseRetry+" s"),
			http.Header{"Retry-After": {databaseRetry}})
	}
	return s.problem(ctx, err)
}

// databaseTrouble says in a few words why the database cannot be used.
func databaseTrouble(err error) string {
	for _, cause := range []error{store.ErrStorageFull, store.ErrReadOnly, store.ErrBusy} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	return "the database of Resync does not answer"
}

func (s *server) cookie(value string, expires time.Time) http.Cookie {
	return http.Cookie{Name: cookieName, Value: value, Path: "/", Expires: expires, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode}
}

func viewUser(id auth.Identity) userView { return userView{id.User, id.Roles.Names()} }

type logoutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *server) logout(ctx context.Context, in *struct {
	Cookie string `header:"Cookie"`
}) (*logoutOutput, error) {
	if err := s.Auth.Logout(ctx, cookieValue(in.Cookie)); err != nil {
		return nil, s.problem(ctx, err)
	}
	gone := s.cookie("", time.Unix(1, 0))
	gone.MaxAge = -1
	return &logoutOutput{gone}, nil
}

type verifyOutput struct {
	Body struct {
		User userView `json:"user"`
	}
}

func (s *server) verify(ctx context.Context, _ *struct{}) (*verifyOutput, error) {
	out := &verifyOutput{}
	out.Body.User = viewUser(identityOf(ctx))
	return out, nil
}

// cookieValue finds the session in a Cookie header.
func cookieValue(header string) string {
	cookies, err := http.ParseCookie(strings.TrimSpace(header))
	if err != nil {
		return ""
	}
	for _, c := range cookies {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}
