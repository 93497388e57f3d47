package hwasim

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
)

// status is the internal status of a job.
type status uint8

const (
	stHold status = iota
	stReady
	stIntro
	stWait
	stExec
	stPend
	stSucc
	stAbend
	stFail
	stSuppr
)

var statusNames = [...]string{"HOLD", "READY", "INTRO", "WAIT", "EXEC", "PEND", "SUCC", "ABEND", "FAIL", "SUPPR"}

func (st status) String() string { return statusNames[st] }

// waiting: not launched yet. running: the agent has it. ended: a result exists.
func (st status) waiting() bool { return st == stHold || st == stReady }
func (st status) running() bool { return st == stIntro || st == stWait || st == stExec }
func (st status) ended() bool   { return st == stSucc || st == stAbend || st == stFail }

type flag uint32

const (
	fCritical flag = 1 << iota
	fConfirm
	fNoop
	fEvery
	fLate
	fUntilGone
	fDeadlineGone
	fNeedMessage
	fCanceled
	fCancelPending
	fReleasedDeps // recovery "continue": successors may go although it abended
	fRerun
	fArchived
	fAlias
	fReleased
	fIgnored // suppressed because its workstation is ignored
	fNetwork // belongs to a critical network
	fMonitored
)

// uuid is a version 3 looking identifier, made from a key as the product does.
type uuid [16]byte

func makeID(parts ...string) uuid {
	h := md5.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	var u uuid
	h.Sum(u[:0])
	u[6] = u[6]&0x0f | 0x30
	u[8] = u[8]&0x3f | 0x80
	return u
}

func (u uuid) String() string {
	var b [36]byte
	return string(u.append(b[:0]))
}

func (u uuid) append(b []byte) []byte {
	for i, part := range [5][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, u[part[0]:part[1]])
	}
	return b
}

// parseID reads the 36-character form.
func parseID(s string) (uuid, bool) {
	var u uuid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	raw := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	n, err := hex.Decode(u[:], []byte(raw))
	return u, err == nil && n == 16
}

type depKind uint8

const (
	depInternal depKind = iota + 1
	depJob
	depStream
	depJoin
	depFile
	depResource
	depPrompt
	depInternetwork
)

var depNames = [...]string{"", "INTERNAL", "EXTERNAL_JOB", "EXTERNAL_JOBSTREAM", "JOIN", "FILE", "RESOURCE", "PROMPT", "INTERNETWORK"}

// dep is one dependency of a job or job stream.
type dep struct {
	target   int32 // index of the job, stream, join, file, resource, prompt or network dependency
	qty      int16
	seq      int16
	kind     depKind
	released bool // released by an operator, for this run
}

type join struct {
	name    string
	need    int // 0 means all
	members []dep
}

// run is one entry of a job's rerun chain.
type run struct {
	start, end, submitted vsec
	dur                   int32
	rc, number            int32
	ws                    int32
	st                    status
	kind                  runKind
	flags                 runFlag
	failure               failure // what the log tells
	step                  string
}

type runKind uint8

const (
	runRegular runKind = iota
	runRerun
	runRecovery
	runRecoveryRerun
	runEvery
	runFrom
	runStep
)

var runKindNames = [...]string{"REGULAR", "RERUN", "RECOVERY", "RECOVERY_RERUN", "RERUN_EVERY", "RERUN_FROM", "RERUN_STEP"}

type runFlag uint8

const (
	rfConfirmed runFlag = 1 << iota
	rfMaxGone
	rfMinNot
	rfLost // the end of this run was lost: it stays EXEC
	rfKilled
	rfReleased
)

// job is one job in the plan.
type job struct {
	id       uuid
	def      *jobDef
	name     string
	runs     []run
	deps     []dep
	succ     []int32 // successors: job index, or ^stream index
	start    vsec
	latest   vsec
	deadline vsec
	critical vsec // critical start
	readyAt  vsec
	stream   int32
	ws       int32
	flags    flag
	pos      int16
	prio     int8
	orig     int8
	saved    int8 // priority before a hold
	st       status
	queued   bool // in its workstation's ready list
	held     bool // units of its resources are taken
	slot     bool // counts against limits
	every    int32
	attempts int16 // recovery reruns done
}

func (j *job) has(f flag) bool { return j.flags&f != 0 }

func (j *job) set(f flag, on bool) {
	if on {
		j.flags |= f
	} else {
		j.flags &^= f
	}
}

func (j *job) last() *run { return &j.runs[len(j.runs)-1] }

// stream is one job stream instance in the plan.
type stream struct {
	id       uuid
	def      *streamDef
	name     string
	sched    string // 16-character internal identifier
	jobs     []int32
	deps     []dep
	succ     []int32
	time     vsec // scheduled time
	start    vsec // earliest start
	deadline vsec
	ws       int32
	limit    int16
	running  int16
	prio     int8
	orig     int8
	saved    int8
	flags    flag
	carried  bool
	done     bool // every job is successful or canceled
	holding  bool // units of its resources are taken, from its first launch to its end
	began    vsec
	ended    vsec
	day      int32
	user     string
}

func (st *stream) has(f flag) bool { return st.flags&f != 0 }

type workstation struct {
	id       uuid
	name     string
	kind     string
	os       string
	domain   string
	node     string
	desc     string
	ready    []int32
	limit    int16 // -1 is system: no limit
	running  int16
	fence    int16
	port     int32
	sslPort  int32
	security string
	run      int32
	linked   bool
	started  bool
	jobman   bool
	inited   bool
	online   bool
	monman   bool
	ignore   bool
	dirty    bool // ready needs sorting
	since    vsec
	problem  failure // what the engine's messages say about this workstation
}

// active reports whether jobs can be started there.
func (w *workstation) active() bool {
	return w.linked && w.started && w.jobman && w.inited && w.online && !w.ignore
}

type resource struct {
	id      uuid
	name    string
	ws      int32
	total   int32
	inUse   int32
	users   []int32 // jobs with a dependency on it
	holders []int32
}

type promptState uint8

const (
	prNotAsked promptState = iota
	prAsked
	prYes
	prNo
)

var promptNames = [...]string{"NOT_ASKED", "ASKED", "ANSWERED_YES", "ANSWERED_NO"}

type prompt struct {
	id       uuid
	name     string
	text     string
	kind     string
	owner    int32 // job index, or ^stream index; for a predefined prompt the first that needs it
	users    []int32
	asked    vsec
	answered vsec
	number   int32
	st       promptState
}

type file struct {
	id      uuid
	name    string
	ws      int32
	exists  bool
	users   []int32
	arrives vsec
}

func itoa(n int) string { return strconv.Itoa(n) }
