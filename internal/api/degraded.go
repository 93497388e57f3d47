package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"resync/breaker"
	"resync/internal/auth"
)

// degradedPart is a part that is away, as an operator needs to know it.
type degradedPart struct {
	Part      string     `json:"part" doc:"name of its circuit breaker, or redis"`
	Title     string     `json:"title"`
	State     string     `json:"state" enum:"open,half_open,forced_open,degraded"`
	Critical  bool       `json:"critical"`
	Reason    string     `json:"reason" doc:"why"`
	By        string     `json:"by,omitempty" doc:"who switched it off"`
	Since     time.Time  `json:"since"`
	NextProbe *time.Time `json:"next_probe_at,omitempty" doc:"when it is tried again at the latest"`
	Works     string     `json:"works" doc:"what still works"`
	Missing   string     `json:"missing" doc:"what does not"`
	Less      []string   `json:"degraded_endpoints" doc:"what works with less"`
	Refused   []string   `json:"refused_endpoints" doc:"what is refused"`
}

type degradedOutput struct {
	Body struct {
		Degraded bool           `json:"degraded"`
		Parts    []degradedPart `json:"parts" doc:"critical ones first, then the oldest"`
		Time     time.Time      `json:"timestamp"`
	}
}

func (s *server) registerDegraded() {
	add(s, route{id: "resilience-degraded", method: http.MethodGet, paths: both("/admin/resilience/degraded"), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "What is away now, why, and what still works"}, s.degradedNow)
}

// consequence is what it means that a part is away.
type consequence struct {
	title, works, missing string
	less, refused         func(r ruledRoute) bool
}

func never(ruledRoute) bool { return false }

func tagged(tags ...string) func(ruledRoute) bool {
	return func(r ruledRoute) bool { return slices.Contains(tags, r.tag) }
}

// consequenceOf sorts parts by the beginning of their names.
func consequenceOf(part string) consequence {
	kind, name, _ := strings.Cut(part, ":")
	switch {
	case kind == "tws_api":
		return consequence{title: strings.TrimSpace("Scheduler engine " + name), less: tagged("plan"), refused: tagged("tools", "undo"),
			works:   "the last picture of the plan with its age, documents, the journal, and questions about them",
			missing: "news of this engine's plan, and every action on it: it is refused, nothing is queued"}
	case kind == "database":
		return consequence{title: "Database", less: never, refused: func(r ruledRoute) bool { return r.role != "" || r.rule().tier != ReadOnly },
			works: "the probes, /metrics, and resync doctor on the server", missing: "nearly everything: what cannot be recorded is not carried out, and nobody's session can be looked up"}
	case kind == "llm_api" || strings.HasPrefix(kind, "llm_"):
		return consequence{title: "Language model " + strings.TrimPrefix(kind, "llm_"), less: tagged("llm"), refused: never,
			works:   "answers from plan, rules and documents, complete and cited but plainly worded; the other models of the chain",
			missing: "answers of this provider's models"}
	case kind == "rag_embedding":
		return consequence{title: "Search by meaning", less: func(r ruledRoute) bool { return strings.HasPrefix(r.id, "rag-") && r.method == http.MethodGet }, refused: never,
			works: "search by words", missing: "passages that say the same in other words"}
	case kind == "rag_retrieval":
		return consequence{title: "Search server", less: func(r ruledRoute) bool { return strings.HasPrefix(r.id, "rag-") }, refused: never,
			works: "the search of this program itself", missing: "the index or the reranker on another server"}
	case kind == "webhook" || kind == "teams":
		return consequence{title: strings.TrimSpace("Messages to other systems " + name), less: never, refused: never,
			works: "everything; messages are kept and sent when the receiver answers", missing: "messages arrive late"}
	case kind == "background_sync":
		return consequence{title: "Reading of the plan", less: tagged("plan"), refused: never, works: "the last picture of the plan with its age", missing: "news of the plan"}
	case kind == "health_check":
		return consequence{title: "The health page's look at the engine", less: never, refused: never, works: "everything an operator works with", missing: "news of the engine on the health page"}
	case kind == "otlp":
		return consequence{title: "Collector of traces", less: never, refused: never, works: "everything an operator works with", missing: "traces of this time: they are dropped and counted"}
	}
	return consequence{title: part, less: never, refused: never, works: "everything an operator works with", missing: "what this service is for"}
}

// endpoints lists the operations for which is says so.
func (s *server) endpoints(is func(ruledRoute) bool) []string {
	out := []string{}
	for _, r := range s.ruled {
		if is(r) {
			out = append(out, r.method+" "+r.paths[0])
		}
	}
	slices.Sort(out)
	return out
}

func (s *server) degradedNow(context.Context, *struct{}) (*degradedOutput, error) {
	out := &degradedOutput{}
	out.Body.Parts, out.Body.Time = []degradedPart{}, nowUTC()
	if st := s.State.Status(); !st.Available() {
		less, refused := s.affected()
		p := degradedPart{Part: "redis", Title: "Redis", State: "degraded", Critical: true, Reason: st.Reason, Since: st.Since.UTC(), Less: less, Refused: refused,
			Works: "reading, questions and the journal, each server for itself", Missing: "actions, approvals and sign-in: they wait until the servers see each other again"}
		if st.RetryAfter > 0 {
			at := nowUTC().Add(st.RetryAfter)
			p.NextProbe = &at
		}
		out.Body.Parts = append(out.Body.Parts, p)
	}
	for _, b := range s.Breakers.Snapshot() {
		if (b.State.Refuses() || b.State == breaker.HalfOpen) && b.Name != "redis" {
			out.Body.Parts = append(out.Body.Parts, s.partOf(b))
		}
	}
	slices.SortStableFunc(out.Body.Parts, func(a, b degradedPart) int {
		if a.Critical != b.Critical {
			return map[bool]int{true: -1, false: 1}[a.Critical]
		}
		return a.Since.Compare(b.Since)
	})
	out.Body.Degraded = len(out.Body.Parts) > 0
	return out, nil
}

// partOf is what a breaker that is not closed means.
func (s *server) partOf(b breaker.Status) degradedPart {
	c := consequenceOf(b.Name)
	p := degradedPart{Part: b.Name, Title: c.title, State: b.State.String(), Critical: b.Critical, Reason: cmp.Or(b.Switch.Reason, b.LastError), By: b.Switch.By,
		Since: b.Since, Works: c.works, Missing: c.missing, Less: s.endpoints(c.less), Refused: s.endpoints(c.refused)}
	if b.Outage != nil {
		p.Since = b.Outage.Since
	}
	if b.RetryAfter > 0 {
		at := nowUTC().Add(time.Duration(b.RetryAfter * float64(time.Second)))
		p.NextProbe = &at
	}
	return p
}
