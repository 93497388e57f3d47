package hwasim

import (
	"fmt"
	"math/rand/v2"
)

// area is a line of business of the generated part of the plan.
type area struct {
	prefix string
	stems  []string // stream stems
	steps  []string // job stems, in order of work
	kinds  []string
}

var areas = []area{
	{"BRN", []string{"DAY", "CASH", "TELLER"}, []string{"COLLECT", "CHECK", "LOAD", "BOOK", "RECON", "REPORT", "PUBLISH", "ARCHIVE"}, []string{"ftp", "cmd", "load", "sql", "sql", "java", "cmd", "sh"}},
	{"CRD", []string{"AUTH", "CLR", "POINTS"}, []string{"FETCH", "SPLIT", "IMPORT", "MATCH", "FEES", "POST", "STATS", "SEND"}, []string{"ftp", "cmd", "load", "sql", "sql", "sql", "java", "ftp"}},
	{"GL", []string{"SUB", "COST", "TAX"}, []string{"EXTRACT", "MAP", "LOAD", "POST", "BALANCE", "REPORT", "EXPORT", "CLOSE"}, []string{"sql", "etl", "load", "sql", "sql", "java", "ftp", "cmd"}},
	{"INT", []string{"SAVE", "TERM"}, []string{"SELECT", "RATES", "CALC", "POST", "ADVICE", "CHECK", "REPORT"}, []string{"sql", "ftp", "java", "sql", "java", "cmd", "java"}},
	{"STM", []string{"MON", "QTR"}, []string{"SELECT", "COMPOSE", "SIGN", "SPLIT", "PRINT", "ARCHIVE", "NOTIFY"}, []string{"sql", "java", "cmd", "sh", "sh", "sh", "cmd"}},
	{"DWH", []string{"FEED", "MART"}, []string{"EXTRACT", "STAGE", "CLEAN", "FACT", "DIM", "AGGR", "STATS", "PUBLISH"}, []string{"sql", "etl", "etl", "etl", "etl", "etl", "sql", "cmd"}},
	{"BCK", []string{"LOG", "FS"}, []string{"QUIESCE", "COPY", "VERIFY", "CATALOG", "PURGE"}, []string{"cmd", "backup", "backup", "sql", "cmd"}},
	{"LON", []string{"RETAIL", "CORP"}, []string{"SELECT", "ACCRUE", "DUNNING", "LETTER", "POST", "REPORT"}, []string{"sql", "java", "sql", "java", "sql", "java"}},
	{"CRM", []string{"SYNC", "LEADS"}, []string{"DELTA", "MERGE", "SCORE", "PUSH", "CLEAN"}, []string{"sql", "etl", "java", "ftp", "cmd"}},
	{"SEC", []string{"TRADE", "CUST"}, []string{"FETCH", "MATCH", "SETTLE", "BOOK", "VALUE", "CONFIRM", "REPORT"}, []string{"ftp", "java", "sql", "sql", "java", "ftp", "java"}},
}

// fill adds generated workstations and streams until the configured sizes are reached.
func (s *Sim) fill(rng *rand.Rand) error {
	m := s.model
	core := 0
	for _, d := range m.streams {
		core += len(d.jobs)
		if d.isFinal() { // last night's instance is in the plan too
			core += len(d.jobs)
		}
	}
	if s.cfg.Jobs < core {
		return fmt.Errorf("hwasim: Jobs is %d; the hand-written part of the plan alone has %d", s.cfg.Jobs, core)
	}
	if s.cfg.Workstations < len(m.stations)+4 {
		return fmt.Errorf("hwasim: Workstations is %d; want at least %d", s.cfg.Workstations, len(m.stations)+4)
	}
	first := int32(len(m.stations))
	for n := 1; len(m.stations) < s.cfg.Workstations; n++ {
		if _, err := m.addStation(fillStation(n, s.cfg.Jobs/s.cfg.Workstations)); err != nil {
			return err
		}
	}
	return s.fillStreams(rng, s.cfg.Jobs-core, first)
}

func fillStation(n, load int) workstation {
	w := workstation{name: fmt.Sprintf("BR_AGT%02d", n), kind: "FTA", os: "LINUX", limit: int16(max(12, load/6)), domain: "HQDM", port: 31111, security: "NONE"}
	w.node = fmt.Sprintf("br%02d.bank.example", n)
	if n%5 == 0 {
		w.kind, w.port, w.sslPort, w.security = "AGENT", 31114, 31114, "HTTPS"
	}
	if n%7 == 0 {
		w.os = "WINDOWS"
	}
	return w
}

func (s *Sim) fillStreams(rng *rand.Rand, jobs int, first int32) error {
	m := s.model
	stations := int32(len(m.stations)) - first
	last := make([]*streamDef, len(areas)*4)
	for n := 0; jobs > 0; n++ {
		a := &areas[n%len(areas)]
		size := min(jobs, 7+rng.IntN(8))
		if rest := jobs - size; rest > 0 && rest < 3 {
			size = jobs
		}
		jobs -= size
		d := fillStream(rng, a, n, size)
		d.ws = first + int32(rng.IntN(int(stations)))
		for i := range d.jobs {
			d.jobs[i].ws, d.jobs[i].def.ws = d.ws, d.ws
			m.addDef(d.jobs[i].def)
		}
		slot := n % len(last)
		if p := last[slot]; p != nil && rng.IntN(3) == 0 && p.at <= d.at {
			d.option().ext = []extRef{{stream: p, job: -1}}
		}
		last[slot] = d
		if err := m.addStream(d); err != nil {
			return fmt.Errorf("hwasim: %w", err)
		}
	}
	return nil
}

func fillStream(rng *rand.Rand, a *area, n, size int) *streamDef {
	d := &streamDef{prio: 10, limit: -1, everyDay: true, at: fillTime(rng), carry: rng.IntN(3) > 0}
	d.name = a.prefix + "_" + a.stems[n/len(areas)%len(a.stems)] + "_" + fmt.Sprintf("%03d", n)
	if rng.IntN(6) == 0 {
		d.folder = "/BANK/" + a.prefix + "/"
	}
	for i := range size {
		step := i % len(a.steps)
		def := &jobDef{name: fmt.Sprintf("%s_%s_%03d%s", a.prefix, a.steps[step], n, [...]string{"", "B", "C"}[i/len(a.steps)]), kind: a.kinds[step]}
		def.est, def.login = int32(20+rng.IntN(220)), loginFor(def.kind)
		if rng.IntN(12) == 0 {
			def.est *= 5
		}
		if rng.IntN(25) == 0 {
			def.recovery = recContinue
		}
		j := jobPlan{def: def, prio: d.prio}
		if i > 0 {
			j.follows = []int16{int16(max(0, i-1-rng.IntN(2)))}
			if i > 3 && rng.IntN(4) == 0 && int(j.follows[0]) != i-3 {
				j.follows = append(j.follows, int16(i-3))
			}
		}
		d.jobs = append(d.jobs, j)
	}
	return d
}

// fillTime spreads starts like a night: half before 2 o'clock, little by day.
func fillTime(rng *rand.Rand) int32 {
	span := func(from, to int32) int32 { return from + 60*int32(rng.IntN(int(to-from)/60)) }
	switch r := rng.IntN(100); {
	case r < 50:
		return span(5*60, 2*3600)
	case r < 62:
		return span(2*3600, 165*60)
	case r < 90:
		return span(165*60, 6*3600)
	}
	return span(6*3600, 22*3600)
}
