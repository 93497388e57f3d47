package retrieve

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// crowded is an index of n passages that share most of their words.
func crowded(n int) *Index {
	var segs []*Segment
	for d := 0; d < n; d += 100 {
		var recs []Record
		for i := d; i < min(d+100, n); i++ {
			recs = append(recs, Record{ID: fmt.Sprint(i), Title: fmt.Sprintf("batch%d of an agent", i%97), Text: fmt.Sprintf(
				"the job runs on the agent and writes item%d and batch%d to the log of plan%d, workstation%d", i%7919, i%613, i%17, i%5)})
		}
		segs = append(segs, AnalyseRecords(Document{Name: fmt.Sprint(d)}, recs))
	}
	return New(segs...)
}

// inFull adds every word to every passage, one word after the other.
func inFull(x *Index, q *query, l *lookout, depth int) ([]*candidate, []float32) {
	t := x.tally()
	defer x.free(t)
	t.passages(x.Passages())
	t.addWords(l, math.MaxInt)
	sums := make([]float32, x.Passages())
	for u := range sums {
		sums[u] = t.words(u)
	}
	return x.first(t, q, l, Options{}, depth), sums
}

// TestSweepFindsTheSame: the search in windows, in one goroutine or two, finds what
// adding up word by word finds, again and again with the same memory, and beside others.
func TestSweepFindsTheSame(t *testing.T) {
	for _, c := range []struct{ passages, procs, least int }{{22_000, 2, halvesFrom}, {22_000, 1, sweepFrom}, {3 * windowSize, 2, 0}, {700, 2, 0}} {
		t.Run(fmt.Sprint(c.passages, "_", c.procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.procs))
			x := crowded(c.passages)
			questions := []string{"job item77 on the agent", "agent log plan3 batch600 item7000", "which job writes batch12 to plan12", "a box with a stuck job", "item77"}
			type answer struct {
				best []*candidate
				sums []float32
			}
			whole := make([]answer, len(questions))
			for i, text := range questions {
				q := parse(text, fitted())
				l := x.look(&q)
				whole[i].best, whole[i].sums = inFull(x, &q, l, 50)
				if l.size < c.least && text != "item77" {
					t.Fatalf("%q has %d postings: the test shows nothing", text, l.size)
				}
			}
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for i, text := range slices.Concat(questions, questions) {
						q := parse(text, fitted())
						l := x.look(&q)
						t2 := x.tally()
						got := x.sweep(t2, &q, l, Options{}, 50)
						want := whole[i%len(questions)]
						if diff := cmp.Diff(want.best, got, cmp.AllowUnexported(candidate{}, cell{})); diff != "" {
							t.Errorf("%q (-whole +swept):\n%s", text, diff)
						}
						if diff := cmp.Diff(want.sums, t2.sums[:x.Passages()]); diff != "" {
							t.Errorf("%q: sums (-whole +swept):\n%s", text, diff)
						}
						x.free(t2)
					}
				})
			}
			group.Wait()
		})
	}
}

// TestSweepOfAnyPostings: words of any forms with any postings score as they do word by
// word.
func TestSweepOfAnyPostings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3000).Draw(t, "passages")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		x := &Index{recs: make([]record, n+1), docs: make([]Document, 1)}
		for i := range x.recs {
			x.recs[i].mass = rng.Float32() * 9
		}
		x.brief()
		l := &lookout{words: make([]asked, rapid.IntRange(1, 6).Draw(t, "words"))}
		for i := range l.words {
			w := &l.words[i]
			for range rapid.IntRange(0, 4).Draw(t, "forms") {
				f := form{idf: 0.1 + rng.Float32()*8}
				share := rng.Float64()
				for u := range n {
					if rng.Float64() < share*share {
						p := posting{unit: uint32(u), imp: uint8(1 + rng.IntN(255))}
						p.tf[fieldTitle] = uint8(rng.IntN(3) * rng.IntN(2) * 127)
						f.posts = append(f.posts, p)
					}
				}
				w.forms = append(w.forms, f)
				w.weight = max(w.weight, f.idf)
			}
			l.total += w.weight
		}
		q := &query{use: fitted()}
		want, sums := inFull(x, q, l, 20)
		swept := x.tally()
		got := x.sweep(swept, q, l, Options{}, 20)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(candidate{}, cell{})); diff != "" {
			t.Fatalf("(-whole +swept):\n%s", diff)
		}
		if diff := cmp.Diff(sums, swept.sums[:n]); diff != "" {
			t.Fatalf("sums (-whole +swept):\n%s", diff)
		}
	})
}

// TestOverLosesNobody: what the processor's quick look takes for hopeless is below the
// floor, and where all is taken the order stands.
func TestOverLosesNobody(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var words, weight, title [windowSize]float32
	for range 200 {
		for i := range words {
			words[i], weight[i], title[i] = 0, 0, 0
			if rng.IntN(3) > 0 {
				words[i], weight[i] = rng.Float32()*40, rng.Float32()*30
			}
			if words[i] > 0 && rng.IntN(3) == 0 {
				title[i] = rng.Float32() * 20
			}
		}
		b := bar{cover: 0.6 / 30, title: 1, mass: 8, most: 1.42, floor: rng.Float32() * 150}
		exact := b
		b.most *= 1.001
		var got, least [windowSize]uint16
		n, m := over(&got, &words, &weight, &title, &b), overGo(&least, &words, &weight, &title, &exact)
		for _, u := range least[:m] {
			if !slices.Contains(got[:n], u) {
				t.Fatalf("passage %d with %v %v %v is lost above %v", u, words[u], weight[u], title[u], b.floor)
			}
		}
		if !slices.IsSorted(got[:n]) || n > m+m/50+4 {
			t.Fatalf("%d are taken where %d are above: %v", n, m, got[:n])
		}
	}
	b := bar{most: 1, floor: -1}
	var got [windowSize]uint16
	if n := over(&got, &words, &weight, &title, &b); n != windowSize || got[windowSize-1] != windowSize-1 {
		t.Errorf("%d of %d above nothing", n, windowSize)
	}
}
