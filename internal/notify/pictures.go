package notify

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"resync/internal/plan"
)

// maxSingle is how many jobs of one reading of the plan are told one by one. When
// more end in error at once, the cause is one (an agent, a file system), and one
// message says it.
const maxSingle = 10

// Pictures compares readings of one engine's plan and tells which jobs and streams
// have ended in error since the last one.
type Pictures struct {
	engine string
	link   string // address of the console; "" is none

	mu      sync.Mutex
	known   map[string]string // :: job or stream that is in error → its run
	started bool
}

// NewPictures compares pictures of an engine. Link is the console's address.
func NewPictures(engine, link string) *Pictures {
	return &Pictures{engine: engine, link: link, known: map[string]string{}}
}

// Started reports whether there was a picture to compare the next one with.
func (p *Pictures) Started() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

// failedStates are the states of a job, or a stream, that has ended in error.
func failedStates() []string { return []string{"ABEND", "FAIL", "FAILED", "ERROR"} }

// fall is a job or stream that is in error.
type fall struct {
	kind Kind
	key  string // what it is
	run  string // which run of it: one that fails again is news
	job  plan.Job
	name string
}

// Next compares the next picture with the one before. Of the first picture after
// the start only what has ended after since is news: the rest was told, or was there
// before anybody wanted to be told. A zero since takes none of it.
func (p *Pictures) Next(s *plan.Snapshot, since time.Time) []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, fallen := map[string]string{}, []fall{}
	for _, f := range falls(s) {
		now[f.key] = f.run
		switch {
		case p.started && p.known[f.key] == f.run:
		case !p.started && (since.IsZero() || !f.job.Ended.After(since)):
		default:
			fallen = append(fallen, f)
		}
	}
	p.known, p.started = now, true
	return p.events(fallen, s.AsOf())
}

// falls lists what is in error in a picture.
func falls(s *plan.Snapshot) []fall {
	var out []fall
	for _, i := range s.Filter(plan.Filter{Status: failedStates()}).Jobs {
		j := s.Job(i)
		out = append(out, fall{JobAbend, "job/" + j.ID, j.RunID + "/" + j.Status + "/" + stamp(j.Started), j, j.FullName()})
	}
	for _, st := range s.Streams() {
		if slices.Contains(failedStates(), strings.ToUpper(st.Status)) {
			out = append(out, fall{StreamAbend, "stream/" + st.ID, st.Status, plan.Job{Status: st.Status, Stream: st.Name, Workstation: st.Workstation, Scheduled: st.Scheduled}, streamName(st)})
		}
	}
	return out
}

func streamName(st plan.Stream) string {
	return strings.TrimSuffix(plan.FullName(st.Folder, st.Workstation, st.Name, ""), ".")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// events makes a message of each, or one of many.
func (p *Pictures) events(fallen []fall, at time.Time) []Event {
	var out []Event
	for _, kind := range []Kind{JobAbend, StreamAbend} {
		var of []fall
		for _, f := range fallen {
			if f.kind == kind {
				of = append(of, f)
			}
		}
		if len(of) > maxSingle {
			out = append(out, p.many(kind, of, at))
			continue
		}
		for _, f := range of {
			out = append(out, p.one(f, at))
		}
	}
	return out
}

func (p *Pictures) id(f fall) string { return p.engine + "/" + f.key + "/" + f.run }

func (p *Pictures) one(f fall, at time.Time) Event {
	what := "Job"
	if f.kind == StreamAbend {
		what = "Job stream"
	}
	e := Event{ID: p.id(f), Kind: f.kind, At: at, Severity: Critical, Title: fmt.Sprintf("%s %s is in %s", what, f.name, f.job.Status), Link: p.link,
		Facts: []Fact{{what, f.name}, {"Engine", p.engine}, {"Status", f.job.Status}, {"Workstation", f.job.Workstation}, {"Scheduled", stamp(f.job.Scheduled)}, {"Ended", stamp(f.job.Ended)}},
		Data:  map[string]any{"engine": p.engine, "name": f.name, "status": f.job.Status, "workstation": f.job.Workstation, "job_id": f.job.ID, "run_id": f.job.RunID, "as_of": at.UTC()}}
	if f.job.Flags&plan.FlagHasReturnCode != 0 && f.kind == JobAbend {
		e.Facts = append(e.Facts, Fact{"Return code", fmt.Sprint(f.job.ReturnCode)})
	}
	if f.kind == JobAbend {
		e.Text = "Ask Resync why it failed and what it blocks."
	}
	return e
}

// many is the message of a whole wave. Its id names all that is in it, so that
// another server that saw the same wave tells the same.
func (p *Pictures) many(kind Kind, of []fall, at time.Time) Event {
	what := "jobs"
	if kind == StreamAbend {
		what = "job streams"
	}
	var ids, names []string
	stations := map[string]int{}
	for _, f := range of {
		ids, names = append(ids, p.id(f)), append(names, f.name)
		stations[f.job.Workstation]++
	}
	slices.Sort(ids)
	slices.Sort(names)
	shown := names[:min(len(names), 20)]
	text := strings.Join(shown, ", ")
	if len(names) > len(shown) {
		text += fmt.Sprintf(" and %d more", len(names)-len(shown))
	}
	facts := []Fact{{"Engine", p.engine}, {"In error", fmt.Sprint(len(of))}}
	for ws, n := range stations {
		if n*2 > len(of) {
			facts = append(facts, Fact{"Most of them on", fmt.Sprintf("%s (%d)", ws, n)})
		}
	}
	return Event{ID: "wave/" + messageID(p.engine, strings.Join(ids, "\n")), Kind: kind, At: at, Severity: Critical, Link: p.link,
		Title: fmt.Sprintf("%d %s ended in error at once on %s", len(of), what, p.engine), Text: text, Facts: facts,
		Data: map[string]any{"engine": p.engine, "count": len(of), "names": shown, "as_of": at.UTC()}}
}
