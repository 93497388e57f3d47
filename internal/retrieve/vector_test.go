package retrieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cloud returns n vectors around a few centres, as embeddings of one subject are.
func cloud(n, dims int, seed uint64) [][]float32 {
	rng := rand.New(rand.NewPCG(seed, 7))
	centres := make([][]float32, 40)
	for i := range centres {
		centres[i] = randomVector(rng, dims, 1, nil)
	}
	out := make([][]float32, n)
	for i := range out {
		out[i] = randomVector(rng, dims, 0.7, centres[rng.IntN(len(centres))])
	}
	return out
}

func randomVector(rng *rand.Rand, dims int, spread float64, around []float32) []float32 {
	out := make([]float32, dims)
	for i := range out {
		out[i] = float32(rng.NormFloat64() * spread)
		if around != nil {
			out[i] += around[i]
		}
	}
	return out
}

func filled(t testing.TB, vectors [][]float32) *Vectors {
	t.Helper()
	v, err := NewVectors(len(vectors[0]))
	if err != nil {
		t.Fatal(err)
	}
	v.Grow(len(vectors))
	for _, x := range vectors {
		if err := v.Append(x); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// exactly is the plain definition: cosines in float64, sorted.
func exactly(vectors [][]float32, query []float32, k int, keep func(int) bool) []int {
	type pair struct {
		row int
		cos float64
	}
	var all []pair
	for i, x := range vectors {
		var dot, xx, qq float64
		for j := range x {
			dot += float64(x[j]) * float64(query[j])
			xx += float64(x[j]) * float64(x[j])
			qq += float64(query[j]) * float64(query[j])
		}
		if keep == nil || keep(i) {
			all = append(all, pair{i, dot / math.Sqrt(xx*qq)})
		}
	}
	slices.SortFunc(all, func(a, b pair) int {
		return closer(Neighbour{a.row, float32(a.cos)}, Neighbour{b.row, float32(b.cos)})
	})
	var rows []int
	for _, p := range all[:min(k, len(all))] {
		rows = append(rows, p.row)
	}
	return rows
}

func rowsOf(found []Neighbour) []int {
	var rows []int
	for _, f := range found {
		rows = append(rows, f.Row)
	}
	return rows
}

func TestNearestFindsWhatTheDefinitionFinds(t *testing.T) {
	for _, dims := range []int{1, 3, 32, 100, 384, 512} {
		vectors := cloud(3000, dims, uint64(dims))
		v := filled(t, vectors)
		odd := func(row int) bool { return row%2 == 1 }
		for name, keep := range map[string]func(int) bool{"all": nil, "odd": odd} {
			t.Run(fmt.Sprintf("%d dims %s", dims, name), func(t *testing.T) {
				hits, of := 0, 0
				for i := range 30 {
					query := cloud(1, dims, uint64(1000+i))[0]
					found, err := v.Nearest(t.Context(), query, 10, keep)
					if err != nil {
						t.Fatal(err)
					}
					want := exactly(vectors, query, 10, keep)
					if len(found) != len(want) || !slices.IsSortedFunc(found, closer) {
						t.Fatalf("found %v", found)
					}
					for _, row := range rowsOf(found) {
						if slices.Contains(want, row) {
							hits++
						}
						of++
					}
				}
				// In one or three dimensions thousands of rows lie closer together than
				// float32 can tell.
				if dims >= 32 && hits < of*998/1000 {
					t.Errorf("recall %d of %d", hits, of)
				}
			})
		}
	}
}

func TestNearestGivesTheCosine(t *testing.T) {
	v := filled(t, [][]float32{{1, 0}, {0, 2}, {-3, 0}, {0, 0}, {1, 1}})
	found, err := v.Nearest(t.Context(), []float32{5, 0}, 9, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 4, 1, 3, 2}, rowsOf(found)); diff != "" {
		t.Fatalf("order (-want +got):\n%s", diff)
	}
	for i, want := range []float64{1, math.Sqrt2 / 2, 0, 0, -1} {
		if got := float64(found[i].Cosine); math.Abs(got-want) > 1e-4 {
			t.Errorf("cosine of row %d is %v, want %v", found[i].Row, got, want)
		}
	}
	one, err := v.Cosine(4, []float32{0, 9})
	if err != nil || math.Abs(float64(one)-math.Sqrt2/2) > 1e-4 {
		t.Errorf("Cosine = %v, %v", one, err)
	}
}

// The rest of a value that the scan does not read makes up for its coarse steps.
func TestRowsComeBackExactEnough(t *testing.T) {
	vectors := cloud(200, 384, 1)
	v := filled(t, vectors)
	var worst float64
	for i, x := range vectors {
		unit, err := v.unit(x)
		if err != nil {
			t.Fatal(err)
		}
		got := v.Row(i, nil)
		for j := range unit {
			worst = max(worst, math.Abs(float64(unit[j]-got[j])))
		}
	}
	if worst > 1e-5 {
		t.Errorf("a value is off by %v", worst)
	}
}

func TestDotRowsEqualsItsDefinition(t *testing.T) {
	if !hasAVX2 {
		t.Log("this processor has no AVX2: only the portable loop is checked")
	}
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.IntRange(1, 40).Draw(t, "lanes") * lane
		n := rapid.IntRange(1, 7).Draw(t, "rows")
		seed := rapid.Uint64().Draw(t, "seed")
		extreme := rapid.Bool().Draw(t, "extreme")
		rng := rand.New(rand.NewPCG(seed, 1))
		q, rows := make([]int16, dims), make([]int8, n*dims)
		for i := range q {
			q[i] = int16(rng.IntN(255) - 127)
			if extreme {
				q[i] = -127
			}
		}
		for i := range rows {
			rows[i] = int8(rng.IntN(256) - 128)
			if extreme {
				rows[i] = -128
			}
		}
		want := make([]int32, n)
		for r := range want {
			for i := range q {
				want[r] += int32(q[i]) * int32(rows[r*dims+i])
			}
		}
		got, portable := make([]int32, n+1), make([]int32, n)
		got[n] = 42 // must stay
		dotRows(got[:n], q, rows)
		dotRowsGo(portable, q, rows)
		if !slices.Equal(got[:n], want) || got[n] != 42 || !slices.Equal(portable, want) {
			t.Fatalf("want %v, got %v, portable %v", want, got, portable)
		}
	})
}

