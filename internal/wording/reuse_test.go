package wording_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"resync/internal/knowledge"
	"resync/internal/store"
	"resync/internal/wording"
)

// TestFreshQuestions measures: none that only looks the same is taken for the same,
// and a share of the others is found, at least the one that was found when they
// were first tried.
func TestFreshQuestions(t *testing.T) {
	for _, p := range freshOthers() {
		if wording.Same(p.a, p.b) {
			t.Errorf("%q is taken for %q: %s", p.a, p.b, wording.Form(p.a))
		}
	}
	found, all := map[string]int{}, map[string]int{}
	for _, p := range fresh() {
		lang := wording.Form(p.a)[:2]
		if all[lang]++; wording.Same(p.a, p.b) {
			found[lang]++
		} else {
			t.Logf("missed: %q\n%s\n%s", p.b, wording.Form(p.a), wording.Form(p.b))
		}
	}
	t.Logf("found: English %d of %d, Portuguese %d of %d; taken wrongly: 0 of %d", found["en"], all["en"], found["pt"], all["pt"], len(freshOthers()))
}

// TestReuseOverTheManuals measures what comes of it with real documents: an answer
// is only given again when the passages are the same as well.
func TestReuseOverTheManuals(t *testing.T) {
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	if os.Getenv("RESYNC_LONG") == "" {
		t.Skip("SKIPPED: reads eight manuals; RESYNC_LONG=1 runs it")
	}
	manuals := filepath.Join(dir, "manuals")
	if _, err := os.Stat(manuals); err != nil {
		t.Skip("SKIPPED: no manuals: ", err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "resync.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	base, err := knowledge.New(t.Context(), knowledge.Options{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base.Ingest(t.Context(), []string{manuals}, nil); err != nil {
		t.Fatal(err)
	}
	passages := func(q string) []string {
		hits, err := base.Find(t.Context(), knowledge.Query{Text: q, K: 5})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, h := range hits {
			out = append(out, h.Source()+h.Text)
		}
		return out
	}
	// within reports whether what an answer made from the first n passages of one
	// question cites was found for the other as well.
	within := func(p pair, n int) bool {
		before, now := passages(p.a), passages(p.b)
		for _, x := range before[:min(n, len(before))] {
			if !slices.Contains(now, x) {
				return false
			}
		}
		return true
	}
	for name, list := range map[string][]pair{"fresh": fresh(), "paraphrases": paraphrases()} {
		same, first, three := map[string]int{}, map[string]int{}, map[string]int{}
		all := map[string]int{}
		for _, p := range list {
			lang := wording.Form(p.a)[:2]
			if all[lang]++; !wording.Same(p.a, p.b) {
				continue
			}
			if same[lang]++; within(p, 1) {
				first[lang]++
			}
			if within(p, 3) {
				three[lang]++
			}
		}
		for lang, n := range all {
			t.Logf("%s, %s: %d of %d have one form; of them an answer that cites the first passage serves %d, one that cites three %d", name, lang, same[lang], n, first[lang], three[lang])
		}
	}
	wrong := 0
	for _, p := range slices.Concat(others(), freshOthers()) {
		if wording.Same(p.a, p.b) && within(p, 1) {
			wrong++
			t.Errorf("%q would be answered as %q", p.b, strings.TrimSpace(p.a))
		}
	}
	t.Logf("wrong reuse: %d of %d", wrong, len(others())+len(freshOthers()))
}
