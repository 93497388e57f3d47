package hwasim

import "errors"

// gateFaults are jobs that wait for something an operator controls.
func gateFaults() []faultSpec {
	gate := func(name, scenario, summary, victim string, shut func(*Sim, int32)) faultSpec {
		return faultSpec{Fault: Fault{Name: name, Scenario: scenario, Summary: summary}, inject: func(s *Sim) (int32, error) {
			ji, err := s.victim(victim)
			if err != nil {
				return 0, err
			}
			s.unstart(ji)
			shut(s, ji)
			return ji, nil
		}}
	}
	return []faultSpec{
		gate("limit-zero", "S01", "a job is READY since half an hour: the limit of its workstation is 0", "CRD_AGT3#CRD_SETTLE.CRD_NETTING", func(s *Sim, ji int32) {
			s.ws[s.jobs[ji].ws].limit = 0
			s.makeReady(ji, 30*60)
		}),
		gate("fence", "S02", "a job is READY: its priority is not above the fence of its workstation", "GL_AGT2#GL_CLOSE.GL_SUBLEDGER", func(s *Sim, ji int32) {
			w := &s.ws[s.jobs[ji].ws]
			w.fence, w.limit, s.jobs[ji].prio = 50, 10, 10
			s.makeReady(ji, 30*60)
		}),
		gate("limit-reached", "", "a job is READY: as many jobs run on its workstation as the limit allows", "BCK_AGT1#BCK_NIGHT.BCK_FS", func(s *Sim, ji int32) {
			w := &s.ws[s.jobs[ji].ws]
			w.limit = max(w.running, 1)
			s.makeReady(ji, 20*60)
		}),
		gate("file-wait", "", "a job waits for a file that has not arrived", "CRD_AGT1#CRD_CLEAR.CRD_IMPORT", (*Sim).waitForFile),
		gate("prompt-asked", "", "a job waits for the answer to a prompt", "CRD_AGT2#CRD_FRAUD.FRD_RULES", (*Sim).waitForPrompt),
		gate("resource-exhausted", "", "a job waits for a unit of a resource; all are in use", "DWH_AGT1#DWH_LOAD.DWL_BALANCES", (*Sim).waitForResource),
		gate("external-follows", "", "a job waits for a job of another job stream", "REG_AGT1#REG_REPORT.REG_COLLECT", func(*Sim, int32) {}),
		gate("time-dependency", "", "a job waits for its start time", "HQMDM#NETWATCH.NET_REPORT", (*Sim).waitForTime),
		gate("stream-limit", "", "a job is READY: its job stream already runs as many jobs as its limit allows", "DYN_AGT1#WEB_REPORTS.WEB_NEWS", func(s *Sim, ji int32) {
			st := &s.streams[s.jobs[ji].stream]
			st.limit = st.running
			s.makeReady(ji, 25*60)
		}),
		gate("stream-held", "", "a job stream is held: its priority is 0", "CRM_AGT1#CRM_SYNC.CRM_DELTA", func(s *Sim, ji int32) {
			st := &s.streams[s.jobs[ji].stream]
			st.saved, st.prio = max(st.prio, 1), 0
			s.refreshStream(s.jobs[ji].stream)
		}),
		gate("job-held", "", "a job is held: its priority is 0", "INT_AGT1#INT_RATEFEED.IRF_PULL", func(s *Sim, ji int32) {
			j := &s.jobs[ji]
			j.saved, j.prio = max(j.prio, 1), 0
			s.refresh(ji)
		}),
		gate("ws-ignored", "", "a job is suppressed: its workstation is ignored in the plan", "DYN_POOL1#ANALYTICS.ANL_CHURN", func(s *Sim, ji int32) {
			s.free(ji)
			s.ws[s.jobs[ji].ws].ignore = true
			s.refresh(ji)
		}),
		gate("latest-start-passed", "", "a job is suppressed: its latest start time passed while it waited", "STM_AGT1#STM_CREATE.STM_ARCHIVE", (*Sim).tooLate),
		gate("deadline-missed", "", "a job has missed its deadline and has not started", "ATM_AGT1#ATM_CASH.ATM_ORDERS", func(s *Sim, ji int32) {
			j := &s.jobs[ji]
			j.deadline = s.now - 20*60
			j.set(fDeadlineGone|fLate, true)
		}),
		gate("join-waiting", "", "a job stream waits for a join: two of three predecessors", "HQMDM#DAY_OPEN.OPEN_DATE", func(*Sim, int32) {}),
		{Fault: Fault{Name: "resource-deadlock", Summary: "two job streams each hold the resource the other needs"}, inject: (*Sim).deadlock},
		{Fault: Fault{Name: "carried-forward", Summary: "a job stream of the day before was carried forward beside today's: names are ambiguous"}, inject: (*Sim).carryDuplicate},
	}
}

