package retrieve

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func explain(t *testing.T, text, question string, codes ...string) Extract {
	t.Helper()
	x := index(t, Document{Name: "g.md", Text: text})
	found := search(t, x, question, 1)
	if len(found) == 0 {
		t.Fatalf("%q found nothing", question)
	}
	return Explain(question, codes, found[0])
}

func TestExplainTellsCauseFromFix(t *testing.T) {
	for _, c := range []struct{ name, text, question, cause, fix string }{
		{
			"solution under its own heading",
			"# Agent mute\n\nIt is silent.\n\n# Cause and solution:\n\nThe port is 0. Correct it by setting the port. Then restart netman.\n",
			"agent mute", "The port is 0.", "Correct it by setting the port. Then restart netman.",
		},
		{
			"steps",
			"# Agent mute\n\nIt is silent.\n\n# Cause and solution:\n\nThe file is broken. To solve it:\n\n1. Stop the agent.\n2. The file goes away.\n3. Start it.\n",
			"agent mute", "The file is broken.", "To solve it: 1. Stop the agent. 2. The file goes away. 3. Start it.",
		},
		{
			"inline",
			"# Agent mute\n\nIt is silent.\n\nCause and solution: This means the server is down. If this happens, start the server.\n",
			"agent mute", "This means the server is down.", "If this happens, start the server.",
		},
		{
			"handbook",
			"# Agent mute\n\nSymptom: It is silent.\nMeaning: The port is 0.\nCheck: The port.\nDo: Set it.\nRisk: read_only.\n",
			"agent mute", "The port is 0.", "The port. Set it.",
		},
		{
			"solution only",
			"# Agent mute\n\nIt is silent.\n\nSolution: Insert sleep 60 after the stop.\n",
			"agent mute", "", "Insert sleep 60 after the stop.",
		},
		{
			"portuguese",
			"# Agente mudo\n\nEstá em silêncio.\n\nCausa: A porta é 0.\nSolução: Edite o localopts.\n",
			"agente mudo", "A porta é 0.", "Edite o localopts.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := explain(t, c.text, c.question)
			if x.Cause != c.cause || x.Fix != c.fix {
				t.Errorf("cause %q, want %q\nfix %q, want %q", x.Cause, c.cause, x.Fix, c.fix)
			}
			for _, part := range []string{x.Cause, x.Fix, x.Title} {
				if !strings.Contains(x.Text, part) {
					t.Errorf("the text lacks %q: %s", part, x.Text)
				}
			}
		})
	}
}

