package retrieve

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestStemEnglish(t *testing.T) {
	for _, c := range []struct{ words, stem string }{
		{"link links linked linking", "link"},
		{"connect connected connection connections connecting", "connect"},
		{"fail fails failed failing", "fail"},
		{"stop stops stopped stopping", "stop"},
		{"dependency dependencies", "depend"},
		{"lose loses lost losing", "lose"},
		{"hang hangs hung hanging", "hang"},
		{"authorize authorized authorization", "author"},
		{"initialize initialized initialization", "initi"},
		{"incorrect incorrectly", "incorrect"},
		{"agree agreed", "agre"},
		{"at", "at"},
		{"jnextplan", "jnextplan"},
	} {
		for _, w := range strings.Fields(c.words) {
			if got := stemEnglish(w); got != c.stem {
				t.Errorf("stemEnglish(%q) = %q, want %q", w, got, c.stem)
			}
		}
	}
}

func TestStemPortuguese(t *testing.T) {
	for _, group := range []string{
		"bloqueado bloqueada bloqueados bloquear", "falha falhas falhar falham", "agente agentes", "conexao conexoes",
		"iniciar inicia iniciado iniciando", "vinculo vincular vinculado", "servidor servidores",
	} {
		list := strings.Fields(group)
		want := stemPortuguese(list[0])
		for _, w := range list[1:] {
			if got := stemPortuguese(w); got != want {
				t.Errorf("stemPortuguese(%q) = %q, but of %q it is %q", w, got, list[0], want)
			}
		}
	}
}

func TestTerms(t *testing.T) {
	for _, c := range []struct {
		word string
		want []string
	}{
		{"AWSJPL017E", []string{"awsjpl017e"}},
		{"JnextPlan", []string{"jnextplan", "jnext", "plan"}},
		{"JobManager.ini", []string{"jobmanager.ini", "jobmanager", "job", "manag", "ini"}},
		{"localopts", []string{"localopt"}},
		{"fault-tolerant", []string{"fault-tolerant", "fault", "toler"}},
		{"TWS_home", []string{"tws_home", "tws", "home"}},
		{"the", nil},
		{"Símbolo", []string{"simbolo"}},
		{"31116", []string{"31116"}},
		{"x", nil},
	} {
		if diff := cmp.Diff(c.want, terms(nil, c.word, english)); diff != "" {
			t.Errorf("terms of %q (-want +got):\n%s", c.word, diff)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Run planman unlock, now.", []string{"Run", "planman", "unlock", "now"}},
		{"WS1#STREAM.JOB-2", []string{"WS1", "STREAM.JOB-2"}},
		{"<TWS_home>/localopts.", []string{"TWS_home", "localopts"}},
		{"a--b ...c", []string{"a", "b", "c"}},
		{"*.msg \"mm unlink\"", []string{"msg", "mm", "unlink"}},
		{"não inicia", []string{"não", "inicia"}},
		{"", nil},
	} {
		var got []string
		words(c.text, func(w string) { got = append(got, w) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		text string
		want language
	}{
		{"Why does the job not start?", english},
		{"JnextPlan AWSJPL017E", english},
		{"Por que o job não inicia?", portuguese},
		{"banco de dados bloqueado", portuguese},
		{"O JnextPlan falhou", portuguese},
		{"job status plan", english},
		{"", english},
	} {
		if got := detect(c.text); got != c.want {
			t.Errorf("detect(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}

// wanted are the first forms of each word of a question.
func wanted(q query) []string {
	var out []string
	for _, g := range q.groups {
		out = append(out, g.terms[0].term)
	}
	return out
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		question string
		terms    []string
		codes    []string
	}{
		{"What does AWSJPL017E mean?", nil, []string{"AWSJPL017E"}},
		{"awsbdw009e on the agent", []string{"agent"}, []string{"AWSBDW009E"}},
		{"O banco de dados está cheio", []string{"databas", "full", "reorgan"}, nil}, // the last by a concept
		{"gerenciador de domínio mestre", []string{"master", "domain", "manag"}, nil},
		{"FTA is down", []string{"fault", "toler", "agent", "fta", "down"}, nil},
		{"job job job", []string{"job"}, nil},
		{"???", nil, nil},
	} {
		q := parse(c.question, fitted())
		if diff := cmp.Diff(c.terms, wanted(q)); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", c.question, diff)
		}
		if diff := cmp.Diff(c.codes, q.codes); diff != "" {
			t.Errorf("codes of %q (-want +got):\n%s", c.question, diff)
		}
	}
}

// TestDefect13QuestionWordsAreNoNames: the predecessor took every word of a
// question for a job name; here words that say nothing are dropped.
func TestDefect13QuestionWordsAreNoNames(t *testing.T) {
	if got := wanted(parse("What is the status of job ETL_DAILY?", fitted())); slices.Contains(got, "what") || !slices.Contains(got, "etl_daily") {
		t.Errorf("looked for %v", got)
	}
}

func TestTroubleIsNoticed(t *testing.T) {
	for q, want := range map[string]bool{
		"Why does the agent not link?": true, "JnextPlan is slow": true, "O agente parou": true, "AWSJPL017E": true,
		"How do I define a calendar": false, "syntax of submit sched": false,
	} {
		if got := parse(q, fitted()).wrong; got != want {
			t.Errorf("%q taken for a problem: %v", q, got)
		}
	}
}

func TestGlossaryIsWellFormed(t *testing.T) {
	for name, text := range map[string]string{"portuguese": glossaryText, "english": synonymText} {
		n := 0
		for ln := range strings.Lines(text) {
			if ln = strings.TrimSpace(ln); ln == "" {
				continue
			}
			n++
			from, to, ok := strings.Cut(ln, " = ")
			if !ok || strings.TrimSpace(from) == "" || strings.TrimSpace(to) == "" {
				t.Errorf("%s glossary: %q is no entry", name, ln)
			}
			if fold(ln) != ln {
				t.Errorf("%s glossary: %q has capitals or accents", name, ln)
			}
		}
		t.Logf("%s: %d entries", name, n)
	}
}

func FuzzTerms(f *testing.F) {
	for _, s := range []string{"", "JnextPlan", "a.b-c_d", "ÀÉ", "\xff", strings.Repeat("é", 100), "aBcDeF", "...", "mm unlink"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, lang := range []language{english, portuguese} {
			words(text, func(w string) {
				if !strings.Contains(text, w) {
					t.Fatalf("%q is not in %q", w, text)
				}
				for _, term := range terms(nil, w, lang) {
					if term == "" || utf8.ValidString(w) && !utf8.ValidString(term) {
						t.Fatalf("term %q of %q", term, w)
					}
				}
			})
		}
		parse(text, fitted())
	})
}
