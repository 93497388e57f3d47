package hwasim

import (
	"fmt"
	"strings"
	"time"

	"resync/hwa/joblog"
)

var scriptDirs = map[string]string{"sql": "/opt/bank/sql/%s.sh", "java": "/opt/bank/java/bin/%s", "load": "/opt/bank/load/%s.sh", "etl": "/opt/bank/etl/run_%s.sh",
	"ftp": "/opt/bank/transfer/%s.sh", "backup": "/opt/bank/backup/%s.sh", "win": `D:\batch\%s.cmd`, "sap": "/opt/bank/sap/%s.sh", "planner": "/opt/wa/TWS/%s"}

// scriptOf is the script or command of a job definition.
func scriptOf(d *jobDef) string {
	name := strings.ToLower(d.name)
	switch dir := scriptDirs[d.kind]; {
	case d.kind == "planner":
		return fmt.Sprintf(dir, map[string]string{"MAKEPLAN": "MakePlan", "SWITCHPLAN": "SwitchPlan", "CHECKSYNC": "CheckSync",
			"CREATEPOSTREPORTS": "CreatePostReports", "UPDATESTATS": "UpdateStats"}[d.name])
	case d.kind == "cmd":
		return "/opt/bank/bin/step " + name
	case dir != "":
		return fmt.Sprintf(dir, name)
	}
	return "/opt/bank/bin/" + name + ".sh"
}

// jobLog is the log of a run; empty when the run never reached an agent and the
// engine has nothing to say about it.
func (s *Sim) jobLog(ji int32, n int, contentOnly bool) string {
	j := &s.jobs[ji]
	r := &j.runs[n]
	if r.start == 0 {
		return s.engineLog(ji, n)
	}
	body := s.body(ji, n)
	if contentOnly {
		return strings.Join(body, "\n") + "\n"
	}
	return s.renderLog(ji, n, body)
}

// engineLog is an extract of the engine's message log about a run that did not
// start: the launch error, or why its workstation cannot be reached.
func (s *Sim) engineLog(ji int32, n int) string {
	j := &s.jobs[ji]
	if f := j.runs[n].failure; f != failNone {
		return s.mergeLog(s.failLines(f, ji), s.now)
	}
	if w := &s.ws[j.ws]; w.problem != failNone && n == len(j.runs)-1 && j.st == stReady {
		return s.mergeLog(s.failLines(w.problem, ji), w.since)
	}
	return ""
}

// mergeLog gives lines the form of TWSMERGE.log.
func (s *Sim) mergeLog(text string, at vsec) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		process, rest, ok := strings.Cut(line, ":")
		if name, _, _ := strings.Cut(process, " "); !ok || !processes[name] {
			process, rest = "BATCHMAN", " "+line
		}
		name, _, _ := strings.Cut(process, " ")
		fmt.Fprintf(&b, "%s|%s:%s\n", s.at(at).Format("15:04:05 02.01.2006"), name, strings.TrimRight(" "+strings.TrimSpace(rest), " "))
	}
	return b.String()
}

var processes = map[string]bool{"BATCHMAN": true, "MAILMAN": true, "WRITER": true, "NETMAN": true, "JOBMAN": true, "STAGEMAN": true}

// body is what the job itself printed.
func (s *Sim) body(ji int32, n int) []string {
	j := &s.jobs[ji]
	r := &j.runs[n]
	var out []string
	at := func(pct int32) string {
		d := s.endOf(r) - r.start
		return s.at(r.start + d*vsec(pct)/100).Format("15:04:05")
	}
	if r.failure == failScript { // nothing of the job itself ever ran
		return strings.Split(s.failLines(r.failure, ji), "\n")
	}
	rows := 1000 + int(j.id[3])*731
	out = append(out, fmt.Sprintf("%s %s: start, business date %s", at(0), strings.ToLower(j.name), s.at(s.streams[j.stream].time).Format(time.DateOnly)))
	for i, line := range bodyLines[j.def.kind] {
		fill := strings.NewReplacer("$ROWS", itoa(rows*(i+1)), "$FILE", strings.ToLower(j.name)+".dat", "$WS", s.ws[r.ws].name)
		out = append(out, at(int32(5+i*20))+" "+fill.Replace(line))
	}
	switch {
	case r.end == 0 || r.st == stExec:
		return out
	case r.failure != failNone:
		return append(out, strings.Split(s.failLines(r.failure, ji), "\n")...)
	case r.rc != 0:
		return append(out, fmt.Sprintf("%s ended with return code %d", at(100), r.rc))
	}
	return append(out, fmt.Sprintf("%s %s: finished, %d records", at(100), strings.ToLower(j.name), rows))
}

var bodyLines = map[string][]string{
	"sql":     {"connected to BANKDB as batch user", "statement 1: $ROWS rows selected", "statement 2: $ROWS rows updated", "commit"},
	"java":    {"JVM started, heap 2048 MB", "loaded configuration /opt/bank/conf/batch.properties", "processed $ROWS items", "processed $ROWS items"},
	"load":    {"reading /data/in/$FILE", "control record ok", "$ROWS rows loaded, 0 rejected", "indexes rebuilt"},
	"etl":     {"source opened", "stage: $ROWS rows", "transform: $ROWS rows", "target: $ROWS rows"},
	"ftp":     {"connecting to sftp.partner.example port 22", "authenticated", "$FILE: $ROWS bytes transferred", "connection closed"},
	"backup":  {"volume set opened", "$ROWS MB written", "$ROWS MB written", "catalogue updated"},
	"cmd":     {"step called on $WS"},
	"win":     {"Batch host $WS ready", "$ROWS pages", "$ROWS pages"},
	"sap":     {"logged on to SAP client 100", "job submitted, count $ROWS", "job is active"},
	"planner": {"options read from the database"},
	"sh":      {"environment loaded", "$ROWS lines processed"},
}

// renderLog puts the banner and the footer around a body, in the style of the
// agent the run was on.
func (s *Sim) renderLog(ji int32, n int, body []string) string {
	j := &s.jobs[ji]
	r := &j.runs[n]
	st := &s.streams[j.stream]
	w := &s.ws[r.ws]
	rep := joblog.Report{Workstation: s.ws[st.ws].name, Stream: st.name, SchedTime: s.at(st.time), SchedID: st.sched, Job: j.name, User: j.def.login,
		Command: scriptOf(j.def), Agent: w.name, JobNumber: int64(r.number), Started: s.at(r.start), Output: body, Running: r.end == 0,
		Ended: s.at(r.end), ExitStatus: int(r.rc), MemoryKB: 20480 + int64(j.id[4])*512}
	if r.end != 0 {
		rep.CPU = time.Duration(r.end-r.start) * 40 * time.Millisecond
	}
	switch {
	case w.kind == "AGENT":
		rep.Style = joblog.DynamicAgent
	case w.os == "WINDOWS":
		rep.Style = joblog.Windows
	}
	return joblog.Render(rep)
}

// scriptBase is the bare name in a job's script.
func scriptBase(d *jobDef) string { return strings.ToLower(d.name) }