func (s *Sim) waitForFile(ji int32) {
	j := &s.jobs[ji]
	fi := int32(-1)
	for _, d := range j.deps {
		if d.kind == depFile {
			fi = d.target
		}
	}
	if fi < 0 {
		fi = s.addFile(fileRef{ws: j.ws, name: "/data/in/" + scriptBase(j.def) + ".ready", arrives: noTime}, 0)
		j.deps = s.addDeps(j.deps, []dep{{kind: depFile, target: fi}}, ji)
	}
	s.files[fi].exists, s.files[fi].arrives = false, 0
	s.refresh(ji)
}

func (s *Sim) waitForPrompt(ji int32) {
	j := &s.jobs[ji]
	pi := s.addPrompt("RULES_CHECKED", "Were tonight's fraud rules released by the fraud desk?", "Ad Hoc Prompt", ji)
	s.free(ji)
	j.deps = s.addDeps(j.deps, []dep{{kind: depPrompt, target: pi}}, ji)
	s.refresh(ji)
	s.prompts[pi].asked = s.now - 25*60
}

func (s *Sim) waitForResource(ji int32) {
	j := &s.jobs[ji]
	ri := int32(-1)
	for _, d := range j.deps {
		if d.kind == depResource {
			ri = d.target
		}
	}
	if ri < 0 {
		ri = s.model.resNames["DWH_AGT1#DWHSLOT"]
		j.deps = s.addDeps(j.deps, []dep{{kind: depResource, target: ri, qty: 1}}, ji)
	}
	s.res[ri].total = s.res[ri].inUse
	s.makeReady(ji, 25*60)
}

func (s *Sim) waitForTime(ji int32) {
	j := &s.jobs[ji]
	at := j.start
	if at <= s.now {
		at = s.now + 3*3600
		s.schedule(at, evTime, ji, 0)
	}
	s.free(ji)
	j.start = at
	s.refresh(ji)
}

func (s *Sim) tooLate(ji int32) {
	j := &s.jobs[ji]
	if p := s.streams[j.stream].def.planOf(j); p != nil {
		o := *p.option()
		o.lateStart = "doNotRun"
		p.opts = &o
	}
	j.latest = s.now - 15*60
	s.untilPassed(ji)
}

// deadlock: LOAN_RATES holds RATE_LOCK and wants LEDGER_LOCK, LOAN_POST the reverse.
func (s *Sim) deadlock() (int32, error) {
	apply, ok := s.findKey("LOAN_AGT2#LOAN_RATES.LRT_APPLY")
	post, ok2 := s.findKey("LOAN_AGT2#LOAN_POST.LPO_POST")
	if !ok || !ok2 || s.jobs[apply].st != stHold || s.jobs[post].st != stHold {
		return 0, errors.New("LOAN_RATES and LOAN_POST are past it")
	}
	rate, ledger := s.model.resNames["LOAN_AGT2#RATE_LOCK"], s.model.resNames["LOAN_AGT2#LEDGER_LOCK"]
	s.holdAndWant(apply, rate, ledger)
	s.holdAndWant(post, ledger, rate)
	for _, ji := range []int32{apply, post} {
		s.makeReady(ji, 20*60)
	}
	return apply, nil
}

// holdAndWant ends the stream's first job, has the stream hold one resource and
// its next job want another.
func (s *Sim) holdAndWant(ji, hold, want int32) {
	si := s.jobs[ji].stream
	first := s.streams[si].jobs[0]
	s.runningSince(first, 28*60)
	r := s.jobs[first].last()
	r.end = s.now - 20*60
	s.giveQuietly(first)
	s.jobs[first].st, r.st = stSucc, stSucc
	st := &s.streams[si]
	st.deps = s.addDeps(st.deps, []dep{{kind: depResource, target: hold, qty: 1}}, ^si)
	st.holding = s.book(st.deps, ^si, 1)
	s.jobs[ji].deps = s.addDeps(s.jobs[ji].deps, []dep{{kind: depResource, target: want, qty: 1}}, ji)
}

// carryDuplicate adds yesterday's unfinished instance of a stream.
func (s *Sim) carryDuplicate() (int32, error) {
	key := "CRD_AGT1#CRD_CLEAR"
	d := s.model.byName[key]
	today := d.latest
	old := s.addInstance(d, s.streams[today].day-1)
	d.latest = today
	st := &s.streams[old]
	st.carried = true
	for i, ji := range st.jobs {
		if i < 3 {
			j := &s.jobs[ji]
			s.giveQuietly(ji)
			r := j.last()
			r.start, r.end = st.time+vsec(i*60), st.time+vsec(i*60+50)
			j.st, r.st = stSucc, stSucc
		}
	}
	s.reindex()
	imp := st.jobs[3]
	s.abend(imp, failReturnCode, 8, 20*60, 6*3600)
	return s.streams[today].jobs[d.find("CRD_MATCH")], nil
}
