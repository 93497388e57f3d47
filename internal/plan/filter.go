package plan

import (
	"maps"
	"math/bits"
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
	pass, rows := s.tests(f)
	most := 0 // hits a part has to keep: any page may lie wholly in one part
	if f.Limit > 0 {
		most = f.Offset + f.Limit
	}
	var mu sync.Mutex
	parts := map[int]Page{} // by first job
	split(s.Len(), func(from, to int) {
		p := Page{}
		if most > 0 {
			p.Jobs = make([]int, 0, min(most, to-from))
		}
		for at := from; at < to; at += 64 {
			for hits := pass(at, rows.word(at, to)); hits != 0; hits &= hits - 1 {
				if p.Total++; most == 0 || p.Total <= most {
					p.Jobs = append(p.Jobs, at+bits.TrailingZeros64(hits))
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

// tests turns a filter into one test of jobs, and into the jobs that can pass
// at all: nil when any can.
func (s *Snapshot) tests(f Filter) (test, bitset) {
	// What people type selects most, so it comes first; the status, which is read
	// from two columns, last.
	tests, rows := s.textTests(f.Text)
	if f.Flags != 0 {
		tests = append(tests, with(f.Flags, s.flags))
	}
	if f.Workstation != "" {
		tests = append(tests, in(s.words.like(strings.TrimPrefix(f.Workstation, "/")), s.station))
	}
	if f.Folder != "" {
		tests = append(tests, in(s.words.matching(folderMatch(f.Folder)), s.folder))
	}
	if f.Stream != "" {
		tests = append(tests, in(s.streamsWith(s.streamNames.like(f.Stream)), s.stream))
	}
	if len(f.Status) > 0 {
		ok := s.words.matching(func(w []byte) bool {
			return slices.ContainsFunc(f.Status, func(want string) bool { return strings.EqualFold(want, string(w)) })
		})
		tests = append(tests, either(in(ok, s.status), in(ok, s.common)))
	}
	return all(tests...), rows
}

// textTests turns the search box's text into tests: a conman pattern when it
// looks like one, otherwise one test per word.
func (s *Snapshot) textTests(text string) (tests []test, rows bitset) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if strings.ContainsAny(text, "#@?%") {
		if pf, err := parsePattern(text); err == nil {
			pass, rows := s.patternTest(pf)
			return []test{pass}, rows
		}
	}
	for w := range strings.FieldsSeq(text) {
		pass, can := s.wordTest(w)
		tests = append(tests, pass)
		if rows == nil {
			rows = can
		}
	}
	return tests, rows
}

// fewRows is the share of the names, one in so many, up to which the jobs that
// bear them are looked up instead of reading every job's name.
const fewRows = 4

// rowsOf are the jobs of some names and streams, nil when they are so many that
// reading all jobs is cheaper.
func (s *Snapshot) rowsOf(names, streams bitset) bitset {
	if names.count() > s.names.len()/fewRows || streams.count() > len(s.streams)/fewRows {
		return nil
	}
	rows := newBitset(s.Len())
	eachIn(names, func(id int) {
		for _, i := range s.byName.of(id) {
			rows.add(int(i))
		}
	})
	eachIn(streams, func(k int) {
		for _, i := range s.byStream.of(k) {
			rows.add(int(i))
		}
	})
	return rows
}

func (s *Snapshot) wordTest(w string) (test, bitset) {
	if t := s.named(w); t != nil {
		return t, nil
	}
	inName, inWord := s.names.containing(w), s.words.containing(w)
	inStream := s.streamsWith(s.streamNames.containing(w))
	// Most words occur in one kind of name only: the columns of the others need
	// not be read.
	if inWord.empty() {
		return either(in(inName, s.name), in(inStream, s.stream)), s.rowsOf(inName, inStream)
	}
	return either(in(inName, s.name), in(inStream, s.stream), in(inWord, s.station), in(inWord, s.folder)), nil
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
func (s *Snapshot) named(w string) test {
	stream, job, ok := strings.Cut(w, ".")
	if !ok || stream == "" || strings.Contains(job, ".") {
		return nil
	}
	streams, jobs := s.streamsWith(s.streamNames.containing(stream)), s.names.containing(job)
	if job == "" {
		return in(streams, s.stream)
	}
	return all(in(jobs, s.name), in(streams, s.stream))
}

// stationTest tests workstation names against a pattern, each name once: a plan
// has many more streams than workstations.
func stationTest(pattern string) func(name string) bool {
	if pattern == "@" {
		return func(string) bool { return true }
	}
	like, known := wildcard(pattern), map[string]bool{}
	return func(name string) bool {
		ok, seen := known[name]
		if !seen {
			ok = like([]byte(strings.ToUpper(strings.TrimPrefix(name, "/"))))
			known[name] = ok
		}
		return ok
	}
}

// patternTest matches WS#/FOLDER/STREAM(hhmm).JOB. The workstation is the
// stream's; a pattern that names where the job runs is accepted too.
func (s *Snapshot) patternTest(pf oql.PlanFilter) (test, bitset) {
	name := s.names.like(pf.Job)
	station := s.words.like(pf.Workstation)
	folder := s.words.matching(folderMatch(pf.Folder))
	streams, viaStream := s.streamsLike(pf)
	var rows bitset
	switch {
	case pf.Job != "@":
		rows = s.rowsOf(name, nil)
	case pf.Name != "@":
		rows = s.rowsOf(nil, streams)
	}
	// A part that takes everything is a column that need not be read.
	tests := make([]test, 0, 4)
	if pf.Job != "@" {
		tests = append(tests, in(name, s.name))
	}
	if pf.Name != "@" || pf.SchedTime != "" {
		tests = append(tests, in(streams, s.stream))
	}
	if strings.Trim(pf.Folder, "/@") != "" || pf.Folder == "/" {
		tests = append(tests, in(folder, s.folder))
	}
	if pf.Workstation != "@" {
		tests = append(tests, either(in(viaStream, s.stream), in(station, s.station)))
	}
	return all(tests...), rows
}

// streamsLike are the streams a pattern's name and time fit, and those of them
// whose workstation fits too.
func (s *Snapshot) streamsLike(pf oql.PlanFilter) (streams, viaStream bitset) {
	if pf.Name == "@" && pf.SchedTime == "" && pf.Workstation == "@" {
		every := everything(len(s.streams))
		return every, every
	}
	streamName := s.streamNames.like(pf.Name)
	when := oql.PlanFilter{Kind: oql.JobStreams, WorkstationFolder: "/@/", Workstation: "@", Folder: "/@/", Name: "@", SchedTime: pf.SchedTime}.Compile()
	onStation := stationTest(pf.Workstation)
	streams, viaStream = newBitset(len(s.streams)), newBitset(len(s.streams))
	for k := range s.streams {
		st := &s.streams[k]
		if !streamName.has(int(s.streamText[k])) {
			continue
		}
		if pf.SchedTime != "" && !when(oql.Target{SchedTime: st.Scheduled.Format("1504 01/02/2006")}) {
			continue
		}
		streams.add(k)
		if onStation(st.Workstation) {
			viaStream.add(k)
		}
	}
	return streams, viaStream
}
