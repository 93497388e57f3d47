package health

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Suite is the outcome of doctor or smoke in the contract's form. Its names are
// those of the contract; fix, critical and check are ours.
type Suite struct {
	Success         bool         `json:"success"` // nothing failed
	TotalTests      int          `json:"total_tests"`
	Passed          int          `json:"passed"`
	Failed          int          `json:"failed"`
	Skipped         int          `json:"skipped"`
	Warnings        int          `json:"warnings"`
	TotalDurationMS float64      `json:"total_duration_ms"`
	StartedAt       time.Time    `json:"started_at"`
	CompletedAt     time.Time    `json:"completed_at"`
	Results         []TestResult `json:"results"`
}

// TestResult is the outcome of one check in a suite.
type TestResult struct {
	Name       string   `json:"name"`
	Category   Category `json:"category"`
	Status     string   `json:"status"` // passed, failed, skipped or warning
	DurationMS float64  `json:"duration_ms"`
	Message    string   `json:"message"` // what was found
	Error      string   `json:"error,omitempty"`
	Fix        string   `json:"fix,omitempty"` // what to do about it
	Critical   bool     `json:"critical"`      // a server does not start without it
	Check      string   `json:"check"`         // its name in /health
}

// Suite returns the report as a suite, by category in the order of the list.
// Skipped checks are counted among the tests.
func (r Report) Suite() Suite {
	s := Suite{Success: true, TotalTests: len(r.Items), TotalDurationMS: millis(r.Took), StartedAt: r.At, CompletedAt: r.At.Add(r.Took), Results: []TestResult{}}
	for _, it := range r.Items {
		t := TestResult{Name: it.Title, Category: it.Category, DurationMS: millis(it.Took), Message: it.text(), Fix: it.Fix, Critical: it.Critical, Check: it.Name}
		switch it.Status {
		case Pass:
			t.Status = "passed"
			s.Passed++
		case Warn:
			t.Status = "warning"
			s.Warnings++
		case Skip:
			t.Status = "skipped"
			s.Skipped++
		default:
			t.Status, t.Error = "failed", t.Message
			s.Failed++
			s.Success = false
		}
		s.Results = append(s.Results, t)
	}
	slices.SortStableFunc(s.Results, func(a, b TestResult) int { return cmp.Compare(order(a.Category), order(b.Category)) })
	return s
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// order is the place of a category in the contract's list; unknown ones are last.
func order(c Category) int {
	if i := slices.Index([]Category{Configuration, Dependencies, CoreModules, Services, Integration}, c); i >= 0 {
		return i
	}
	return 5
}

// WriteText writes the suite for people: by category, a line per check and,
// where it is not in order, what to do about it. Passed checks are left out when
// brief is set.
func (s Suite) WriteText(w io.Writer, brief bool) error {
	var b strings.Builder
	last := Category("")
	for _, t := range s.Results {
		if brief && t.Status == "passed" {
			continue
		}
		if t.Category != last {
			fmt.Fprintf(&b, "%s\n", cmp.Or(t.Category, "Others"))
			last = t.Category
		}
		mark := map[string]string{"passed": "ok", "failed": "FAILED", "skipped": "skipped", "warning": "warning"}[t.Status]
		fmt.Fprintf(&b, "  %-8s %s", mark, t.Name)
		if t.Message != "" {
			b.WriteString(": " + t.Message)
		}
		if t.Fix != "" {
			b.WriteString("\n           do this: " + t.Fix)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d checks in %.0f ms: %d passed, %d failed, %d with a warning, %d skipped\n",
		s.TotalTests, s.TotalDurationMS, s.Passed, s.Failed, s.Warnings, s.Skipped)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the report of the checks: %w", err)
	}
	return nil
}