func TestVectorsRefuse(t *testing.T) {
	if _, err := NewVectors(0); err == nil {
		t.Error("0 dimensions were accepted")
	}
	if _, err := NewVectors(maxDims + 1); err == nil {
		t.Error("too many dimensions were accepted")
	}
	v := filled(t, [][]float32{{1, 2, 3}})
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, x := range map[string][]float32{"short": {1, 2}, "long": {1, 2, 3, 4}, "nan": {1, nan, 3}, "inf": {1, inf, 3}} {
		if err := v.Append(x); err == nil {
			t.Errorf("%s: a row of %v was accepted", name, x)
		}
		if _, err := v.Nearest(t.Context(), x, 1, nil); err == nil {
			t.Errorf("%s: a query of %v was accepted", name, x)
		}
	}
	if v.Len() != 1 {
		t.Errorf("a refused row was kept: %d rows", v.Len())
	}
	if found, err := v.Nearest(t.Context(), []float32{0, 0, 0}, 1, nil); found != nil || err != nil {
		t.Errorf("a query of zeros found %v, %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Nearest(ctx, []float32{1, 2, 3}, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled search gave %v", err)
	}
}

// Large values overflow a float32 when squared; they are scaled all the same.
func TestVectorsScaleLargeValues(t *testing.T) {
	v := filled(t, [][]float32{{3e30, 0}, {0, 1e-30}})
	found, err := v.Nearest(t.Context(), []float32{0, 1e30}, 2, nil)
	if err != nil || len(found) != 2 || found[0].Row != 1 || math.Abs(float64(found[0].Cosine)-1) > 1e-4 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSnapshotStaysWhileRowsAreAdded(t *testing.T) {
	vectors := cloud(400, 64, 3)
	v := filled(t, vectors[:100])
	v.Grow(300) // the snapshot shares the memory the new rows go into
	early := v.Snapshot()
	done := make(chan error, 1)
	go func() {
		for _, x := range vectors[100:] {
			if err := v.Append(x); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 50 {
		found, err := early.Nearest(t.Context(), vectors[200], 5, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Row >= 100 {
				t.Fatalf("the snapshot shows row %d", f.Row)
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if found, _ := v.Nearest(t.Context(), vectors[200], 1, nil); found[0].Row != 200 {
		t.Errorf("the added row is not found: %v", found)
	}
}

// A scan shared between cores finds the same as one core.
func TestParallelScanAgrees(t *testing.T) {
	vectors := cloud(2*parallelRows+11, 32, 5)
	v := filled(t, vectors)
	for i := range 5 {
		query := vectors[i*1000]
		found, err := v.Nearest(t.Context(), query, 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(exactly(vectors, query, 10, nil), rowsOf(found)); diff != "" {
			t.Errorf("query %d (-definition +found):\n%s", i, diff)
		}
	}
}

func TestStoredVectorsComeBack(t *testing.T) {
	vectors := cloud(123, 100, 9)
	v := filled(t, vectors)
	var file bytes.Buffer
	n, err := v.WriteTo(&file)
	if err != nil || n != int64(file.Len()) {
		t.Fatalf("wrote %d of %d: %v", n, file.Len(), err)
	}
	back, err := OpenVectors(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := v.Nearest(t.Context(), vectors[7], 10, nil)
	got, err := back.Nearest(t.Context(), vectors[7], 10, nil)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-written +read):\n%s", err, diff)
	}
	before := bytes.Clone(file.Bytes())
	if err := back.Append(vectors[0]); err != nil || back.Len() != 124 {
		t.Errorf("append to opened vectors: %v, %d rows", err, back.Len())
	}
	if !bytes.Equal(before, file.Bytes()) {
		t.Error("an append wrote into the opened file")
	}
}

func TestStoredVectorsThatAreDamagedAreRefused(t *testing.T) {
	var file bytes.Buffer
	if _, err := filled(t, cloud(5, 40, 2)).WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x10
		if _, err := OpenVectors(bad); !errors.Is(err, ErrVectorFile) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := OpenVectors(whole[:i]); !errors.Is(err, ErrVectorFile) {
			t.Fatalf("cut after %d bytes: %v", i, err)
		}
	}
}

func FuzzOpenVectors(f *testing.F) {
	for _, n := range []int{1, 3} {
		var file bytes.Buffer
		v, err := NewVectors(8)
		if err != nil {
			f.Fatal(err)
		}
		for range n {
			if err := v.Append([]float32{1, 2, 3, 4, 5, 6, 7, 8}); err != nil {
				f.Fatal(err)
			}
		}
		if _, err := v.WriteTo(&file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Add([]byte(vectorMagic + "\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := OpenVectors(data)
		if err != nil {
			return
		}
		if _, err := v.Nearest(context.Background(), make([]float32, v.Dims()), 3, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkNearest is one query against clustered vectors of 384 dimensions.
func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			v, err := NewVectors(384)
			if err != nil {
				b.Fatal(err)
			}
			v.Grow(n)
			for _, x := range cloud(5000, 384, 4) {
				for range n / 5000 {
					if err := v.Append(randomVector(rng, 384, 0.05, x)); err != nil {
						b.Fatal(err)
					}
				}
			}
			queries := cloud(64, 384, 4)
			b.SetBytes(int64(n * 384))
			i := 0
			for b.Loop() {
				if _, err := v.Nearest(b.Context(), queries[i%64], 10, nil); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func TestAppendRow(t *testing.T) {
	vectors := cloud(9, 40, 1)
	from, to := filled(t, vectors), filled(t, vectors[:1])
	for _, row := range []int{7, 3} {
		if err := to.AppendRow(from, row); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([][]float32{from.Row(0, nil), from.Row(7, nil), from.Row(3, nil)}, [][]float32{to.Row(0, nil), to.Row(1, nil), to.Row(2, nil)}); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if err := to.AppendRow(filled(t, [][]float32{{1}}), 0); err == nil || to.Len() != 3 {
		t.Error("a row of another length was accepted")
	}
}
