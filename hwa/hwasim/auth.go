package hwasim

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Role is a set of rights, like an access control list of the product.
type Role string

// The roles. A viewer reads; an operator also acts on jobs, streams, prompts,
// resources and workstation limits; an admin may do everything.
const (
	RoleAdmin    Role = "admin"
	RoleOperator Role = "operator"
	RoleViewer   Role = "viewer"
)

// User is an account of the engine.
type User struct {
	Name     string
	Password string
	Role     Role
	Locked   bool // every request with this account is answered 401
}

type right uint16

const (
	rightDisplay right = 1 << iota
	rightHold
	rightRelease
	rightCancel
	rightKill
	rightConfirm
	rightRerun
	rightPriority
	rightDeps
	rightSubmit
	rightReply
	rightResource
	rightLimit
	rightFence
	rightLink
	rightConfigure
)

const operatorRights = rightDisplay | rightHold | rightRelease | rightCancel | rightKill | rightConfirm | rightRerun | rightPriority |
	rightDeps | rightSubmit | rightReply | rightResource | rightLimit

func (r Role) rights() right {
	switch r {
	case RoleAdmin:
		return ^right(0)
	case RoleOperator:
		return operatorRights
	case RoleViewer:
		return rightDisplay
	}
	return 0
}

// account is a User with its rights resolved.
type account struct {
	User
	rights right
}

// setUsers takes the configured users or makes three with random passwords.
func (s *Sim) setUsers() error {
	users := s.cfg.Users
	if len(users) == 0 {
		for _, u := range []User{{Name: "operator", Role: RoleOperator}, {Name: "wauser", Role: RoleAdmin}, {Name: "viewer", Role: RoleViewer}} {
			u.Password = secret(12)
			users = append(users, u)
		}
	}
	for _, u := range users {
		if u.Name == "" || u.Password == "" || u.Role.rights() == 0 {
			return fmt.Errorf("hwasim: user %q needs a name, a password and a role (admin, operator or viewer)", u.Name)
		}
		s.users = append(s.users, account{User: u, rights: u.Role.rights()})
	}
	s.key = []byte(secret(32))
	return nil
}

func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}

// DefaultUser is the name of the first account that may act on jobs.
func (s *Sim) DefaultUser() string { return s.defaultAccount().Name }

// DefaultPassword is the password of DefaultUser.
func (s *Sim) DefaultPassword() string { return s.defaultAccount().Password }

func (s *Sim) defaultAccount() account {
	for _, a := range s.users {
		if a.rights&rightRerun != 0 {
			return a
		}
	}
	return s.users[0]
}

// Accounts returns the users with their passwords, for whoever runs the simulator.
func (s *Sim) Accounts() []User {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]User, len(s.users))
	for i, a := range s.users {
		out[i] = a.User
	}
	return out
}

// Token makes an API key (JWT) for a user, valid for ttl of real time.
func (s *Sim) Token(user string, ttl time.Duration) (string, error) {
	for _, a := range s.users {
		if a.Name == user {
			claims := jwt.RegisteredClaims{Subject: user, Issuer: "hwasim", ExpiresAt: jwt.NewNumericDate(time.Now().Add(ttl))}
			return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(s.key)
		}
	}
	return "", fmt.Errorf("hwasim: no user %q", user)
}

var errUnauthorized = errors.New("not authorized")

// authenticate finds the caller. A bearer token wins over user and password.
func (s *Sim) authenticate(r *http.Request) (account, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.byToken(token)
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return account{}, errUnauthorized
	}
	for _, a := range s.users {
		if a.Name == name && !a.Locked && subtle.ConstantTimeCompare([]byte(a.Password), []byte(password)) == 1 {
			return a, nil
		}
	}
	return account{}, errUnauthorized
}

func (s *Sim) byToken(token string) (account, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.key, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err != nil {
		return account{}, errUnauthorized
	}
	for _, a := range s.users {
		if a.Name == claims.Subject && !a.Locked {
			return a, nil
		}
	}
	return account{}, errUnauthorized
}
