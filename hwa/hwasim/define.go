package hwasim

import (
	"fmt"
	"math"
)

// noTime marks an offset that is not set; 0 is midnight of the plan's day.
const noTime = math.MinInt32

// jobDef is a job definition of the model.
type jobDef struct {
	id         uuid
	name       string
	kind       string // what the job does: shapes its log and its task
	login      string
	desc       string
	ws         int32
	est        int32 // estimated duration, seconds
	recovery   recovery
	recJob     string // recovery job
	recText    string // recovery prompt
	retries    int16  // reruns after an ABEND
	retryEvery int32
}

type recovery uint8

const (
	recStop recovery = iota
	recContinue
	recRerun
)

// apiName is the wire's RecoveryOptionV2: the prompt is part of the name there.
func (d *jobDef) recoveryName() string {
	switch {
	case d.recovery == recContinue && d.recText != "":
		return "CONTINUE_PROMPT"
	case d.recovery == recContinue:
		return "CONTINUE"
	case d.recovery == recRerun && d.recText != "":
		return "RERUN_PROMPT"
	case d.recovery == recRerun:
		return "RERUN"
	}
	return "STOP"
}

// jobPlan is a job as a member of a job stream definition.
type jobPlan struct {
	def     *jobDef
	follows []int16 // positions in the same stream
	opts    *planOpts
	flags   flag
	prio    int8
	ws      int32
}

// planOpts are the rarely used options of a job or of a whole stream.
type planOpts struct {
	at, until, deadline int32
	every               int32
	minDur, maxDur      int32
	lateStart           string // doNotRun continue cancel
	maxAction           string // continue kill
	minAction           string // continue abend confirmed
	ext                 []extRef
	uses                []resUse
	files               []fileRef
	prompts             []string
	joins               []joinRef
	networks            []string
}

func newOpts() *planOpts { return &planOpts{at: noTime, until: noTime, deadline: noTime} }

// extRef points at another stream, or at a job of it (job >= 0).
type extRef struct {
	stream *streamDef
	job    int16
}

type resUse struct {
	res int32
	qty int16
}

type fileRef struct {
	ws      int32
	name    string
	arrives int32 // offset from midnight of the plan's day; noTime never
}

type joinRef struct {
	name string
	need int
	refs []extRef
}

// streamDef is a job stream definition of the model.
type streamDef struct {
	id       uuid
	name     string
	folder   string // "/" or "/X/Y/"
	desc     string
	jobs     []jobPlan
	opts     *planOpts
	at       int32
	ws       int32
	prio     int8
	limit    int16
	carry    bool
	everyDay bool
	prevDay  bool  // an instance of the day before is still in the plan
	latest   int32 // index of the newest instance, -1
}

// model is everything the plan is made from.
type model struct {
	stations []workstation
	wsIndex  map[string]int32
	resNames map[string]int32 // "WS#RES"
	res      []resource
	prompts  map[string]string // predefined prompts: name → text
	streams  []*streamDef
	byName   map[string]*streamDef // "WS#STREAM"
	defs     []*jobDef
}

func newModel() *model {
	return &model{wsIndex: map[string]int32{}, resNames: map[string]int32{}, prompts: map[string]string{}, byName: map[string]*streamDef{}}
}

func (m *model) addStation(w workstation) (int32, error) {
	if _, dup := m.wsIndex[w.name]; dup {
		return 0, fmt.Errorf("workstation %s is defined twice", w.name)
	}
	w.id = makeID("WORKSTATION", w.name)
	w.linked, w.started, w.jobman, w.inited, w.online = true, true, true, true, true
	w.monman = true
	i := int32(len(m.stations))
	m.stations = append(m.stations, w)
	m.wsIndex[w.name] = i
	return i, nil
}

func (m *model) addResource(ws int32, name string, total int32) int32 {
	key := m.stations[ws].name + "#" + name
	i := int32(len(m.res))
	m.res = append(m.res, resource{id: makeID("RESOURCE", key), name: name, ws: ws, total: total})
	m.resNames[key] = i
	return i
}

func (m *model) addStream(d *streamDef) error {
	key := m.stations[d.ws].name + "#" + d.name
	if _, dup := m.byName[key]; dup {
		return fmt.Errorf("job stream %s is defined twice", key)
	}
	d.id = makeID("JOBSTREAM_DEF", key)
	d.latest = -1
	if d.folder == "" {
		d.folder = "/"
	}
	m.byName[key] = d
	m.streams = append(m.streams, d)
	return nil
}

func (m *model) addDef(d *jobDef) {
	d.id = makeID("JOBDEFINITION", m.stations[d.ws].name, d.name)
	m.defs = append(m.defs, d)
}

// ref finds WS#STREAM or WS#STREAM.JOB among the streams defined so far.
func (m *model) ref(text string) (extRef, error) {
	name, jobName := splitJob(text)
	sd := m.byName[name]
	if sd == nil {
		return extRef{}, fmt.Errorf("no job stream %s above this line", name)
	}
	if jobName == "" {
		return extRef{stream: sd, job: -1}, nil
	}
	if p := sd.find(jobName); p >= 0 {
		return extRef{stream: sd, job: int16(p)}, nil
	}
	return extRef{}, fmt.Errorf("job stream %s has no job %s", name, jobName)
}

func (d *streamDef) find(jobName string) int {
	for i := range d.jobs {
		if d.jobs[i].def.name == jobName {
			return i
		}
	}
	return -1
}
