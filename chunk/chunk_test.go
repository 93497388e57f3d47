package chunk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outline is what a test compares of a passage.
type outline struct {
	Kind Kind
	Path string
	Line int
	End  int
}

func outlines(chunks []Chunk) []outline {
	var out []outline
	for _, c := range chunks {
		out = append(out, outline{c.Kind, c.Section(), c.Line, c.EndLine})
	}
	return out
}

// book is a converted PDF in small: flat headings, a contents page, an overview, a
// solution under a heading of its own, an index.
func book() string {
	var b strings.Builder
	b.WriteString("Acme Scheduler\n\nTrouble Guide\n\n# Note\n\nRead this first.\n\n# Contents\n\nChapter 1. Links.... 3\n\nThe agent is mute. 4\n\n" +
		"Files. 5\n\n# Chapter 2. Disks 9\n\nFull. 9\n\nEmpty. 10\n\nOther. 11\n\n")
	b.WriteString("# Chapter 1. Links\n\nAll about links between machines and agents of the network.\n\n" +
		"# Link problems\n\n- The agent is mute on page 4\n- The agent has no name on page 5\n\n" +
		"# The agent is mute\n\nNothing is heard from the agent.\n\n```txt\n# no heading\nAWSABC001E lost\n```\n\n# Cause and solution:\n\n" +
		"The port is wrong. Set the port.\n\n# On UNIX operating systems\n\nEdit the file.\n\n")
	b.WriteString("The agent has no name\n\nIt was never named.\n\nCause and solution: Give it a name.\n\n")
	for range 12 {
		b.WriteString("# Syntax\n\nfoo\n\n")
	}
	b.WriteString("# Disk is slow\n\nThe disk takes very long to answer.\n\n# Cause and solution:\n\nThere are two causes:\n\n" +
		"# Too much tracing\n\nTrace less.\n\n# Too little memory\n\nBuy more.\n\n# Another matter\n\nUnrelated text about printing of lists.\n\n")
	b.WriteString("# Notices\n\nLaw.\n\n# Index\n\nagent 4, 5\n\ndisk 9\n")
	return b.String()
}

func TestDocumentReadsAConvertedManual(t *testing.T) {
	text := book()
	got := Document(text, "guide.md")
	want := []outline{
		{KindText, "Chapter 1. Links", 25, 27},
		{KindEntry, "Chapter 1. Links › Link problems › The agent is mute", 34, 49},
		{KindEntry, "Chapter 1. Links › Link problems › The agent has no name", 51, 103},
		{KindEntry, "Chapter 1. Links › Disk is slow", 105, 119},
		{KindText, "Chapter 1. Links › Another matter", 121, 123},
	}
	if diff := cmp.Diff(want, outlines(got)); diff != "" {
		t.Errorf("passages (-want +got):\n%s", diff)
	}
	if got[0].Document != "Acme Scheduler Trouble Guide" {
		t.Errorf("the title is %q", got[0].Document)
	}
	for _, c := range got {
		for _, bad := range []string{"Law.", "agent 4, 5", "Read this first"} {
			if strings.Contains(c.Content, bad) {
				t.Errorf("%s holds %q", c.Section(), bad)
			}
		}
	}
}

