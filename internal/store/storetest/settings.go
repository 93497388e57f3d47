package storetest

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync"
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

func testAudit(t *testing.T, open OpenFunc) {
	s, db := open(t)
	ctx := t.Context()
	add := func(old json.RawMessage) (json.RawMessage, store.Audit, error) {
		n := 0
		if old != nil {
			must(t, json.Unmarshal(old, &n))
		}
		value, err := json.Marshal(n + 1)
		return value, store.Audit{Actor: "ana", Action: "test.count", Target: "n", Reason: "because", Detail: json.RawMessage(`{"before":` + strconv.Itoa(n) + `}`)}, err
	}
	// Of many that change a setting at the same moment none is lost, and each has
	// its row.
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.ChangeSetting(ctx, "n", add); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := s.Setting(ctx, "n")
	must(t, err)
	equal(t, "the setting", `20 by ana`, string(got.Value)+" by "+got.UpdatedBy)
	// What is refused changes nothing and leaves no row.
	refused := errors.New("refused")
	for want, change := range map[error]func(json.RawMessage) (json.RawMessage, store.Audit, error){
		refused: func(json.RawMessage) (json.RawMessage, store.Audit, error) {
			return json.RawMessage(`0`), store.Audit{}, refused
		},
		store.ErrInvalid: func(json.RawMessage) (json.RawMessage, store.Audit, error) {
			return json.RawMessage(`0`), store.Audit{}, nil
		},
	} {
		if _, err := s.ChangeSetting(ctx, "n", change); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if _, err := s.ChangeSetting(ctx, "n", func(json.RawMessage) (json.RawMessage, store.Audit, error) {
		return nil, store.Audit{Actor: "bob", Action: "test.forget"}, nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := s.Setting(ctx, "n"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a setting that was forgotten: %v", err)
	}
	must(t, s.AddAudit(ctx, store.Audit{Actor: "bob", Action: "other"}))
	newest, err := s.Audits(ctx, store.AuditFilter{Action: "test.*", Limit: 2})
	must(t, err)
	if len(newest) != 2 || newest[0].Seq != 21 || newest[0].Action != "test.forget" || newest[1].Reason != "because" || string(newest[1].Detail) == "" {
		t.Errorf("%+v", newest)
	}
	rest, err := s.Audits(ctx, store.AuditFilter{Action: "test.count", Before: newest[1].Seq})
	must(t, err)
	if len(rest) != 19 {
		t.Errorf("%d rows before, want 19", len(rest))
	}
	for _, text := range []string{"delete from audit", "update audit set actor = 'x'"} {
		if _, err := db.ExecContext(ctx, text); err == nil {
			t.Errorf("%q was carried out", text)
		}
	}
}
