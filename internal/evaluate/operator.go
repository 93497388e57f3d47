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

// practiceText holds 180 more by somebody who knew the manuals and not the search:
// glossary/concepts.txt and the weights were made with them in sight.
//
//go:embed questions/practice.jsonl
var practiceText []byte

// unseenText holds 60 by the same hand that nobody looked at before all that was
// fixed, on 2026-11-22: how well a question is answered that nobody prepared for. Once
// something is changed because of them, others must take their place.
//
//go:embed questions/unseen.jsonl
var unseenText []byte

// Operator are the sets operator_en and operator_pt.
func Operator() ([]Set, error) { return handWritten("operator", operatorText) }

// Practice are the sets practice_en and practice_pt.
func Practice() ([]Set, error) { return handWritten("practice", practiceText) }

// Unseen are the sets unseen_en and unseen_pt.
func Unseen() ([]Set, error) { return handWritten("unseen", unseenText) }

// handWritten reads questions of both languages.
func handWritten(name string, text []byte) ([]Set, error) {
	en, pt := Set{Name: name + "_en"}, Set{Name: name + "_pt"}
	dec := json.NewDecoder(bytes.NewReader(text))
	for dec.More() {
		var row struct {
			ID, Lang, Question string
			Gold               []string
		}
		if err := dec.Decode(&row); err != nil {
			return nil, fmt.Errorf("read the %s questions: %w", name, err)
		}
		q := Question{Text: row.Question}
		for _, g := range row.Gold {
			m := placeForm.FindStringSubmatch(g)
			if m == nil {
				return nil, fmt.Errorf("%s question %s: %q is no place in a manual", name, row.ID, g)
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
			return nil, fmt.Errorf("%s question %s: language %q", name, row.ID, row.Lang)
		}
	}
	return []Set{en, pt}, nil
}

// placeForm is how the file writes lines of a manual: "awstrmst:2730-2746".
var placeForm = regexp.MustCompile(`^(\w+):(\d{1,6})-(\d{1,6})$`)
