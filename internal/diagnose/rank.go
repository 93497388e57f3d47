package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"resync/chunk"
	"resync/internal/retrieve"
)

// candidate is a cause on its way to becoming a hypothesis: live facts, a
// documented problem, or both.
type candidate struct {
	fd    *finding
	docs  []documented // best first
	score float64
}

const (
	maxHypotheses = 5
	maxFindings   = 6 // findings whose passages are looked up
	maxCitations  = 4
)

// noise is the score below which a passage that merely resembles the question
// is not worth showing beside a cause the facts bear out.
const noise = 0.45

// weights says how much live findings and documented problems count against
// each other for one question.
type weights struct{ finding, document float64 }

var (
	// aboutJob: the gates of the job asked about are what counts; a passage
	// that merely resembles the question is an also-ran.
	aboutJob = weights{finding: 1, document: 0.6}
	// aboutPlan: the question may describe something no live fact shows.
	aboutPlan = weights{finding: 0.75, document: 1}
	// aboutAnything: "what is wrong tonight" has no words of its own to look up.
	aboutAnything = weights{finding: 1, document: 0.3}
	// aboutOutage: the engine does not answer, which is the first thing to know.
	aboutOutage = weights{finding: 1, document: 0.9}
)

// conclude turns findings into ranked hypotheses with citations. A question
// given is looked up in the documents too.
func (in *inquiry) conclude(findings []*finding, question string) {
	w := aboutJob
	if question != "" && len(findings) == 0 {
		w = aboutPlan
	}
	in.rank(findings, question, w)
}

func (in *inquiry) rank(findings []*finding, question string, w weights) {
	cands := in.candidates(findings, w)
	if question != "" {
		cands = in.addIncidents(cands, question, w)
	}
	slices.SortStableFunc(cands, func(a, b *candidate) int { return cmp.Compare(b.score, a.score) })
	for _, c := range cands {
		if len(in.ans.Hypotheses) == maxHypotheses || (c.fd == nil && c.score < noise && cands[0].fd != nil && cands[0].score > 0.8) {
			break
		}
		in.hypothesis(c)
	}
	if len(cands) > 0 {
		in.best = cands[0]
		in.offer(in.ans.Hypotheses[0])
	}
}

// candidates looks up the passages that document each finding.
func (in *inquiry) candidates(findings []*finding, w weights) []*candidate {
	var out []*candidate
	for i, fd := range findings {
		c := &candidate{fd: fd, score: fd.weight * w.finding}
		if fd.rule {
			c.score = fd.weight
		}
		if i < maxFindings {
			c.docs = in.document(fd)
		}
		out = append(out, c)
	}
	return out
}

// document finds what the manuals say about a finding. With codes, passages
// that hold them come first.
func (in *inquiry) document(fd *finding) []documented {
	var out []documented
	add := func(p Passage) {
		if len(out) == maxCitations || slices.ContainsFunc(out, func(d documented) bool { return samePlace(d.p, p) }) {
			return
		}
		codes := distinct(append(in.codes[:len(in.codes):len(in.codes)], fd.codes...))
		out = append(out, documented{p: p, codes: holds(p, codes), ex: retrieve.Explain(fd.title+" "+in.q.Text, codes, p)})
	}
	for n, q := range fd.query {
		ps := slices.DeleteFunc(in.lookup(q, 6), func(p Passage) bool { return !speaksOf(p, fd.cause) || onOtherState(p.Title, fd.state) })
		if len(fd.codes) > 0 {
			slices.SortStableFunc(ps, func(a, b Passage) int { return explains(b, fd.codes) - explains(a, fd.codes) })
		}
		most := 1
		if n == 0 {
			most = 2
		}
		for _, p := range ps[:min(len(ps), most)] {
			if p.Score >= nearBest*ps[0].Score || len(holds(p, fd.codes)) > 0 {
				add(p)
			}
		}
	}
	// The entry on the job's own status is the one to quote.
	slices.SortStableFunc(out, func(a, b documented) int { return onState(b.p.Title, fd.state) - onState(a.p.Title, fd.state) })
	return out
}

func onState(title, state string) int {
	if state != "" && strings.HasPrefix(title, state+":") {
		return 1
	}
	return 0
}

