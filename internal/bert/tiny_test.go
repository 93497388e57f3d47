package bert

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny is a model of random weights with the files of a real one.
type tiny struct {
	config  map[string]any
	weights map[string][]float32
	shapes  map[string][]int
	words   []string
}

func newTiny(classifier bool) *tiny {
	m := &tiny{
		config: map[string]any{
			"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
			"max_position_embeddings": 40, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu",
		},
		weights: map[string][]float32{}, shapes: map[string][]int{},
		words: []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "job", "##s", "re", "##run", "##ning", "ação", "acao", "#", ".", "job1", "日", "本"},
	}
	m.config["vocab_size"] = len(m.words)
	rng := rand.New(rand.NewPCG(1, 2))
	add := func(name string, mean float64, dims ...int) {
		n := 1
		for _, d := range dims {
			n *= d
		}
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(mean + rng.NormFloat64()*0.3)
		}
		m.weights[name], m.shapes[name] = w, dims
	}
	add("embeddings.word_embeddings.weight", 0, len(m.words), 32)
	add("embeddings.position_embeddings.weight", 0, 40, 32)
	add("embeddings.token_type_embeddings.weight", 0, 2, 32)
	both := func(name string, out, in int) { add(name+".weight", 0, out, in); add(name+".bias", 0, out) }
	layerNorm := func(name string) { add(name+".weight", 1, 32); add(name+".bias", 0, 32) }
	layerNorm("embeddings.LayerNorm")
	for i := range 2 {
		p := fmt.Sprintf("encoder.layer.%d.", i)
		for _, n := range []string{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"} {
			both(p+n, 32, 32)
		}
		both(p+"intermediate.dense", 48, 32)
		both(p+"output.dense", 32, 48)
		layerNorm(p + "attention.output.LayerNorm")
		layerNorm(p + "output.LayerNorm")
	}
	if classifier {
		both("pooler.dense", 32, 32)
		both("classifier", 1, 32)
		for _, name := range slices.Collect(maps.Keys(m.weights)) {
			if name != "classifier.weight" && name != "classifier.bias" {
				m.weights["bert."+name], m.shapes["bert."+name] = m.weights[name], m.shapes[name]
				delete(m.weights, name)
			}
		}
	}
	return m
}

// write makes the directory of the model; change may spoil it first.
func (m *tiny) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, v any) {
		data, err := json.Marshal(v)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("config.json", m.config)
	vocabulary := map[string]int{}
	for i, w := range m.words {
		vocabulary[w] = i
	}
	put("tokenizer.json", map[string]any{
		"normalizer": map[string]any{"type": "BertNormalizer", "lowercase": true},
		"model":      map[string]any{"type": "WordPiece", "continuing_subword_prefix": "##", "vocab": vocabulary},
	})
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), m.safetensors(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// safetensors is the file of weights.
func (m *tiny) safetensors(t testing.TB) []byte {
	t.Helper()
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, name := range slices.Sorted(maps.Keys(m.weights)) {
		from := len(data)
		for _, w := range m.weights[name] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(w))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": m.shapes[name], "data_offsets": []int{from, len(data)}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), data...)
}

// encode is the encoder by its definition, in float64.
func (m *tiny) encode(prefix string, ids []int32, second int) [][]float64 {
	w := func(name string) []float32 { return m.weights[prefix+name] }
	dense := func(x []float64, name string) []float64 {
		weights, bias := w(name+".weight"), w(name+".bias")
		out := make([]float64, len(bias))
		for i := range out {
			out[i] = float64(bias[i])
			for j := range x {
				out[i] += x[j] * float64(weights[i*len(x)+j])
			}
		}
		return out
	}
	norm := func(x []float64, name string) []float64 {
		var mean, variance float64
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(len(x))
		}
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = (v-mean)/math.Sqrt(variance+1e-12)*float64(w(name + ".weight")[i]) + float64(w(name + ".bias")[i])
		}
		return out
	}
	plus := func(a, b []float64) []float64 {
		out := slices.Clone(a)
		for i := range out {
			out[i] += b[i]
		}
		return out
	}
	xs := make([][]float64, len(ids))
	for i, id := range ids {
		kind := 0
		if i >= second {
			kind = 1
		}
		x := make([]float64, 32)
		for j := range x {
			x[j] = float64(w("embeddings.word_embeddings.weight")[int(id)*32+j]) + float64(w("embeddings.position_embeddings.weight")[i*32+j]) +
				float64(w("embeddings.token_type_embeddings.weight")[kind*32+j])
		}
		xs[i] = norm(x, "embeddings.LayerNorm")
	}
	for l := range 2 {
		p := fmt.Sprintf("encoder.layer.%d.", l)
		mixed, qs, ks, vs := make([][]float64, len(xs)), make([][]float64, len(xs)), make([][]float64, len(xs)), make([][]float64, len(xs))
		for i, x := range xs {
			qs[i], ks[i], vs[i] = dense(x, p+"attention.self.query"), dense(x, p+"attention.self.key"), dense(x, p+"attention.self.value")
		}
		for i := range xs {
			mixed[i] = make([]float64, 32)
			for head := range 2 {
				var total float64
				shares := make([]float64, len(xs))
				for j := range xs {
					for d := head * 16; d < head*16+16; d++ {
						shares[j] += qs[i][d] * ks[j][d] / 4
					}
					shares[j] = math.Exp(shares[j])
					total += shares[j]
				}
				for j := range xs {
					for d := head * 16; d < head*16+16; d++ {
						mixed[i][d] += shares[j] / total * vs[j][d]
					}
				}
			}
		}
		for i := range xs {
			x := norm(plus(xs[i], dense(mixed[i], p+"attention.output.dense")), p+"attention.output.LayerNorm")
			inner := dense(x, p+"intermediate.dense")
			for j, v := range inner {
				inner[j] = v / 2 * (1 + math.Erf(v/math.Sqrt2))
			}
			xs[i] = norm(plus(x, dense(inner, p+"output.dense")), p+"output.LayerNorm")
		}
	}
	return xs
}

