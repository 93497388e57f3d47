package hwa

import "testing"

// newClient makes a client with a login and short pauses.
func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	if cfg.Token == "" && cfg.Username == "" {
		cfg.Username, cfg.Password = "wauser", "s3cret-pw"
	}
	if cfg.Backoff == 0 {
		cfg.Backoff = 1
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
