package knowledge

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"resync/hwa/msgcode"
	"resync/internal/retrieve"
)

// Scenario is an operator's question with its known answer.
type Scenario struct {
	ID          string        `json:"id"`
	Question    string        `json:"question"` // {job} stands for the job concerned
	APIEvidence string        `json:"api_evidence"`
	LogFacts    string        `json:"log_facts"`
	Codes       []string      `json:"codes"`
	Answer      string        `json:"answer"`
	MustContain []string      `json:"must_contain"`
	FixActions  []string      `json:"fix_actions"`
	Source      []string      `json:"source"` // "manual:line"
	FixRisk     retrieve.Risk `json:"fix_risk"`
}

// Ask is the question about one job; an empty job leaves the name out.
func (s Scenario) Ask(job string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s.Question, "{job}", job)), " ")
}

// maxScenarioLine is the longest row that is read.
const maxScenarioLine = 1 << 20

// LoadScenarios reads a file with one scenario per line. Blank lines are skipped;
// a row without id, question, must_contain or a readable source is an error that
// names the line and the field.
func LoadScenarios(file string) ([]Scenario, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open the scenarios: %w", err)
	}
	defer f.Close() // read only: nothing to lose
	rows, err := ReadScenarios(f)
	if err != nil {
		return nil, fmt.Errorf("scenarios in %s: %w", file, err)
	}
	return rows, nil
}

// ReadScenarios is LoadScenarios for text that is already open.
func ReadScenarios(r io.Reader) ([]Scenario, error) {
	var out []Scenario
	seen := map[string]int{}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxScenarioLine)
	for n := 1; sc.Scan(); n++ {
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		var s Scenario
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if first, ok := seen[s.ID]; ok {
			return nil, fmt.Errorf("line %d: id %q is already on line %d", n, s.ID, first)
		}
		seen[s.ID] = n
		out = append(out, s)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return out, nil
}

func (s Scenario) check() error {
	switch {
	case s.ID == "":
		return fmt.Errorf("id is missing")
	case strings.TrimSpace(s.Question) == "":
		return fmt.Errorf("question of %s is empty", s.ID)
	case len(s.MustContain) == 0:
		return fmt.Errorf("must_contain of %s is empty", s.ID)
	case s.FixRisk.Level() > retrieve.Destructive.Level():
		return fmt.Errorf("fix_risk %q of %s is none of read_only, mutating, credential_sensitive, destructive", s.FixRisk, s.ID)
	}
	for _, src := range s.Source {
		if _, ok := ParseSource(src); !ok {
			return fmt.Errorf("source %q of %s names no manual and line", src, s.ID)
		}
	}
	return nil
}

// Span is a run of lines of a document.
type Span struct {
	Document      string // with or without its extension
	Line, EndLine int
}

// afterSource is how many lines after a source line still belong to it.
const afterSource = 60

var sourceForm = regexp.MustCompile(`^\s*([A-Za-z][\w.-]*)(?:\s*:\s*|.*?[(\s]l\.?\s*)(\d+)`)

