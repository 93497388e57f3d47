// Package auth says who is asking: accounts with argon2id passwords, one-time
// login tokens, and sessions kept on the server.
//
// There is no account until somebody makes one ([Service.EnsureAdmin] or
// [Service.CreateUser]); no name or password is built in. Roles come from the
// account at the moment of each request, never from the caller.
//
// Numbers follow OWASP ASVS 5.0.0 V6 and V7: argon2id with 19 MiB, two passes
// and one lane, at most two hashes at once; five failed logins per name and
// address in 15 minutes; sessions end after 30 idle minutes and after 12 hours.
package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"resync/internal/store"
)

// The limits of a login.
const (
	IdleTime       = 30 * time.Minute // a session ends when unused for this long
	SessionTime    = 12 * time.Hour   // and at the latest after this
	TokenTime      = 15 * time.Minute // a login token is good for this long
	MaxFailures    = 5                // failed logins of a name from an address …
	FailureWindow  = 15 * time.Minute // … within this time lock it
	MinPassword    = 12               // characters
	maxPassword    = 256              // characters; a bound on what we hash
	touchEvery     = time.Minute      // how exactly times of use are kept, to spare writes
	hashesAtOnce   = 2                // argon2id runs at the same time, 19 MiB each
	tokenBytes     = 32               // 256 random bits per token
	sessionIDChars = 16
)

// Errors of a login. Their texts may be shown to the person logging in; none
// tells whether an account exists.
var (
	ErrCredentials     = errors.New("the user name or the password is wrong")
	ErrToken           = errors.New("this login link is not valid")
	ErrUnauthenticated = errors.New("you are not logged in, or your session has ended")
	ErrDisabled        = errors.New("this account is disabled")
	ErrName            = errors.New("a user name has 1 to 64 letters, digits or . _ @ - and starts with a letter or digit")
)

// LockedError refuses a login because of too many failures before it.
type LockedError struct {
	RetryAfter time.Duration // until then at the longest
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("too many failed logins; try again in %d minutes", int(e.RetryAfter.Minutes()+0.5))
}

// Accounts is where accounts are read.
type Accounts interface {
	User(ctx context.Context, name string) (store.User, error)
	Users(ctx context.Context) ([]store.User, error)
}

// AccountChanges is where accounts are made and changed. ChangeUser ends the
// account's sessions and login tokens when the account changes.
type AccountChanges interface {
	CreateUser(ctx context.Context, u store.User) error
	ChangeUser(ctx context.Context, name string, fn func(*store.User) error) error
}

// Sessions keeps sessions by the hash of their token.
type Sessions interface {
	PutSession(ctx context.Context, v store.Session) error
	Session(ctx context.Context, tokenHash string) (store.Session, store.User, error)
	TouchSession(ctx context.Context, tokenHash string, seen time.Time) error
}

// SessionEnds ends sessions.
type SessionEnds interface {
	DeleteSession(ctx context.Context, tokenHash string) error
	DeleteSessions(ctx context.Context, user string) error
}

// LoginTokens keeps one-time tokens by their hash.
type LoginTokens interface {
	PutLoginToken(ctx context.Context, v store.LoginToken) error
	ConsumeLoginToken(ctx context.Context, tokenHash string) (string, error)
}

// Failures counts failed logins.
type Failures interface {
	AddLoginFailure(ctx context.Context, user, address string, when time.Time) error
	LoginFailures(ctx context.Context, user, address string, since time.Time) (int, error)
	ClearLoginFailures(ctx context.Context, user, address string) error
}

// Store is all of them; *[store.Store] is one.
type Store interface {
	Accounts
	AccountChanges
	Sessions
	SessionEnds
	LoginTokens
	Failures
	APITokens
	APITokenLists
}

// Service checks logins and sessions. It is safe for concurrent use.
type Service struct {
	st     Store
	now    func() time.Time
	cost   cost
	hashes chan struct{} // :: holds one element per running hash
	tokens remembered
}

// New returns a service over the store. now is the clock, [time.Now] when nil;
// the store must read the same one.
func New(st Store, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{st: st, now: now, cost: defaultCost(), hashes: make(chan struct{}, hashesAtOnce)}
}

// Identity is the person behind a request.
type Identity struct {
	User      string `json:"name"`
	Roles     Roles  `json:"roles"`
	SessionID string `json:"-"` // names the session in the audit; it cannot be logged in with
}

// Session is a login that succeeded. Token goes into the cookie and nowhere
// else; it cannot be had again.
type Session struct {
	Identity
	Token     string
	ExpiresAt time.Time // absolute end
}

// Identity reads the present roles of a user without a session, for acting on
// what the user asked for earlier. [ErrDisabled] when the account is.
func (s *Service) Identity(ctx context.Context, user string) (Identity, error) {
	u, err := s.st.User(ctx, user)
	if err != nil {
		return Identity{}, fmt.Errorf("look up %q: %w", user, err)
	}
	if u.Disabled {
		return Identity{}, fmt.Errorf("look up %q: %w", user, ErrDisabled)
	}
	roles, err := ParseRoles(u.Roles)
	if err != nil {
		return Identity{}, fmt.Errorf("look up %q: %w", user, err)
	}
	return Identity{User: u.Name, Roles: roles}, nil
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

// CanonicalName is the form of a user name under which it is kept: lower case,
// so that one person cannot pass as two. [ErrName] when it is not a name.
func CanonicalName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if !validName.MatchString(name) {
		return "", ErrName
	}
	return name, nil
}
