package evaluate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"resync/internal/retrieve"
)

// RecordReport is what [Records] found, in percent: Pass is the mean share of gold
// among the first k, as in Anthropic's contextual retrieval evaluation; MRR, from 0
// to 1, is of the first gold found within twenty.
type RecordReport struct {
	N       int                `json:"n"`
	Pass    map[string]float64 `json:"pass"`
	Recall3 float64            `json:"recall3"`
	MRR     float64            `json:"mrr"`
}

// passAt are the k of Pass.
var passAt = []int{1, 3, 5, 10, 20}

// Records asks the questions of a file of a corpus of passages. Each line of the
// corpus is {"id","doc","path","text"}, where path is a string or a list; each line of
// the questions is {"question","gold":["id",…]}.
func Records(ctx context.Context, corpus, questions string) (RecordReport, error) {
	x, ids, err := readCorpus(corpus)
	if err != nil {
		return RecordReport{}, err
	}
	rows, err := readGold(questions, ids)
	if err != nil {
		return RecordReport{}, err
	}
	return askRecords(ctx, x, rows)
}

// goldRow is a question with the ids of its answers.
type goldRow struct {
	Question string   `json:"question"`
	Gold     []string `json:"gold"`
}

func askRecords(ctx context.Context, x *retrieve.Index, rows []goldRow) (RecordReport, error) {
	r := RecordReport{N: len(rows), Pass: map[string]float64{}}
	for _, row := range rows {
		found, err := x.Find(ctx, row.Question, retrieve.Options{K: depth, Copies: true})
		if err != nil {
			return r, fmt.Errorf("ask %q: %w", row.Question, err)
		}
		for _, k := range passAt {
			n := 0
			for _, p := range found[:min(k, len(found))] {
				if slices.Contains(row.Gold, p.ID) {
					n++
				}
			}
			r.Pass[strconv.Itoa(k)] += float64(n) / float64(len(row.Gold))
		}
		for i, p := range found {
			if slices.Contains(row.Gold, p.ID) {
				r.MRR += 1 / float64(i+1)
				break
			}
		}
	}
	n := float64(len(rows))
	for k, v := range r.Pass {
		r.Pass[k] = math.Round(10000*v/n) / 100
	}
	r.Recall3, r.MRR = r.Pass["3"], math.Round(1000*r.MRR/n)/1000
	return r, nil
}

// jsonLines calls row for each line of a file that is not empty.
func jsonLines(name string, row func(line []byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if s := strings.TrimSpace(string(line)); s != "" {
			if err := row([]byte(s)); err != nil {
				return fmt.Errorf("%s line %d: %w", name, n, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readCorpus indexes the passages; those of one doc stand together in the order of
// the file.
func readCorpus(name string) (*retrieve.Index, map[string]bool, error) {
	ids := map[string]bool{}
	records := map[string][]retrieve.Record{}
	var order []string
	err := jsonLines(name, func(line []byte) error {
		var row struct {
			ID, Doc, Text string
			Path          json.RawMessage
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		if row.ID == "" || ids[row.ID] {
			return fmt.Errorf("id %q is empty or used before", row.ID)
		}
		ids[row.ID] = true
		path, err := readPath(row.Path)
		if err != nil {
			return err
		}
		rec := retrieve.Record{ID: row.ID, Path: path, Text: row.Text}
		if len(path) > 0 {
			rec.Title = path[len(path)-1]
		}
		if _, ok := records[row.Doc]; !ok {
			order = append(order, row.Doc)
		}
		records[row.Doc] = append(records[row.Doc], rec)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the corpus: %w", err)
	}
	if len(order) == 0 {
		return nil, nil, fmt.Errorf("read the corpus: %s has no passage", name)
	}
	segs := make([]*retrieve.Segment, 0, len(order))
	for _, doc := range order {
		segs = append(segs, retrieve.AnalyseRecords(retrieve.Document{Name: doc}, records[doc]))
	}
	return retrieve.New(segs...), ids, nil
}

// readPath reads a path given as a list, or as a string whose parts are parted by
// " › " or " > ", or by "/" when it has no blank.
func readPath(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("path: %s is neither a string nor a list of strings", raw)
	}
	for _, sep := range []string{" › ", " > "} {
		if strings.Contains(s, sep) {
			return strings.Split(s, sep), nil
		}
	}
	if strings.Contains(s, "/") && !strings.Contains(s, " ") {
		return strings.FieldsFunc(s, func(r rune) bool { return r == '/' }), nil
	}
	if s == "" {
		return nil, nil
	}
	return []string{s}, nil
}

// readGold reads the questions and checks that each gold id exists.
func readGold(name string, ids map[string]bool) ([]goldRow, error) {
	var rows []goldRow
	err := jsonLines(name, func(line []byte) error {
		var row goldRow
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		if row.Question == "" || len(row.Gold) == 0 {
			return errors.New("a question with at least one gold id is wanted")
		}
		for _, g := range row.Gold {
			if !ids[g] {
				return fmt.Errorf("gold id %q is not in the corpus", g)
			}
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the questions: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read the questions: %s has none", name)
	}
	return rows, nil
}