// TestDefect26ProblemAndSolutionStayTogether: the predecessor put a problem and its
// "Cause and solution" into different chunks in all but 8 of 155 cases.
func TestDefect26ProblemAndSolutionStayTogether(t *testing.T) {
	file := manual(t, "awstrmst.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	chunks := Document(string(text), "awstrmst.md")
	together, alone := 0, 0
	for _, c := range chunks {
		if !strings.Contains(strings.ToLower(c.Content), "cause and solution") {
			continue
		}
		if c.Kind == KindEntry && !answers(fold(c.Title)) {
			together++
		} else {
			alone++
			t.Errorf("lines %d-%d, %q: kind %s", c.Line, c.EndLine, c.Title, c.Kind)
		}
	}
	t.Logf("%d passages, %d with problem and solution, %d without their problem", len(chunks), together, alone)
	if together < 155 {
		t.Errorf("%d entries, the guide has more than 155", together)
	}
}

func manual(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("RESYNC_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	file := filepath.Join(root, "manuals", name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("SKIPPED, NOT RUN: the entries of %s (%v)", name, err)
	}
	return file
}

func TestDocumentFollowsHeadingLevels(t *testing.T) {
	text := "# Runbook\n\nIntro.\n\n## Payroll\n\nCall Ann.\n\n### Symptom\n\nRed.\n\n### Solution\n\n1. Stop.\n2. Start.\n\n## Billing\n\nCall Bob.\n"
	want := []outline{
		{KindText, "Runbook", 1, 3},
		{KindEntry, "Runbook › Payroll", 5, 16},
		{KindText, "Runbook › Billing", 18, 20},
	}
	if diff := cmp.Diff(want, outlines(Document(text, "run.md"))); diff != "" {
		t.Errorf("passages (-want +got):\n%s", diff)
	}
}

func TestDocumentKeepsWhatBelongsTogether(t *testing.T) {
	filler := strings.Repeat("Some words about nothing in particular, again and again.\n\n", 40)
	table := "<table><tr><td>a</td><td>" + strings.Repeat("x ", 3000) + "</td></tr></table>"
	steps := "1. First do this.\n\n```sh\n# comment, no heading\nrun it\n```\n\n2. Then do that.\n\n3. Look."
	mdTable := "| a | b |\n|---|---|\n| 1 | 2 |"
	for name, whole := range map[string]string{"table": table, "procedure": steps, "markdown table": mdTable} {
		t.Run(name, func(t *testing.T) {
			text := "# Title\n\n" + filler + "Do the following:\n\n" + whole + "\n\n" + filler
			found := 0
			for _, c := range Document(text, "a.md") {
				if strings.Contains(c.Content, whole) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%d passages hold it whole, want 1", found)
			}
		})
	}
}

func TestDocumentIDsSurviveEditsBefore(t *testing.T) {
	before := Document("# A\n\none\n\n# B\n\ntwo\n", "x.md")
	after := Document("# A\n\none and more\n\n# B\n\ntwo\n", "x.md")
	if before[1].ID != after[1].ID {
		t.Errorf("the id of B changed from %s to %s", before[1].ID, after[1].ID)
	}
	if before[0].ID == after[0].ID {
		t.Error("the id of A did not change with its text")
	}
	twice := Document("# A\n\none\n\n# A\n\none\n", "x.md")
	if len(twice) != 2 || twice[0].ID == twice[1].ID {
		t.Errorf("two equal passages have the ids %v", twice)
	}
}

func TestDocumentTitles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"first heading", "# Night shift\n\ntext\n", "Night shift"},
		{"file name", "just text\n", "notes"},
		{"second level heading", "## Deep\n\ntext\n", "notes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Document(c.text, "dir/notes.md")
			if len(got) != 1 || got[0].Document != c.want {
				t.Errorf("got %+v, want the title %q", got, c.want)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"trademarks", "Use DB2® on UNIX™.", "Use DB2 on UNIX."},
		{"formula", `workstation  $\{0\}$  The broker`, "workstation {0} The broker"},
		{"equals", `DWC_version  $= 10.2.5$`, "DWC_version =10.2.5"},
		{"equivalence", `list  $\equiv$  DWC`, "list = DWC"},
		{"shell variables are none", "$HOME/*.msg and $HOME/pobox", "$HOME/*.msg and $HOME/pobox"},
		{"money", "from $5 to $7; more", "from $5 to $7; more"},
		{"table", "<table><tr><td>a</td><td>b &lt; c</td></tr></table>", "a | b < c |"},
		{"placeholder stays", "composer del ws <name>;force", "composer del ws <name>;force"},
		{"stars", "+ ++++++ + + + +\n+ AWSBCV012E Mailman stops\n", "+ AWSBCV012E Mailman stops"},
		{"image", "before ![](images/x.jpg) after", "before after"},
		{"page link line", "- The agent is mute on page 59\nText.", "Text."},
		{"page inside", "See links on page 59 for more.", "See links for more."},
		{"heading", "# Title\ntext", "Title\ntext"},
		{"fence", "```sh\nls -l\n```", "ls -l"},
		{"invalid", "a\xffb", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Plain(c.in); got != c.want {
				t.Errorf("Plain(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// lawful checks the properties that hold for every text.
func lawful(t interface{ Fatalf(string, ...any) }, text string, chunks []Chunk) {
	end, seen := 0, map[string]bool{}
	for _, c := range chunks {
		if c.Start < end || c.End > len(text) || c.Start >= c.End {
			t.Fatalf("passage [%d,%d) after %d in a text of %d", c.Start, c.End, end, len(text))
		}
		end = c.End
		if text[c.Start:c.End] != c.Content {
			t.Fatalf("content of [%d,%d) is not the text there", c.Start, c.End)
		}
		if utf8.ValidString(text) && !utf8.ValidString(c.Content) {
			t.Fatalf("[%d,%d) cuts a character in two", c.Start, c.End)
		}
		if got := 1 + strings.Count(text[:c.Start], "\n"); got != c.Line {
			t.Fatalf("[%d,%d) begins on line %d, not %d", c.Start, c.End, got, c.Line)
		}
		if got := 1 + strings.Count(text[:c.End], "\n"); got != c.EndLine {
			t.Fatalf("[%d,%d) ends on line %d, not %d", c.Start, c.End, got, c.EndLine)
		}
		if seen[c.ID] {
			t.Fatalf("the id %s stands twice", c.ID)
		}
		seen[c.ID] = true
		if len(c.Path) == 0 {
			t.Fatalf("[%d,%d) has no path", c.Start, c.End)
		}
	}
}

func TestDocumentIsLawful(t *testing.T) {
	parts := []string{
		"# Title\n", "## Sub\n", "# Cause and solution:\n", "# Syntax\n", "text of some length. ", "\n", "\n\n", "```\n", "```sh\n",
		"- item\n", "1. one\n", "2. two\n", "<table><tr><td>x</td></tr></table>\n", "<table>\n", "</table>\n", "| a | b |\n", "é€😀", "\r\n",
		"See it on page 9\n", "# Contents\n", "Alpha. 3\nBeta. 4\nGamma. 5\n", "# Notices\n", "There are two causes:\n", strings.Repeat("word ", 900),
		strings.Repeat("x", 7000), "$\\{0\\}$", "\xff",
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "parts")
		var b strings.Builder
		for range n {
			b.WriteString(rapid.SampledFrom(parts).Draw(t, "part"))
		}
		text := b.String()
		first := Document(text, "a.md")
		lawful(t, text, first)
		if diff := cmp.Diff(first, Document(text, "a.md")); diff != "" {
			t.Fatalf("the second run differs:\n%s", diff)
		}
	})
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{"", "#", "# a", book(), "```", "<table>", "1. a\n\n2. b", "a\r\nb", "\xff\xfe", strings.Repeat("# h\n\nt\n", 25)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lawful(t, text, Document(text, "f.md"))
	})
}

// TestPlainLinesAreTakenAsTheyAre compares the quick way with the one that looks at
// each character.
func TestPlainLinesAreTakenAsTheyAre(t *testing.T) {
	parts := []string{"word", " ", "  ", " on page 9", ".", "é", "®", "*", "$x$", "<td>", "&lt;", "![a](b)", "==", "\t", "\x00", "\x7f", "|", "-"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			b.WriteString(rapid.SampledFrom(parts).Draw(t, "part"))
		}
		ln := strings.TrimSpace(b.String())
		slow := plainer{}
		slow.inline(ln)
		if word, ok := unmarked(ln); ok && (string(slow.buf) != ln || slow.word != word) {
			t.Fatalf("%q is written as %q (word %v), the quick way leaves it (word %v)", ln, slow.buf, slow.word, word)
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "$x$", "$\\", "<td>", "&lt;", "![](", "***", " on page 5", "$\\{$", "$\x91\x91\x91\x91r\x91\x99\x8a_$", "$^\\\xe3\\\xe3\\\xe3\\\xe3$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Plain(text)
		if !utf8.ValidString(got) {
			t.Fatalf("Plain(%q) is not UTF-8", text)
		}
		if len(got) > 2*len(text)+8 {
			t.Fatalf("Plain made %d bytes of %d", len(got), len(text))
		}
	})
}

