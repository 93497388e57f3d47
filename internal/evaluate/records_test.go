package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

const fewRecords = `{"id":"a","doc":"x.rs","path":"src/x.rs","text":"fn open_session(host: &str) -> Session { dial(host) }"}
{"id":"b","doc":"x.rs","path":["src","x.rs"],"text":"struct Session { host: String }"}

{"id":"c","doc":"guide","path":"Guide > Billing","text":"An invoice is sent at the end of the month."}
{"id":"d","doc":"guide","path":null,"text":"Refunds are paid by the bank."}
`

func TestRecords(t *testing.T) {
	corpus := write(t, "c.jsonl", fewRecords)
	questions := write(t, "q.jsonl", `{"question":"How is a session opened?","gold":["a","b"]}`+"\n"+`{"question":"When is an invoice sent?","gold":["c"]}`+"\n"+`{"question":"zebra","gold":["d"]}`)
	got, err := Records(context.Background(), corpus, questions)
	if err != nil {
		t.Fatal(err)
	}
	want := RecordReport{N: 3, Pass: map[string]float64{"1": 50, "3": 66.67, "5": 66.67, "10": 66.67, "20": 66.67}, Recall3: 66.67, MRR: 0.667}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestRecordsRefuseWhatDoesNotFit(t *testing.T) {
	question := `{"question":"q","gold":["a"]}`
	for name, c := range map[string]struct{ corpus, questions, want string }{
		"no json":      {"{", question, "line 1"},
		"id twice":     {`{"id":"a","text":"x"}` + "\n" + `{"id":"a","text":"y"}`, question, "line 2"},
		"empty":        {"", question, "no passage"},
		"path":         {`{"id":"a","path":7,"text":"x"}`, question, "path"},
		"unknown gold": {`{"id":"b","text":"x"}`, question, `gold id "a"`},
		"no gold":      {`{"id":"a","text":"x"}`, `{"question":"q"}`, "at least one gold id"},
		"no question":  {`{"id":"a","text":"x"}`, "", "has none"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Records(context.Background(), write(t, "c.jsonl", c.corpus), write(t, "q.jsonl", c.questions))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Records(context.Background(), "none", "none"); err == nil {
		t.Error("files that are not there were read")
	}
}

func TestSpanScores(t *testing.T) {
	// 10 characters of two bytes each, so that characters and bytes differ.
	c := &corpora{names: []string{"x", "y"}, texts: []string{strings.Repeat("é", 10), strings.Repeat("a", 10)}}
	q := spanQuestion{corpus: 0, gold: []Span{{0, 4}, {10, 14}}}
	for name, s := range map[string]struct {
		found             []placed
		recall, prec, iou float64
	}{
		"nothing":      {nil, 0, 0, 0},
		"exact":        {[]placed{{0, Span{0, 4}}, {0, Span{10, 14}}}, 1, 1, 1},
		"half":         {[]placed{{0, Span{0, 8}}}, 0.5, 0.5, 2.0 / 6},
		"twice":        {[]placed{{0, Span{0, 4}}, {0, Span{0, 4}}}, 0.5, 0.5, 2.0 / 6},
		"other corpus": {[]placed{{1, Span{0, 4}}}, 0, 0, 0},
	} {
		recall, prec, iou := c.score(q, s.found)
		if diff := cmp.Diff([]float64{s.recall, s.prec, s.iou}, []float64{recall, prec, iou}); diff != "" {
			t.Errorf("%s: recall, precision, IoU (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadCorpora(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"one.md": "Ação é boa. Sim.", "questions_df.csv": "question,references,corpus_id\n" +
			`Q?,"[{""content"":""é boa."",""start_index"":5,""end_index"":11}]",one` + "\n" + `R?,"[]",absent` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := readCorpora(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.questions) != 1 || c.texts[0][c.questions[0].gold[0].Start:c.questions[0].gold[0].End] != "é boa." {
		t.Errorf("read %+v", c.questions)
	}
	for name, csv := range map[string]string{
		"columns": "a,b\n", "outside": "question,references,corpus_id\n" + `Q?,"[{""start_index"":5,""end_index"":99}]",one` + "\n",
		"json": "question,references,corpus_id\nQ?,[,one\n", "none there": "question,references,corpus_id\nQ?,[],absent\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "questions_df.csv"), []byte(csv), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readCorpora(dir); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
