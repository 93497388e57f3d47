package retrieve

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// shards is how many parts the terms are joined in, by their hashes. It is fixed, so
// that the same documents give the same index on any machine.
const shards = 64

// shard is the terms of one range of hashes.
type shard struct {
	at     []span // of each source
	names  []string
	hash   []uint32
	counts []uint32 // postings of each term
	order  []uint32 // the terms by hash and name
	table  []uint32 // hash table of the terms: number plus one, 0 is free

	bytes, posts int      // of names and postings
	heads        []head   // words of titles
	docFrom      []uint32 // end of each term's documents, in order
	docPosts     []inDoc
}

// span is a range of a source's terms.
type span struct{ from, end int }

// head is a word of a passage's title with what it is worth.
type head struct {
	unit uint32
	idf  float32
}

// joinTerms joins the terms and postings of all sources.
func (j *joiner) joinTerms() {
	x := j.x
	parts := make([]shard, shards)
	sideBySide(shards, func(i int) { j.collect(&parts[i], i) })
	terms, bytes, posts := 0, 0, 0
	first := make([][3]int, shards)
	for i := range parts {
		first[i] = [3]int{terms, bytes, posts}
		terms, bytes, posts = terms+len(parts[i].order), bytes+parts[i].bytes, posts+parts[i].posts
	}
	x.names, x.posts = make([]byte, bytes), make([]posting, posts)
	x.nameFrom, x.postFrom = make([]uint32, terms+1), make([]uint32, terms+1)
	perDoc := x.Passages() >= 2*len(x.docs) && len(x.docs) > 1
	sideBySide(shards, func(i int) { j.fill(&parts[i], first[i], perDoc) })
	x.nameFrom[terms], x.postFrom[terms] = uint32(bytes), uint32(posts)
	for i := range parts {
		for _, h := range parts[i].heads {
			x.recs[h.unit].mass += h.idf
		}
	}
	if perDoc {
		x.joinDocs(parts, terms)
	}
}

// joinDocs puts the counts of terms in documents one after the other.
func (x *Index) joinDocs(parts []shard, terms int) {
	n := 0
	for i := range parts {
		n += len(parts[i].docPosts)
	}
	x.docFrom, x.docPosts = append(make([]uint32, 0, terms+1), 0), make([]inDoc, 0, n)
	for i := range parts {
		base := uint32(len(x.docPosts))
		for _, end := range parts[i].docFrom {
			x.docFrom = append(x.docFrom, base+end)
		}
		x.docPosts = append(x.docPosts, parts[i].docPosts...)
	}
}

// collect finds the terms of a shard and counts their postings.
func (j *joiner) collect(p *shard, number int) {
	lo, hi := uint64(number)<<32/shards, uint64(number+1)<<32/shards
	p.table = make([]uint32, 64)
	p.at = make([]span, len(j.sources))
	for k, s := range j.sources {
		from := sort.Search(s.terms, func(i int) bool { return uint64(s.hashes[i]) >= lo })
		end := from + sort.Search(s.terms-from, func(i int) bool { return uint64(s.hashes[from+i]) >= hi })
		p.at[k] = span{from, end}
		for i := from; i < end; i++ {
			id := p.number(s.hashes[i], s.names(i))
			s.ids[i] = id
			p.counts[id] += s.count(i)
		}
	}
	p.order = make([]uint32, 0, len(p.names))
	for id, n := range p.counts {
		if n > 0 { // else all its passages were left out
			p.order = append(p.order, uint32(id))
			p.bytes += len(p.names[id])
			p.posts += int(n)
		}
	}
	slices.SortFunc(p.order, func(a, b uint32) int {
		if c := cmp.Compare(p.hash[a], p.hash[b]); c != 0 {
			return c
		}
		return cmp.Compare(p.names[a], p.names[b])
	})
}

// count is how many postings of a term are kept.
func (s *source) count(term int) uint32 {
	list := s.lists(term)
	if s.all {
		return uint32(len(list))
	}
	n := uint32(0)
	for i := range list {
		if s.to[list[i].unit] >= 0 {
			n++
		}
	}
	return n
}

// number of a term within the shard, which is given one when it is new.
func (p *shard) number(hash uint32, name string) uint32 {
	mask := uint32(len(p.table) - 1)
	h := hash & mask
	for ; p.table[h] != 0; h = (h + 1) & mask {
		if id := p.table[h] - 1; p.hash[id] == hash && p.names[id] == name {
			return id
		}
	}
	id := uint32(len(p.names))
	p.names, p.hash, p.counts = append(p.names, name), append(p.hash, hash), append(p.counts, 0)
	p.table[h] = id + 1
	if 2*len(p.names) > len(p.table) {
		p.grow()
	}
	return id
}

