package plan

import (
	"slices"
	"strings"

	"resync/hwa/oql"
)

// Kind says what a name turned out to mean.
type Kind string

// What a name can resolve to.
const (
	KindNone        Kind = ""
	KindJob         Kind = "job"
	KindStream      Kind = "stream"
	KindWorkstation Kind = "workstation"
)

// Resolution is what a name means in the plan. It is never a guess: Jobs holds
// every job the name can mean, and DidYouMean is filled only when there is none.
type Resolution struct {
	Query       string
	Kind        Kind
	Jobs        []int // at most 50 of Total
	Total       int
	Streams     []int // indexes into Snapshot.Streams, for KindStream
	Workstation string
	DidYouMean  []Suggestion
}

// Unique reports whether the name means exactly one job.
func (r Resolution) Unique() bool { return r.Kind == KindJob && r.Total == 1 }

const maxCandidates = 50

// Resolve finds what a name means: a plan id, WS#STREAM.JOB with or without
// folders and wildcards, STREAM.JOB, WS#STREAM, or a bare job, stream or
// workstation name. Case does not matter.
func (s *Snapshot) Resolve(name string) Resolution {
	name = strings.Trim(strings.TrimSpace(name), `"'.,;:!`)
	r := Resolution{Query: name}
	if i, ok := s.ByID(name); ok {
		r.Kind, r.Jobs, r.Total = KindJob, []int{i}, 1
		return r
	}
	switch {
	case name == "":
		return r
	case strings.ContainsAny(name, "#@?%/(") || s.isStreamDotJob(name):
		s.resolvePattern(&r, name)
	default:
		s.resolveBare(&r, name)
	}
	if r.Kind == KindNone {
		r.DidYouMean = s.Suggest(name, 5)
	}
	return r
}

func (s *Snapshot) isStreamDotJob(name string) bool {
	stream, job, ok := strings.Cut(name, ".")
	return ok && len(s.streamNames.find(stream)) > 0 && len(s.names.find(job)) > 0
}

func (s *Snapshot) resolvePattern(r *Resolution, name string) {
	if len(s.resolveStation(r, name)) > 0 {
		return
	}
	pf, err := parsePattern(name)
	if err != nil {
		return
	}
	pass, rows := s.patternTest(pf)
	rows.each(0, s.Len(), func(i int) {
		if pass.has(i) {
			r.add(i)
		}
	})
	if r.Total > 0 && pf.Job == "@" && !strings.Contains(name, ".") && !strings.ContainsAny(name, "@?%") {
		r.Kind = KindStream
		for _, i := range r.Jobs {
			if st := int(s.stream[i]); !slices.Contains(r.Streams, st) {
				r.Streams = append(r.Streams, st)
			}
		}
	}
}

// parsePattern reads a conman pattern as people mean it: without a folder it
// takes any folder (conman would take the root), and a lone wildcard name is a
// job's, not a stream's.
func parsePattern(name string) (oql.PlanFilter, error) {
	if !strings.ContainsAny(name, "#./(") {
		name = "@#/@/@." + name
	}
	pf, err := oql.ParsePlanFilter(oql.Jobs, name)
	if pf.Folder == "/" && !strings.Contains(name, "/") {
		pf.Folder = "/@/"
	}
	return pf, err
}

// resolveStation takes WS# and /WS: a workstation with nothing behind it.
func (s *Snapshot) resolveStation(r *Resolution, name string) string {
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "/"), "#")
	if w, ok := s.Workstation(bare); ok && !strings.ContainsAny(bare, "#@?%") {
		r.Kind, r.Workstation = KindWorkstation, w.Name
	}
	return r.Workstation
}

func (s *Snapshot) resolveBare(r *Resolution, name string) {
	for _, id := range s.names.find(name) {
		for _, i := range s.byName.of(int(id)) {
			r.add(int(i))
		}
	}
	if r.Total > 0 || s.resolveStation(r, name) != "" {
		return
	}
	for _, id := range s.streamNames.find(name) {
		for k, t := range s.streamText {
			if t == id && name != "" {
				r.Kind = KindStream
				r.Streams = append(r.Streams, k)
				for _, i := range s.byStream.of(k) {
					r.add(int(i))
				}
			}
		}
	}
}

func (r *Resolution) add(i int) {
	if r.Kind == KindNone {
		r.Kind = KindJob
	}
	if r.Total++; len(r.Jobs) < maxCandidates {
		r.Jobs = append(r.Jobs, i)
	}
}

// Suggestion is a name of the plan that resembles what was asked for.
type Suggestion struct {
	Kind  Kind
	Name  string  // full name for a job that is the only one of its name
	Score float64 // 0..1
	Jobs  []int   // jobs of that name, at most 5
}

// Suggest lists up to k names that resemble name, best first: by edit distance
// and by the words they share.
func (s *Snapshot) Suggest(name string, k int) []Suggestion {
	if cut := strings.LastIndexAny(name, "#./"); cut >= 0 && cut < len(name)-1 {
		name = name[cut+1:]
	}
	q := newQuery(name)
	if len(q.name) < 2 {
		return nil
	}
	best := bestOf{k: k}
	for id := 1; id < s.names.len(); id++ {
		best.offer(q.score(s.names.fold(textID(id))), KindJob, id)
	}
	for id := 1; id < s.streamNames.len(); id++ {
		best.offer(q.score(s.streamNames.fold(textID(id)))*0.98, KindStream, id)
	}
	for id := range s.stations {
		best.offer(q.score([]byte(strings.ToUpper(s.stations[id].Name)))*0.97, KindWorkstation, id)
	}
	out := make([]Suggestion, 0, len(best.items))
	for _, it := range best.items {
		out = append(out, s.suggestion(it))
	}
	return out
}

func (s *Snapshot) suggestion(it scored) Suggestion {
	sg := Suggestion{Kind: it.kind, Score: it.score}
	switch it.kind {
	case KindStream:
		sg.Name = s.streamNames.get(textID(it.id))
	case KindWorkstation:
		sg.Name = s.stations[it.id].Name
	default:
		sg.Name = s.names.get(textID(it.id))
		jobs := s.byName.of(it.id)
		for _, i := range jobs[:min(len(jobs), 5)] {
			sg.Jobs = append(sg.Jobs, int(i))
		}
		if len(jobs) == 1 {
			sg.Name = s.Job(int(jobs[0])).FullName()
		}
	}
	return sg
}

type scored struct {
	score float64
	kind  Kind
	id    int
}

// bestOf keeps the k best scores, best first.
type bestOf struct {
	k     int
	items []scored
}

func (b *bestOf) offer(score float64, kind Kind, id int) {
	if score < minLikeness || (len(b.items) == b.k && score <= b.items[b.k-1].score) {
		return
	}
	at, _ := slices.BinarySearchFunc(b.items, score, func(it scored, want float64) int {
		if it.score >= want {
			return -1
		}
		return 1
	})
	b.items = slices.Insert(b.items, at, scored{score, kind, id})
	if len(b.items) > b.k {
		b.items = b.items[:b.k]
	}
}
