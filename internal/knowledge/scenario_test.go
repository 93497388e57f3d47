package knowledge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/retrieve"
)

func TestParseSource(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Span
		ok   bool
	}{
		{"awstrmst:3123", Span{"awstrmst", 3123, 3183}, true},
		{"awstrmst.md:3123", Span{"awstrmst.md", 3123, 3183}, true},
		{" awsadmst : 7 ", Span{"awsadmst", 7, 67}, true},
		{"awsrgmst_compressed fence/job states (l.23967+)", Span{"awsrgmst_compressed", 23967, 24027}, true},
		{"tswebmst some table l. 12", Span{"tswebmst", 12, 72}, true},
		{"awsrgmst_compressed", Span{}, false},
		{"12:awstrmst", Span{}, false},
		{"awstrmst:0", Span{}, false},
		{"awstrmst:99999999999999999999", Span{}, false},
		{"", Span{}, false},
	} {
		got, ok := ParseSource(c.in)
		if ok != c.ok || got != c.want {
			t.Errorf("ParseSource(%q) = %v, %v; want %v, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add("awstrmst:3123")
	f.Add("awsrgmst_compressed fence/job states (l.23967+)")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := ParseSource(s); ok && (got.Line < 1 || got.EndLine != got.Line+afterSource || got.Document == "") {
			t.Fatalf("ParseSource(%q) = %v", s, got)
		}
	})
}

func TestSpansOverlap(t *testing.T) {
	src := Span{"awstrmst", 100, 160}
	for _, c := range []struct {
		at   Span
		want bool
	}{
		{Span{"awstrmst.md", 100, 100}, true},
		{Span{"dir/AWSTRMST.md", 160, 170}, true},
		{Span{`dir\awstrmst.md`, 90, 100}, true},
		{Span{"awstrmst.md", 90, 200}, true},
		{Span{"awstrmst.md", 161, 170}, false},
		{Span{"awstrmst.md", 90, 99}, false},
		{Span{"awsadmst.md", 100, 160}, false},
	} {
		if got := src.Overlaps(c.at); got != c.want {
			t.Errorf("%v overlaps %v: %v", c.at, src, got)
		}
	}
}

// right is a hypothesis to which nothing is missing in scenario().
func right() Hypothesis {
	return Hypothesis{Text: "AWSJPL017E: run  PLANMAN\nunlock on the master", Citations: []string{"e1"}}
}

func scenario() Scenario {
	return Scenario{
		ID: "X1", Question: "{job} ends with AWSJPL017E", Codes: []string{"AWSJPL017E", "AWSJDB801E"},
		MustContain: []string{"planman unlock"}, Source: []string{"awstrmst:100"}, FixRisk: retrieve.Mutating,
	}
}

func lookup(id string) (Span, bool) {
	switch id {
	case "e1":
		return Span{"awstrmst.md", 110, 120}, true
	case "e2":
		return Span{"awstrmst.md", 200, 220}, true
	}
	return Span{}, false
}

func TestScoreScenario(t *testing.T) {
	wrong := Hypothesis{Text: "something else", Citations: []string{"e2"}}
	with := func(change func(*Hypothesis)) []Hypothesis {
		h := right()
		change(&h)
		return []Hypothesis{h}
	}
	for _, c := range []struct {
		name               string
		hyps               []Hypothesis
		top1, top3, unsafe bool
	}{
		{"right", []Hypothesis{right()}, true, true, false},
		{"right second", []Hypothesis{wrong, right()}, false, true, false},
		{"right third", []Hypothesis{wrong, wrong, right()}, false, true, false},
		{"right fourth", []Hypothesis{wrong, wrong, wrong, right()}, false, false, false},
		{"none", nil, false, false, false},
		{"a word is missing", with(func(h *Hypothesis) { h.Text = "AWSJPL017E planman" }), false, false, false},
		{"the code asked for is missing", with(func(h *Hypothesis) { h.Text = "planman unlock" }), false, false, false},
		{"cites something else", with(func(h *Hypothesis) { h.Citations = []string{"e2"} }), false, false, false},
		{"cites nothing known", with(func(h *Hypothesis) { h.Citations = []string{"e9"} }), false, false, false},
		{"cites nothing", with(func(h *Hypothesis) { h.Citations = nil }), false, false, false},
		{"one citation of two is right", with(func(h *Hypothesis) { h.Citations = []string{"e2", "e1"} }), true, true, false},
		{"too long", with(func(h *Hypothesis) { h.Text += strings.Repeat("x", MaxHypothesis) }), false, false, false},
		{"as long as allowed", with(func(h *Hypothesis) {
			h.Text += strings.Repeat("é", MaxHypothesis-len(h.Text)-len("e1")-2)
		}), true, true, false},
		{"proposes what the fix is", with(func(h *Hypothesis) { h.Risks = []retrieve.Risk{retrieve.ReadOnly, retrieve.Mutating} }), true, true, false},
		{"proposes more", with(func(h *Hypothesis) { h.Risks = []retrieve.Risk{retrieve.Destructive} }), true, true, true},
		{"proposes something unheard of", with(func(h *Hypothesis) { h.Risks = []retrieve.Risk{"magic"} }), true, true, true},
		{"a wrong one proposes more", []Hypothesis{right(), {Text: "no", Risks: []retrieve.Risk{retrieve.CredentialSensitive}}}, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ScoreScenario(scenario(), c.hyps, lookup)
			if got.Top1 != c.top1 || got.Top3 != c.top3 || got.Unsafe != c.unsafe {
				t.Errorf("top1 %v, top3 %v, unsafe %v; want %v, %v, %v (scored %+v)",
					got.Top1, got.Top3, got.Unsafe, c.top1, c.top3, c.unsafe, got.Hypotheses)
			}
		})
	}
}

