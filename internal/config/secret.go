package config

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// mask is how a secret prints, whatever asks.
const mask = "•••"

// Secret is a value that must not be shown. However it is printed, marshalled
// or logged it gives ••• (or nothing when it is not set); [Secret.Reveal] is
// the only way to its text. The zero value is "not set".
type Secret struct {
	text *string // a pointer, so that fmt shows an address even where it may not call our methods
}

// NewSecret returns a Secret holding text; an empty text is "not set".
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself. Call it where the value is used, not before.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether no value is set.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal compares two secrets in constant time.
func (s Secret) Equal(other Secret) bool {
	return s.IsZero() == other.IsZero() &&
		subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns ••• or, when no value is set, the empty string.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString returns the same as String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format prints the mask for every verb, %x and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText gives the mask to encoders that ask for text (JSON among them).
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML gives the mask to YAML encoders.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue gives the mask to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
