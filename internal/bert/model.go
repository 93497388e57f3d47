package bert

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"sync"
)

// groupTokens is about how many tokens are run together: enough to keep the
// processor's caches busy, few enough for the memory of a small machine.
const groupTokens = 1024

// Model is a model that was read. It is safe for use by several goroutines.
type Model struct {
	shape   shape
	pooling pooling
	limit   int
	words   *wordpiece
	curve   curve

	word, position, kind []float32 // embeddings
	first                layerNorm
	layers               []layer
	head                 *head // nil for a model that only embeds

	workers int
	scratch sync.Pool // of *attention
}

// layer is one block of the encoder.
type layer struct {
	qkv, mixed, up, down linear
	afterMix, afterFeed  layerNorm
}

// head judges a pair of texts in a cross-encoder.
type head struct {
	pool, weight []float32
	poolBias     []float32
	bias         float32
}

// Load reads the model in a directory: config.json, tokenizer.json or vocab.txt,
// model.safetensors and, where they are, 1_Pooling/config.json and
// sentence_bert_config.json. It takes about as much memory as the file.
func Load(dir string) (*Model, error) {
	s, err := readShape(dir)
	if err != nil {
		return nil, err
	}
	m := &Model{shape: s, workers: runtime.GOMAXPROCS(0)}
	if m.pooling, err = readPooling(dir); err != nil {
		return nil, err
	}
	if m.limit, err = readLimit(dir, s); err != nil {
		return nil, err
	}
	if m.words, err = readTokenizer(dir, s.Vocabulary); err != nil {
		return nil, err
	}
	if m.curve, err = activation(s.Activation); err != nil {
		return nil, err
	}
	t, err := openTensors(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.file.Close() }() // only read
	l := &loading{tensors: t}
	m.weights(l)
	if l.err != nil {
		return nil, l.err
	}
	return m, nil
}

// loading reads tensors until one is missing.
type loading struct {
	*tensors
	err error
}

// get returns a tensor, or nothing after an error.
func (l *loading) get(name string, dims ...int) []float32 {
	if l.err != nil {
		return nil
	}
	var out []float32
	out, l.err = l.load(name, dims...)
	return out
}

// linear reads a fully connected layer.
func (l *loading) linear(name string, in, out int) linear {
	w, b := l.get(name+".weight", out, in), l.get(name+".bias", out)
	if l.err != nil {
		return linear{}
	}
	return pack(w, in, out, b)
}

// norm reads a layer normalisation.
func (l *loading) norm(name string, s shape) layerNorm {
	return layerNorm{l.get(name+".weight", s.Hidden), l.get(name+".bias", s.Hidden), s.Epsilon}
}

// weights reads every tensor.
func (m *Model) weights(l *loading) {
	s := m.shape
	h := s.Hidden
	m.word = l.get("embeddings.word_embeddings.weight", s.Vocabulary, h)
	m.position = l.get("embeddings.position_embeddings.weight", s.Positions, h)
	m.kind = l.get("embeddings.token_type_embeddings.weight", s.Types, h)
	m.first = l.norm("embeddings.LayerNorm", s)
	for i := range s.Layers {
		name := fmt.Sprintf("encoder.layer.%d.", i)
		var rows, bias []float32
		for _, part := range []string{"query", "key", "value"} {
			rows = append(rows, l.get(name+"attention.self."+part+".weight", h, h)...)
			bias = append(bias, l.get(name+"attention.self."+part+".bias", h)...)
		}
		if l.err != nil {
			return
		}
		m.layers = append(m.layers, layer{
			qkv:   pack(rows, h, 3*h, bias),
			mixed: l.linear(name+"attention.output.dense", h, h), afterMix: l.norm(name+"attention.output.LayerNorm", s),
			up: l.linear(name+"intermediate.dense", h, s.Inner), down: l.linear(name+"output.dense", s.Inner, h),
			afterFeed: l.norm(name+"output.LayerNorm", s),
		})
	}
	if l.has("classifier.weight") {
		m.head = &head{
			pool: l.get("pooler.dense.weight", h, h), poolBias: l.get("pooler.dense.bias", h),
			weight: l.get(".classifier.weight", 1, h),
		}
		if bias := l.get(".classifier.bias", 1); l.err == nil {
			m.head.bias = bias[0]
		}
	}
}

// Dimensions is how many numbers a vector has.
func (m *Model) Dimensions() int { return m.shape.Hidden }

// Limit is how many tokens of a text are read, [CLS] and [SEP] among them.
func (m *Model) Limit() int { return m.limit }

// Tokens counts the tokens of a text as the model sees it, at most Limit.
func (m *Model) Tokens(text string) int { return len(m.words.encode(text, m.limit)) }

// Scores reports whether the model judges pairs of texts, see [Model.Score].
func (m *Model) Scores() bool { return m.head != nil }

// sequence is one text, or two, as the model sees it.
type sequence struct {
	ids    []int32
	second int // where the second text begins, or len(ids)
}

