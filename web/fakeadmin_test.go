package web_test

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// What the screens of administrators read and send: numbers of breakers, tokens,
// receivers.

// refuse answers as the API does when a field cannot be.
func refuse(w http.ResponseWriter, status int, field, text string) {
	problem(w, status, http.StatusText(status), field+": "+text)
}

func (f *fake) steering(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	numbers := obj{}
	for _, b := range f.breakers {
		n := obj{"threshold": 5, "recovery_timeout": 60, "source": "contract", "default_threshold": 5, "default_recovery_timeout": 60}
		if set := f.numbers[str(b["name"])]; set != nil {
			n = obj{"threshold": set["threshold"], "recovery_timeout": set["recovery_timeout"], "source": "set", "default_threshold": 5, "default_recovery_timeout": 60,
				"changed_by": "ana", "changed_at": at(0), "reason": set["reason"]}
		}
		numbers[str(b["name"])] = n
	}
	answer(w, obj{"breakers": numbers, "history": append([]obj{}, f.changes...)})
}

func (f *fake) setSteering(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	for name, v := range in["breakers"].(map[string]any) {
		n := v.(map[string]any)
		if n["threshold"] == 1000.0 {
			refuse(w, 400, "breakers."+name+".threshold", "1000 is not from 1 to 999 failures")
			return
		}
		if len(n) == 0 {
			delete(f.numbers, name)
		} else {
			f.numbers[name] = obj{"threshold": n["threshold"], "recovery_timeout": n["recovery_timeout"], "reason": in["reason"]}
		}
		f.changes = append([]obj{{"seq": len(f.changes) + 1, "at": at(0), "actor": "ana", "action": "resilience.config", "target": "breakers." + name, "reason": in["reason"]}}, f.changes...)
	}
	answer(w, obj{"success": true, "message": "changed from now on"})
}

func (f *fake) listTokens(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"tokens": append([]obj{}, f.apiTokens...), "total": len(f.apiTokens)})
}

func (f *fake) makeToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	user := str(in["user"])
	if user == "nobody" {
		refuse(w, 404, "user", "there is no account nobody")
		return
	}
	if user == "" {
		user = "ana"
	}
	days, _ := in["ttl_days"].(float64)
	t := obj{"id": f.next("tok"), "name": in["name"], "user": user, "scope": in["scope"], "state": "good", "created_at": time.Now().UTC(), "expires_at": time.Now().Add(time.Duration(days) * 24 * time.Hour).UTC()}
	f.apiTokens = append([]obj{t}, f.apiTokens...)
	out := obj{"token": "rsy_" + strings.Repeat("x", 43), "message": "the token is shown this once"}
	for k, v := range t {
		out[k] = v
	}
	answer(w, out)
}

func (f *fake) endToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.apiTokens {
		if t["id"] == r.PathValue("id") {
			t["state"], t["revoked_at"] = "revoked", time.Now().UTC()
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) listReceivers(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"targets": append([]obj{}, f.receivers...), "lost": 0, "events": []string{"approval.needed", "action.done", "action.failed", "action.unverified", "action.outcome_unknown", "job.abend", "stream.abend", "service.degraded", "service.healed"}})
}

// receiver finds one; f.mu is held.
func (f *fake) receiver(name string) obj {
	if i := slices.IndexFunc(f.receivers, func(r obj) bool { return r["name"] == name }); i >= 0 {
		return f.receivers[i]
	}
	return obj{}
}

func (f *fake) addReceiver(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	url := str(in["url"])
	if strings.Contains(url, "//10.") {
		refuse(w, 400, "url", "the address is not allowed: 10.1.2.3 is in a private network; list it under webhooks.allow if messages shall go there")
		return
	}
	f.sent = append(f.sent, "add "+str(in["name"])+" "+url+" "+str(in["reason"]))
	got := receiverOf(in)
	f.receivers = append(f.receivers, got)
	answer(w, got)
}

func receiverOf(in obj) obj {
	host := str(in["url"])
	if parts := strings.SplitN(host, "/", 4); len(parts) > 3 {
		host = strings.Join(parts[:3], "/")
	}
	return obj{"name": in["name"], "format": in["format"], "host": host, "signed": str(in["secret"]) != "", "secret_reference": in["secret"], "events": in["events"], "timeout_seconds": 5,
		"breaker_state": "closed", "waiting": 0, "failed": 0, "source": "console", "changed_by": "ana", "changed_at": at(0)}
}

func (f *fake) changeReceiver(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in, got := decode(r), f.receiver(r.PathValue("name"))
	_, moved := in["url"]
	f.sent = append(f.sent, "change "+r.PathValue("name")+map[bool]string{true: " elsewhere", false: ""}[moved])
	got["events"], got["format"] = in["events"], in["format"]
	answer(w, got)
}

func (f *fake) dropReceiver(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, "remove "+r.PathValue("name")+" "+r.URL.Query().Get("reason"))
	f.receivers = slices.DeleteFunc(f.receivers, func(v obj) bool { return v["name"] == r.PathValue("name") })
	answer(w, obj{"name": r.PathValue("name"), "ended_messages": 0})
}

