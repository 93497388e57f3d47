package diagnose

import (
	"strings"

	"resync/hwa"
)

// aboutPlan diagnoses the plan as a whole.
func (in *inquiry) aboutPlan() {
	w, text := aboutPlan, in.q.Text
	if generic(text) {
		w, text = aboutAnything, ""
	}
	findings := in.observe()
	if len(in.codes) == 0 {
		findings = append(findings, in.rules(text)...)
	}
	if in.snap == nil {
		findings = append(findings, in.probe()...)
		w = aboutOutage
	}
	if text == "" {
		if in.snap != nil {
			in.sayCounts()
		}
		findings = append(findings, in.failures()...)
	}
	in.rank(findings, text, w)
	in.sayHypotheses()
}

// generic reports whether a question says nothing that could be looked up.
func generic(text string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		if w = trimWord(w); len(w) > 2 && !genericWords[w] {
			return false
		}
	}
	return true
}

var genericWords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`what what's whats wrong with tonight tonight's plan the production night batch happening happened going why any anything problem problems there
		run runs running started start starts starting not isn't doesn't don't didn't yet still wait waits waiting ready hold held stuck blocked block blocks
		for minutes minute hours hour since and can abend abended abends ended end fail fails exec succ its roda rodando executa parado
		are is was has have been did does our my this now today current status everything something broken failed failing jobs job late
		que qual está esta errado com plano noite hoje aconteceu acontecendo algum problema problemas por porque`) {
		m[w] = true
	}
	return m
}()

// probe asks the engine for a sign of life when no plan could be read.
func (in *inquiry) probe() []*finding {
	ctx, cancel := in.reading()
	defer cancel()
	_, err := in.e.deps.Client.EngineInfo(ctx)
	if err == nil {
		return nil
	}
	in.skipped("the plan, and with it every name in the question", err)
	return in.unreachable(err)
}

// unreachable is what an engine that does not answer, or refuses the login,
// points at.
func (in *inquiry) unreachable(err error) []*finding {
	ev := in.engineDown(err)
	switch hwa.KindOf(err) {
	case hwa.KindAuth, hwa.KindForbidden:
		return []*finding{{
			cause: "engine_refused_login", title: "The engine refuses the login", weight: 0.8,
			claims: []claim{because("The engine's API refuses the user this program logs in with.", ev)},
			check:  "Check user and password, and whether the same user fails elsewhere.",
			query:  []string{"user is not authorized to access the server user name and password useropts"},
		}}
	case hwa.KindUnreachable, hwa.KindTimeout, hwa.KindOutage, hwa.KindTLS:
		return []*finding{{
			cause: "engine_unreachable", title: "The engine's application server does not answer", weight: 0.8,
			claims: []claim{because("The engine's API does not answer.", ev)},
			check:  "Check whether the application server (Liberty) runs on the master, and read its logs.",
			query:  []string{"unable to establish communication with the server application server is down start Liberty"},
		}}
	}
	return nil
}

// failures turns the jobs in error into findings for "what is wrong tonight".
func (in *inquiry) failures() []*finding {
	jobs, err := in.failedJobs(50)
	if err != nil {
		in.skipped("the jobs in error", err)
	}
	var out []*finding
	for _, j := range jobs {
		if len(out) == 3 || strings.EqualFold(j.JobStreamName, "FINAL") {
			continue
		}
		f := &jobFacts{job: j, run: j.LastRun(), name: fullName(j)}
		in.noteJob(f)
		out = append(out, in.whyFailed(f, in.readLog(f))...)
	}
	return out
}
