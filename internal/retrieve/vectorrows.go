package retrieve

import (
	"context"
	"fmt"
	"runtime"
)

// At returns the passage of a row: rows are counted as [Dense.Vectors] has them,
// from 0 to [Index.Passages]-1.
func (x *Index) At(row int) Passage {
	defer runtime.KeepAlive(x) // what is read may be a mapped file
	return x.passage(row)
}

// Meaning is the text a passage is embedded by: where it stands, then what it says.
// A passage out of the middle of a chapter is often not understood without its
// headings.
func (p Passage) Meaning() string {
	if s := p.Section(); s != "" {
		return s + "\n" + p.Text
	}
	return p.Text
}

// Embedding turns texts into vectors of the same model as the rows.
type Embedding func(ctx context.Context, texts []string) ([][]float32, error)

// Rows embeds every passage of the index and returns the matrix that
// [Dense.Vectors] wants.
func (x *Index) Rows(ctx context.Context, embed Embedding) (*Vectors, error) {
	const batch = 64
	var out *Vectors
	for from := 0; from < x.Passages(); from += batch {
		texts := make([]string, 0, batch)
		for row := from; row < min(from+batch, x.Passages()); row++ {
			texts = append(texts, x.At(row).Meaning())
		}
		vectors, err := embed(ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("embed passages %d to %d: %w", from, from+len(texts), err)
		}
		for _, v := range vectors {
			if out == nil {
				if out, err = NewVectors(len(v)); err != nil {
					return nil, err
				}
				out.Grow(x.Passages())
			}
			if err := out.Append(v); err != nil {
				return nil, fmt.Errorf("embed passages %d to %d: %w", from, from+len(texts), err)
			}
		}
	}
	return out, nil
}
