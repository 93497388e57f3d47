package plan

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"resync/hwa/oql"
)

// Filter selects jobs. Fields left zero select everything; set fields must all
// hold. Patterns use conman's wildcards (@ any, ? one character, % one digit)
// and ignore case.
type Filter struct {
	Text        string   // words that must each occur in the job, stream, workstation or folder name; or a full conman pattern
	Folder      string   // pattern
	Stream      string   // pattern
	Workstation string   // pattern, the workstation the job runs on
	Status      []string // engine status or common status, any of them
	Flags       Flags    // all of them
	Offset      int
	Limit       int // 0 = no limit
}

// Page is a part of a filtered list.
type Page struct {
	Jobs  []int // indexes into the snapshot, in plan order
	Total int   // how many jobs the filter selects in all
}

// Filter lists the jobs that f selects. It reads whole columns, so its cost
// hardly depends on how selective the filter is.
func (s *Snapshot) Filter(f Filter) Page {
	tests := s.tests(f)
	most := 0 // hits a part has to keep: any page may lie wholly in one part
	if f.Limit > 0 {
		most = f.Offset + f.Limit
	}
	var mu sync.Mutex
	parts := map[int]Page{} // by first job
	split(s.Len(), func(from, to int) {
		p := Page{}
		for i := from; i < to; i++ {
			if all(tests, i) {
				if p.Total++; most == 0 || p.Total <= most {
					p.Jobs = append(p.Jobs, i)
				}
			}
		}
		mu.Lock()
		parts[from] = p
		mu.Unlock()
	})
	var out Page
	for _, from := range slices.Sorted(maps.Keys(parts)) {
		out.Jobs = append(out.Jobs, parts[from].Jobs...)
		out.Total += parts[from].Total
	}
	out.Jobs = out.Jobs[min(f.Offset, len(out.Jobs)):]
	if f.Limit > 0 {
		out.Jobs = out.Jobs[:min(f.Limit, len(out.Jobs))]
	}
	return out
}

func all(tests []func(int) bool, i int) bool {
	for _, t := range tests {
		if !t(i) {
			return false
		}
	}
	return true
}

func (s *Snapshot) tests(f Filter) []func(int) bool {
	var tests []func(int) bool
	if len(f.Status) > 0 {
		ok := s.words.matching(func(w []byte) bool {
			return slices.ContainsFunc(f.Status, func(want string) bool { return strings.EqualFold(want, string(w)) })
		})
		tests = append(tests, func(i int) bool { return ok.has(int(s.status[i])) || ok.has(int(s.common[i])) })
	}
	if f.Flags != 0 {
		tests = append(tests, func(i int) bool { return s.flags[i].Has(f.Flags) })
	}
	if f.Workstation != "" {
		ok := s.words.like(strings.TrimPrefix(f.Workstation, "/"))
		tests = append(tests, func(i int) bool { return ok.has(int(s.station[i])) })
	}
	if f.Folder != "" {
		ok := s.words.matching(folderMatch(f.Folder))
		tests = append(tests, func(i int) bool { return ok.has(int(s.folder[i])) })
	}
	if f.Stream != "" {
		ok := s.streamNames.like(f.Stream)
		tests = append(tests, func(i int) bool { return ok.has(int(s.streamText[s.stream[i]])) })
	}
	return append(tests, s.textTests(f.Text)...)
}

// textTests turns the search box's text into tests: a conman pattern when it
// looks like one, otherwise one test per word.
func (s *Snapshot) textTests(text string) []func(int) bool {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if strings.ContainsAny(text, "#@?%") {
		if pf, err := parsePattern(text); err == nil {
			return []func(int) bool{s.patternTest(pf)}
		}
	}
	var tests []func(int) bool
	for w := range strings.FieldsSeq(text) {
		tests = append(tests, s.wordTest(w))
	}
	return tests
}

func (s *Snapshot) wordTest(w string) func(int) bool {
	if test := s.named(w); test != nil {
		return test
	}
	inName, inWord := s.names.containing(w), s.words.containing(w)
	inStream := s.streamsWith(s.streamNames.containing(w))
	return func(i int) bool {
		return inName.has(int(s.name[i])) || inStream.has(int(s.stream[i])) ||
			inWord.has(int(s.station[i])) || inWord.has(int(s.folder[i]))
	}
}

// streamsWith is the set of streams whose name is in a set of names.
func (s *Snapshot) streamsWith(names bitset) bitset {
	set := newBitset(len(s.streams))
	for k, t := range s.streamText {
		if names.has(int(t)) {
			set.add(k)
		}
	}
	return set
}

// named handles STREAM.JOB in the search box: neither column holds the dot.
func (s *Snapshot) named(w string) func(int) bool {
	stream, job, ok := strings.Cut(w, ".")
	if !ok || stream == "" || strings.Contains(job, ".") {
		return nil
	}
	streams, jobs := s.streamsWith(s.streamNames.containing(stream)), s.names.containing(job)
	return func(i int) bool {
		return streams.has(int(s.stream[i])) && (job == "" || jobs.has(int(s.name[i])))
	}
}

// patternTest matches WS#/FOLDER/STREAM(hhmm).JOB. The workstation is the
// stream's; a pattern that names where the job runs is accepted too.
func (s *Snapshot) patternTest(pf oql.PlanFilter) func(int) bool {
	name := s.names.like(pf.Job)
	station := s.words.like(pf.Workstation)
	folder := s.words.matching(folderMatch(pf.Folder))
	streamName := s.streamNames.like(pf.Name)
	when := oql.PlanFilter{Kind: oql.JobStreams, WorkstationFolder: "/@/", Workstation: "@", Folder: "/@/", Name: "@", SchedTime: pf.SchedTime}.Compile()
	stationOf := wildcard(pf.Workstation)
	streams := newBitset(len(s.streams))
	viaStream := newBitset(len(s.streams))
	for k, st := range s.streams {
		if !streamName.has(int(s.streamText[k])) {
			continue
		}
		if pf.SchedTime != "" && !when(oql.Target{SchedTime: st.Scheduled.Format("1504 01/02/2006")}) {
			continue
		}
		streams.add(k)
		if stationOf([]byte(strings.ToUpper(strings.TrimPrefix(st.Workstation, "/")))) {
			viaStream.add(k)
		}
	}
	return func(i int) bool {
		k := int(s.stream[i])
		return name.has(int(s.name[i])) && streams.has(k) && folder.has(int(s.folder[i])) &&
			(viaStream.has(k) || station.has(int(s.station[i])))
	}
}
