package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// seed stores what the night has already seen: runs of every outcome, an approval that needs two people, things to undo.
func (f *fake) seed() {
	run := func(tool, phase, summary, target, risk, user, message string, ago time.Duration) string {
		status := map[string]string{"verified": "done", "rejected": "cancelled"}[phase]
		if status == "" {
			status = phase
		}
		id := f.next("run")
		f.runs = append(f.runs, obj{"run_id": id, "tool_name": tool, "status": status, "phase": phase, "action_summary": summary, "target": target, "user": user, "risk_level": risk, "progress": 1,
			"started_at": at(-ago), "completed_at": at(-ago + 4*time.Second), "outcome": status, "message": message, "verified": phase == "verified", "undo_note": "a run that has happened cannot be taken back",
			"approval": obj{"preview": obj{"reversible": tool != "rerun_job"}},
			"journal": []obj{{"seq": 1, "at": at(-ago), "event": "proposed", "actor": user, "detail": obj{"target": target, "args_hash": "669daa1c720713cb"}}, {"seq": 2, "at": at(-ago + 2*time.Second), "event": "approved", "actor": "boris"},
				{"seq": 3, "at": at(-ago + 3*time.Second), "event": "executing", "actor": user}, {"seq": 4, "at": at(-ago + 4*time.Second), "event": phase, "actor": "resync", "detail": obj{"note": message}}}})
		return id
	}
	run("rerun_job", "outcome_unknown", "Rerun CPU3#EOD_LEDGER.EOD_LEDGER_POST_11", "CPU3#EOD_LEDGER.EOD_LEDGER_POST_11", "high", "ana", "outcome unknown: the connection ended after the request was sent; the plan is being read", 12*time.Minute)
	held := run("hold_job", "verified", "Hold CPU2#CRM_SYNC.CRM_SYNC_SEND_03", "CPU2#CRM_SYNC.CRM_SYNC_SEND_03", "medium", "ana", "confirmed: the job is held: its priority is 0", 31*time.Minute)
	run("rerun_job", "verified", "Rerun CPU9#DWH_LOAD.DWH_LOAD_MERGE_22", "CPU9#DWH_LOAD.DWH_LOAD_MERGE_22", "medium", "boris", "confirmed: run 2 started at 01:12", 95*time.Minute)
	run("update_workstation_limit", "error", "Set the limit of ETLAGT02 to 4", "ETLAGT02", "medium", "ana", "refused: AWSJCL054E the user may not change workstation ETLAGT02", 140*time.Minute)
	run("cancel_job", "rejected", "Cancel CPU1#ATM_CASH.ATM_CASH_CHECK_09", "CPU1#ATM_CASH.ATM_CASH_CHECK_09", "high", "ivo", "declined: wait for the cash team", 180*time.Minute)
	f.undoable = []obj{
		{"trace_id": held, "tool_name": "hold_job", "timestamp": at(-31 * time.Minute), "risk_level": "medium", "target": "CPU2#CRM_SYNC.CRM_SYNC_SEND_03", "undo_class": "exact-if-not-started", "summary": "set the priority of CRM_SYNC_SEND_03 back to 40", "expires_at": at(89 * time.Minute), "note": "It is refused when the job has started meanwhile."},
	}
	critical := f.approval("cancel_job", "Cancel PAYROLL_PRD_POST on CPU7", obj{"job": "9f0c11d2-0002"}, "critical", "ivo")
	critical["needed"], critical["approvers"], critical["missing"] = 2, []string{"boris"}, 1
	critical["preview"] = obj{"before": obj{"status": "HOLD", "priority": 50, "cancelled": false}, "after": obj{"status": "HOLD", "priority": 50, "cancelled": true}, "reversible": false, "undo_class": "none",
		"effects": []string{"The job will never start in this plan.", "2 jobs that wait for it are released at once: PAYROLL_BANKFILE, PAYROLL_REPORT."}, "undo_note": "the engine has no way back from cancel: its successors are freed at once"}
	critical["risk_facts"] = []obj{{"source": "name", "text": "PRD in the job's name", "level": "critical"}, {"source": "engine", "text": "PROD-MDM is a production engine", "level": "high"}, {"source": "plan", "text": "42 successors, 1 on the critical path, deadline 04:00", "level": "high"}}
	f.approvals = append(f.approvals, critical)
}

