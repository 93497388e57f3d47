package retrieve

import (
	"math"
	"strings"
	"sync"

	"resync/chunk"
)

// record is what the index keeps of one passage, as it stands in files.
type record struct {
	text       uint64 // where its text begins; it ends where the next one's begins
	start, end uint32 // bytes of the document
	line, last uint32 // lines of the document
	meta       uint32 // where id, title, path and codes begin, each ended by a zero byte
	title      uint32 // where the hashes of its title begin
	doc        uint32
	see        int32   // passage that this one only points to, or -1
	mass       float32 // sum of idf over the words of the title
	size       [fields]uint16
	kind       uint8
	flags      uint8
}

// brief is what the first stage looks at of every record, close together in memory.
type brief struct {
	mass  float32
	kind  uint8
	flags uint8
}

// brief makes what is not in files, once everything else is there.
func (x *Index) brief() {
	x.briefs = make([]brief, x.Passages())
	for i := range x.briefs {
		r := &x.recs[i]
		x.briefs[i] = brief{r.mass, r.kind, r.flags}
	}
	var words float32
	for _, n := range x.docSize {
		words += n
	}
	x.docMean = max(words/float32(max(len(x.docs), 1)), 1)
}

// Flags of a record.
const (
	flagBuiltin = 1
	flagHead    = 2 // the text begins with a heading
)

// kinds in the order of their numbers in a record.
var kinds = [...]chunk.Kind{chunk.KindText, chunk.KindEntry, chunk.KindProcedure, chunk.KindTable}

// inDoc counts a term in one document.
type inDoc struct {
	doc uint32
	tf  uint32
}

// Index searches a fixed set of documents. It is safe for concurrent use. Its arrays
// hold no pointers: [Index.WriteFile] stores them as they are, and [OpenFile] maps
// them back.
type Index struct {
	docs []Document // without their texts

	names    []byte   // the terms, one after the other
	nameFrom []uint32 // where each term begins; one more at the end
	slots    []uint32 // hash table: number of a term plus one, 0 is free
	postFrom []uint32 // where each term's postings begin; one more at the end
	posts    []posting
	docFrom  []uint32 // the same for documents; empty when most have one passage
	docPosts []inDoc

	recs     []record // one more at the end
	briefs   []brief  // not in files
	meta     []byte
	text     []byte
	titles   []uint32
	sketches []sketch
	signs    []signature

	docSize []float32 // words of each document
	docMean float32   // mean of them, at least 1; not in files
	own     bool      // holds documents besides the built-in ones
	close   func() error
	pool    sync.Pool // of *tally
}

// Documents says how many documents the index holds.
func (x *Index) Documents() int { return len(x.docs) }

// Passages is the number of passages of all documents.
func (x *Index) Passages() int { return max(len(x.recs)-1, 0) }

// pathMark stands between the parts of a path in the meta bytes.
const pathMark = "\x1f"

// hashTerms fills the table that finds terms.
func (x *Index) hashTerms() {
	n := len(x.nameFrom) - 1
	size := 16
	for size < 2*n {
		size *= 2
	}
	x.slots = make([]uint32, size)
	for i := range n {
		h := hashTerm(x.term(i)) & uint32(size-1)
		for x.slots[h] != 0 {
			h = (h + 1) & uint32(size-1)
		}
		x.slots[h] = uint32(i) + 1
	}
}

// hashTerm is FNV-1a with its bits spread.
func hashTerm(s string) uint32 {
	c := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		c = (c ^ uint32(s[i])) * 16777619
	}
	return mix(c)
}

// term is the name of a term.
func (x *Index) term(i int) string { return view(x.names[x.nameFrom[i]:x.nameFrom[i+1]]) }

// find is the number of a term, or -1.
func (x *Index) find(term string) int {
	if len(x.slots) == 0 {
		return -1
	}
	mask := uint32(len(x.slots) - 1)
	for h, n := hashTerm(term)&mask, 0; n <= int(mask); h, n = (h+1)&mask, n+1 {
		id := x.slots[h]
		if id == 0 {
			return -1
		}
		if x.term(int(id)-1) == term {
			return int(id) - 1
		}
	}
	return -1
}

// list are the postings of a term.
func (x *Index) list(id int) []posting { return x.posts[x.postFrom[id]:x.postFrom[id+1]] }

// idf of a term that n passages have.
func (x *Index) idf(n int) float32 { return idfOf(x.Passages(), n) }

// idfOf is the inverse frequency of what n of all have.
func idfOf(all, n int) float32 {
	return float32(math.Log(1 + (float64(all)-float64(n)+0.5)/(float64(n)+0.5)))
}

// norms is the length normalisation of every field of every passage.
func (x *Index) norms() [][fields]float32 {
	var sum [fields]float64
	n := x.Passages()
	for i := range n {
		for f := range fields {
			sum[f] += float64(x.recs[i].size[f])
		}
	}
	out := make([][fields]float32, n)
	for i := range n {
		for f := range fields {
			avg := float32(max(sum[f]/float64(n), 1))
			out[i][f] = 1 / (1 - lengthWeight[f] + lengthWeight[f]*float32(x.recs[i].size[f])/avg)
		}
	}
	return out
}

// saturate is the saturated, field-weighted frequency of a term in a passage.
func saturate(p *posting, norm *[fields]float32) float32 {
	var w float32
	for f := range fields {
		if p.tf[f] > 0 {
			w += fieldWeight[f] * float32(p.tf[f]) * norm[f]
		}
	}
	return w * (saturation + 1) / (saturation + w)
}

// content is the text of a passage.
func (x *Index) content(u int) string { return view(x.text[x.recs[u].text:x.recs[u+1].text]) }

// info are the id, title, path and codes of a passage.
func (x *Index) info(u int) (id, title string, path, codes []string) {
	parts := strings.SplitN(string(x.meta[x.recs[u].meta:x.recs[u+1].meta]), "\x00", 5)
	if len(parts) < 4 {
		return "", "", nil, nil // not reached: the file's checksum was right
	}
	if parts[3] != "" {
		codes = strings.Split(parts[3], pathMark)
	}
	return parts[0], parts[1], strings.Split(parts[2], pathMark), codes
}

// titleSeq are the hashes of the words of a title.
func (x *Index) titleSeq(u int) []uint32 { return x.titles[x.recs[u].title:x.recs[u+1].title] }

// Close lets a mapped file go. Nothing may search the index afterwards, nor at the
// same time. An index made in memory needs no Close.
func (x *Index) Close() error {
	if x.close == nil {
		return nil
	}
	release := x.close
	x.close = nil
	return release()
}
