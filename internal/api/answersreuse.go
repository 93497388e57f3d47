package api

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"resync/internal/agent"
	"resync/internal/auth"
	"resync/internal/diagnose"
	"resync/internal/knowledge"
	"resync/tool"
)

// The words of a question decide which passages a search finds, and in which order,
// so the same question in other words seldom finds all the same ones. An answer for
// other words is given again when the passages it was made from are still the same,
// which their question asked anew tells, and when every passage it cites was found
// for the new words too.

// written is what a writer made of passages.
type written struct {
	Text string `json:"text"`
	By   string `json:"by"`
	Used []int  `json:"used"`
}

// cachedWriter lets a writer write what has not been written before, for one
// request.
type cachedWriter struct {
	s    *server
	who  auth.Identity
	post *posture
	ask  knowledge.Query // what is asked, for asking it in other words
	old  *age            // of what was found; nil when it was written now
	as   string          // the question what was found was written for, when it has other words
}

// writer is who phrases the answer to a question for a request; nil when passages
// speak for themselves.
func (s *server) writer(ctx context.Context, q knowledge.Query) *cachedWriter {
	if s.Writer == nil {
		return nil
	}
	return &cachedWriter{s: s, who: identityOf(ctx), post: postureOf(ctx), ask: q}
}

func (w *cachedWriter) scope(passages []knowledge.Hit) answerScope {
	scope := answerScope{kind: "query", roles: w.who.Roles.Names(), models: w.s.Answers.models}
	for _, p := range passages {
		scope.pieces = append(scope.pieces, p.Source(), p.Text)
	}
	return scope
}

// Write answers from the cache or lets the writer write.
func (w *cachedWriter) Write(ctx context.Context, question string, passages []knowledge.Hit) (text, by string, used []int, err error) {
	got, was, err := recall(ctx, w.s.Answers, answering[written]{
		scope: w.scope(passages), question: question, trouble: w.post.trouble,
		other: func(words string) (written, recalled) { return w.inOtherWords(ctx, words, passages) },
		fresh: func() (v written, err error) {
			v.Text, v.By, v.Used, err = w.s.Writer.Write(ctx, question, passages)
			return v, err
		},
	})
	if err != nil {
		return "", "", nil, err
	}
	if was.found {
		old := max(time.Since(was.at), 0)
		w.old = &age{Cached: true, Seconds: old.Round(time.Millisecond).Seconds(), FetchedAt: was.at, Freshness: diagnose.Freshness(old)}
		w.post.age, w.as = w.old, was.askedAs
	}
	return got.Text, got.By, got.Used, nil
}

// inOtherWords looks for the answer that was written for other words.
func (w *cachedWriter) inOtherWords(ctx context.Context, words string, passages []knowledge.Hit) (v written, was recalled) {
	q := w.ask
	q.Text = words
	before, err := w.s.Knowledge.Find(ctx, q)
	if err != nil {
		return v, was // it is written anew, and says what is wrong
	}
	if v, was, _ = look[written](ctx, w.s.Answers, w.scope(before).key(words), words, w.post.trouble); !was.found {
		return v, was
	}
	place := func(i int) int {
		if i < 0 || i >= len(before) {
			return -1
		}
		return slices.IndexFunc(passages, func(h knowledge.Hit) bool {
			return h.Source() == before[i].Source() && h.Text == before[i].Text
		})
	}
	var ok bool
	if v, ok = v.moved(place); !ok {
		return written{}, recalled{}
	}
	was.askedAs = words
	return v, was
}

// marker is how a text refers to a passage: [1] is the first.
var marker = regexp.MustCompile(`\[(\d+)\]`)

// moved lets an answer refer to the places its passages have now; false when one of
// them has none.
func (v written) moved(place func(int) int) (written, bool) {
	to := map[int]int{}
	for _, i := range v.Used {
		to[i] = place(i)
		if to[i] < 0 {
			return v, false
		}
	}
	ok := len(to) > 0
	text := marker.ReplaceAllStringFunc(v.Text, func(m string) string {
		n, err := strconv.Atoi(m[1 : len(m)-1])
		at, known := to[n-1]
		ok = ok && err == nil && known
		return "[" + strconv.Itoa(at+1) + "]"
	})
	used := make([]int, 0, len(v.Used))
	for _, i := range v.Used {
		used = append(used, to[i])
	}
	slices.Sort(used)
	return written{text, v.By, used}, ok
}

// Phraser keeps what next says about passages of documents. Only answers from
// documents come to a phraser: facts of the plan are never kept.
func (a *Answers) Phraser(next agent.Phraser) agent.Phraser { return cachedPhraser{a, next} }

type cachedPhraser struct {
	a    *Answers
	next agent.Phraser
}

func (c cachedPhraser) scope(who tool.Identity, evidence []diagnose.Evidence) answerScope {
	scope := answerScope{kind: "chat", roles: who.Roles, models: c.a.models}
	for _, e := range evidence {
		scope.pieces = append(scope.pieces, e.ID, e.Source, e.Title, e.Text)
	}
	return scope
}

// Phrase says it again, or for the first time.
func (c cachedPhraser) Phrase(ctx context.Context, who tool.Identity, question string, evidence []diagnose.Evidence, ask agent.Asking) (agent.Phrased, error) {
	post := postureOf(ctx)
	said, was, err := recall(ctx, c.a, answering[agent.Phrased]{
		scope: c.scope(who, evidence), question: question, trouble: post.trouble,
		other: func(words string) (v agent.Phrased, was recalled) {
			if ask == nil {
				return v, was
			}
			before, err := ask(ctx, words)
			if err != nil {
				return v, was // it is said anew, and the question itself says what is wrong
			}
			if v, was, _ = look[agent.Phrased](ctx, c.a, c.scope(who, before).key(words), words, post.trouble); !was.found {
				return v, was
			}
			var ok bool
			if v, ok = moved(v, before, evidence); !ok {
				return agent.Phrased{}, recalled{}
			}
			was.askedAs = words
			return v, was
		},
		fresh: func() (agent.Phrased, error) { return c.next.Phrase(ctx, who, question, evidence, ask) },
	})
	said.At, said.Cached, said.AskedAs = was.at, was.found, was.askedAs
	return said, err
}

// moved lets sentences cite evidence by the ids it has now; false when some is not
// there, or a sentence cites none.
func moved(said agent.Phrased, before, now []diagnose.Evidence) (agent.Phrased, bool) {
	to := map[string]string{}
	for _, b := range before {
		if i := slices.IndexFunc(now, func(n diagnose.Evidence) bool { return n.Source == b.Source && n.Title == b.Title && n.Text == b.Text }); i >= 0 {
			to[b.ID] = now[i].ID
		}
	}
	out := said
	out.Sentences = nil
	for _, s := range said.Sentences {
		ids := make([]string, 0, len(s.Evidence))
		for _, id := range s.Evidence {
			if to[id] == "" {
				return said, false
			}
			ids = append(ids, to[id])
		}
		if s.Evidence = ids; len(ids) == 0 {
			return said, false
		}
		out.Sentences = append(out.Sentences, s)
	}
	return out, len(out.Sentences) > 0
}
