package retrieve

import "regexp"

var codeRE = regexp.MustCompile(`(?i)\b(?:AW[SK][A-Z]{2,3}\d{3,4}[IWESTA]|EEW(?:AI|[A-Z]{1,4})?\d{3,5}[IWES]|EQQ(?:[A-Z]{1,2}\d{2,3}|\d{4})[IWEA]|ACTEX\d{4}[IWE])\b`)

func codesIn(text string) []string {
	return codeRE.FindAllString(text, -1)
}
