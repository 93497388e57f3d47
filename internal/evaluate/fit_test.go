package evaluate

import (
	"context"
	"errors"
	"testing"

	"resync/internal/retrieve"
)

// TestFitKeepsWhatIsBetter: from weights that answer badly, Fit finds ones that answer
// better, never worse ones, and tells of each step with a mean that only grows.
func TestFitKeepsWhatIsBetter(t *testing.T) {
	docs := []retrieve.Document{{Name: "guide.md", Text: `# Guide

## The mailbox is full

Messages wait in the mailbox while the link is down. Enlarge the mailbox.

## Enlarging a mailbox

Use evtsize to enlarge a mailbox. The mailbox is full when its size is reached, and full mailboxes lose messages.

## Full backups

A full backup copies the mailbox, the full database and all full logs of the mailbox.
`}}
	sets := []Set{{Name: "few", Questions: []Question{
		{Text: "the mailbox is full", Places: []Place{{"guide.md", 3, 5}}},
		{Text: "enlarging a mailbox", Places: []Place{{"guide.md", 7, 9}}},
		{Text: "full backups of the mailbox", Places: []Place{{"guide.md", 11, 13}}},
	}}}
	x := Build(docs)
	start := retrieve.FittedWeights()
	start.Title, start.Coverage, start.TitleMass = 0.01, 0.01, 200 // what stands in a title counts nothing
	start.Features = [len(start.Features)]float32{0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01}
	before, err := fitness(t.Context(), x, sets, []float64{1}, &start)
	if err != nil {
		t.Fatal(err)
	}
	last := before
	w, best, err := Fit(t.Context(), x, sets, []float64{1}, start, 2, func(name string, value float32, mean float64) {
		if mean <= last || value <= 0 {
			t.Errorf("%s = %v was kept for a mean of %v after %v", name, value, mean, last)
		}
		last = mean
	})
	if err != nil {
		t.Fatal(err)
	}
	if after, err := fitness(t.Context(), x, sets, []float64{1}, &w); err != nil || after != best || best < before {
		t.Errorf("the weights found give %v (%v), said %v, before %v", after, err, best, before)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Fit(stopped, x, sets, []float64{1}, start, 1, func(string, float32, float64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped Fit says %v", err)
	}
}
