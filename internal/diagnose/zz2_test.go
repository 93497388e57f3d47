package diagnose

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestZZAudit(t *testing.T) {
	index := ingested(t, "zz")
	b, _ := os.ReadFile(filepath.Join(testData(t, "x"), "manuals", "awstrmst.md"))
	lines := strings.Split(string(b), "\n")
	gen := regexp.MustCompile(`(?i)^# (cause|solution|symptom|about this task|on windows|on unix|resolution|workaround)`)
	type entry struct {
		title string
		line  int
		end   int
	}
	var es []entry
	last := -1
	for i, l := range lines {
		if i < 700 || i > 7842 {
			continue
		}
		if strings.HasPrefix(l, "# ") {
			if gen.MatchString(l) {
				if last >= 0 && strings.Contains(strings.ToLower(l), "cause") {
					es = append(es, entry{strings.TrimPrefix(lines[last], "# "), last + 1, 0})
					last = -1
				}
			} else {
				last = i
			}
		}
	}
	e := New(Deps{Passages: index})
	term := regexp.MustCompile(`[A-Za-z_]+\.[a-z]{2,5}\b|\b(?:conman|planman|composer|optman|localopts|netman|mailman|batchman|[A-Z][a-z]+[A-Z]\w+)\b`)
	top1, top3 := 0, 0
	var cov, n float64
	risks := map[string]int{}
	for _, en := range es {
		q := en.title
		if os.Getenv("ZDROP") != "" {
			w := strings.Fields(q)
			var k []string
			for i, x := range w {
				if i%3 != 1 {
					k = append(k, x)
				}
			}
			q = strings.Join(k, " ")
		}
		a, _ := e.Answer(context.Background(), Question{Text: q})
		hit := 0
		for _, h := range a.Hypotheses {
			for _, c := range h.Citations {
				for _, ev := range a.Evidence {
					if ev.ID == c && strings.HasPrefix(ev.Source, "awstrmst") && ev.Line <= en.line+60 && ev.EndLine >= en.line && hit == 0 {
						hit = h.Rank
					}
				}
			}
			if len([]rune(h.Text)) > 1190 {
				t.Log("LONG", h.Title)
			}
		}
		if hit == 1 {
			top1++
		}
		if hit >= 1 && hit <= 3 {
			top3++
		}
		if hit != 1 {
			t.Logf("MISS %d: %q intent %s -> %v", hit, q, a.Intent, func() string {
				if len(a.Hypotheses) > 0 {
					return a.Hypotheses[0].Title
				}
				return a.Text
			}())
		}
		if hit == 1 {
			full := strings.Join(lines[en.line:min(en.line+40, len(lines))], "\n")
			if k := strings.Index(full[10:], "\n# "); false && k > 0 {
				full = full[:k]
			}
			c := strings.Index(full, "# Cause")
			rest := full
			if c >= 0 {
				rest = full[c+8:]
			}
			if k := strings.Index(rest, "\n# "); k > 0 {
				rest = rest[:k]
			}
			seen := map[string]bool{}
			have, all := 0, 0
			for _, m := range term.FindAllString(rest, -1) {
				if seen[m] {
					continue
				}
				seen[m] = true
				all++
				if strings.Contains(strings.ToLower(a.Hypotheses[0].Text), strings.ToLower(m)) {
					have++
				}
			}
			if all > 0 {
				cov += float64(have) / float64(all)
				n++
				if float64(have)/float64(all) < 0.6 {
					t.Logf("COV %d/%d %s", have, all, en.title)
				}
			}
			for _, f := range a.Hypotheses[0].Fix {
				risks[string(f.Risk)]++
				if f.Risk != RiskReadOnly {
					t.Logf("RISK %s %s: %s", f.Risk, en.title, f.Action[:min(len(f.Action), 260)])
				}
			}
		}
	}
	t.Logf("entries %d top1 %d top3 %d coverage %.3f risks %v", len(es), top1, top3, cov/n, risks)
	_ = fmt.Sprint
}
