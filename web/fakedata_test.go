package web_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// obj is a JSON object as the API writes it.
type obj = map[string]any

// night is the moment at which the fake plan is looked at.
var night = time.Now().UTC().Truncate(time.Second)

func at(d time.Duration) string { return night.Add(d).Format(time.RFC3339) }

// job is a row of the fake plan.
type job struct {
	ID, Name, Stream, Workstation, Status, Substatus string
	Priority                                         int
	Critical, Late                                   bool
	Sched, Start                                     time.Duration
	RC                                               *int
	Runs                                             int
}

func (j job) full() string { return j.Workstation + "#" + j.Stream + "." + j.Name }

// engine is the job in the engine's own form.
func (j job) engine() obj {
	runs := []obj{}
	for i := range j.Runs {
		runs = append(runs, obj{"id": fmt.Sprintf("%s;%d", j.ID, i+1), "runAttempt": i + 1, "rerunType": "REGULAR", "returnCode": j.RC, "compositeStatus": obj{"status": j.Status},
			"timeInfo": obj{"actualStartTime": at(j.Start), "actualEndTime": at(j.Start + 129*time.Second), "elapsedTime": "PT2M9S"}})
	}
	return obj{
		"id": j.ID, "name": j.Name, "key": j.full(), "folder": "/", "workstation": "/" + j.Workstation, "jobStreamName": j.Stream, "priority": j.Priority,
		"lastRunCompositeStatus": obj{"status": j.Status, "substatus": j.Substatus}, "jobStatusFlags": obj{"jobLate": j.Late}, "jobOptions": obj{"critical": j.Critical},
		"jobDefinition":    obj{"recoveryOption": "STOP", "estimatedDuration": "PT1H", "description": "Net pay per employee"},
		"timeRestrictions": obj{"deadlineTime": at(40 * time.Minute)}, "schedTime": at(j.Sched), "jobruns": runs, "actions": []obj{{"key": "rerun"}},
	}
}

func (j job) json() obj {
	o := obj{
		"id": j.ID, "name": j.full(), "job": j.Name, "stream": j.Stream, "workstation": j.Workstation, "folder": "/", "status": j.Status,
		"substatus": j.Substatus, "common_status": j.Status, "priority": j.Priority, "critical": j.Critical, "late": j.Late,
		"sched_time": at(j.Sched), "estimated_s": 60 + len(j.Name)*37, "at_risk": j.Late && j.Critical, "unresolved": len(j.Name) % 4,
	}
	if j.RC != nil {
		o["return_code"] = *j.RC
	}
	if j.Start != 0 {
		o["start_time"] = at(j.Start)
		o["run_id"] = j.ID + ";1"
	}
	return o
}

