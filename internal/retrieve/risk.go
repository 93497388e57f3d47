package retrieve

import "strings"

// Risk is the class of a documented fix. The classes are ordered: each is riskier
// than the one before.
type Risk string

// The classes of risk. ReadOnly also stands for a change made outside the
// scheduler's plan by somebody else: tuning a database, editing localopts.
const (
	ReadOnly            Risk = "read_only"
	Mutating            Risk = "mutating"
	CredentialSensitive Risk = "credential_sensitive"
	Destructive         Risk = "destructive"
)

// Level orders the classes from 0 (read_only) to 3 (destructive); an unknown
// class is above all.
func (r Risk) Level() int {
	switch r {
	case ReadOnly, "":
		return 0
	case Mutating:
		return 1
	case CredentialSensitive:
		return 2
	case Destructive:
		return 3
	}
	return 4
}

// Words whose presence in a fix decides its class, riskiest first. They are
// compared with the lower-case text.
var riskWords = []struct {
	risk  Risk
	words []string
}{
	{Destructive, []string{
		"resetplan", "planman unlock", "planman reset", "-scratch", "delete ", "deleting ", "drop table",
		"rm -", "switchmgr", "switchplan", "switch plan", "become-mdm", "uninstall", "reset the plan", "truncate",
		"erase", "remove the file", "remove the sym", ".msg files", "apagar", "excluir",
	}},
	{CredentialSensitive, []string{
		"password", "useropts", "passphrase", "credential", "keystore", "private key", "senha", "altpass",
	}},
	{Mutating, []string{
		"rerun", "re-run", "restart the app", "restart the web", "start the web", "start the app", "startappserver",
		"confirm", "release the", "cancel", "kill", "resubmit", "submit the", "jnextplan", "update-limit",
		"limit cpu", "conman start", "conman stop", "conman link", "link the", "start the agent", "stop the agent",
		"start the workstation", "stop the workstation", "relink", "restart ibm workload", "optman chg",
		"raise the limit", "set the limit", "lower the fence", "raise the priority", "reply to the", "reexecut",
		"start ibm workload", "switch the", "increase the limit", "altpri", "planman",
	}},
}

// ClassifyRisk reads the class of a documented fix from its text.
func ClassifyRisk(fix string) Risk {
	low := strings.ToLower(fix)
	for _, c := range riskWords {
		for _, w := range c.words {
			if strings.Contains(low, w) {
				return c.risk
			}
		}
	}
	return ReadOnly
}
