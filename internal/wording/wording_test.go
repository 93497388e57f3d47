package wording_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"resync/internal/wording"
)

// missed are the paraphrases that are known not to be found: other words, another
// order. One that is found some day leaves the list.
func missed() map[string]bool {
	m := map[string]bool{}
	for _, b := range []string{
		"how to switch to the backup domain manager of the master", "What is the best way of restarting an agent?", "How do I extend the plan?",
		"How do I restart agents?", "why does the plan not extend?", "For what reason was the job suppressed?", "Is it possible for a job to wait for a file on another agent?",
		"Olá, qual comando lista os sucessores do job?", "Qual o motivo de o plano não ser estendido?",
	} {
		m[b] = true
	}
	return m
}

func TestTheSameInOtherWords(t *testing.T) {
	known := missed()
	found := map[bool]int{}
	all := map[bool]int{}
	for _, p := range paraphrases() {
		same, pt := wording.Same(p.a, p.b), strings.HasPrefix(wording.Form(p.a), "pt")
		if all[pt]++; same {
			found[pt]++
		}
		if same == known[p.b] {
			t.Errorf("%q and %q: the same = %v\n%s\n%s", p.a, p.b, same, wording.Form(p.a), wording.Form(p.b))
		}
	}
	t.Logf("English: %d of %d, Portuguese: %d of %d", found[false], all[false], found[true], all[true])
}

func TestWhatOnlyLooksTheSame(t *testing.T) {
	for _, p := range others() {
		if wording.Same(p.a, p.b) {
			t.Errorf("%q is taken for %q: %s", p.a, p.b, wording.Form(p.a))
		}
	}
	if n := len(others()); n < 60 {
		t.Errorf("only %d pairs", n)
	}
}

// A question falls together with no other one of the tables but its paraphrases:
// the pairs nobody wrote down.
func TestNothingElseFallsTogether(t *testing.T) {
	type asked struct{ question, group string }
	var all []asked
	for _, p := range append(paraphrases(), fresh()...) {
		all = append(all, asked{p.a, wording.Form(p.a)})
		if wording.Same(p.a, p.b) {
			all = append(all, asked{p.b, wording.Form(p.a)})
		}
	}
	for _, p := range append(others(), freshOthers()...) {
		all = append(all, asked{p.a, wording.Form(p.a)}, asked{p.b, wording.Form(p.b)})
	}
	meant := map[string]string{} // :: form → the first question of it
	for _, q := range all {
		if first, ok := meant[q.group]; ok && !strings.EqualFold(strings.Trim(first, "?."), strings.Trim(q.question, "?.")) && !together(first, q.question) {
			t.Errorf("%q is taken for %q: %s", q.question, first, q.group)
		} else if !ok {
			meant[q.group] = q.question
		}
	}
}

// together reports whether two questions stand beside each other as paraphrases, or
// each beside a third.
func together(a, b string) bool {
	beside := func(x string) map[string]bool {
		m := map[string]bool{x: true}
		for range 2 {
			for _, p := range append(paraphrases(), fresh()...) {
				if m[p.a] || m[p.b] {
					m[p.a], m[p.b] = true, true
				}
			}
		}
		return m
	}
	return beside(a)[b]
}

// vital draws what must never be lost: a name, a number, a code, an option, a time.
func vital() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Z][A-Z0-9_]{1,8}`), rapid.StringMatching(`[0-9]{1,5}`), rapid.StringMatching(`AWS[A-Z]{3}[0-9]{3}[EWI]`),
		rapid.StringMatching(`-[a-zA-Z]`), rapid.StringMatching(`[0-2][0-9]:[0-5][0-9]`), rapid.StringMatching(`[A-Z]{2,5}#[A-Z]{2,5}\.[A-Z@]{1,5}`),
		rapid.StringMatching(`(not|never|without|before|after|no|não|sem|antes|depois|should|must|was)`), rapid.StringMatching(`[<>=]{1,2}[0-9]`), rapid.StringMatching(`/[a-z]{2,5}/[a-zA-Z]{2,5}`),
		rapid.StringMatching(`"[a-zA-Z ]{1,9}"`),
	)
}

// around draws the words between them.
func around() *rapid.Generator[string] {
	return rapid.SampledFrom(strings.Fields(`how do I to the a an restart agent agents job jobs of from please tell me what is why can you hello thanks as o um uma como posso reiniciar agente
		que é de do no na por favor obrigado , ? . ! time same does are it FTA db`))
}

// What identifies is in the form, whatever stands around it; another one in its
// place makes another form, and so does its absence.
func TestNothingVitalIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.SliceOfN(around(), 0, 8).Draw(t, "before"), rapid.SliceOfN(around(), 0, 8).Draw(t, "after")
		one, two := vital().Draw(t, "one"), vital().Draw(t, "two")
		with := func(w string) string {
			return wording.Form(strings.Join(append(append(append([]string{}, before...), w), after...), " "))
		}
		if one != two && with(one) == with(two) {
			t.Fatalf("%q in place of %q: %s", two, one, with(one))
		}
		if with(one) == with("") {
			t.Fatalf("%q is lost: %s", one, with(one))
		}
	})
}

// Two vital words do not change their order unnoticed.
func TestOrderIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := vital().Draw(t, "one"), vital().Draw(t, "two")
		mid := strings.Join(rapid.SliceOfN(around(), 0, 4).Draw(t, "mid"), " ")
		if one != two && wording.Same("does "+one+" "+mid+" "+two, "does "+two+" "+mid+" "+one) {
			t.Fatalf("%q and %q change places", one, two)
		}
	})
}

// FuzzForm holds that any text has a form, the same for the same text with other
// white space, and that no digit, capital beyond the first letter of a sentence or
// letter of another script is lost.
func FuzzForm(f *testing.F) {
	for _, p := range append(paraphrases(), others()...) {
		f.Add(p.a, p.b)
	}
	f.Add("'", "\"a' b`")
	f.Add("how do I <how-to>", "\x1f“”")
	f.Fuzz(func(t *testing.T, a, b string) {
		fa := wording.Form(a)
		if strings.ContainsFunc(fa, func(r rune) bool { return r > '~' || r < ' ' }) {
			t.Fatalf("%q has the form %q", a, fa)
		}
		if got := wording.Form("  " + a + "\n"); got != fa {
			t.Fatalf("%q with white space around it: %q, not %q", a, got, fa)
		}
		if fa == wording.Form(b) && fa != "" && digits(a) != digits(b) {
			t.Fatalf("%q and %q have the form %q", a, b, fa)
		}
		if x := wording.Form(a + " 7x"); x == fa {
			t.Fatalf("7x is lost behind %q", a)
		}
	})
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func ExampleForm() {
	fmt.Println(wording.Form("Please tell me how I restart an agent on FTA1."))
	fmt.Println(wording.Form("how to restart the agent on FTA1"))
	// Output:
	// en <how-to> "restart" "agent" "on" ="FTA1"
	// en <how-to> "restart" "agent" "on" ="FTA1"
}

func BenchmarkForm(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		wording.Form("Hello, could you tell me how to restart an agent, please?")
	}
}