func (p *shard) grow() {
	p.table = make([]uint32, 2*len(p.table))
	mask := uint32(len(p.table) - 1)
	for id, hash := range p.hash {
		h := hash & mask
		for p.table[h] != 0 {
			h = (h + 1) & mask
		}
		p.table[h] = uint32(id) + 1
	}
}

// fill writes the terms and postings of a shard into their places and weighs them.
func (j *joiner) fill(p *shard, first [3]int, perDoc bool) {
	x := j.x
	next, start := make([]uint32, len(p.names)), make([]uint32, len(p.names))
	name, at := first[1], uint32(first[2])
	for i, id := range p.order {
		x.nameFrom[first[0]+i], x.postFrom[first[0]+i] = uint32(name), at
		name += copy(x.names[name:], p.names[id])
		next[id], start[id] = at, at
		at += p.counts[id]
	}
	runs := map[uint32][]uint32{} // where the postings of a term begin anew with a lower number
	for k, s := range j.sources {
		for i := p.at[k].from; i < p.at[k].end; i++ {
			id := s.ids[i]
			to := next[id]
			breaks, n := s.put(x.posts[to:], s.lists(i))
			next[id] += n
			if to > start[id] && n > 0 && x.posts[to].unit < x.posts[to-1].unit {
				runs[id] = append(runs[id], to)
			}
			for _, at := range breaks {
				runs[id] = append(runs[id], to+at)
			}
		}
	}
	for id, at := range runs {
		inOrder(x.posts[start[id]:next[id]], int(at[0]-start[id]), len(at))
	}
	for _, id := range p.order {
		list := x.posts[start[id]:next[id]]
		x.weigh(p, list, j.norms)
		if perDoc {
			x.countDocs(p, list)
		}
	}
}

// put copies the postings that are kept, with their new numbers, and says how many they
// are and where their order breaks.
func (s *source) put(out, list []posting) (breaks []uint32, n uint32) {
	if s.to == nil {
		for i := range list {
			out[i] = list[i]
			out[i].unit += s.base
		}
		return nil, uint32(len(list))
	}
	last := int32(-1)
	for i := range list {
		to := s.to[list[i].unit]
		if to < 0 {
			continue
		}
		out[n] = list[i]
		out[n].unit = uint32(to)
		if to < last {
			breaks = append(breaks, n)
		}
		last = to
		n++
	}
	return breaks, n
}

// inOrder sorts postings that begin anew at cut, and perhaps elsewhere. One document
// more makes two runs of most lists, which are merged.
func inOrder(list []posting, cut, breaks int) {
	if breaks > 1 {
		slices.SortFunc(list, func(a, b posting) int { return cmp.Compare(a.unit, b.unit) })
		return
	}
	right := slices.Clone(list[cut:])
	for at := len(list) - 1; len(right) > 0; at-- {
		if r := right[len(right)-1]; cut == 0 || list[cut-1].unit < r.unit {
			list[at], right = r, right[:len(right)-1]
			continue
		}
		list[at] = list[cut-1]
		cut--
	}
}

// weigh computes what every posting of a term is worth, and what the term is worth in
// titles.
func (x *Index) weigh(p *shard, list []posting, norms [][fields]float32) {
	idf := x.idf(len(list))
	for i := range list {
		q := &list[i]
		q.imp = uint8(math.Round(float64(saturate(q, &norms[q.unit])) * 255 / (saturation + 1)))
		if q.tf[fieldTitle] > 0 {
			p.heads = append(p.heads, head{q.unit, idf})
		}
	}
}

// countDocs counts a term in documents; the postings of one document follow each other.
func (x *Index) countDocs(p *shard, list []posting) {
	first := len(p.docPosts)
	for i := range list {
		tf := list[i].tf[fieldBody]
		if tf == 0 {
			continue
		}
		doc := x.recs[list[i].unit].doc
		if n := len(p.docPosts); n == first || p.docPosts[n-1].doc != doc {
			p.docPosts = append(p.docPosts, inDoc{doc: doc})
		}
		p.docPosts[len(p.docPosts)-1].tf += uint32(tf)
	}
	p.docFrom = append(p.docFrom, uint32(len(p.docPosts)))
}