func (f *fake) actOnReceiver(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in, got := decode(r), f.receiver(r.PathValue("name"))
	switch r.PathValue("verb") {
	case "off":
		got["off"] = obj{"reason": in["reason"], "by": "ana", "at": at(0)}
	case "on":
		delete(got, "off")
	case "test":
		if got["name"] == "oncall" {
			answer(w, obj{"target": "oncall", "id": "msg_t", "ok": false, "seconds": 0.01, "error": "the address is not allowed: 127.0.0.1 is this machine; list it under webhooks.allow if messages shall go there"})
			return
		}
		answer(w, obj{"target": got["name"], "id": "msg_t", "ok": true, "status": 204, "seconds": 0.034})
		return
	}
	answer(w, got)
}

func (f *fake) listDeliveries(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []obj{}
	for _, d := range f.deliveries {
		if d["target"] == r.URL.Query().Get("target") && (r.URL.Query().Get("state") == "all" || d["state"] == "failed") {
			out = append(out, d)
		}
	}
	answer(w, obj{"deliveries": out, "total": len(out)})
}

func (f *fake) redeliver(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in, n := decode(r), 0
	for _, d := range f.deliveries {
		if d["id"] == in["id"] || in["id"] == nil && d["target"] == in["target"] && d["state"] == "failed" {
			d["state"], d["attempts"] = "completed", 1
			f.receiver(str(d["target"]))["failed"] = 0
			n++
		}
	}
	answer(w, obj{"messages": n})
}

// adminRoutes are those of this file.
func (f *fake) adminRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /admin/resilience/config": f.steering, "POST /admin/resilience/config": f.setSteering,
		"GET /tokens": f.listTokens, "POST /tokens": f.makeToken, "DELETE /tokens/{id}": f.endToken,
		"GET /admin/webhooks": f.listReceivers, "POST /admin/webhooks": f.addReceiver, "PUT /admin/webhooks/{name}": f.changeReceiver, "DELETE /admin/webhooks/{name}": f.dropReceiver,
		"POST /admin/webhooks/{name}/{verb}": f.actOnReceiver, "GET /admin/webhooks/deliveries": f.listDeliveries, "POST /admin/webhooks/redeliver": f.redeliver,
	}
}

// inMinutes is a time so many minutes from now.
func inMinutes(n int) string {
	return time.Now().Add(time.Duration(n) * time.Minute).UTC().Format(time.RFC3339)
}

// seedAdmin is what there is before anybody does anything.
func (f *fake) seedAdmin() {
	f.numbers = map[string]obj{}
	f.apiTokens = []obj{
		{"id": "tok_a1", "name": "Nightly report", "user": "ana", "scope": "llm", "state": "good", "created_at": inMinutes(-40 * 24 * 60), "expires_at": inMinutes(50 * 24 * 60), "last_used_at": inMinutes(-3)},
		{"id": "tok_b2", "name": "Ticket summaries", "user": "ben", "scope": "llm", "state": "good", "created_at": inMinutes(-89 * 24 * 60), "expires_at": inMinutes(24 * 60)},
		{"id": "tok_c3", "name": "Old script", "user": "ben", "scope": "llm", "state": "revoked", "created_at": inMinutes(-90 * 24 * 60), "expires_at": inMinutes(24 * 60), "revoked_at": inMinutes(-60)},
	}
	last := obj{"id": "msg_1", "target": "oncall", "type": "job.abend", "title": "PAYROLL_NET is in ABEND on PROD-MDM", "state": "failed", "attempts": 10, "error": "it answered 500 Internal Server Error", "at": inMinutes(-90), "ended_at": inMinutes(-5)}
	f.deliveries = []obj{last, {"id": "msg_0", "target": "oncall", "type": "approval.needed", "title": "rerun_job on PAYROLL_NET waits for a person", "state": "completed", "attempts": 1, "at": inMinutes(-200), "ended_at": inMinutes(-199)}}
	f.receivers = []obj{{"name": "oncall", "format": "standard", "host": "https://hooks.example.com", "signed": true, "events": []string{"approval.needed", "job.abend"}, "timeout_seconds": 5, "breaker_state": "closed",
		"waiting": 2, "failed": 1, "last_delivery": last, "source": "settings"}}
}

// hostileAdmin puts strings into every text of the administrators' screens.
func (f *fake) hostileAdmin(list []string) {
	f.roles = []string{"admin"}
	all := strings.Join(list, "\n")
	for _, d := range f.deliveries {
		d["title"], d["error"], d["type"] = all, all, list[0]
	}
	for _, r := range f.receivers {
		r["problem"], r["host"], r["events"] = all, list[1], list
	}
	for i, t := range f.apiTokens {
		t["name"], t["user"], t["scope"] = list[i%len(list)], all, list[0]
	}
	f.breakers = []obj{{"name": list[0], "state": "OPEN", "since": at(0), "last_error": all}}
	f.changes = []obj{{"seq": 1, "at": at(0), "actor": list[0], "target": list[1], "reason": all}}
}
