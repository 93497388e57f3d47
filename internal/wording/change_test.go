package wording_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"resync/internal/wording"
)

// idle are the words that may leave a question, or change places with their
// neighbour, without changing what it asks.
func idle(w string) bool {
	w = strings.ToLower(strings.Trim(w, ",.?!:"))
	return slices.Contains(strings.Fields("the a an o os um uma please hello hi olá obrigado obrigada thanks thank you me tell could can would how do i to we posso eu faço para como por favor bom dia você pode dizer que diga é qual what steps are is procedure way does mean means meaning of message error code mensagem erro significado da de quer significa procedimento quais são os passos fazer"), w)
}

// TestEveryChangeOfAWordIsNoticed changes each question of the tables in every
// place: a word that matters taken away or doubled, two exchanged, a negation, a
// direction, a number or a doubt put in. None of the results may be taken for the
// question.
func TestEveryChangeOfAWordIsNoticed(t *testing.T) {
	n, form := 0, ""
	check := func(q string, words []string) {
		t.Helper()
		n++
		if changed := strings.Join(words, " "); wording.Form(changed) == form {
			t.Errorf("%q is taken for %q: %s", changed, q, form)
		}
	}
	for k, p := range slices.Concat(paraphrases(), fresh(), others(), freshOthers()) {
		for _, q := range []string{p.a, p.b} {
			words := strings.Fields(q)
			if form = wording.Form(q); k%8 != 0 && os.Getenv("RESYNC_LONG") == "" {
				continue // all of them take 15 s with the race detector
			}
			if len(words) < 3 || strings.ContainsAny(q, "\"'’") {
				continue
			}
			for i, w := range words {
				for _, put := range []string{"not", "never", "no", "without", "before", "after", "should", "only", "7", "FTA9", "não", "sem", "antes", "depois", "devo"} {
					check(q, slices.Insert(slices.Clone(words), i, put))
				}
				if idle(w) {
					continue
				}
				check(q, slices.Delete(slices.Clone(words), i, i+1))
				check(q, slices.Insert(slices.Clone(words), i, w))
				if i > 0 && !idle(words[i-1]) && !strings.EqualFold(strings.Trim(words[i-1], ",.?!:"), strings.Trim(w, ",.?!:")) {
					swapped := slices.Clone(words)
					swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
					check(q, swapped)
				}
			}
		}
	}
	t.Logf("%d changes", n)
}
