package resilience_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/resilience"
	"resync/internal/store"
)

func open(t *testing.T) (*store.Store, *breaker.Registry, *resilience.Keeper) {
	t.Helper()
	db, err := store.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := breaker.NewRegistry()
	for _, s := range breaker.Contract() {
		if _, err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return db, r, resilience.New(db, r)
}

func numbers(t *testing.T, r *breaker.Registry, name string) string {
	t.Helper()
	b, err := r.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	s := b.Settings()
	return strings.Join([]string{time.Duration(s.Failures).String(), s.Delay.String()}, " ")
}

func n(i int) *int { return &i }

// TestChangesAddUp: a patch changes what it names and leaves the rest; a second
// keeper on the same store follows.
func TestChangesAddUp(t *testing.T) {
	db, r, k := open(t)
	var told []resilience.Config
	k.OnChange(func(c resilience.Config) { told = append(told, c) })
	change := func(p resilience.Patch, want ...string) {
		t.Helper()
		_, got, err := k.Change(t.Context(), p, "test", "ana")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	change(resilience.Patch{Breakers: map[string]resilience.Breaker{"redis": {Threshold: 7}}, Limits: &resilience.Limits{Chat: n(3)}}, "breakers.redis", "limits.chat")
	change(resilience.Patch{Breakers: map[string]resilience.Breaker{"redis": {Recovery: 2.5}}, Limits: &resilience.Limits{LLM: n(0)}}, "breakers.redis", "limits.llm")
	if got := numbers(t, r, "redis"); got != "7ns 2.5s" {
		t.Errorf("redis works with %s", got)
	}
	other := breaker.NewRegistry()
	if _, err := other.Register(breaker.Settings{Name: "redis", Failures: 3, Delay: 30 * time.Second}); err != nil {
		t.Fatal(err)
	}
	second := resilience.New(db, other)
	if err := second.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, other, "redis"); got != "7ns 2.5s" {
		t.Errorf("after a restart redis works with %s", got)
	}
	if diff := cmp.Diff(k.State(), second.State()); diff != "" {
		t.Errorf("the second keeper differs:\n%s", diff)
	}
	change(resilience.Patch{Reset: []string{"limits"}, Breakers: map[string]resilience.Breaker{"redis": {}}}, "breakers.redis", "limits")
	if got := numbers(t, r, "redis"); got != "3ns 30s" {
		t.Errorf("redis works with %s, want the contract's", got)
	}
	if err := second.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, other, "redis"); got != "3ns 30s" {
		t.Errorf("the second keeper: redis works with %s", got)
	}
	if len(told) != 4 || told[2].Limits == nil || *told[2].Limits.Chat != 3 || *told[2].Limits.LLM != 0 || told[3].Limits != nil {
		t.Errorf("told %+v", told)
	}
	list, err := k.History(t.Context(), 10)
	if err != nil || len(list) != 3 || list[0].Target != "breakers.redis, limits" || list[2].Actor != "ana" {
		t.Errorf("history %+v, %v", list, err)
	}
}

// TestRefusedChangesChangeNothing: what is refused is neither kept nor at work,
// also when the rest of the patch is in order.
func TestRefusedChangesChangeNothing(t *testing.T) {
	_, r, k := open(t)
	k.CheckRules(func(rules []config.StrategyRule) error {
		if rules[0].Pattern != "GET /a b" || rules[0].Refresh != 1500*time.Millisecond || rules[0].Where != "tiers[0]" {
			t.Errorf("%+v", rules[0])
		}
		return &resilience.FieldError{Field: "tiers[0]", Problem: "no such route"}
	})
	good := map[string]resilience.Breaker{"redis": {Threshold: 7}}
	for field, p := range map[string]resilience.Patch{
		"breakers.redis.threshold": {Breakers: map[string]resilience.Breaker{"redis": {Threshold: 1001}}},
		"limits.actions":           {Breakers: good, Limits: &resilience.Limits{Actions: n(-1)}},
		"tiers[0]":                 {Breakers: good, Tiers: &[]resilience.Tier{{Pattern: " GET  /a  b ", Tier: "BEST_EFFORT", Refresh: 1.5}}},
		"tiers[0].retry_after":     {Tiers: &[]resilience.Tier{{Pattern: "GET /a", Tier: "CRITICAL", RetryAfter: 4000}}},
		"tiers[1].pattern":         {Tiers: &[]resilience.Tier{{Pattern: "GET /a", Tier: "CRITICAL"}, {Tier: "CRITICAL"}}},
		"tiers":                    {Tiers: func() *[]resilience.Tier { l := make([]resilience.Tier, 101); return &l }()},
	} {
		_, _, err := k.Change(t.Context(), p, "test", "ana")
		var fe *resilience.FieldError
		if !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%s: refused with %v", field, err)
		}
	}
	if got := numbers(t, r, "redis"); got != "3ns 30s" || k.State().UpdatedBy != "" {
		t.Errorf("redis works with %s; %+v", got, k.State())
	}
}

// TestAForeignRowIsNamed: a row that cannot be read is an error and leaves what
// held.
func TestAForeignRowIsNamed(t *testing.T) {
	db, _, k := open(t)
	if _, err := db.PutSetting(t.Context(), "resilience", []byte(`[1]`), "x"); err != nil {
		t.Fatal(err)
	}
	if err := k.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "read the settings of resilience") {
		t.Errorf("%v", err)
	}
}
