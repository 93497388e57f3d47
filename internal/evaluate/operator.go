package evaluate

import (
	"bytes"
	_ "embed" // the questions are a file of this package
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// operatorText holds 60 questions in the words of operators, half of them in
// Portuguese, written before looking at what is found. Gold are lines of the
// manuals (release 10.2.5); any passage that overlaps one of them is right.
//
//go:embed questions/operator.jsonl
var operatorText []byte

// Operator are the sets operator_en and operator_pt.
func Operator() ([]Set, error) {
	en, pt := Set{Name: "operator_en"}, Set{Name: "operator_pt"}
	dec := json.NewDecoder(bytes.NewReader(operatorText))
	for dec.More() {
		var row struct {
			ID, Lang, Question string
			Gold               []string
		}
		if err := dec.Decode(&row); err != nil {
			return nil, fmt.Errorf("read the operator questions: %w", err)
		}
		q := Question{Text: row.Question}
		for _, g := range row.Gold {
			m := placeForm.FindStringSubmatch(g)
			if m == nil {
				return nil, fmt.Errorf("operator question %s: %q is no place in a manual", row.ID, g)
			}
			from, _ := strconv.Atoi(m[2]) // digits
			to, _ := strconv.Atoi(m[3])
			q.Places = append(q.Places, Place{m[1] + ".md", from, to})
		}
		switch row.Lang {
		case "en":
			en.Questions = append(en.Questions, q)
		case "pt":
			pt.Questions = append(pt.Questions, q)
		default:
			return nil, fmt.Errorf("operator question %s: language %q", row.ID, row.Lang)
		}
	}
	return []Set{en, pt}, nil
}

// placeForm is how the file writes lines of a manual: "awstrmst:2730-2746".
var placeForm = regexp.MustCompile(`^(\w+):(\d{1,6})-(\d{1,6})$`)