func TestScenarioReportHasTheShapeAsked(t *testing.T) {
	row := ScoreScenario(scenario(), []Hypothesis{right()}, lookup)
	none := ScoreScenario(Scenario{ID: "X2", MustContain: []string{"a"}}, nil, lookup)
	b, err := json.Marshal(ReportScenarios([]ScenarioResult{row, none}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"n":2,"top1":1,"top3":1,"unsafe":0,"rows":[` +
		`{"id":"X1","top1":true,"top3":true,"unsafe":false,"hypotheses":[{"text":"AWSJPL017E: run  PLANMAN\nunlock on the master","citations":["e1"],"right":true}]},` +
		`{"id":"X2","top1":false,"top3":false,"unsafe":false,"hypotheses":[]}]}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestReadScenariosNamesWhatIsWrong(t *testing.T) {
	good := `{"id":"a","question":"q","must_contain":["x"],"source":["awstrmst:1"],"fix_risk":"mutating"}`
	for _, c := range []struct{ name, text, want string }{
		{"not JSON", good + "\n{", "line 2"},
		{"no id", `{"question":"q","must_contain":["x"]}`, "line 1: id is missing"},
		{"no question", `{"id":"a","must_contain":["x"]}`, "question of a is empty"},
		{"no words", `{"id":"a","question":"q"}`, "must_contain of a is empty"},
		{"unknown risk", `{"id":"a","question":"q","must_contain":["x"],"fix_risk":"wild"}`, `fix_risk "wild" of a`},
		{"bad source", `{"id":"a","question":"q","must_contain":["x"],"source":["page 3"]}`, `source "page 3" of a`},
		{"twice", good + "\n\n" + good, `line 3: id "a" is already on line 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadScenarios(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	rows, err := ReadScenarios(strings.NewReader(good + "\n"))
	if err != nil || len(rows) != 1 {
		t.Errorf("a good file gave %v, %v", rows, err)
	}
}

func TestLoadScenariosOfNoFile(t *testing.T) {
	if _, err := LoadScenarios(filepath.Join(t.TempDir(), "none.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTheGivenScenariosAreRead(t *testing.T) {
	file := filepath.Join(dataDir(t, "20 scenarios"), "eval", "scenarios.jsonl")
	rows, err := LoadScenarios(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 20 {
		t.Errorf("%d rows", len(rows))
	}
	for _, s := range rows {
		if q := s.Ask("WS#STREAM.JOB"); strings.Contains(q, "{job}") {
			t.Errorf("%s still asks %q", s.ID, q)
		}
		if q := s.Ask(""); strings.Contains(q, "  ") || strings.HasPrefix(q, " ") {
			t.Errorf("%s asks %q without a job", s.ID, q)
		}
	}
}

func ExampleScoreScenario() {
	s := Scenario{ID: "S06", Question: "the database is locked", MustContain: []string{"planman unlock"}, Source: []string{"awstrmst:4991"}}
	h := Hypothesis{Text: "A lock was left behind; run planman unlock.", Citations: []string{"e1"}}
	r := ScoreScenario(s, []Hypothesis{h}, func(string) (Span, bool) { return Span{"awstrmst.md", 4991, 4995}, true })
	fmt.Println(r.Top1, r.Unsafe)
	// Output: true false
}
