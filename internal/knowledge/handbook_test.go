package knowledge

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"resync/hwa/msgcode"
	"resync/internal/retrieve"
)

// dataDir is the folder of test data beside the repository; the test is skipped,
// loudly, where it is absent.
func dataDir(t testing.TB, lost string) string {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; dir != "/"; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
		}
		root = filepath.Join(dir, "..", "shared", "data")
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("SKIPPED, NOT RUN: %s (no test data in %s)", lost, root)
	}
	return root
}

// handbookEntry is one entry taken apart.
type handbookEntry struct {
	file, title string
	parts       map[string]string
	text        string
}

func handbookEntries(t *testing.T) []handbookEntry {
	t.Helper()
	docs, err := Handbook()
	if err != nil {
		t.Fatal(err)
	}
	var out []handbookEntry
	for _, d := range docs {
		for i, block := range strings.Split(d.Text, "\n## ") {
			if i == 0 {
				continue
			}
			title, body, _ := strings.Cut(block, "\n")
			e := handbookEntry{file: d.Name, title: title, text: block, parts: map[string]string{}}
			for _, ln := range strings.Split(body, "\n") {
				if label, rest, ok := strings.Cut(ln, ": "); ok {
					e.parts[label] = rest
				}
			}
			out = append(out, e)
		}
	}
	return out
}

func TestHandbookEntriesAreComplete(t *testing.T) {
	all := handbookEntries(t)
	if len(all) < 45 {
		t.Errorf("the handbook has %d entries, at least 45 are promised", len(all))
	}
	t.Logf("%d entries", len(all))
	titles := map[string]bool{}
	for _, e := range all {
		if titles[e.title] {
			t.Errorf("%s: %q stands twice", e.file, e.title)
		}
		titles[e.title] = true
		for _, part := range []string{"Symptom", "Meaning", "Check", "Do", "Risk"} {
			if len(e.parts[part]) < 8 {
				t.Errorf("%s: %q has no %s", e.file, e.title, part)
			}
		}
		class, _, _ := strings.Cut(e.parts["Risk"], " ")
		if r := retrieve.Risk(strings.Trim(class, ".,")); r == "" || r.Level() > retrieve.Destructive.Level() {
			t.Errorf("%s: %q names no class of risk but %q", e.file, e.title, class)
		}
	}
}

func TestHandbookCodesAreRealCodes(t *testing.T) {
	for _, e := range handbookEntries(t) {
		found := map[string]bool{}
		for _, m := range msgcode.Find(e.text) {
			if m.Slip != 0 {
				t.Errorf("%q spells %s as %s", e.title, m.Code.Text, m.Raw)
			}
			found[m.Code.Text] = true
		}
		for _, w := range strings.FieldsFunc(e.text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if (strings.HasPrefix(w, "AWS") || strings.HasPrefix(w, "AWK")) && !found[w] {
				t.Errorf("%q: %s is no message code", e.title, w)
			}
		}
	}
}

func TestHandbookNamesEveryCodeOfTheScenarios(t *testing.T) {
	root := dataDir(t, "codes of 20 scenarios against the handbook")
	rows, err := LoadScenarios(filepath.Join(root, "eval", "scenarios.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, e := range handbookEntries(t) {
		for _, c := range msgcode.Codes(e.text) {
			have[c.Text] = true
		}
	}
	for _, s := range rows {
		for _, c := range s.Codes {
			if !have[c] {
				t.Errorf("%s: the handbook does not name %s", s.ID, c)
			}
		}
	}
}

// TestHandbookSharesNoTextWithTheManuals compares runs of eight words.
func TestHandbookSharesNoTextWithTheManuals(t *testing.T) {
	const run = 8
	root := dataDir(t, "handbook against 8 manuals, 8 words at a time")
	files, err := filepath.Glob(filepath.Join(root, "manuals", "*.md"))
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED, NOT RUN: no manuals in %s", root)
	}
	ours := map[string]string{}
	for _, e := range handbookEntries(t) {
		w := foldedWords(e.text)
		for i := 0; i+run <= len(w); i++ {
			ours[strings.Join(w[i:i+run], " ")] = e.title
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		w := foldedWords(string(b))
		for i := 0; i+run <= len(w); i++ {
			if title, ok := ours[strings.Join(w[i:i+run], " ")]; ok {
				t.Errorf("%q has the words of %s: %s", title, filepath.Base(f), strings.Join(w[i:i+run], " "))
			}
		}
	}
}

func foldedWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func TestHandbookAnswersWithoutManuals(t *testing.T) {
	b, err := Open(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ question, title string }{
		{"AWSJPL017E", "Plan action left unfinished (AWSJPL017E)"},
		{"What does AWSBHV082E mean?", "Old and new plan carry the same run number (AWSBHV082E)"},
		{"Job is READY and does not start", "READY: nothing is missing, the agent has not taken the job"},
		{"why is my job in FENCE", "FENCE: the priority does not clear the fence of the workstation"},
		{"the job waits for a prompt", "Gate: prompt not answered"},
		{"job waits for a file that is not there", "Gate: file dependency"},
		{"difference between rerun and confirm", "Rerun or confirm or release: which one"},
		{"can I undo a cancel", "Cancel"},
		{"what is the recovery option rerun", "Recovery option rerun"},
		{"agents unlink after JnextPlan", "Agents drop off half an hour after the extension"},
		{"job runs on although it ended: EXEC but no process", "EXEC that is not running: lost end event"},
		{"critical job at risk", "Critical job at risk"},
		{"JnextPlan failed, transaction log full", "Transaction log of the database full (AWSJDB801E)"},
		{"O job está em READY e não inicia", "READY: nothing is missing, the agent has not taken the job"},
		{"banco de dados bloqueado no MakePlan", "Plan database locked (AWSJPL018E)"},
		{"senha errada no useropts", "User not authorised for the server (AWSBEH021E)"},
		{"limite da estação de trabalho", "Gate: workstation limit"},
	} {
		found, err := b.Search(context.Background(), c.question, 3)
		if err != nil {
			t.Fatal(err)
		}
		at := -1
		var titles []string
		for i, p := range found {
			titles = append(titles, p.Title)
			if p.Title == c.title && at < 0 {
				at = i
			}
		}
		switch {
		case at < 0:
			t.Errorf("%q found %q, want %q", c.question, titles, c.title)
		case at > 0:
			t.Logf("%q has %q only at %d, after %q", c.question, c.title, at+1, titles[0])
		}
	}
}

func TestHandbookEntryIsExplained(t *testing.T) {
	b, err := Open(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := b.Search(context.Background(), "AWSJPL018E", 1)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	x := retrieve.Explain("AWSJPL018E", []string{"AWSJPL018E"}, found[0])
	if x.Risk != retrieve.Destructive || !strings.Contains(x.Fix, "planman unlock") || !strings.Contains(x.Cause, "global lock") {
		t.Errorf("explained as %+v", x)
	}
	if !IsHandbook(found[0].Document) {
		t.Errorf("%s is not taken for the handbook", found[0].Document)
	}
}

func TestHandbookCanBeLeftOut(t *testing.T) {
	b, err := OpenWithoutHandbook(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := b.Stats().Passages; n != 0 {
		t.Errorf("%d passages without the handbook", n)
	}
}