// Embed returns a vector of length 1 for each text. A text longer than Limit is
// cut. It can be cancelled between layers.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	seqs := make([]sequence, len(texts))
	for i, t := range texts {
		ids := m.words.encode(t, m.limit)
		seqs[i] = sequence{ids, len(ids)}
	}
	out := make([][]float32, 0, len(texts))
	err := m.groups(ctx, seqs, func(group []sequence, x []float32) {
		for _, s := range group {
			out = append(out, m.pool(x[:len(s.ids)*m.shape.Hidden]))
			x = x[len(s.ids)*m.shape.Hidden:]
		}
	})
	return out, err
}

// Score judges how well each passage answers the query: larger is better, and
// only the order means something. The model must be a cross-encoder.
func (m *Model) Score(ctx context.Context, query string, passages []string) ([]float32, error) {
	if m.head == nil {
		return nil, fmt.Errorf("%w: it has no classifier, so it cannot judge a passage", ErrModel)
	}
	seqs := make([]sequence, len(passages))
	question := m.words.encode(query, m.limit/2)
	for i, p := range passages {
		ids := append(make([]int32, 0, m.limit), question...)
		ids = append(m.words.pieces(ids, p, m.limit-1), m.words.sep)
		seqs[i] = sequence{ids, len(question)}
	}
	out := make([]float32, 0, len(passages))
	err := m.groups(ctx, seqs, func(group []sequence, x []float32) {
		for _, s := range group {
			out = append(out, m.head.judge(x[:m.shape.Hidden]))
			x = x[len(s.ids)*m.shape.Hidden:]
		}
	})
	return out, err
}

// groups runs the sequences a group at a time and hands on what comes out: one
// row a token.
func (m *Model) groups(ctx context.Context, seqs []sequence, done func([]sequence, []float32)) error {
	for len(seqs) > 0 {
		n, tokens := 0, 0
		for n < len(seqs) && (n == 0 || tokens+len(seqs[n].ids) <= groupTokens) {
			tokens += len(seqs[n].ids)
			n++
		}
		x, err := m.forward(ctx, seqs[:n], tokens)
		if err != nil {
			return fmt.Errorf("run the model: %w", err)
		}
		done(seqs[:n], x)
		seqs = seqs[n:]
	}
	return nil
}

// forward is the encoder.
func (m *Model) forward(ctx context.Context, seqs []sequence, tokens int) ([]float32, error) {
	h, rows := m.shape.Hidden, tiled(tokens)+tile
	x, other := m.embeddings(seqs, rows), make([]float32, rows*h)
	qkv, mixed, inner := make([]float32, rows*3*h), make([]float32, rows*h), make([]float32, rows*m.shape.Inner)
	for i := range m.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &m.layers[i]
		l.qkv.apply(m.workers, qkv, x, tokens)
		m.attend(seqs, qkv, mixed)
		l.mixed.apply(m.workers, other, mixed, tokens)
		m.rows(tokens, func(r int) { l.afterMix.apply(x[r*h:(r+1)*h], other[r*h:]) })
		l.up.apply(m.workers, inner, x, tokens)
		m.rows(tokens, func(r int) { m.curve.apply(inner[r*m.shape.Inner : (r+1)*m.shape.Inner]) })
		l.down.apply(m.workers, other, inner, tokens)
		m.rows(tokens, func(r int) { l.afterFeed.apply(x[r*h:(r+1)*h], other[r*h:]) })
	}
	return x, nil
}

// rows calls do for every row, in blocks on all workers.
func (m *Model) rows(n int, do func(r int)) {
	const block = 32
	parallel(m.workers, (n+block-1)/block, func(b int) {
		for r := b * block; r < min(n, (b+1)*block); r++ {
			do(r)
		}
	})
}

// embeddings looks up the words, places and kinds of all tokens.
func (m *Model) embeddings(seqs []sequence, rows int) []float32 {
	h := m.shape.Hidden
	x := make([]float32, rows*h)
	sum := make([]float32, h)
	at := 0
	for _, s := range seqs {
		for i, id := range s.ids {
			kind := 0
			if i >= s.second {
				kind = min(1, m.shape.Types-1)
			}
			copy(sum, m.position[i*h:])
			for j := range sum {
				sum[j] += m.kind[kind*h+j]
			}
			row := x[at*h : (at+1)*h]
			copy(row, m.word[int(id)*h:])
			m.first.apply(row, sum)
			at++
		}
	}
	return x
}

// pool makes one vector of those of a text's tokens.
func (m *Model) pool(x []float32) []float32 {
	h := m.shape.Hidden
	sum := make([]float64, h)
	if m.pooling.CLS {
		x = x[:h]
	}
	for i, v := range x {
		sum[i%h] += float64(v)
	}
	var squares float64
	for _, v := range sum {
		squares += v * v
	}
	out := make([]float32, h)
	if squares == 0 {
		return out
	}
	inv := 1 / math.Sqrt(squares)
	for i, v := range sum {
		out[i] = float32(v * inv)
	}
	return out
}

// judge turns the vector of the first token into a score.
func (d *head) judge(first []float32) float32 {
	score := d.bias
	for i, w := range d.weight {
		sum := d.poolBias[i]
		for j, p := range d.pool[i*len(first):][:len(first)] {
			sum += p * first[j]
		}
		score += w * float32(math.Tanh(float64(sum)))
	}
	return score
}
