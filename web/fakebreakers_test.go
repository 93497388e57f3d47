package web_test

import (
	"net/http"
	"testing"
	"time"
)

func (f *fake) listBreakers(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"breakers": append([]obj{}, f.breakers...), "total": len(f.breakers)})
}

func (f *fake) resetBreaker(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.breakers {
		if b["name"] == r.PathValue("name") {
			b["state"] = "CLOSED"
		}
	}
	answer(w, obj{"success": true, "new_state": "CLOSED"})
}

// An operator sees at once what is not called, why, and when it is tried again;
// the bar is gone when all is well.
func TestOpenBreakersAreSeen(t *testing.T) {
	f := newFake(t, plan(40))
	b := open(t, browser(t), f)
	b.signIn()
	b.wait("the plan", "document.querySelector('main')")
	if eval[bool](b, "!!document.querySelector('.down')") {
		t.Error("the bar is there although nothing is open")
	}
	f.mu.Lock()
	f.breakers = []obj{
		{"name": "webhook", "state": "FORCED_OPEN", "since": at(0), "switch": obj{"by": "ben", "reason": "leaks data"}},
		{"name": "tws_api", "state": "OPEN", "is_critical": true, "since": at(0), "last_error": "the connection was refused <b>x</b>",
			"next_probe_at": time.Now().Add(45 * time.Second).UTC().Format(time.RFC3339Nano), "outage": obj{"since": at(0), "seconds": 3, "rejected_calls": 7}},
		{"name": "redis", "state": "CLOSED", "since": at(0)},
	}
	f.mu.Unlock()
	f.tell("breaker", obj{"name": "tws_api", "state": "open"})
	b.see("The engine is not called; next try in 4")
	b.see("and 1 more")
	eval[any](b, "document.querySelector('.down').open = true")
	b.see("the connection was refused <b>x</b>")
	b.see("7 calls refused")
	b.see("The webhook is switched off by ben")
	b.see("leaks data")
	f.mu.Lock()
	for _, br := range f.breakers {
		br["state"] = "CLOSED"
	}
	f.mu.Unlock()
	f.tell("breaker", obj{"name": "tws_api", "state": "closed"})
	b.wait("the bar to go", "!document.querySelector('.down')")
}
