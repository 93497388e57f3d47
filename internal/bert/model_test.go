package bert

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// minilm is the directory of all-MiniLM-L6-v2, which `make models` fills.
func minilm(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("RESYNC_MODELS")
	if dir == "" {
		dir = filepath.Join("..", "..", "data", "models")
	}
	dir = filepath.Join(dir, "minilm")
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err != nil {
		t.Skipf("NO MODEL in %s (run make models): the tests against the real weights are not run", dir)
	}
	return dir
}

// What comes out for the real model is what a float64 computation in NumPy with
// the tokenizers library gives (bench/models/reference.py).
func TestRealModelAgreesWithTheReference(t *testing.T) {
	m, err := Load(minilm(t))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "minilm.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Text   string
		IDs    []int32
		Vector []float64
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.Text)
	}
	got, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if diff := cmp.Diff(r.IDs, m.words.encode(r.Text, m.limit)); diff != "" {
			t.Errorf("tokens of %.40q (-reference +ours):\n%s", r.Text, diff)
		}
		var dot float64
		for j, v := range r.Vector {
			dot += v * float64(got[i][j])
		}
		if math.Abs(dot-1) > 1e-5 {
			t.Errorf("%.40q: the cosine to the reference is %v", r.Text, dot)
		}
	}
}

func BenchmarkRealModel(b *testing.B) {
	m, err := Load(minilm(b))
	if err != nil {
		b.Fatal(err)
	}
	query := "How do I rerun a job that abended in the middle of the night?"
	passage := ""
	for len(passage) < 1200 {
		passage += "The job is run again from the step that failed when its recovery option says rerun. "
	}
	for name, texts := range map[string][]string{"query": {query}, "passages": {passage, passage, passage, passage, passage, passage, passage, passage}} {
		b.Run(name, func(b *testing.B) {
			tokens := 0
			for b.Loop() {
				if _, err := m.Embed(b.Context(), texts); err != nil {
					b.Fatal(err)
				}
				for _, t := range texts {
					tokens += m.Tokens(t)
				}
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