// hostile texts would cost more than linear time in a careless chunker.
func hostile(n int) map[string]string {
	return map[string]string{
		"no blank":         strings.Repeat("x", n),
		"headings":         strings.Repeat("# h\n", n/4),
		"distinct":         distinctHeadings(n),
		"open fences":      strings.Repeat("```a\n", n/5),
		"open tables":      strings.Repeat("<table>\n", n/8),
		"dollars":          strings.Repeat("$", n),
		"stars":            strings.Repeat("* ", n/2),
		"page links":       strings.Repeat("- some title on page 5\n", n/23),
		"numbered":         strings.Repeat("1. step\n\n2. step\n\n", n/18),
		"contents":         "# Contents\n" + strings.Repeat("line 5\n", n/7),
		"tags":             strings.Repeat("<", n),
		"one long bracket": "![" + strings.Repeat("[", n),
	}
}

func distinctHeadings(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString("# heading ")
		for k := i; k > 0; k /= 26 {
			b.WriteByte(byte('a' + k%26))
		}
		b.WriteString("\n\ntext\n\n")
	}
	return b.String()
}

func TestDocumentTakesHostileText(t *testing.T) {
	for name, text := range hostile(200_000) {
		t.Run(name, func(t *testing.T) { lawful(quick{t}, text, Document(text, "h.md")) })
	}
}

// quick is lawful's reporter for long texts.
type quick struct{ t *testing.T }

func (q quick) Fatalf(f string, args ...any) { q.t.Fatalf(f, args...) }

func BenchmarkDocument(b *testing.B) {
	for _, size := range []int{1 << 20, 4 << 20} {
		for name, text := range hostile(size) {
			b.Run(name+"/"+map[int]string{1 << 20: "1MB", 4 << 20: "4MB"}[size], func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					Document(text, "h.md")
				}
			})
		}
	}
}

func BenchmarkDocumentManual(b *testing.B) {
	text, err := os.ReadFile(manual(b, "awsrgmst_compressed.md"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Document(string(text), "awsrgmst_compressed.md")
	}
}
