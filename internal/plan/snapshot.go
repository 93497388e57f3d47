package plan

import (
	"encoding/hex"
	"slices"
	"time"
)

type uuid [16]byte

// Snapshot is one immutable picture of a plan. All methods may be called by
// any number of goroutines at once.
type Snapshot struct {
	asOf          time.Time
	names         *texts // job names
	streamNames   *texts
	words         *texts // statuses, folders, workstation names: few distinct values
	streams       []Stream
	stations      []Workstation
	stationByName map[string]int

	// One entry per job.
	id, runID                                     []uuid
	name, folder, station, stream                 []uint32 // stream indexes streams
	status, sub, common                           []uint16 // textIDs of words (there are few)
	flags                                         []Flags
	priority                                      []int16
	rc                                            []int32
	estimated                                     []uint32 // seconds
	sched, notBefore, until, deadline, start, end []uint32 // Unix seconds, 0 = none
	deps, unresolved                              []uint16

	odd map[int]oddID // jobs whose ids are not UUIDs (ad hoc submissions, simulators)

	byID       []uint32 // jobs ordered by id
	byName     csr      // name → jobs
	byStream   csr      // stream → jobs
	streamText []textID // stream → streamNames
	graph      *graph
}

type oddID struct{ id, runID string }

// AsOf is when the listing behind the snapshot was begun.
func (s *Snapshot) AsOf() time.Time { return s.asOf }

// Len is the number of jobs.
func (s *Snapshot) Len() int { return len(s.id) }

// EdgesKnown reports whether the listing carried dependencies. When it did
// not, graph questions must be put to the engine (see [Edges]).
func (s *Snapshot) EdgesKnown() bool { return s.graph != nil && s.graph.known }

// Streams returns the job streams. The slice is shared and must not be changed.
func (s *Snapshot) Streams() []Stream { return s.streams }

// Workstations returns the workstations. The slice is shared and must not be changed.
func (s *Snapshot) Workstations() []Workstation { return s.stations }

// Workstation finds a workstation by name or id, ignoring case and a leading slash.
func (s *Snapshot) Workstation(name string) (Workstation, bool) {
	if i, ok := s.stationByName[stationKey(name)]; ok {
		return s.stations[i], true
	}
	return Workstation{}, false
}

// Job unpacks the job at index i.
func (s *Snapshot) Job(i int) Job {
	j := Job{
		Index: i, ID: s.id[i].String(), RunID: s.runID[i].String(),
		Name: s.names.get(s.name[i]), Folder: s.words.get(s.folder[i]), Workstation: s.words.get(s.station[i]),
		Status: s.words.get(textID(s.status[i])), SubStatus: s.words.get(textID(s.sub[i])), CommonStatus: s.words.get(textID(s.common[i])),
		Priority: int(s.priority[i]), ReturnCode: int(s.rc[i]), Flags: s.flags[i],
		Scheduled: fromUnix(s.sched[i]), NotBefore: fromUnix(s.notBefore[i]), Until: fromUnix(s.until[i]),
		Deadline: fromUnix(s.deadline[i]), Started: fromUnix(s.start[i]), Ended: fromUnix(s.end[i]),
		Estimated:    time.Duration(s.estimated[i]) * time.Second,
		Dependencies: int(s.deps[i]), Unresolved: int(s.unresolved[i]),
	}
	st := s.streams[s.stream[i]]
	j.Stream, j.StreamID, j.StreamWorkstation = st.Name, st.ID, st.Workstation
	if o, ok := s.odd[i]; ok {
		if o.id != "" {
			j.ID = o.id
		}
		if o.runID != "" {
			j.RunID = o.runID
		}
	}
	return j
}

// ByID finds a job by its plan id.
func (s *Snapshot) ByID(id string) (int, bool) {
	u, ok := parseUUID(id)
	if !ok {
		return s.byOddID(id)
	}
	return s.byUUID(u)
}

func (s *Snapshot) byUUID(u uuid) (int, bool) {
	k, found := slices.BinarySearchFunc(s.byID, u, func(i uint32, want uuid) int { return slices.Compare(s.id[i][:], want[:]) })
	if !found {
		return 0, false
	}
	return int(s.byID[k]), true
}

func (s *Snapshot) byOddID(id string) (int, bool) {
	for i, o := range s.odd {
		if o.id == id && id != "" {
			return i, true
		}
	}
	return 0, false
}

// CountByStatus counts the jobs of the plan by the engine's status words.
func (s *Snapshot) CountByStatus() map[string]int { return s.countWords(s.status) }

// CountByCommonStatus counts the jobs by the engine's common (group) status.
func (s *Snapshot) CountByCommonStatus() map[string]int { return s.countWords(s.common) }

func (s *Snapshot) countWords(col []uint16) map[string]int {
	n := make([]int, s.words.len())
	for _, w := range col {
		n[w]++
	}
	out := make(map[string]int)
	for w, c := range n {
		if c > 0 {
			out[s.words.get(textID(w))] += c
		}
	}
	return out
}

// Bytes is the memory the snapshot holds, indexes and texts included.
func (s *Snapshot) Bytes() int {
	n := s.Len()
	per := 16*2 + 4*4 + 2*3 + 2 + 2 + 4 + 4 + 4*6 + 2*2 + 4
	total := n*per + s.names.bytes() + s.words.bytes() + s.streamNames.bytes() + s.byName.bytes() + s.byStream.bytes()
	total += len(s.streams)*260 + len(s.stations)*400 + len(s.odd)*120
	if s.graph != nil {
		total += s.graph.bytes()
	}
	return total
}

func (u uuid) String() string {
	if u == (uuid{}) {
		return ""
	}
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// parseUUID accepts only the form String prints, so that an id survives the
// round trip exactly; anything else is kept as text.
func parseUUID(s string) (u uuid, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	var b [32]byte
	copy(b[0:8], s[0:8])
	copy(b[8:12], s[9:13])
	copy(b[12:16], s[14:18])
	copy(b[16:20], s[19:23])
	copy(b[20:], s[24:])
	for _, c := range b {
		if c >= 'A' && c <= 'F' {
			return u, false
		}
	}
	_, err := hex.Decode(u[:], b[:])
	return u, err == nil && u != uuid{}
}

func fromUnix(sec uint32) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(int64(sec), 0).UTC()
}

func toUnix(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(min(max(t.Unix(), 0), 1<<32-1))
}

// csr maps a small integer to a run of job indexes.
type csr struct{ off, item []uint32 }

func (c csr) of(k int) []uint32 { return c.item[c.off[k]:c.off[k+1]] }

func (c csr) bytes() int { return 4 * (cap(c.off) + cap(c.item)) }

// group builds a csr over keys 0..n-1: item i belongs to key[i].
func group(n int, key []uint32) csr {
	c := csr{off: make([]uint32, n+1), item: make([]uint32, len(key))}
	for _, k := range key {
		c.off[k+1]++
	}
	for k := range n {
		c.off[k+1] += c.off[k]
	}
	next := slices.Clone(c.off)
	for i, k := range key {
		c.item[next[k]] = uint32(i)
		next[k]++
	}
	return c
}

// JobsOf lists the jobs of a stream by its index in Streams.
func (s *Snapshot) JobsOf(stream int) []int {
	var out []int
	for _, i := range s.byStream.of(stream) {
		out = append(out, int(i))
	}
	return out
}
