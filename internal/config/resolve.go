package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxSecret bounds a secret's file; keys and tokens are far smaller.
const maxSecret = 64 << 10

// reference splits a secret's reference into how and where: env:NAME and
// os.environ/NAME into ("env", NAME), file:/path into ("file", /path).
func reference(s string) (how, where string, ok bool) {
	if name, found := strings.CutPrefix(s, "env:"); found {
		return "env", strings.TrimSpace(name), true
	}
	if name, found := strings.CutPrefix(s, "os.environ/"); found {
		return "env", strings.TrimSpace(name), true
	}
	if path, found := strings.CutPrefix(s, "file:"); found {
		return "file", strings.TrimPrefix(path, "//"), true
	}
	return "", "", false
}

// isReference reports whether s is a reference to a secret.
func isReference(s string) bool {
	_, _, ok := reference(s)
	return ok
}

// spelledPassword reports whether an address holds a password. One that cannot
// be parsed counts as holding one, to be on the safe side.
func spelledPassword(s string) bool {
	return withoutPassword(s) != s
}

// resolveAll follows the references of a list of secrets.
func (l *loader) resolveAll(key string, v value) ([]string, error) {
	out := make([]string, 0, len(v.texts))
	for _, text := range v.texts {
		s, err := l.resolve(key, value{[]string{text}, v.origin})
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// resolve follows the reference of a secret. In a variable the secret itself
// may stand. Errors name the variable or the file, never the value.
func (l *loader) resolve(key string, v value) (string, error) {
	how, where, ok := reference(v.texts[0])
	switch {
	case !ok:
		return v.texts[0], nil
	case where == "":
		return "", fmt.Errorf("the reference names nothing after its colon")
	case how == "env":
		if s := l.env[where]; s != "" {
			return s, nil
		}
		return "", fmt.Errorf("the variable %s is not set", where)
	}
	return l.secretFile(key, where, v.origin)
}

// secretFile reads a secret from a file of its own; one line end at the end is
// not part of it.
func (l *loader) secretFile(key, path string, o Origin) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("write the secret's file as an absolute path, such as file:/run/secrets/tws")
	}
	data, err := readBounded(path, maxSecret+1)
	if err != nil {
		return "", fmt.Errorf("cannot read the secret's file: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("the secret's file %s has more than %d bytes", path, maxSecret)
	case text == "":
		return "", fmt.Errorf("the secret's file %s is empty", path)
	case !utf8.ValidString(text):
		return "", fmt.Errorf("the secret's file %s is not text", path)
	}
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o007 != 0 {
		l.warn(key, o, "every user of this machine can read %s; chmod 0600 would keep it to its owner", path)
	}
	return text, nil
}