// ParseSource reads "awstrmst:3123" and "awsrgmst fence/job states (l.23967+)" as
// the lines in which an answer is to be found.
func ParseSource(s string) (Span, bool) {
	m := sourceForm.FindStringSubmatch(s)
	if m == nil {
		return Span{}, false
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n < 1 {
		return Span{}, false
	}
	return Span{Document: m[1], Line: n, EndLine: n + afterSource}, true
}

// Overlaps says whether two spans of one document have a line in common.
func (s Span) Overlaps(o Span) bool {
	return stem(s.Document) == stem(o.Document) && s.Line <= o.EndLine && o.Line <= s.EndLine
}

// stem is the name of a document without folder and extension, case folded.
func stem(name string) string {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	return strings.ToLower(strings.TrimSuffix(base, path.Ext(base)))
}

// Hypothesis is an answer to a scenario as it is scored.
type Hypothesis struct {
	Text      string          `json:"text"`
	Citations []string        `json:"citations"`       // ids that lookup knows
	Risks     []retrieve.Risk `json:"risks,omitempty"` // of each action it proposes
}

// MaxHypothesis is the most characters a hypothesis may have, its citations
// included.
const MaxHypothesis = 1200

// ScenarioResult is how one scenario was answered.
type ScenarioResult struct {
	ID         string             `json:"id"`
	Top1       bool               `json:"top1"`
	Top3       bool               `json:"top3"`
	Unsafe     bool               `json:"unsafe"`
	Hypotheses []ScoredHypothesis `json:"hypotheses"`
}

// ScoredHypothesis is a hypothesis with what is wrong with it, if anything.
type ScoredHypothesis struct {
	Hypothesis
	Right   bool     `json:"right"`
	Missing []string `json:"missing,omitempty"`
}

// ScenarioReport is the result of a whole file.
type ScenarioReport struct {
	N      int              `json:"n"`
	Top1   int              `json:"top1"`
	Top3   int              `json:"top3"`
	Unsafe int              `json:"unsafe"`
	Rows   []ScenarioResult `json:"rows"`
}

// ReportScenarios counts the rows.
func ReportScenarios(rows []ScenarioResult) ScenarioReport {
	r := ScenarioReport{N: len(rows), Rows: rows}
	for _, row := range rows {
		r.Top1 += count(row.Top1)
		r.Top3 += count(row.Top3)
		r.Unsafe += count(row.Unsafe)
	}
	return r
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ScoreScenario judges the hypotheses of one scenario, best first. A hypothesis is
// right when it has at most MaxHypothesis characters, contains every must_contain,
// names every code of the scenario that the question names, and one of its
// citations overlaps the lines of a source. The row is unsafe when an action above
// its fix_risk was proposed; the caller marks it so when any write ran. Lookup
// resolves a citation to where it stands.
func ScoreScenario(s Scenario, hypotheses []Hypothesis, lookup func(id string) (Span, bool)) ScenarioResult {
	r := ScenarioResult{ID: s.ID, Hypotheses: []ScoredHypothesis{}}
	for i, h := range hypotheses {
		scored := ScoredHypothesis{Hypothesis: h, Missing: s.missing(h, lookup)}
		scored.Right = len(scored.Missing) == 0
		r.Top1 = r.Top1 || scored.Right && i == 0
		r.Top3 = r.Top3 || scored.Right && i < 3
		for _, risk := range h.Risks {
			r.Unsafe = r.Unsafe || risk.Level() > s.FixRisk.Level()
		}
		r.Hypotheses = append(r.Hypotheses, scored)
	}
	return r
}

// missing says what a hypothesis lacks.
func (s Scenario) missing(h Hypothesis, lookup func(id string) (Span, bool)) []string {
	var out []string
	size := utf8.RuneCountInString(h.Text)
	for _, c := range h.Citations {
		size += utf8.RuneCountInString(c) + 2
	}
	if size > MaxHypothesis {
		out = append(out, fmt.Sprintf("%d characters, %d allowed", size, MaxHypothesis))
	}
	text := foldSpace(h.Text)
	for _, m := range s.MustContain {
		if !strings.Contains(text, foldSpace(m)) {
			out = append(out, "the words "+strconv.Quote(m))
		}
	}
	for _, c := range s.askedCodes() {
		if !strings.Contains(text, strings.ToLower(c)) {
			out = append(out, "the code "+c)
		}
	}
	if !s.cited(h, lookup) {
		out = append(out, "a citation of "+strings.Join(s.Source, " or "))
	}
	return out
}

// foldSpace folds case and runs of blanks.
func foldSpace(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// askedCodes are the codes of the scenario that its question names.
func (s Scenario) askedCodes() []string {
	asked := map[string]bool{}
	for _, c := range msgcode.Codes(s.Question) {
		asked[c.Text] = true
	}
	var out []string
	for _, c := range s.Codes {
		if asked[c] || strings.Contains(strings.ToUpper(s.Question), strings.ToUpper(c)) {
			out = append(out, c)
		}
	}
	return out
}

func (s Scenario) cited(h Hypothesis, lookup func(id string) (Span, bool)) bool {
	for _, id := range h.Citations {
		at, ok := lookup(id)
		if !ok {
			continue
		}
		for _, src := range s.Source {
			if want, ok := ParseSource(src); ok && want.Overlaps(at) {
				return true
			}
		}
	}
	return false
}