// texts cover one token, several tiles and panels, and a text that is cut.
func texts() []string {
	return []string{"", "the job", "reruns", "jobs rerunning job1. the # x", strings.Repeat("the jobs ", 9), strings.Repeat("job ", 100), "Ação 日本"}
}

func TestEmbedEqualsItsDefinition(t *testing.T) {
	tinyModel := newTiny(false)
	m, err := Load(tinyModel.write(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Embed(t.Context(), texts())
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts() {
		ids := m.words.encode(text, 40)
		want := make([]float64, 32)
		for _, x := range tinyModel.encode("", ids, len(ids)) {
			for j, v := range x {
				want[j] += v
			}
		}
		var length float64
		for _, v := range want {
			length += v * v
		}
		for j, v := range want {
			if d := math.Abs(v/math.Sqrt(length) - float64(got[i][j])); d > 2e-5 {
				t.Fatalf("%q: value %d is %v, want %v", text, j, got[i][j], v/math.Sqrt(length))
			}
		}
	}
}

// A text's vector does not depend on the texts it is run together with.
func TestEmbedTogetherAsAlone(t *testing.T) {
	m, err := Load(newTiny(false).write(t))
	if err != nil {
		t.Fatal(err)
	}
	many := slices.Repeat(texts(), 12) // more than one group
	together, err := m.Embed(t.Context(), many)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range many {
		alone, err := m.Embed(t.Context(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone[0], together[i]); diff != "" {
			t.Fatalf("text %d (-alone +together):\n%s", i, diff)
		}
	}
}

func TestScoreEqualsItsDefinition(t *testing.T) {
	tinyModel := newTiny(true)
	m, err := Load(tinyModel.write(t))
	if err != nil {
		t.Fatal(err)
	}
	passages := []string{"rerun the job", "", strings.Repeat("jobs ", 60)}
	got, err := m.Score(t.Context(), "the jobs", passages)
	if err != nil || !m.Scores() {
		t.Fatal(err)
	}
	for i, p := range passages {
		question := m.words.encode("the jobs", 20)
		ids := append(slices.Clone(question), m.words.encode(p, 40)[1:]...)
		if len(ids) > 40 {
			ids = append(ids[:39], m.words.sep)
		}
		first := tinyModel.encode("bert.", ids, len(question))[0]
		want := float64(tinyModel.weights["classifier.bias"][0])
		for o := range 32 {
			sum := float64(tinyModel.weights["bert.pooler.dense.bias"][o])
			for j, v := range first {
				sum += v * float64(tinyModel.weights["bert.pooler.dense.weight"][o*32+j])
			}
			want += math.Tanh(sum) * float64(tinyModel.weights["classifier.weight"][o])
		}
		if math.Abs(want-float64(got[i])) > 1e-4 {
			t.Errorf("passage %d scores %v, want %v", i, got[i], want)
		}
	}
	plain, err := Load(newTiny(false).write(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Score(t.Context(), "x", passages); !errors.Is(err, ErrModel) {
		t.Errorf("a model without a classifier: %v", err)
	}
}

func TestEmbedCancelled(t *testing.T) {
	m, err := Load(newTiny(false).write(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Embed(ctx, []string{"job"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPooling(t *testing.T) {
	dir := newTiny(false).write(t)
	if err := os.Mkdir(filepath.Join(dir, "1_Pooling"), 0o700); err != nil {
		t.Fatal(err)
	}
	mean, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "1_Pooling", "config.json")
	if err := os.WriteFile(config, []byte(`{"pooling_mode_cls_token":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := mean.Embed(t.Context(), []string{"the job"})
	b, err := first.Embed(t.Context(), []string{"the job"})
	if err != nil || slices.Equal(a[0], b[0]) {
		t.Errorf("the first token and the mean give the same vector: %v", err)
	}
}

func TestWordPieces(t *testing.T) {
	m, err := Load(newTiny(false).write(t))
	if err != nil {
		t.Fatal(err)
	}
	id := func(words ...string) []int32 {
		out := []int32{2}
		for _, w := range words {
			out = append(out, m.words.vocabulary[w])
		}
		return append(out, 3)
	}
	for text, want := range map[string][]int32{
		"":                          id(),
		"  The\tJOB\n":              id("the", "job"),
		"Jobs#job1.":                id("job", "##s", "#", "job1", "."),
		"re\u00adrun re\x00running": id("re", "##run", "re", "##run", "##ning"),
		"AÇÃO a\u0327ca\u0303o":     id("acao", "acao"), // accents are taken off, however they are written
		"日本job":                     id("日", "本", "job"),
		"[SEP] jobx":                id("[UNK]", "[UNK]", "[UNK]", "[UNK]"), // the name of a special token is text
		strings.Repeat("s", 101):    id("[UNK]"),
		"job \xff job":              id("job", "job"),
	} {
		if diff := cmp.Diff(want, m.words.encode(text, 40)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	if got := m.words.encode(strings.Repeat("job ", 1_000_000), 7); len(got) != 7 || got[6] != 3 {
		t.Errorf("a long text gives %v", got)
	}
}

func TestVocabFile(t *testing.T) {
	tinyModel := newTiny(false)
	dir := tinyModel.write(t)
	want, err := readTokenizer(dir, len(tinyModel.words))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, ErrModel) {
		t.Errorf("no vocabulary at all: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte(strings.Join(tinyModel.words, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readTokenizer(dir, len(tinyModel.words))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(wordpiece{})); diff != "" {
		t.Errorf("(-tokenizer.json +vocab.txt):\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*tiny){
		"model_type":              func(m *tiny) { m.config["model_type"] = "xlm-roberta" },
		"hidden_size":             func(m *tiny) { m.config["hidden_size"] = 30 },
		"num_attention_heads":     func(m *tiny) { m.config["num_attention_heads"] = 4 },
		"num_hidden_layers":       func(m *tiny) { m.config["num_hidden_layers"] = 0 },
		"hidden_act":              func(m *tiny) { m.config["hidden_act"] = "swish" },
		"position_embedding_type": func(m *tiny) { m.config["position_embedding_type"] = "relative_key" },
		"intermediate.dense":      func(m *tiny) { m.config["intermediate_size"] = 64 },
		"encoder.layer.2":         func(m *tiny) { m.config["num_hidden_layers"] = 3 },
		"word_embeddings":         func(m *tiny) { delete(m.weights, "embeddings.word_embeddings.weight") },
		"NaN":                     func(m *tiny) { m.weights["encoder.layer.1.output.dense.bias"][3] = float32(math.NaN()) },
		"no [SEP]":                func(m *tiny) { m.words[3] = "[SEEP]" },
		"vocab_size":              func(m *tiny) { m.config["vocab_size"] = 4 },
		"config.json":             func(m *tiny) { m.config["hidden_size"] = "many" },
	} {
		m := newTiny(false)
		spoil(m)
		if _, err := Load(m.write(t)); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, ErrModel) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
}

// Weights in 16 bits are read as what they stand for.
func TestHalfPrecision(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.33325195, 0x7bff: 65504, 0x0001: 5.9604645e-08, 0x03ff: 6.097555e-05, 0x0400: 6.1035156e-05, 0x8001: -5.9604645e-08,
	} {
		if got := half(bits); got != want {
			t.Errorf("%04x is %v, want %v", bits, got, want)
		}
	}
	if !math.IsInf(float64(half(0x7c00)), 1) || !math.IsNaN(float64(half(0x7c01))) {
		t.Error("infinity or NaN is lost")
	}
}

func TestMulTileEqualsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, k := range []int{1, 2, 16, 31, 384} {
		lda, ldc := k+3, panel+5
		a, b, bias := make([]float32, tile*lda), make([]float32, k*panel), make([]float32, panel)
		for _, s := range [][]float32{a, b, bias} {
			for i := range s {
				s[i] = float32(rng.NormFloat64())
			}
		}
		got, portable := make([]float32, tile*ldc), make([]float32, tile*ldc)
		for i := range got {
			got[i], portable[i] = 7, 7
		}
		mulTile(got, ldc, a, lda, b, bias)
		mulTileGo(portable, ldc, a, lda, b, bias)
		for r := range tile {
			for j := range ldc {
				want := 7.0 // between the rows nothing is written
				if j < panel {
					want = float64(bias[j])
					for i := range k {
						want += float64(a[r*lda+i]) * float64(b[i*panel+j])
					}
				}
				if at := r*ldc + j; math.Abs(float64(got[at])-want) > 1e-3 || math.Abs(float64(portable[at])-want) > 1e-3 {
					t.Fatalf("k %d, row %d, output %d: %v and %v, want %v", k, r, j, got[at], portable[at], want)
				}
			}
		}
	}
}

func TestSoftmaxAndCurves(t *testing.T) {
	row := []float32{3, -50, 0, 2.5, -1000, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1}
	const n, scale = 5, 0.5
	var total float64
	for _, x := range row[:n] {
		total += math.Exp(float64(x-3) * scale)
	}
	byHand := slices.Clone(row)
	softmax(row, n, scale)
	for i := range n {
		want := math.Exp(float64(byHand[i]-3)*scale) / total
		if math.Abs(float64(row[i])-want) > 1e-6 || math.Abs(float64(exp((byHand[i]-3)*scale))/total-want) > 1e-6 {
			t.Errorf("share %d is %v, want %v", i, row[i], want)
		}
	}
	for name, f := range map[string]func(float64) float64{
		"gelu": func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) },
		"gelu_new": func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		},
		"relu": func(x float64) float64 { return math.Max(0, x) },
	} {
		c, err := activation(name)
		if err != nil {
			t.Fatal(err)
		}
		for x := -12.0; x < 12; x += 0.0137 {
			xs := []float32{float32(x)}
			c.apply(xs)
			if d := math.Abs(float64(xs[0]) - f(float64(float32(x)))); d > 2e-6 && (name != "relu" || math.Abs(x) > 1e-3) {
				t.Fatalf("%s(%v) is off by %v", name, x, d)
			}
		}
	}
}

func FuzzSafetensorsHeader(f *testing.F) {
	whole := newTiny(false).safetensors(f)
	n := binary.LittleEndian.Uint64(whole)
	f.Add(whole[8:8+n], int64(len(whole)))
	f.Add([]byte(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), int64(8))
	f.Add([]byte(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}`), int64(8))
	f.Fuzz(func(t *testing.T, raw []byte, size int64) {
		table, err := parseHeader(raw, size)
		if err != nil {
			return
		}
		for name, row := range table {
			if row.Offsets[0] < 0 || row.Offsets[1] > size || row.Offsets[0] > row.Offsets[1] {
				t.Errorf("%s lies at %v of %d bytes", name, row.Offsets, size)
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	m, err := Load(newTiny(false).write(f))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range texts() {
		f.Add(text, 40)
	}
	f.Add("\xff\u0300\u200d[CLS]", 4)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(4, min(limit, 512))
		ids := m.words.encode(text, limit)
		if len(ids) < 2 || len(ids) > limit || ids[0] != 2 || ids[len(ids)-1] != 3 || bytes.Contains([]byte(text), []byte("zz")) && len(ids) == 2 {
			t.Errorf("%q with limit %d: %v", text, limit, ids)
		}
		for _, id := range ids[1 : len(ids)-1] {
			if id == 2 || id == 3 {
				t.Errorf("%q holds a special token: %v", text, ids)
			}
		}
	})
}