func TestExplainNamesTheCodesAsked(t *testing.T) {
	text := "# Agent mute\n\nMessages AWSBCV035W and AWSDEB009E.\n\nCause and solution: " + strings.Repeat("The port is wrong in this file and that file. ", 40)
	x := explain(t, text, "AWSBCV035W and AWSDEB009E", "AWSBCV035W", "AWSDEB009E", "AWSXYZ")
	if !strings.Contains(x.Text, "AWSBCV035W") || !strings.Contains(x.Text, "AWSDEB009E") {
		t.Errorf("the codes are missing: %s", x.Text)
	}
	if strings.Contains(x.Text, "AWSXYZ") {
		t.Error("a code the passage does not have is named")
	}
	if diff := cmp.Diff([]string{"AWSBCV035W", "AWSDEB009E"}, x.Codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func TestExplainChoosesTheProblemOfTheCode(t *testing.T) {
	text := "# Same number\n\nAWSBHV082E is shown.\n\nCause and solution: The number was not raised.\n\n" +
		"AWSJCL054E: the command failed.\n\nCause and solution: Confirming failed. Run planman confirm.\n"
	if x := explain(t, text, "AWSJCL054E", "AWSJCL054E"); !strings.Contains(x.Fix, "planman confirm") || strings.Contains(x.Text, "not raised") {
		t.Errorf("second problem: %s", x.Text)
	}
	if x := explain(t, text, "AWSBHV082E", "AWSBHV082E"); !strings.Contains(x.Cause, "not raised") || strings.Contains(x.Text, "planman confirm") {
		t.Errorf("first problem: %s", x.Text)
	}
}

func TestExplainKeepsExactTermsWithinItsBudget(t *testing.T) {
	text := "# Agent mute\n\nIt is silent.\n\n# Cause and solution:\n\n" +
		strings.Repeat("This sentence is long and says little about the matter at hand for the reader. ", 15) +
		"Edit JobManager.ini and set GSK_TRACE_FILE. " + strings.Repeat("Another one that adds nothing whatever to the answer here. ", 15) +
		"At last use evtsize on Mailbox.msg and raise mm unlink.\n"
	x := explain(t, text, "agent mute")
	if n := utf8.RuneCountInString(x.Text); n > ExtractBudget {
		t.Errorf("%d characters, %d allowed", n, ExtractBudget)
	}
	for _, term := range []string{"JobManager.ini", "GSK_TRACE_FILE", "evtsize", "Mailbox.msg", "mm unlink"} {
		if !strings.Contains(x.Text, term) {
			t.Errorf("%s is lost: %s", term, x.Text)
		}
	}
}

func TestClassifyRisk(t *testing.T) {
	for _, c := range []struct {
		fix  string
		want Risk
	}{
		{"Increase the Java heap size.", ReadOnly},
		{"Set mm unlink in localopts, then stop and restart netman.", ReadOnly},
		{"Enable the trace and collect the file.", ReadOnly},
		{"Ask the DBA to raise LOCKLIST.", ReadOnly},
		{"Rerun the job.", Mutating},
		{"Start the WebSphere Application Server Liberty Base.", Mutating},
		{`conman "confirm JOB;succ"`, Mutating},
		{"rerun planman confirm", Mutating},
		{"Set the limit: increase the workstation limit.", Mutating},
		{"Check the password in the useropts file.", CredentialSensitive},
		{"Regenerate the SSL certificate.", CredentialSensitive},
		{"Run ResetPlan -scratch.", Destructive},
		{"run planman unlock", Destructive},
		{"Delete the corrupt message file.", Destructive},
		{"composer del ws NAME;force", Destructive},
		{"Delete the BackupResourceAdvisorUrls property from the ini.", ReadOnly},
		{"Reinicie o job.", Mutating},
		{"Altere a senha do usuário.", CredentialSensitive},
		{"", ReadOnly},
	} {
		if got := ClassifyRisk(c.fix); got != c.want {
			t.Errorf("ClassifyRisk(%q) = %s, want %s", c.fix, got, c.want)
		}
	}
}

func TestRiskLevels(t *testing.T) {
	order := []Risk{ReadOnly, Mutating, CredentialSensitive, Destructive, "unheard of"}
	for i := 1; i < len(order); i++ {
		if order[i].Level() <= order[i-1].Level() {
			t.Errorf("%s is not above %s", order[i], order[i-1])
		}
	}
}

func TestStatedRiskWins(t *testing.T) {
	x := explain(t, "# Agent mute\n\nMeaning: Somebody ran ResetPlan.\nDo: Never run ResetPlan again.\nRisk: read_only. Nothing is changed.\n", "agent mute")
	if x.Risk != ReadOnly {
		t.Errorf("risk %s, but the entry says read_only", x.Risk)
	}
}

func TestExactTerms(t *testing.T) {
	got := exactTerms("Run planman unlock, edit JobManager.ini (GSK_TRACE_FILE = /tmp/gskit.log) and raise mm unlink by 60 in localopts with conman command.")
	want := []string{"planman unlock", "JobManager.ini", "GSK_TRACE_FILE", "/tmp/gskit.log", "mm unlink", "localopts", "conman"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("terms (-want +got):\n%s", diff)
	}
}

func TestSentences(t *testing.T) {
	got := sentences(`Use it, e.g. now. Then edit localopts. 1. Step "one" is 10.2.5 long. See more.`)
	want := []string{"Use it, e.g. now.", "Then edit localopts.", `1. Step "one" is 10.2.5 long.`, "See more."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
}

func FuzzExplain(f *testing.F) {
	for _, s := range []string{"", guide, "Cause and solution:", "Meaning: x\nRisk: y", "AWSBHV082E x\nCause: a\nAWSJCL054E y\nCause: b"} {
		f.Add(s, "agent AWSJCL054E")
	}
	f.Fuzz(func(t *testing.T, text, question string) {
		p := Passage{Title: "T", Text: text, Codes: codesIn(text)}
		x := Explain(question, codesIn(question), p)
		if n := utf8.RuneCountInString(x.Text); n > ExtractBudget {
			t.Fatalf("%d characters", n)
		}
	})
}
