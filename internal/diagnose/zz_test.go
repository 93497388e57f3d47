package diagnose

import (
	"context"
	"os"
	"resync/hwa/hwasim"
	"strings"
	"testing"
)

func TestZZ(t *testing.T) {
	x := ingested(t, "zz")
	for _, q := range strings.Split(os.Getenv("ZQ"), "|") {
		ps, _ := x.Search(context.Background(), q, 8)
		t.Log("Q:", q)
		for _, p := range ps {
			t.Logf("   %.1f %s %s [%s] %v same=%v", p.Score, p.Source(), p.Title, p.Section(), p.Kind, p.Same)
		}
	}
}

func TestZZFaults(t *testing.T) {
	index := ingested(t, "zz")
	for _, f := range hwasim.Faults() {
		l := newLab(t, hwasim.Config{}, index)
		sit := l.inject(t, f.Name)
		q := "What is wrong with tonight's plan?"
		if sit.Job != "" {
			q = "Why is " + sit.Job + " not running?"
		}
		a := l.ask(t, q)
		t.Logf("== %s %s | %s | job %s ws %s", f.Name, f.Scenario, f.Summary, sit.Job, sit.Workstation)
		for i, h := range a.Hypotheses {
			if i < 2 {
				t.Logf("     #%d %.2f %s | %s | %s", h.Rank, h.Confidence, h.Cause, h.Title, strings.SplitN(h.Text, "The manual says", 2)[0])
			}
		}
		if len(a.Hypotheses) == 0 {
			t.Logf("     NONE: %s", a.Text)
		}
		for _, d := range Check(a) {
			t.Logf("     DOUBT %s %q in %q", d.Kind, d.Said, a.Sentences[d.Sentence].Text)
		}
		if len(a.NotExamined) > 0 {
			t.Logf("     not examined %v", a.NotExamined)
		}
		t.Logf("     actions %v", a.Actions)
	}
}

func TestZZOne(t *testing.T) {
	index := ingested(t, "zz")
	for _, f := range strings.Fields(os.Getenv("ZF")) {
		l := newLab(t, hwasim.Config{}, index)
		sit := l.inject(t, f)
		q := "Why is " + sit.Job + " not running?"
		a := l.ask(t, q)
		t.Logf("== %s | %s\n%s", f, q, a.Text)
		for _, e := range a.Evidence {
			if e.Kind != "passage" {
				t.Logf("   %s %s | %s | %s", e.ID, e.Kind, e.Title, e.Text)
			}
		}
		for _, g := range a.Gates {
			t.Logf("   gate %s %s %s", g.Gate, g.State, g.Text)
		}
	}
}
