package msgcode

import "strings"

// wellKnown are the families an operator meets most; only they are candidates
// when a letter has to be put back.
var wellKnown = [...]string{
	"AWSBHT", "AWSBHU", "AWSBHV", "AWSBCV", "AWSBCW", "AWSBDW", "AWSBDY", "AWSBIA", "AWSBIS", "AWSBEH", "AWSBIN", "AWSJSY", "AWSJCO",
	"AWSJCL", "AWSJDB", "AWSJPL", "AWSJOM", "AWSJCS", "AWSITA", "AWSDEB", "AWSDEC", "AWSDEQ", "AWSDEZ", "AWSEDW", "AWSEVP", "AWSAHL",
	"AWSDPM", "AWSMSP", "AWSWUI", "AWSMRP", "AWSMSL", "AWSMCG", "AWKCLI", "AWKTSA", "AWKDBE", "AWKFTE", "AWKJDE", "AWKRCE",
}

// Component tells what reports under a code family, given as AWSBHT or BHT: the
// name of the program or layer and what it does. It reports false for a family
// it does not know.
func Component(family string) (string, bool) {
	family = strings.ToUpper(family)
	about := components(family)
	if about == "" {
		about = components("AWS" + family)
	}
	if about == "" {
		about = components("AWK" + family)
	}
	return about, about != ""
}

func known(family string) bool { return components(family) != "" }

// components is a switch rather than a map: it needs no initialisation and
// cannot be changed.
func components(family string) string {
	if len(family) > 3 && (family[:3] == "AWS" || family[:3] == "AWK") {
		if about := scheduler(family); about != "" {
			return about
		}
		return broker(family)
	}
	return platform(family)
}

// scheduler names the components of the scheduling engine, agents and console.
func scheduler(family string) string {
	switch family {
	case "AWSBHT":
		return "batchman, which reads the plan, starts jobs when their conditions are met and updates the plan"
	case "AWSBHU":
		return "conman, the command line for the running plan"
	case "AWSBHV":
		return "stageman, which carries unfinished work forward when the plan is switched"
	case "AWSBCV":
		return "mailman, which sends and receives messages between workstations"
	case "AWSBCW":
		return "writer, which receives messages that other workstations send and initialises a workstation"
	case "AWSBDW", "AWSBDX":
		return "jobman, which launches the jobs on a workstation and watches them"
	case "AWSBDY":
		return "the check of the mailbox files"
	case "AWSBIA":
		return "composer, the command line for the definitions in the database"
	case "AWSBIS":
		return "the JnextPlan and planner scripts and their utilities"
	case "AWSBCT", "AWSBCU", "AWSBCX", "AWSBCZ":
		return "the utility commands"
	case "AWSBII":
		return "the handling of parameters and variables"
	case "AWSBJG":
		return "the router, which fetches job logs from workstations"
	case "AWSBEH":
		return "the connection from the command lines to the server"
	case "AWSBIN", "AWSBIO", "AWSJSY":
		return "the operations on the plan: reading objects and carrying out actions"
	case "AWSBRC":
		return "reportcli, which makes reports from the database"
	case "AWSDEB":
		return "the network layer between workstations"
	case "AWSDEC":
		return "the event files (.msg queues)"
	case "AWSDEK":
		return "evtsize, which shows and sets the size of the event files"
	case "AWSDEM":
		return "the reading of workstation definitions"
	case "AWSDEQ":
		return "the security token and user handling of a workstation"
	case "AWSDEZ":
		return "the Symphony file"
	case "AWSEDW":
		return "netman, which accepts connections to a workstation and starts its processes"
	case "AWSECM":
		return "the configuration of event monitoring"
	case "AWSEVP":
		return "the event processor, which evaluates event rules"
	case "AWSAHL":
		return "the actions that event rules start"
	case "AWSDPM":
		return "the deployment of event rules to the workstations"
	case "AWSMSP":
		return "the mail sender of event rules"
	case "AWSRES":
		return "the access to the REST services"
	}
	return serverSide(family)
}

// serverSide names the components inside the application server and the agents.
func serverSide(family string) string {
	switch family {
	case "AWSITA":
		return "the dynamic agent (jobmanager), which runs jobs and reports to the broker"
	case "AWSJCO":
		return "the connector, through which consoles and the API reach the engine"
	case "AWSJCL":
		return "the command-line side of the planner (planman, optman)"
	case "AWSJCS":
		return "the common services of the server"
	case "AWSJDB":
		return "the access to the database"
	case "AWSJIM", "AWSJIS":
		return "the installation and its checks"
	case "AWSJOM":
		return "the management of scheduling objects in the database"
	case "AWSJPL":
		return "the planner, which builds the preproduction and the production plan"
	case "AWSJPU":
		return "the plan updates in the server"
	case "AWSJZC", "AWSJZI":
		return "the connector to a z/OS controller"
	case "AWSUI", "AWSWUI":
		return "the Dynamic Workload Console"
	case "AWSMRP", "AWSMSL", "AWSMCG":
		return "the orchestration command line (ocli)"
	}
	return ""
}

// broker names the components of the dynamic workload broker and its job types.
func broker(family string) string {
	switch family {
	case "AWKCLI":
		return "the command line of the dynamic workload broker"
	case "AWKDBE":
		return "the database job type"
	case "AWKFTE":
		return "the file transfer job type"
	case "AWKJDE":
		return "the job dispatcher of the dynamic workload broker"
	case "AWKRAA":
		return "the resource advisor agent of the dynamic workload broker"
	case "AWKRCE":
		return "the remote command job type"
	case "AWKTSA":
		return "the bridge between the scheduler and the dynamic workload broker"
	case "AWKTEP", "AWKJSE", "AWKMFT", "AWKWSE", "AWKXAE":
		return "a job type of the dynamic workload broker"
	}
	return ""
}

// platform names what is not the scheduler itself.
func platform(family string) string {
	switch {
	case strings.HasPrefix(family, "EEWOJT"):
		return "the SAP job throttler"
	case strings.HasPrefix(family, "EEW"):
		return "the access method for SAP"
	case family == "HTWGT":
		return "the job plug-ins for other products"
	case strings.HasPrefix(family, "EQQ"):
		return "the z/OS engine"
	case family == "ACTEX":
		return "the actions of event rules"
	case family == "WAINST", strings.HasPrefix(family, "CTG"):
		return "the installer"
	case family == "DSRA", family == "J2CA":
		return "Liberty's connection to the database"
	case family == "SECJ", family == "JSAS":
		return "Liberty's security"
	case family == "SRVE", family == "WSVR", family == "ADMU", family == "SESN", family == "WTRN", family == "CNTR",
		len(family) == 5 && strings.HasPrefix(family, "CW"):
		return "the Liberty application server"
	case family == "SQL":
		return "DB2"
	case family == "ORA":
		return "Oracle"
	}
	return ""
}
