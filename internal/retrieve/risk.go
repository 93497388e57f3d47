package retrieve

import (
	"regexp"
	"strings"
)

// Risk is the class of a documented fix. The classes are ordered: each is riskier
// than the one before.
type Risk string

// The classes of risk. ReadOnly also stands for a change made outside the
// scheduler by somebody else: tuning a database, editing localopts, tracing.
const (
	ReadOnly            Risk = "read_only"
	Mutating            Risk = "mutating"
	CredentialSensitive Risk = "credential_sensitive"
	Destructive         Risk = "destructive"
)

// Level orders the classes from 0 (read_only, or none given) to 3 (destructive);
// an unknown class is above all.
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

// What a fix says when it belongs to a class. The text is in lower case and its
// blanks are single.
var (
	destructive = regexp.MustCompile(`resetplan|planman (unlock|reset)|-scratch|\brm -|drop table|switchmgr|become-mdm|` +
		`\b(re-?)?run (the )?switchplan|uninstall|truncate|composer del|` +
		`\b(delet|remov|eras)\w* (\S+ ){0,4}?(files?|\S*\.msg|symphony|sinfonia|director\w+|folders?|tables?|records?|rows?|` +
		`workstations?|plan|jobs?|job streams?|queue|instance)\b|must be deleted|\b(apag|exclu)\w+ `)
	credential = regexp.MustCompile(`passwords?\b|useropts|passphrase|credentials?\b|keystore|private key|api ?key|altpass|senha|` +
		`\b(reload|regenerat|rotat|renew|replac)\w* (\S+ ){0,3}?certificate`)
	mutating = regexp.MustCompile(`\bre-?run\b|\brun (the )?(jnextplan|makeplan|planman deploy)|jnextplan -for|conman "?(start|stop|link|unlink|` +
		`confirm|deployconf|limit|fence|release|cancel|kill|submit|reply|switchevtp)|planman (confirm|deploy)|\bconfirm (the|job|succ|abend)|` +
		`\b(re)?(start|stop)(ing|ed)?( of)? (the |both |all )?(websphere|liberty|application server|ibm workload|` +
		`dynamic agent|agent|workstation|master|domain manager|job\b|scheduler|processes)|startappserver|stopappserver|` +
		`startuplwa|shutdownlwa|(re)?link (the|it|them)|manually (re)?link|\bkill (the|it)|\bcancel (the|it)|(re)?submit (the|it)|` +
		`release the|optman chg|(raise|set|increase|change|lower) the (workstation )?(limit|fence|priority)|altpri|reply to|` +
		`\b(re-?execut|reinici|inici|confirm|liber|cancel)(e|ar|a)\b`)
)

// ClassifyRisk reads the class of a documented fix from its text.
func ClassifyRisk(fix string) Risk {
	low := strings.Join(strings.Fields(strings.ToLower(fix)), " ")
	switch {
	case destructive.MatchString(low):
		return Destructive
	case credential.MatchString(low):
		return CredentialSensitive
	case mutating.MatchString(low):
		return Mutating
	}
	return ReadOnly
}

// touches is the class a cause alone gives: one about a password leads to a fix
// that handles one, whatever the entry says.
func touches(cause string) Risk {
	if credential.MatchString(strings.ToLower(cause)) {
		return CredentialSensitive
	}
	return ReadOnly
}

// riskier is the higher of two classes.
func riskier(a, b Risk) Risk {
	if b.Level() > a.Level() {
		return b
	}
	return a
}
