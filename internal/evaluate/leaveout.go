package evaluate

import (
	"context"

	"resync/internal/retrieve"
)

// spanGoals are what each mode must reach, in percent.
var spanGoals = map[string]struct{ recall, iou float64 }{"balanced": {93, 7.5}, "precise": {89, 9.5}, "recall": {96, 0}}

// leaveOneOut chooses the Keep of each mode on all corpora but one, as the value in
// the middle of those that reach the mode's goals there, and scores it on the one left
// out. With a single corpus there is nothing to leave out.
func (c *corpora) leaveOneOut(ctx context.Context, x *retrieve.Index) (map[string]map[string]SpanScore, error) {
	if len(c.names) < 2 {
		return nil, nil
	}
	out := map[string]map[string]SpanScore{}
	for _, n := range c.names {
		out[n] = map[string]SpanScore{}
	}
	var modes []retrieve.Mode
	for _, m := range retrieve.Modes() {
		for keep := 40; keep < 85; keep += 5 {
			m.Keep = float64(keep) / 100
			modes = append(modes, m)
		}
	}
	all, err := c.ask(ctx, x, modes)
	if err != nil {
		return nil, err
	}
	for at, m := range retrieve.Modes() {
		keeps := len(modes) / len(retrieve.Modes())
		scores := all[at*keeps : (at+1)*keeps]
		goal := spanGoals[m.Name]
		for i, n := range c.names {
			var good []int
			for k := range scores {
				s := mean(scores[k], func(q int) bool { return c.questions[q].corpus != i })
				if s.Recall >= goal.recall && s.IoU >= goal.iou {
					good = append(good, k)
				}
			}
			if len(good) > 0 {
				out[n][m.Name] = mean(scores[good[len(good)/2]], func(q int) bool { return c.questions[q].corpus == i })
			}
		}
	}
	return out, nil
}
