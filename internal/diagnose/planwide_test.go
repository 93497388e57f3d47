package diagnose

import (
	"testing"

	"resync/hwa/hwasim"
)

// "What is wrong tonight" names a failed job first, and otherwise what keeps
// jobs waiting that are due.
func TestWhatIsWrongTonight(t *testing.T) {
	tests := []struct{ fault, cause string }{
		{"job-abend", "abend_return_code"}, {"disk-full", "disk_full"}, {"limit-zero", "workstation_limit"}, {"fence", "fence"}, {"job-held", "held_priority_zero"},
		{"prompt-asked", "prompt"}, {"file-wait", "file"}, {"resource-exhausted", "resource"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			l := newLab(t, hwasim.Config{Jobs: 800}, nil)
			l.inject(t, tt.fault)
			a := l.ask(t, "What is wrong tonight?")
			if len(a.Hypotheses) == 0 || a.Hypotheses[0].Cause != tt.cause {
				t.Errorf("hypotheses %+v, want %s first", a.Hypotheses, tt.cause)
			}
			if len(a.Gates) > 0 {
				t.Errorf("%d gates of single jobs in an answer about the plan", len(a.Gates))
			}
			if n := len(l.sim.Writes()); n > 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}
