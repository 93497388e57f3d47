package hwa

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// parseHead reads the job at the start of b in one pass. It returns errShort when b ends first.
func parseHead(b []byte, h *JobHead, words *interner) (int, error) {
	*h = JobHead{}
	s := &scanner{b: b, words: words}
	var defined Duration
	s.object(func(key []byte) { h.member(s, key, &defined) })
	if h.EstimatedDuration = h.LastRun.EstimatedDuration; h.EstimatedDuration == 0 {
		h.EstimatedDuration = defined
	}
	return s.i, s.err
}

func (h *JobHead) member(s *scanner, key []byte, defined *Duration) {
	switch string(key) {
	case "id":
		h.ID = s.text()
	case "name":
		h.Name = s.text()
	case "folder":
		h.Folder = s.word()
	case "workstation":
		h.Workstation = s.word()
	case "jobStreamId":
		h.JobStreamID = s.word()
	case "jobStreamName":
		h.JobStreamName = s.word()
	case "jobStreamWorkstation":
		h.JobStreamWorkstation = s.word()
	case "timeZone":
		h.TimeZone = s.word()
	case "lastRunCommonStatus":
		h.CommonStatus = CommonStatus(s.word())
	case "priority":
		if n, ok := s.int(); ok {
			h.priority = n
			h.Priority = &h.priority
		}
	case "schedTime":
		h.SchedTime = s.time()
	case "criticalStart":
		h.CriticalStart = s.time()
	case "repeatInterval":
		h.RepeatInterval = s.duration()
	case "archived":
		h.Archived = s.bool()
	case "lastRunCompositeStatus":
		s.object(func(key []byte) { h.status(s, key) })
	case "jobStatusFlags":
		s.object(func(key []byte) { h.flag(s, key) })
	case "jobOptions":
		s.object(func(key []byte) { h.option(s, key) })
	case "timeRestrictions":
		s.object(func(key []byte) { h.restriction(s, key) })
	case "dependenciesStats":
		h.StatsKnown = s.object(func(key []byte) { h.stat(s, key) })
	case "jobruns":
		s.array(func() { h.run(s) })
	case "jobDefinition":
		s.object(func(key []byte) {
			if string(key) == "estimatedDuration" {
				*defined = s.duration()
			} else {
				s.skip()
			}
		})
	default:
		s.skip()
	}
}

func (h *JobHead) status(s *scanner, key []byte) {
	switch string(key) {
	case "status":
		h.Status = JobStatus(s.word())
	case "substatus":
		h.Substatus = JobSubStatus(s.word())
	case "canceled":
		h.Canceled = s.bool()
	case "cancelPending":
		h.CancelPending = s.bool()
	default:
		s.skip()
	}
}

func (h *JobHead) flag(s *scanner, key []byte) {
	switch string(key) {
	case "jobLate":
		h.Late = s.bool()
	case "untilGone":
		h.UntilGone = s.bool()
	case "deadlineHasPassed":
		h.DeadlinePassed = s.bool()
	default:
		s.skip()
	}
}

func (h *JobHead) option(s *scanner, key []byte) {
	switch string(key) {
	case "critical":
		h.Critical = s.bool()
	case "every":
		h.Every = s.bool()
	case "noOperation":
		h.NoOperation = s.bool()
	case "requiresConfirmation":
		h.RequiresConfirmation = s.bool()
	default:
		s.skip()
	}
}

func (h *JobHead) restriction(s *scanner, key []byte) {
	switch string(key) {
	case "startTime":
		h.StartTime = s.time()
	case "deadlineTime":
		h.DeadlineTime = s.time()
	case "latestStartTime":
		h.LatestStartTime = s.time()
	case "lateStartAction":
		h.LateStartAction = LateStartAction(s.word())
	case "maxDuration":
		h.MaxDuration = s.duration()
	default:
		s.skip()
	}
}

func (h *JobHead) stat(s *scanner, key []byte) {
	var field *int
	switch string(key) {
	case "numberOfDependencies":
		field = &h.Stats.NumberOfDependencies
	case "numberOfJobDependencies":
		field = &h.Stats.NumberOfJobDependencies
	case "numberOfJobStreamDependencies":
		field = &h.Stats.NumberOfJobStreamDependencies
	case "numberOfInternetworkDependencies":
		field = &h.Stats.NumberOfInternetworkDependencies
	case "numberOfPromptDependencies":
		field = &h.Stats.NumberOfPromptDependencies
	case "numberOfResourceDependencies":
		field = &h.Stats.NumberOfResourceDependencies
	case "numberOfFileDependencies":
		field = &h.Stats.NumberOfFileDependencies
	case "numberOfUnresolvedDependencies":
		field = &h.Stats.NumberOfUnresolvedDependencies
	case "numberOfNonResourceUnresolvedDependencies":
		field = &h.Stats.NumberOfNonResourceUnresolvedDependencies
	default:
		s.skip()
		return
	}
	*field, _ = s.int()
}

// run reads one run and keeps it when it is the last by the rule of JobInPlan.LastRun.
func (h *JobHead) run(s *scanner) {
	r := &s.run
	*r = RunHead{}
	s.object(func(key []byte) { r.member(s, key) })
	h.Runs++
	if h.Runs > 1 && !r.last && h.LastRun.last {
		return
	}
	code := r.ReturnCode != nil
	h.LastRun = *r
	if code {
		h.LastRun.ReturnCode = &h.LastRun.returnCode
	}
}