func (f *fake) approval(tool, summary string, args obj, risk, user string) obj {
	id := f.next("run")
	return obj{"trace_id": id, "tool_name": tool, "action_summary": summary, "input_params": args, "engine": "PROD-MDM", "user_id": user, "requested_at": at(0), "status": "pending",
		"expires_at": time.Now().Add(5 * time.Minute).UTC().Format(time.RFC3339), "risk_level": risk, "needed": 1, "approvers": []string{}, "missing": 1, "can_approve": true, "cannot_reason": ""}
}

func (f *fake) tools(w http.ResponseWriter, _ *http.Request) {
	answer(w, obj{"tools": catalog(), "total": len(catalog()), "user_role": "approver"})
}

func (f *fake) assess(w http.ResponseWriter, r *http.Request) {
	answer(w, obj{"tool_name": r.URL.Query().Get("tool_name"), "risk_level": "high", "description": "High risk, approval required", "requires_approval": true, "tool_permission": "write", "facts": facts()})
}

func facts() []obj {
	return []obj{{"source": "engine", "text": "PROD-MDM is a production engine", "level": "high"}, {"source": "plan", "text": "3 jobs wait for it, one is critical", "level": "medium"}}
}

func (f *fake) execute(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := decode(r)
	tool, args := str(in["tool_name"]), in["parameters"].(obj)
	target := "PAYROLL_NET"
	if j, ok := f.find(str(args["job"])); ok {
		target = j.Name
	}
	if tool == "diagnose_job" {
		answer(w, obj{"tool_name": tool, "success": true, "status": "done", "result": failure("why")})
		return
	}
	a := f.approval(tool, strings.ReplaceAll(tool, "_job", "")+" "+target+" on CPU7", args, "high", "ivo")
	a["session_id"], a["ticket"] = in["session_id"], in["ticket"]
	a["action_summary"] = strings.ToUpper(tool[:1]) + str(a["action_summary"])[1:]
	a["reason"], a["target"], a["risk_facts"] = str(in["reason"]), target, facts()
	before, after := obj{"status": "ABEND", "run": 1, "priority": 50}, obj{"status": "READY", "run": 2, "priority": 50}
	note, reversible := "a rerun cannot be taken back; kill stops it while it runs", false
	if tool == "hold_job" {
		before, after = obj{"status": "READY", "priority": 50}, obj{"status": "HOLD", "priority": 0}
		note, reversible = "release gives back priority 50 until the job starts", true
	}
	a["preview"] = obj{"before": before, "after": after, "effects": []string{"The job is launched again on CPU7 as run 2.", "3 jobs wait for it and go on when it is successful."}, "reversible": reversible, "undo_class": "none", "undo_note": note}
	if len(f.hostile) > 0 {
		a["action_summary"], a["engine"], a["ticket"], a["reason"] = f.hostile[0], f.hostile[1], f.hostile[2], f.hostile[3]
		a["input_params"] = obj{f.hostile[0]: f.hostile, "__proto__": f.hostile[1]}
		a["preview"] = obj{"before": obj{f.hostile[0]: f.hostile[1]}, "after": obj{f.hostile[2]: f.hostile[3]}, "effects": f.hostile, "undo_note": f.hostile[0]}
	}
	f.approvals = append(f.approvals, a)
	f.tell("approval", a)
	answer(w, obj{"tool_name": tool, "success": false, "status": "blocked_on_user", "risk_level": "high", "approval_id": a["trace_id"], "trace_id": a["trace_id"], "approval": a, "duration_ms": 12})
}

func (f *fake) listApprovals(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []obj{}
	for _, a := range f.approvals {
		if r.URL.Query().Get("status") == "all" || a["status"] == "pending" {
			list = append(list, a)
		}
	}
	answer(w, obj{"pending": list, "total": len(list), "by_tool": obj{}, "by_risk_level": obj{}})
}

func (f *fake) decide(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.approvals, func(a obj) bool { return a["trace_id"] == r.PathValue("id") })
	if i < 0 {
		problem(w, 404, "No such approval", "It has expired or never was.")
		return
	}
	a, in := f.approvals[i], decode(r)
	if a["status"] != "pending" {
		problem(w, 409, "Already decided", fmt.Sprintf("This approval is %s.", a["status"]))
		return
	}
	id := str(a["trace_id"])
	reply := obj{"trace_id": id, "action": in["action"], "approved_by": "ana", "approved_at": at(0), "reason": in["reason"]}
	if in["action"] == "reject" {
		a["status"], reply["status"] = "rejected", "rejected"
	} else {
		a["status"], reply["status"] = "used", "in_progress"
		f.start(id, a)
	}
	f.tell("approval", a)
	answer(w, reply)
}