// plan makes a bank's night of n jobs; the first three are the ones the tests speak of.
func plan(n int) []job {
	one, twelve := 1, 12
	jobs := []job{
		{ID: "9f0c11d2-0001", Name: "PAYROLL_NET", Stream: "PAYROLL", Workstation: "CPU7", Status: "ABEND", Priority: 50, Critical: true, Late: true, Sched: -100 * time.Minute, Start: -98 * time.Minute, RC: &twelve, Runs: 1},
		{ID: "9f0c11d2-0002", Name: "PAYROLL_PRD_POST", Stream: "PAYROLL", Workstation: "CPU7", Status: "HOLD", Substatus: "HOLD_WAITING_FOR_PREDECESSOR", Priority: 50, Critical: true, Sched: 30 * time.Minute},
		{ID: "9f0c11d2-0003", Name: "ETL_D01_LOAD", Stream: "ETL_D01", Workstation: "ETLAGT02", Status: "READY", Substatus: "READY_WAITING_FOR_LIMIT", Priority: 20, Late: true, Sched: -40 * time.Minute},
	}
	streams := []string{"EOD_LEDGER", "SWIFT_OUT", "SEPA_IN", "CARDS_CLR", "ETL_D02", "RISK_VAR", "AML_SCAN", "FX_REVAL", "STMT_PRINT", "DWH_LOAD", "CRM_SYNC", "ATM_CASH"}
	verbs := []string{"EXTRACT", "LOAD", "CHECK", "POST", "SEND", "MERGE", "ARCHIVE", "REPORT", "RECON", "INDEX"}
	states := []string{"SUCC", "SUCC", "SUCC", "SUCC", "SUCC", "HOLD", "HOLD", "HOLD", "READY", "EXEC", "WAIT", "SUCC", "SUCC", "HOLD"}
	r := rand.New(rand.NewPCG(7, 11))
	for i := len(jobs); i < n; i++ {
		stream := streams[r.IntN(len(streams))]
		j := job{
			ID: fmt.Sprintf("9f0c11d2-%04d", i+1), Name: fmt.Sprintf("%s_%s_%02d", stream, verbs[r.IntN(len(verbs))], r.IntN(40)),
			Stream: stream, Workstation: fmt.Sprintf("CPU%d", 1+r.IntN(60)), Status: states[r.IntN(len(states))], Priority: 10 + 10*r.IntN(5),
			Sched: time.Duration(r.IntN(600)-420) * time.Minute, Critical: r.IntN(60) == 0,
		}
		switch {
		case i%431 == 0:
			j.Status, j.RC, j.Late = "ABEND", &one, true
		case i%997 == 0:
			j.Status = "FAIL"
		case i%611 == 0:
			j.Status = "CANCL"
		}
		if j.Status == "HOLD" {
			j.Substatus = "HOLD_WAITING_FOR_PREDECESSOR"
			j.Late = r.IntN(40) == 0
		}
		if strings.Contains("SUCC EXEC ABEND", j.Status) {
			j.Start, j.Runs = j.Sched+time.Minute, 1
			if j.Status == "SUCC" {
				zero := 0
				j.RC = &zero
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// jobLog is written in the shape of the product's job logs.
func jobLog() []string {
	return []string{
		"===============================================================",
		"= JOB       : CPU7#PAYROLL[(0200 11/22/26),(0AAAAAAAAAAAABCD)].PAYROLL_NET",
		"= TASK      : /opt/payroll/bin/net.sh --period 2026-11",
		"= Started   : Sun 11/22/26 02:14:03 CET",
		"= Job Number: 448121",
		"===============================================================",
		"02:14:03 net: reading 48,211 gross records",
		"02:14:41 net: tax tables 2026-11 loaded",
		"02:15:58 net: writing /data/payroll/net.tmp",
		"02:16:12 net: write failed: No space left on device (ENOSPC)",
		"02:16:12 net: 31,902 of 48,211 records written, giving up",
		"AWSBDJ020E The job ended with an exit code that is not a success.",
		"===============================================================",
		"= Exit Status           : 12",
		"= Elapsed Time (hh:mm:ss) : 00:02:09",
		"= Sun 11/22/26 02:16:12 CET",
		"===============================================================",
	}
}

// failure is the answer object for the question the tests ask.
func failure(question string) obj {
	log := "exit status 12\nline 10: " + jobLog()[9] + "\nline 12: " + jobLog()[11]
	evidence := []obj{
		{"id": "e1", "kind": "job", "title": "PAYROLL_NET on CPU7", "text": "job CPU7#PAYROLL.PAYROLL_NET; runs on CPU7; status ABEND; return code 12; started 02:14:03; ended 02:16:12; recovery option STOP", "source": "GET /plan/job/9f0c11d2-0001", "as_of": at(0)},
		{"id": "e2", "kind": "log", "title": "Job log of run 448121", "text": log, "source": "GET /plan/job/9f0c11d2-0001/joblog", "line": 10, "end_line": 12, "as_of": at(0)},
		{"id": "e3", "kind": "passage", "title": "A job that ends with a code that is not a success", "path": "Operations handbook › Job states › ABEND", "source": "handbook.md:112-131", "line": 112, "end_line": 131,
			"text": "ABEND means that the job's own program ended with a return code that the job definition does not count as success. The scheduler did its part: it launched the program and read its exit status.\n\nRead the last lines of the job log for what the program says. Repair the cause, then rerun the job. Its successors stay on hold until the job is successful, is confirmed as successful, or their dependency on it is released.", "as_of": at(0)},
		{"id": "e4", "kind": "plan", "title": "Jobs that wait for PAYROLL_NET", "text": "3 jobs wait behind PAYROLL_NET\nlevel 1; job PAYROLL_PRD_POST; status HOLD; deadline 04:00\nlevel 2; job PAYROLL_BANKFILE; status HOLD; deadline 05:30\nlevel 3; job PAYROLL_REPORT; status HOLD", "source": "GET /plan/job/9f0c11d2-0001/successors?depth=5", "as_of": at(0)},
		{"id": "e5", "kind": "workstation", "title": "Workstation CPU7", "text": "workstation CPU7; linked yes; limit 10; running 3; fence 0", "source": "GET /plan/workstation/CPU7", "as_of": at(0)},
	}
	return obj{
		"question": question, "intent": "diagnosis", "mode": "offline", "as_of": at(0),
		"answer": "PAYROLL_NET on CPU7 ended with ABEND and return code 12 at 02:16:12 [1]. Its log says \"No space left on device (ENOSPC)\" while it wrote /data/payroll/net.tmp [2]. The disk was probably filled by yesterday's archive. A job in ABEND stays there until it is rerun or confirmed, and its successors stay on hold [3].\n\n3 jobs wait for it; PAYROLL_PRD_POST must end by 04:00 [4]. CPU7 itself is linked and has room: 3 of 10 jobs run [5].",
		"sentences": []obj{
			{"text": "PAYROLL_NET on CPU7 ended with ABEND and return code 12 at 02:16:12 [1].", "evidence": []string{"e1"}, "confirmed": true},
			{"text": "Its log says \"No space left on device (ENOSPC)\" while it wrote /data/payroll/net.tmp [2].", "evidence": []string{"e2"}, "confirmed": true},
			{"text": "The disk was probably filled by yesterday's archive.", "evidence": []string{}, "confirmed": false},
			{"text": "A job in ABEND stays there until it is rerun or confirmed, and its successors stay on hold [3].", "evidence": []string{"e3"}, "confirmed": true},
			{"text": "3 jobs wait for it; PAYROLL_PRD_POST must end by 04:00 [4].", "evidence": []string{"e4"}, "confirmed": true},
			{"text": "CPU7 itself is linked and has room: 3 of 10 jobs run [5].", "evidence": []string{"e5"}, "confirmed": true},
		},
		"hypotheses": []obj{
			{"rank": 1, "cause": "file_system_full", "title": "The file system /data on CPU7 is full", "confidence": 0.86, "evidence": []string{"e2", "e1"}, "citations": []string{"e3"}, "codes": []string{"AWSBDJ020E"},
				"text": "The program could not write its work file: the log ends with ENOSPC, and the return code 12 came 14 seconds after writing started.\n1. Free space under /data/payroll on CPU7.\n2. Rerun the job. It writes the file from the beginning, so a rerun is safe.",
				"fix":  []obj{{"action": "Free space on CPU7 outside the scheduler", "risk": "mutating", "tool": "", "args": obj{}}, {"action": "Rerun the job", "risk": "mutating", "tool": "rerun_job", "args": obj{"job": "9f0c11d2-0001"}}}},
			{"rank": 2, "cause": "quota", "title": "The payroll user has reached its disk quota", "confidence": 0.31, "evidence": []string{"e2"}, "citations": []string{}, "codes": []string{},
				"text": "Some systems report a quota as a full device. Compare `df` with `quota` on CPU7.", "fix": []obj{{"action": "Read the quota of the user", "risk": "read_only", "tool": "", "args": obj{}}}},
		},
		"evidence": evidence,
		"blocked": []obj{
			{"job": "CPU7#PAYROLL.PAYROLL_PRD_POST", "id": "9f0c11d2-0002", "level": 1, "status": "HOLD", "deadline": at(70 * time.Minute), "at_risk": true, "critical": true},
			{"job": "CPU7#PAYROLL.PAYROLL_BANKFILE", "level": 2, "status": "HOLD", "deadline": at(170 * time.Minute), "at_risk": false, "critical": true},
			{"job": "CPU9#PAYROLL.PAYROLL_REPORT", "level": 3, "status": "HOLD", "deadline": "", "at_risk": false, "critical": false},
		},
		"gates":        gates(),
		"not_examined": []string{"The disk of CPU7: Resync has no access to the machine.", "Event rules: this engine's API does not list them."},
		"candidates":   []obj{},
		"actions": []obj{
			{"tool": "rerun_job", "args": obj{"job": "9f0c11d2-0001"}, "reason": "Disk space was freed, rerun from the start", "risk": "mutating"},
			{"tool": "hold_job", "args": obj{"job": "9f0c11d2-0002"}, "reason": "Keep the successor from starting while the file is checked", "risk": "mutating"},
		},
	}
}

func gates() []obj {
	return []obj{
		{"gate": "status", "state": "fail", "text": "The job is in ABEND; it does not start again by itself.", "evidence": []string{"e1"}},
		{"gate": "follows", "state": "pass", "text": "All 2 predecessors are successful.", "evidence": []string{"e1"}},
		{"gate": "resources", "state": "pass", "text": "It needs 1 of DB_SLOTS, 4 are free.", "evidence": []string{}},
		{"gate": "limit", "state": "pass", "text": "3 of 10 jobs run on CPU7.", "evidence": []string{"e5"}},
		{"gate": "agent_link", "state": "unknown", "text": "The agent's link was last seen 4 minutes ago.", "evidence": []string{}},
		{"gate": "files", "state": "not_applicable", "text": "", "evidence": []string{}},
		{"gate": "prompts", "state": "not_applicable", "text": "", "evidence": []string{}},
	}
}

func catalog() []obj {
	job := obj{"type": "string", "description": "Id or name of the job"}
	schema := func(required []string, p obj) obj {
		return obj{"type": "object", "properties": p, "required": required}
	}
	tool := func(name, text, permission, undo string, s obj) obj {
		return obj{"name": name, "description": text, "permission": permission, "requires_approval": permission != "read_only", "tags": []string{"job"},
			"timeout_seconds": 30, "supports_undo": undo != "none", "undo_class": undo, "undo_note": "a run that has happened cannot be taken back; kill stops it, and its effects stay", "input_schema": s}
	}
	return []obj{
		tool("get_job_status", "Reads a job.", "read_only", "", schema([]string{"job"}, obj{"job": job})),
		tool("rerun_job", "Runs a finished job again.", "execute", "none", schema([]string{"job"}, obj{"job": job, "run_id": obj{"type": "string"}})),
		tool("hold_job", "Keeps a job from starting.", "write", "exact-if-not-started", schema([]string{"job"}, obj{"job": job})),
		tool("release_job", "Lets a held job start.", "write", "exact-if-not-started", schema([]string{"job"}, obj{"job": job})),
		tool("update_job_priority", "Changes a job's priority.", "write", "exact", schema([]string{"job", "priority"}, obj{"job": job, "priority": obj{"type": "integer", "minimum": 0, "maximum": 101, "description": "0 holds the job, 101 is go"}})),
		tool("update_workstation_limit", "Changes how many jobs run at once.", "write", "exact", schema([]string{"workstation", "limit"}, obj{"workstation": obj{"type": "string"}, "limit": obj{"type": "integer"}})),
	}
}
