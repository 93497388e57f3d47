package notify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"resync/breaker"
)

// Format is how a message is written.
type Format string

// The formats of messages.
const (
	Standard Format = "standard" // Standard Webhooks: signed JSON
	Teams    Format = "teams"    // an Adaptive Card for a Microsoft Teams workflow
)

// Target is one receiver.
type Target struct {
	Name   string
	URL    string // a secret: for Teams and others who knows it may write
	Format Format
	// Secret signs messages of format standard: whsec_ and base64, or any text. ""
	// signs nothing.
	Secret  string
	Kinds   []Kind        // what it is told; none is all
	Timeout time.Duration // of one delivery; 5 s when 0
	// Client reaches it: behind a breaker, a guard against addresses inside, and
	// a limit on redirects ([Redirects]).
	Client *http.Client
	// Breaker is the one in Client, asked before a delivery is tried.
	Breaker *breaker.Breaker
	// Since leaves out of what is told again at a start what happened before; zero
	// leaves out nothing.
	Since time.Time
	// Added is set for a receiver that an administrator added while the program runs.
	Added *Receiver
	// Broken says why it cannot be reached as it is set up; its messages wait.
	Broken error
}

// DefaultTimeout is how long a receiver may take.
const DefaultTimeout = 5 * time.Second

// mailboxMark stands in a mailbox after the name; no name has it.
const mailboxMark = "@"

// mailbox is under what name its messages are kept. An added receiver has one of its
// own, which does not fall to another that is added under its name later.
func (t *Target) mailbox() string {
	if t.Added == nil {
		return t.Name
	}
	return t.Name + mailboxMark + strconv.FormatInt(t.Added.CreatedAt.UnixMilli(), 36)
}

// wants reports whether the target is told of the event.
func (t *Target) wants(e Event) bool {
	switch {
	case e.About == t.Name, e.Again && e.At.Before(t.Since):
		return false
	}
	return e.Kind == Test || len(t.Kinds) == 0 || slices.Contains(t.Kinds, e.Kind)
}

// check completes a target and refuses what cannot work.
func (t *Target) check() error {
	if t.Timeout <= 0 {
		t.Timeout = DefaultTimeout
	}
	switch {
	case t.Name != "" && t.Broken != nil:
		return nil
	case t.Name == "" || t.Client == nil:
		return errors.New("a target of webhooks needs a name and a client")
	case t.Format != Standard && t.Format != Teams:
		return fmt.Errorf("webhook target %s: there is no format %q", t.Name, t.Format)
	case t.Format == Standard:
		if _, err := Key(t.Secret); err != nil {
			return fmt.Errorf("webhook target %s: secret: %w", t.Name, err)
		}
	}
	return nil
}

// Key is the key a secret stands for. Standard Webhooks writes whsec_ and base64 of
// 24 to 64 bytes; any other text of at least 16 characters is its own bytes.
func Key(secret string) ([]byte, error) {
	rest, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		if secret != "" && len(secret) < 16 {
			return nil, errors.New("it is shorter than 16 characters")
		}
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(rest)
	}
	switch {
	case err != nil:
		return nil, errors.New("what follows whsec_ is not base64") // not the error: it quotes the text
	case len(key) < 24 || len(key) > 64:
		return nil, fmt.Errorf("what follows whsec_ stands for %d bytes; Standard Webhooks asks for 24 to 64", len(key))
	}
	return key, nil
}

// Host is the receiver's address as logs and screens may show it: without the path,
// which often is the secret.
func Host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "an address that cannot be read"
	}
	return u.Scheme + "://" + u.Host
}
