package auth

import (
	"fmt"
	"slices"
)

// Role is what an account may be. Each includes the ones below it.
type Role string

// The roles, weakest first.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // proposes writes
	Approver Role = "approver" // approves what others propose
	Admin    Role = "admin"    // manages accounts and settings
)

// rank is the role's place in the order, 0 for what is no role.
func (r Role) rank() int {
	return slices.Index([]Role{Viewer, Operator, Approver, Admin}, r) + 1
}

// ParseRole reads a role's name. An unknown one is an error, not a viewer.
func ParseRole(name string) (Role, error) {
	if r := Role(name); r.rank() > 0 {
		return r, nil
	}
	return "", fmt.Errorf("unknown role %q (there are viewer, operator, approver and admin)", name)
}

// Roles is a set of roles: sorted weakest first, without repeats.
type Roles []Role

// NewRoles makes a set.
func NewRoles(roles ...Role) Roles {
	out := slices.Clone(roles)
	slices.SortFunc(out, func(a, b Role) int { return a.rank() - b.rank() })
	return slices.Compact(out)
}

// ParseRoles reads names into a set.
func ParseRoles(names []string) (Roles, error) {
	out := make([]Role, 0, len(names))
	for _, n := range names {
		r, err := ParseRole(n)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return NewRoles(out...), nil
}

// Has says whether the set holds the role or one that includes it.
func (r Roles) Has(role Role) bool {
	return role.rank() > 0 && slices.ContainsFunc(r, func(have Role) bool { return have.rank() >= role.rank() })
}

// Names lists the roles as text.
func (r Roles) Names() []string {
	out := make([]string, 0, len(r))
	for _, role := range r {
		out = append(out, string(role))
	}
	return out
}
