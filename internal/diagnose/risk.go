package diagnose

import (
	"regexp"

	"resync/internal/retrieve"
)

// What a documented fix really tells somebody to do. A fix is classed by the
// commands it gives, not by words that merely occur in it: "you can ignore the
// exception about the password" asks for nothing.
var (
	destructiveFix = regexp.MustCompile(`(?i)\bResetPlan\b|planman\s+(?:unlock|reset)|-scratch\b|\b(?:delet|remov|eras)(?:e|ing|ed)\b[^.]{0,80}(?:\.msg\b|message file|symphony|sinfonia|job scheduler instance|job stream|record|tables? from|from the plan|from the database)|(?:\.msg|Symphony)\b[^.]{0,60}must be deleted|must be deleted[^.]{0,60}(?:\.msg|Symphony)|\brm\s+-|drop\s+table|become-?mdm|\bswitchmgr\b`)
	credentialFix  = regexp.MustCompile(`(?i)\b(?:check|change|set|update|correct|reset|specify|edit|enter|provide|verify)\b[^.]{0,60}\b(?:password|credentials?|useropts|passphrase|private key)\b|\buseropts\b`)
	mutatingFix    = regexp.MustCompile(`(?i)\bconman\b\W{0,3}(?:start|stop|link|unlink|confirm|cancel|rerun|release|submit|reply|limit|altpri|kill|fence|switch)|\b(?:run|issue|perform|rerun|launch|submit|using)\b[^.]{0,40}\b(?:JnextPlan|planman|SwitchPlan|MakePlan)\b|\bplanman\s+(?:confirm|deploy|crt|ext|resync)|\boptman\s+chg\b|\bstart(?:App|app)server\b|\bstart\b[^.]{0,30}\b(?:WebSphere|Liberty|application server)\b|\b(?:cancel|rerun|confirm|release|resubmit|submit|kill)\b[^.]{0,40}\b(?:job|stream|scheduler|instance)s?\b|\b(?:link|relink|start|stop)\b[^.]{0,25}\b(?:workstation|agent)s?\b`)
)

// fixRisk classes a documented fix. Both readings must agree on a class before
// it is used: the fix is the operator's to carry out, and calling a read
// dangerous or a danger a read are both wrong.
func fixRisk(ex retrieve.Extract) Risk {
	strict := RiskReadOnly
	switch text := ex.Cause + " " + ex.Fix; {
	case destructiveFix.MatchString(text):
		strict = RiskDestructive
	case credentialFix.MatchString(text):
		strict = RiskCredential
	case mutatingFix.MatchString(text):
		strict = RiskMutating
	}
	if loose := Risk(ex.Risk); loose.Level() < strict.Level() {
		return loose
	}
	return strict
}
