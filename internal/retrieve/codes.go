package retrieve

import "resync/hwa/msgcode"

// codesIn are the message codes of a text in their normal form, each once: OCR
// slips are repaired on both sides, so a code typed right finds one printed wrong.
func codesIn(text string) []string {
	found := msgcode.Codes(text)
	if len(found) == 0 {
		return nil
	}
	out := make([]string, 0, len(found))
	for _, c := range found {
		out = append(out, c.Text)
	}
	return out
}
