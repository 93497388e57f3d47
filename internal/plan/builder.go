package plan

import (
	"slices"
	"strings"
	"time"
)

// Ref names a predecessor: a job by its plan id, or a whole stream by its.
type Ref struct{ JobID, StreamID string }

// Builder collects a plan and freezes it into a [Snapshot]. It is not safe for
// concurrent use.
type Builder struct {
	s           *Snapshot
	names       *interner
	words       *interner
	streamNames *interner
	streamOf    map[string]uint32
	edges       []rawEdge
	streamEdges []rawStreamEdge
	sawDeps     bool // some job came with its dependencies filled in
	missedDeps  bool // some job counted dependencies the listing did not carry
}

// rawEdge waits for all ids to be known: 24 bytes while a sync runs.
type rawEdge struct {
	pred uuid
	succ int32 // job index, or ^stream index
}

type rawStreamEdge struct {
	predStream string
	succ       int32
}

// NewBuilder starts a snapshot whose facts were read at asOf.
func NewBuilder(asOf time.Time) *Builder {
	return &Builder{
		s:     &Snapshot{asOf: asOf.UTC(), stationByName: make(map[string]int), odd: make(map[int]oddID)},
		names: newInterner(), words: newInterner(), streamNames: newInterner(), streamOf: make(map[string]uint32),
	}
}

// AddWorkstation adds a workstation; a second one of the same name replaces the first.
func (b *Builder) AddWorkstation(w Workstation) {
	key := stationKey(w.Name)
	if i, ok := b.s.stationByName[key]; ok {
		b.s.stations[i] = w
		return
	}
	b.s.stationByName[key] = len(b.s.stations)
	b.s.stations = append(b.s.stations, w)
	if w.ID != "" {
		b.s.stationByName[stationKey(w.ID)] = len(b.s.stations) - 1
	}
}

// AddStream adds or completes a stream and records what it follows.
func (b *Builder) AddStream(st Stream, preds []Ref) {
	i := b.stream(st)
	st.Jobs = b.s.streams[i].Jobs
	b.s.streams[i] = st
	for _, p := range preds {
		b.edge(p, ^int32(i))
	}
}

// AddJob adds a job and the predecessors its listing carried. A job that
// counts dependencies but carries none makes the snapshot's edges unknown.
func (b *Builder) AddJob(j Job, preds []Ref) {
	s, i := b.s, len(b.s.id)
	id, okID := parseUUID(j.ID)
	run, okRun := parseUUID(j.RunID)
	if !okID || (!okRun && j.RunID != "") {
		b.keepOdd(i, j, okID, okRun)
	}
	st := b.stream(Stream{ID: j.StreamID, Name: j.Stream, Folder: j.Folder, Workstation: j.StreamWorkstation, Limit: -1})
	s.streams[st].Jobs++
	s.id, s.runID = append(s.id, id), append(s.runID, run)
	s.name, s.folder = append(s.name, b.names.id(j.Name)), append(s.folder, b.words.id(j.Folder))
	s.station, s.stream = append(s.station, b.words.id(strings.TrimPrefix(j.Workstation, "/"))), append(s.stream, st)
	s.status, s.sub = append(s.status, b.word(j.Status)), append(s.sub, b.word(j.SubStatus))
	s.common, s.flags = append(s.common, b.word(j.CommonStatus)), append(s.flags, j.Flags)
	s.priority, s.rc = append(s.priority, int16(j.Priority)), append(s.rc, int32(j.ReturnCode))
	s.estimated = append(s.estimated, uint32(max(j.Estimated, 0)/time.Second))
	s.sched, s.notBefore = append(s.sched, toUnix(j.Scheduled)), append(s.notBefore, toUnix(j.NotBefore))
	s.until, s.deadline = append(s.until, toUnix(j.Until)), append(s.deadline, toUnix(j.Deadline))
	s.start, s.end = append(s.start, toUnix(j.Started)), append(s.end, toUnix(j.Ended))
	s.deps, s.unresolved = append(s.deps, clip16(j.Dependencies)), append(s.unresolved, clip16(j.Unresolved))
	b.sawDeps = b.sawDeps || len(preds) > 0
	b.missedDeps = b.missedDeps || (j.Dependencies > 0 && len(preds) == 0)
	for _, p := range preds {
		b.edge(p, int32(i))
	}
}

