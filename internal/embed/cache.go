package embed

import (
	"container/list"
	"context"
	"crypto/sha256"
	"sync"
)

// Cached remembers vectors by the content of their texts, so that a question
// asked again, or a passage met twice, is not embedded twice. It keeps the ones
// used last.
type Cached struct {
	Embedder
	room int

	mu    sync.Mutex
	order *list.List // of *entry, the last used first
	byKey map[[sha256.Size]byte]*list.Element
}

// entry is one remembered vector.
type entry struct {
	key    [sha256.Size]byte
	vector []float32
}

// NewCached puts a memory of room vectors before an embedder.
func NewCached(e Embedder, room int) *Cached {
	return &Cached{Embedder: e, room: max(1, room), order: list.New(), byKey: map[[sha256.Size]byte]*list.Element{}}
}

// Embed asks the embedder for the texts it does not remember, each once. The
// vectors are shared: who wants to change one copies it.
func (c *Cached) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	return fill(texts, func(t string) [sha256.Size]byte { return key(c.Model(), kind, t) }, c.load,
		func(missing []string) ([][]float32, error) { return c.Embedder.Embed(ctx, missing, kind) }, c.save)
}

// load returns a remembered vector, or nil.
func (c *Cached) load(k [sha256.Size]byte) []float32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byKey[k]
	if !ok {
		return nil
	}
	c.order.MoveToFront(at)
	return at.Value.(*entry).vector
}

// save remembers a vector and forgets the one not used for longest when there is
// no room.
func (c *Cached) save(k [sha256.Size]byte, vector []float32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.byKey[k]; ok {
		c.order.MoveToFront(at)
		return nil
	}
	c.byKey[k] = c.order.PushFront(&entry{k, vector})
	if c.order.Len() > c.room {
		oldest := c.order.Remove(c.order.Back()).(*entry)
		delete(c.byKey, oldest.key)
	}
	return nil
}

// fill returns the vectors of texts: the known ones from load, the others from
// one call of ask, which are then saved.
func fill(texts []string, name func(string) [sha256.Size]byte, load func([sha256.Size]byte) []float32,
	ask func([]string) ([][]float32, error), save func([sha256.Size]byte, []float32) error) ([][]float32, error) {
	out := make([][]float32, len(texts))
	keys := make([][sha256.Size]byte, len(texts))
	asked := map[[sha256.Size]byte]int{} // its place in missing
	var missing []string
	for i, t := range texts {
		keys[i] = name(t)
		if out[i] = load(keys[i]); out[i] != nil {
			continue
		}
		if _, ok := asked[keys[i]]; !ok {
			asked[keys[i]] = len(missing)
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	vectors, err := ask(missing)
	if err != nil {
		return nil, err
	}
	for k, at := range asked {
		if err := save(k, vectors[at]); err != nil {
			return nil, err
		}
	}
	for i := range out {
		if out[i] == nil {
			out[i] = vectors[asked[keys[i]]]
		}
	}
	return out, nil
}
