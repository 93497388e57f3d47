package storetest

import (
	"encoding/json"
	"errors"
	"testing"

	"resync/internal/store"
)

func testSettings(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	if _, err := s.Setting(t.Context(), "rag.chunking"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a setting nobody set: %v", err)
	}
	for i, v := range []string{`{"max_tokens":300}`, `{"max_tokens":400}`} {
		by := []string{"ann", "bob"}[i]
		put, err := s.PutSetting(t.Context(), "rag.chunking", json.RawMessage(v), by)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Setting(t.Context(), "rag.chunking")
		if err != nil || string(got.Value) != v || got.UpdatedBy != by || !got.UpdatedAt.Equal(put.UpdatedAt) {
			t.Errorf("read %+v (%v), want %s by %s", got, err, v, by)
		}
	}
	for name, bad := range map[string]json.RawMessage{"": json.RawMessage(`1`), "x": json.RawMessage(`{`)} {
		if _, err := s.PutSetting(t.Context(), name, bad, "ann"); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q = %s: %v, want ErrInvalid", name, bad, err)
		}
	}
	for range 2 {
		if err := s.DeleteSetting(t.Context(), "rag.chunking"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Setting(t.Context(), "rag.chunking"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a forgotten setting: %v", err)
	}
}
