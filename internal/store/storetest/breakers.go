package storetest

import (
	"encoding/json"
	"errors"
	"testing"

	"resync/internal/store"
)

func testBreakers(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	none, err := s.Breakers(ctx)
	must(t, err)
	equal(t, "at first", map[string]json.RawMessage{}, none)
	must(t, s.SaveBreaker(ctx, "tws_api", json.RawMessage(`{"state":"open","last_error":"Błąd"}`)))
	must(t, s.SaveBreaker(ctx, "redis", json.RawMessage(`{"state":"closed"}`)))
	must(t, s.SaveBreaker(ctx, "tws_api", json.RawMessage(`{"state":"half_open"}`)))
	got, err := s.Breakers(ctx)
	must(t, err)
	equal(t, "kept", map[string]json.RawMessage{"tws_api": json.RawMessage(`{"state":"half_open"}`), "redis": json.RawMessage(`{"state":"closed"}`)}, got)
	for name, bad := range map[string]string{"": `{}`, "x": `{`} {
		if err := s.SaveBreaker(ctx, name, json.RawMessage(bad)); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q with %s: %v, want ErrInvalid", name, bad, err)
		}
	}
}
