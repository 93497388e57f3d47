package diagnose

import (
	"fmt"
	"strings"

	"resync/hwa"
	"resync/internal/plan"
)

// stations looks for workstations that are not linked, not initialised or
// without a job manager.
func (in *inquiry) stations(sw planSwitch) []*finding {
	var unlinked, behind, noJobman, ssl []plan.Workstation
	all := 0
	inited := in.someInitialised()
	for _, w := range in.snap.Workstations() {
		if w.Ignored || runsElsewhere(hwa.WorkstationType(w.Type)) || w.Type == string(hwa.WorkstationTypeWorkloadBroker) {
			continue
		}
		all++
		switch {
		case !w.Linked() && w.SecurityLevel != "" && w.SecurityLevel != "NONE" && w.SSLPort == 0 && w.Type != string(hwa.WorkstationTypeAgent):
			ssl = append(ssl, w)
		case !w.Linked() && !w.HasState("JOBMAN_UP"):
			noJobman = append(noJobman, w)
		case sw.runNumber > 0 && w.RunNumber > 0 && w.RunNumber < sw.runNumber || inited && !w.HasState("IS_INITED") && w.Type != string(hwa.WorkstationTypeAgent):
			behind = append(behind, w)
		case !w.Linked():
			unlinked = append(unlinked, w)
		}
	}
	var out []*finding
	add := func(list []plan.Workstation, build func(ev string, list []plan.Workstation) *finding, title string) {
		if len(list) > 0 {
			out = append(out, build(in.noteStations(title, list, all), list))
		}
	}
	add(ssl, sslFinding, "Secured workstations without SSL port")
	add(behind, in.behindFinding, "Workstations without the current plan")
	add(noJobman, deadFinding, "Workstations that are down")
	add(unlinked, in.unlinkedFindings, "Workstations that are not linked")
	return out
}

func (in *inquiry) noteStations(title string, list []plan.Workstation, all int) string {
	var rows []string
	for _, w := range list[:min(len(list), 20)] {
		rows = append(rows, line("workstation", w.Name, "type", w.Type, "states", strings.Join(w.States, " "), "run number", nonZero(w.RunNumber),
			"security level", w.SecurityLevel, "SSL port", portText(w), "limit", w.Limit))
	}
	text := fmt.Sprintf("%d of %s\n%s", len(list), plural(all, "workstation", "workstations"), strings.Join(rows, "\n"))
	return in.note(Evidence{Kind: "workstation", Title: title, Text: text, Source: "GET /plan/workstation", AsOf: in.snap.AsOf()})
}

func portText(w plan.Workstation) string {
	if w.SSLPort < 0 {
		return ""
	}
	return fmt.Sprint(w.SSLPort)
}

func names(list []plan.Workstation) string {
	var out []string
	for _, w := range list {
		out = append(out, w.Name)
	}
	return joinNames(out, 4)
}

func sslFinding(ev string, list []plan.Workstation) *finding {
	return &finding{incident: true,
		station: true, cause: "ssl_port_zero", title: "A secured workstation has SSL port 0", weight: 0.85,
		claims: []claim{because("Not linked, with a security level set and SSL port 0: "+names(list)+".", ev)},
		check:  "Check the SSL port statement in the localopts file of the agent and of its domain manager, and the port in the workstation definition.",
		remedy: "Set the SSL port in localopts to the right number, then stop and restart netman there.",
		query:  []string{"using SSL no connection between fault-tolerant agent and its domain manager SSL port localopts"},
	}
}

func (in *inquiry) behindFinding(ev string, list []plan.Workstation) *finding {
	fd := in.notInitialisedFinding(names(list), fmt.Sprintf("Without the current plan: %s", names(list)), ev)
	fd.weight = 0.8
	return fd
}

func deadFinding(ev string, list []plan.Workstation) *finding {
	return &finding{incident: true,
		cause: "workstation_down", title: "Workstations without jobman and link", weight: 0.8,
		claims: []claim{because("Neither linked nor with their job manager up: "+names(list)+".", ev)},
		check:  "Check the standard list (stdlist) of batchman, mailman and jobman there for codes, and whether the machine is up.",
		remedy: "If the processes were just stopped, start the workstation (conman start); otherwise repair what the code names first.",
		query:  []string{"batchman and other processes fail on a fault-tolerant agent", "fault-tolerant agent processes stopped mailman jobman"},
	}
}

// manyUnlinked is the share of workstations from which on a common cause is
// likelier than trouble on each of them.
const manyUnlinked = 3

func (in *inquiry) unlinkedFindings(ev string, list []plan.Workstation) *finding {
	fd := &finding{incident: true,
		cause: "workstations_not_linked", title: "Workstations are not linked", weight: 0.78,
		claims: []claim{because("Not linked: "+names(list)+".", ev)},
		check:  "Check with conman sc, and in the mailman messages of the domain manager, why the link went.",
		remedy: "Link the workstation (conman link) once its machine and netman run.",
		query:  []string{"domain manager cannot link to a fault-tolerant agent", "fault-tolerant agents not linking to master domain manager"},
	}
	if len(list) < manyUnlinked {
		return fd
	}
	fd.cause, fd.title, fd.weight = "many_unlinked", "Many workstations lost their link together", 0.84
	fd.claims = []claim{because(fmt.Sprintf("%d workstations are not linked: %s.", len(list), names(list)), ev)}
	fd.query = []string{"fault-tolerant agents unlink from mailman on a domain manager after JnextPlan"}
	fd.check = "Check in the log of the domain manager whether mailman unlinked them one after the other."
	fd.remedy = "If mailman unlinks them by timeout, its time-outs (localopts) are too short for the backlog; see the documented steps."
	if sw := in.planSwitch(); !sw.at.IsZero() {
		fd.claims = append(fd.claims, because("The plan was switched at "+stamp(sw.at)+".", sw.ev...))
	}
	return fd
}
