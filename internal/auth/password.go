package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// cost is the work of one argon2id hash (RFC 9106).
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// defaultCost is the least that OWASP ASVS 5.0.0 and its password storage cheat
// sheet accept: 19 MiB, two passes, one lane; about 25 ms of one core.
func defaultCost() cost { return cost{memory: 19 * 1024, passes: 2, lanes: 1} }

const (
	saltBytes = 16
	keyBytes  = 32
)

// phc writes a hash as a PHC string
// (https://github.com/P-H-C/phc-string-format).
func (c cost) phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsePHC reads what phc wrote. Costs beyond 64 MiB or 10 passes are refused:
// a forged row must not make a login eat the machine.
func parsePHC(s string) (c cost, salt, key []byte, err error) {
	bad := fmt.Errorf("not an argon2id hash we can check")
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil ||
		fields[3] != fmt.Sprintf("m=%d,t=%d,p=%d", c.memory, c.passes, c.lanes) {
		return c, nil, nil, bad
	}
	if c.memory < 8 || c.memory > 64*1024 || c.passes < 1 || c.passes > 10 || c.lanes != 1 {
		return c, nil, nil, bad
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, bad
	}
	if c.phc(salt, key) != s { // the decoder skips line ends
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}

// hash makes the PHC string of a password, waiting for its turn.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails since Go 1.24
	key, err := s.derive(ctx, s.cost, password, salt, keyBytes)
	if err != nil {
		return "", err
	}
	return s.cost.phc(salt, key), nil
}

// matches checks a password against a PHC string. For a hash that cannot be
// read, as for the empty one of an account without password and of an account
// that is not there, it does the same work and says no.
func (s *Service) matches(ctx context.Context, password, phc string) (bool, error) {
	c, salt, key, err := parsePHC(phc)
	known := err == nil
	if !known {
		c, salt, key = s.cost, make([]byte, saltBytes), make([]byte, keyBytes)
	}
	got, err := s.derive(ctx, c, password, salt, uint32(len(key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, key) == 1 && known, nil
}

// derive runs argon2id when one of the two places is free.
func (s *Service) derive(ctx context.Context, c cost, password string, salt []byte, n uint32) ([]byte, error) {
	select {
	case s.hashes <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
	defer func() { <-s.hashes }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, n), nil
}

// WeakPasswordError says why a password is refused.
type WeakPasswordError struct{ Why string }

func (e *WeakPasswordError) Error() string { return "the password " + e.Why }

// CheckPassword refuses a password that is short, well known, a run of keys, a
// repetition, or made of the user's name. It asks for no mixture of characters.
func CheckPassword(user, password string) error {
	n := utf8.RuneCountInString(password)
	plain := fold(password)
	switch {
	case !utf8.ValidString(password):
		return &WeakPasswordError{"is not valid text"}
	case n < MinPassword:
		return &WeakPasswordError{fmt.Sprintf("has %d characters; it needs at least %d", n, MinPassword)}
	case n > maxPassword:
		return &WeakPasswordError{fmt.Sprintf("has %d characters; at most %d are accepted", n, maxPassword)}
	case wellKnown(plain):
		return &WeakPasswordError{"is one of those that attackers try first"}
	case len(user) >= 3 && len(trimTail(plain))-len(fold(user)) < 4 && strings.Contains(plain, fold(user)):
		return &WeakPasswordError{"is little more than the user name"}
	case monotonous(plain):
		return &WeakPasswordError{"repeats itself or follows the keyboard"}
	}
	return nil
}