// nearBest is the share of the best passage's score that the next one needs to
// be cited beside it.
const nearBest = 0.6

// onOtherState recognises an entry on one status, such as "FAIL: the job could
// not be launched", that is not the one given.
func onOtherState(title, state string) bool {
	head, _, found := strings.Cut(title, ":")
	return state != "" && found && head != state && head == strings.ToUpper(head) && !strings.ContainsAny(head, " 0123456789")
}

// speaksOf reports whether a passage is about a cause at all: it has one of the
// words without which nobody writes about it. Search always finds something.
func speaksOf(p Passage, cause string) bool {
	words := aboutWords(cause)
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(p.Title + "\n" + p.Text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

func aboutWords(cause string) []string {
	switch cause {
	case "workstation_limit", "stream_limit":
		return []string{"limit"}
	case "fence":
		return []string{"fence"}
	case "abend_return_code", "abend":
		return []string{"abend", "ends abnormally", "return code"}
	case "launch_failed":
		return []string{"fail"}
	case "cancelled", "cancel_pending", "stream_cancelled":
		return []string{"cancel"}
	case "suppressed", "workstation_ignored":
		return []string{"suppr", "ignore"}
	case "no_operation":
		return []string{"nop", "no operation"}
	case "held_priority_zero", "stream_held":
		return []string{"priority", "hold", "held"}
	case "waiting_for_confirmation":
		return []string{"confirm"}
	case "recovery_prompt", "prompt":
		return []string{"prompt"}
	case "latest_start_passed":
		return []string{"until", "latest start"}
	case "start_time":
		return []string{"start time", "at keyword", "at time"}
	case "file":
		return []string{"file"}
	case "resource", "resource_deadlock":
		return []string{"resource"}
	case "join":
		return []string{"join"}
	case "broker_down":
		return []string{"broker"}
	case "workstation_not_linked", "workstations_not_linked", "many_unlinked", "workstation_offline":
		return []string{"link", "offline"}
	}
	return nil
}

// explains rates a passage for codes: a problem with its solution that holds
// them all comes first.
func explains(p Passage, codes []string) int {
	n := 2 * len(holds(p, codes))
	if n > 0 && p.Kind == chunk.KindEntry {
		n++
	}
	return n
}

// addIncidents looks the question up as it stands. A passage that documents a
// finding already speaks for that finding; the others are causes of their own.
func (in *inquiry) addIncidents(cands []*candidate, question string, w weights) []*candidate {
	codes := in.codes
	for _, c := range cands {
		codes = append(codes[:len(codes):len(codes)], c.fd.codes...)
	}
	var last *candidate
	for _, d := range in.incidents(question, distinct(codes)) {
		if c := owner(cands, d); c != nil {
			c.take(d, w)
			continue
		}
		if last != nil && sameProblem(last.docs[0], d) {
			last.docs = append(last.docs, d)
			continue
		}
		last = &candidate{docs: []documented{d}, score: d.score * w.document}
		if titled(question, d.p.Title) {
			last.score += 0.1
		}
		cands = append(cands, last)
	}
	return cands
}

// owner is the finding that a passage documents.
func owner(cands []*candidate, d documented) *candidate {
	for _, c := range cands {
		if c.fd != nil && slices.ContainsFunc(c.docs, func(have documented) bool { return samePlace(have.p, d.p) }) {
			return c
		}
	}
	return nil
}

// take puts the passage first among those of the finding and lets it count.
func (c *candidate) take(d documented, w weights) {
	c.docs = slices.DeleteFunc(c.docs, func(have documented) bool { return samePlace(have.p, d.p) })
	at := slices.IndexFunc(c.docs, func(have documented) bool { return have.score < d.score })
	if at < 0 {
		at = len(c.docs)
	}
	c.docs = slices.Insert(c.docs, at, d)
	c.score = max(c.score, d.score*w.document) + 0.1*d.score
}

// sameProblem reports whether two passages with all the same codes treat the
// same problem: one hypothesis then cites both.
func sameProblem(a, b documented) bool {
	return len(a.codes) > 0 && slices.Equal(a.codes, b.codes) && a.p.Document == b.p.Document
}