func (b *Builder) keepOdd(i int, j Job, okID, okRun bool) {
	var o oddID
	if !okID {
		o.id = j.ID
	}
	if !okRun {
		o.runID = j.RunID
	}
	b.s.odd[i] = o
}

// word interns a status. Statuses are few; past 65,535 distinct ones (an
// engine gone mad) the rest are shown as empty rather than as a wrong one.
func (b *Builder) word(s string) uint16 {
	if id := b.words.id(s); id <= 1<<16-1 {
		return uint16(id)
	}
	return 0
}

func (b *Builder) stream(st Stream) uint32 {
	key := st.ID
	if key == "" {
		key = st.Folder + "|" + st.Workstation + "#" + st.Name
	}
	if i, ok := b.streamOf[key]; ok {
		return i
	}
	i := uint32(len(b.s.streams))
	b.streamOf[strings.Clone(key)] = i
	b.s.streams = append(b.s.streams, st)
	return i
}

func (b *Builder) edge(p Ref, succ int32) {
	if p.JobID != "" {
		if u, ok := parseUUID(p.JobID); ok {
			b.edges = append(b.edges, rawEdge{u, succ})
		}
		return
	}
	if p.StreamID != "" {
		b.streamEdges = append(b.streamEdges, rawStreamEdge{p.StreamID, succ})
	}
}

// Build freezes the plan. The builder must not be used afterwards.
func (b *Builder) Build() *Snapshot {
	s := b.s
	b.clip()
	s.names, s.words = b.names.freeze(), b.words.freeze()
	s.streamText = make([]textID, len(s.streams))
	for i := range s.streams {
		s.streamText[i] = b.streamNames.id(s.streams[i].Name)
	}
	s.streamNames = b.streamNames.freeze()
	s.byID = make([]uint32, len(s.id))
	for i := range s.byID {
		s.byID[i] = uint32(i)
	}
	slices.SortFunc(s.byID, func(x, y uint32) int { return slices.Compare(s.id[x][:], s.id[y][:]) })
	s.byName = group(s.names.len(), s.name)
	s.byStream = group(len(s.streams), s.stream)
	s.graph = newGraph(s, b.edges, b.resolveStreams())
	s.graph.known = b.sawDeps || !b.missedDeps
	b.s = nil
	return s
}

func (b *Builder) resolveStreams() [][2]int32 {
	var out [][2]int32
	for _, e := range b.streamEdges {
		if st, ok := b.streamOf[e.predStream]; ok {
			out = append(out, [2]int32{int32(st), e.succ})
		}
	}
	return out
}

// clip gives back the slack that growing the columns left behind.
func (b *Builder) clip() {
	s := b.s
	s.id, s.runID = slices.Clip(slices.Clone(s.id)), slices.Clip(slices.Clone(s.runID))
	for _, c := range []*[]uint32{&s.name, &s.folder, &s.station, &s.stream, &s.estimated, &s.sched, &s.notBefore, &s.until, &s.deadline, &s.start, &s.end} {
		*c = slices.Clip(slices.Clone(*c))
	}
	for _, c := range []*[]uint16{&s.status, &s.sub, &s.common, &s.deps, &s.unresolved} {
		*c = slices.Clip(slices.Clone(*c))
	}
	s.flags, s.priority, s.rc = slices.Clone(s.flags), slices.Clone(s.priority), slices.Clone(s.rc)
}

func clip16(n int) uint16 { return uint16(min(max(n, 0), 1<<16-1)) }

func stationKey(name string) string { return strings.ToUpper(strings.TrimPrefix(name, "/")) }