func (r *RunHead) member(s *scanner, key []byte) {
	switch string(key) {
	case "id":
		r.ID = s.text()
	case "actualWorkstation":
		r.ActualWorkstation = s.word()
	case "jobNumber":
		r.JobNumber, _ = s.int()
	case "returnCode":
		if n, ok := s.int(); ok {
			r.returnCode = n
			r.ReturnCode = &r.returnCode
		}
	case "lastInRerunChain":
		r.last = s.bool()
	case "maxDurationGone":
		r.MaxDurationGone = s.bool()
	case "timeInfo":
		s.object(func(key []byte) { r.time(s, key) })
	default:
		s.skip()
	}
}

func (r *RunHead) time(s *scanner, key []byte) {
	switch string(key) {
	case "estimatedDuration":
		r.EstimatedDuration = s.duration()
	case "elapsedTime":
		r.ElapsedTime = s.duration()
	case "actualStartTime":
		r.ActualStartTime = s.time()
	case "actualEndTime":
		r.ActualEndTime = s.time()
	default:
		s.skip()
	}
}

// scanner reads JSON from a buffer. The first error sticks and makes every further call do nothing.
type scanner struct {
	b     []byte
	i     int
	err   error
	words *interner
	run   RunHead // the run being read
}

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// peek skips white space and returns the next byte, 0 after an error.
func (s *scanner) peek() byte {
	if s.err != nil {
		return 0
	}
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
	}
	s.fail(errShort)
	return 0
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.fail(errSyntax)
		return
	}
	s.i++
}

// null takes a null; s.i then stands after it.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.skip()
	return true
}

// object calls member for every key of an object; member must take the value. It reports whether there was an object, not null.
func (s *scanner) object(member func(key []byte)) bool {
	if s.null() {
		return false
	}
	s.expect('{')
	for first := true; s.err == nil; first = false {
		if s.peek() == '}' {
			s.i++
			return true
		}
		if !first {
			s.expect(',')
		}
		key := s.raw()
		s.expect(':')
		s.peek()
		if s.err == nil {
			member(key)
		}
	}
	return false
}

func (s *scanner) array(element func()) {
	if s.null() {
		return
	}
	s.expect('[')
	for first := true; s.err == nil; first = false {
		if s.peek() == ']' {
			s.i++
			return
		}
		if !first {
			s.expect(',')
		}
		s.peek()
		if s.err == nil {
			element()
		}
	}
}

func (s *scanner) skip() {
	s.peek()
	if s.err != nil {
		return
	}
	end, err := skipValue(s.b, s.i)
	if err != nil {
		s.fail(err)
		return
	}
	s.i = end
}

// raw takes a string and returns its bytes, unescaped where needed; nil for null.
func (s *scanner) raw() []byte {
	if s.peek() != '"' {
		if s.err == nil && !s.null() {
			s.fail(fmt.Errorf("%w: a string was expected", errSyntax))
		}
		return nil
	}
	// One loop finds the end and notices whether the bytes can be taken as they are, which nearly all can.
	for i := s.i + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			plain := s.b[s.i+1 : i]
			s.i = i + 1
			return plain
		case c == '\\' || c < ' ' || c >= 0x80:
			return s.escaped()
		}
	}
	s.fail(errShort)
	return nil
}

// escaped takes a string with bytes that need a closer look.
func (s *scanner) escaped() []byte {
	end, err := skipString(s.b, s.i)
	if err != nil {
		s.fail(err)
		return nil
	}
	token := s.b[s.i:end]
	s.i = end
	return s.unquote(token)
}

func (s *scanner) unquote(token []byte) []byte {
	var out string
	if err := json.Unmarshal(token, &out); err != nil {
		s.fail(err)
		return nil
	}
	return []byte(out)
}

// text takes a string that is unlikely to occur again, word one that is.
func (s *scanner) text() string { return string(s.raw()) }
func (s *scanner) word() string { return s.words.of(s.raw()) }

func (s *scanner) bool() bool {
	s.peek()
	start := s.i
	s.skip()
	if s.err != nil {
		return false
	}
	switch string(s.b[start:s.i]) {
	case "true":
		return true
	case "false", "null":
		return false
	}
	s.fail(fmt.Errorf("%w: true or false was expected", errSyntax))
	return false
}

// int takes a whole number and reports whether there was one, not null.
func (s *scanner) int() (int, bool) {
	s.peek()
	start := s.i
	s.skip()
	if s.err != nil || string(s.b[start:s.i]) == "null" {
		return 0, false
	}
	n, err := strconv.Atoi(string(s.b[start:s.i]))
	if err != nil {
		s.fail(fmt.Errorf("%w: a whole number was expected", errSyntax))
		return 0, false
	}
	return n, true
}

func (s *scanner) time() time.Time {
	if c := s.peek(); c != '"' {
		n, ok := s.int()
		if !ok {
			return time.Time{}
		}
		return time.UnixMilli(int64(n)).UTC()
	}
	raw := s.raw()
	if len(raw) == 0 {
		return time.Time{}
	}
	if t, ok := fastInstant(string(raw)); ok {
		return t // without a copy of raw on the heap
	}
	t, ok := parseInstant(string(raw))
	if !ok && s.err == nil {
		s.fail(fmt.Errorf("%q is not a time", raw))
	}
	return t
}

func (s *scanner) duration() Duration {
	var d Duration
	var err error
	if s.peek() == '"' {
		// Durations repeat, so the interned copy saves one.
		d, err = ParseDuration(s.word())
	} else {
		start := s.i
		s.skip()
		if s.err == nil {
			err = d.UnmarshalJSON(s.b[start:s.i])
		}
	}
	if err != nil {
		s.fail(err)
	}
	return d
}