// start plays a run: executing, done, verified.
func (f *fake) start(id string, a obj) {
	o := obj{"run_id": id, "tool_name": a["tool_name"], "status": "in_progress", "phase": "executing", "action_summary": a["action_summary"], "target": "CPU7#PAYROLL." + fmt.Sprint(a["target"]), "outcome": "", "user": a["user_id"], "risk_level": a["risk_level"],
		"progress": 0.3, "started_at": at(0), "message": "Sent to PROD-MDM", "journal": []obj{{"seq": 1, "at": at(0), "event": "approved", "actor": "ana"}, {"seq": 2, "at": at(time.Second), "event": "executing", "actor": "ivo"}}}
	f.runs = slices.Insert(f.runs, 0, o)
	f.tell("run", obj{"run_id": o["run_id"], "phase": o["phase"], "at": time.Now()})
	go func() {
		f.step(o, "done", "Accepted by the engine, not yet confirmed", 3)
		f.step(o, "verified", "confirmed: the plan shows run 2 of PAYROLL_NET", 4)
		f.mu.Lock()
		defer f.mu.Unlock()
		o["verified"] = true
		if a["tool_name"] == "hold_job" {
			f.undoable = slices.Insert(f.undoable, 0, obj{"trace_id": id, "tool_name": "hold_job", "timestamp": at(0), "risk_level": "high", "target": o["target"], "undo_class": "exact-if-not-started", "summary": "release " + fmt.Sprint(a["target"]) + " to priority 50", "expires_at": at(time.Hour), "note": "Refused when the job has started meanwhile."})
		}
		f.tell("run", obj{"run_id": o["run_id"], "phase": o["phase"], "at": time.Now()})
	}()
}

func (f *fake) step(o obj, phase, message string, seq int) {
	time.Sleep(350 * time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	o["phase"], o["status"], o["message"], o["progress"] = phase, "done", message, 1
	o["journal"] = append(o["journal"].([]obj), obj{"seq": seq, "at": at(time.Duration(seq) * time.Second), "event": phase, "actor": "resync", "detail": obj{"note": message}})
	f.tell("run", obj{"run_id": o["run_id"], "phase": o["phase"], "at": time.Now()})
}

func (f *fake) oneApproval(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.approvals {
		if a["trace_id"] == r.PathValue("id") {
			answer(w, a)
			return
		}
	}
	problem(w, 404, "Not Found", "There is no such approval.")
}

func (f *fake) listRuns(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"runs": f.runs, "total": len(f.runs)})
}

func (f *fake) run(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.runs {
		if o["run_id"] == r.PathValue("id") {
			answer(w, o)
			return
		}
	}
	problem(w, 404, "No such run", "The journal has no run with this id.")
}

func (f *fake) cancel(w http.ResponseWriter, r *http.Request) {
	answer(w, obj{"run_id": r.PathValue("id"), "status": "cancelled", "message": "Cancelled before it was sent."})
}

func (f *fake) listUndo(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, obj{"undoable": f.undoable, "total": len(f.undoable)})
}

func (f *fake) undo(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.PathValue("id")
	i := slices.IndexFunc(f.undoable, func(u obj) bool { return u["trace_id"] == id })
	if i < 0 {
		problem(w, 409, "Cannot be undone", "The job has started since: undo would have no effect.")
		return
	}
	u := f.undoable[i]
	f.undoable = slices.Delete(f.undoable, i, i+1)
	a := f.approval("release_job", strings.ToUpper(str(u["summary"])[:1])+str(u["summary"])[1:], obj{"job": "9f0c11d2-0002"}, "high", "ivo")
	a["target"], a["risk_facts"] = "PAYROLL_PRD_POST", facts()
	a["preview"] = obj{"before": obj{"status": "HOLD", "priority": 0}, "after": obj{"status": "READY", "priority": 50}, "effects": []string{"The job may start at once."}, "reversible": true, "undo_class": "exact-if-not-started", "undo_note": "hold it again"}
	f.approvals = append(f.approvals, a)
	answer(w, obj{"trace_id": id, "status": "blocked_on_user", "message": "The undo needs an approval.", "run_id": a["trace_id"], "approval": a})
}
