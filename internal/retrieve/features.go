package retrieve

// Features of the second stage, each from 0 to about 1.
const (
	featNear  = iota // the better of the passages before and after
	featPairs        // word pairs of the question that stand together
	featOrder        // words of the question that stand in the title, in order
	featExact        // the same, as a share of the title
	featDoc          // the document as a whole
	featTitle        // words of the question in the title
	featHead         // the passage begins its section, and the question names the title
	featShort        // the passage is short
	features
)

// featureNames say in an explanation what a feature is.
var featureNames = [features]string{
	"neighbouring passages", "words that stand together", "order of the title's words", "title asked for as it stands",
	"the document as a whole", "words in the title", "beginning of a section", "short passage",
}

// second orders the candidates by what a closer look tells.
func (x *Index) second(t *tally, q *query, l *lookout, best []*candidate) {
	if l.total == 0 {
		return
	}
	for _, c := range best {
		x.measure(t, q, l, c)
		var sum float32
		for f, w := range q.use.Features {
			sum += w * c.feat[f]
		}
		c.score = c.base + sum*l.total*x.formBonus(c.unit, q)
	}
}

// lookout is what is looked for, found once for all stages.
type lookout struct {
	words  []asked
	codes  []form  // message codes; their term is the code
	size   int     // postings of all words
	total  float32 // idf of all codes and words
	pairs  []wordPair
	docs   float32 // weight of all words among documents
	length float32 // mean size of a document
	trust  float32 // how much a document tells: little when there are few
}

// asked is a word of the question with those of its forms that the index has.
type asked struct {
	forms  []form
	size   int     // postings of all forms
	weight float32 // idf of the best form
}

// form is one form of a word with its postings.
type form struct {
	term   string
	posts  []posting
	docs   []inDoc
	idf    float32 // among passages, with the weight of the form
	docIDF float32 // among documents
}

// title is the idf of the words that stand in a passage's title.
func (l *lookout) title(unit uint32) float32 {
	var sum float32
	for i := range l.words {
		var best float32
		for j := range l.words[i].forms {
			f := &l.words[i].forms[j]
			if p := seek(f.posts, unit); p != nil && p.tf[fieldTitle] > 0 {
				best = max(best, f.idf)
			}
		}
		sum += best
	}
	return sum
}

// step is what one 255th of a saturated frequency is worth.
func (f *form) step() float32 { return f.idf * (saturation + 1) / 255 }

// wordPair is two words that follow each other in the question.
type wordPair struct {
	bits   []uint32
	weight float32
}

func (x *Index) look(q *query) *lookout {
	l := &lookout{words: make([]asked, len(q.groups))}
	l.trust = float32(len(x.docs)) / float32(len(x.docs)+50)
	l.length = x.docMean
	for _, code := range q.codes {
		if id := x.find(codeTerm(code)); id >= 0 {
			f := form{term: code, posts: x.list(id)}
			f.idf = x.idf(len(f.posts))
			l.codes, l.total = append(l.codes, f), l.total+f.idf
		}
	}
	for i := range q.groups {
		w := &l.words[i]
		var docBest float32
		for _, m := range q.groups[i].terms {
			id := x.find(m.term)
			if id < 0 {
				continue
			}
			f := form{term: m.term, posts: x.list(id)}
			f.idf = x.idf(len(f.posts)) * m.weight
			if len(x.docFrom) > 0 {
				f.docs = x.docPosts[x.docFrom[id]:x.docFrom[id+1]]
				f.docIDF = idfOf(len(x.docs), len(f.docs)) * m.weight
				docBest = max(docBest, f.docIDF)
			}
			w.forms = append(w.forms, f)
			w.size += len(f.posts)
			w.weight = max(w.weight, f.idf)
		}
		l.size += w.size
		l.total += w.weight
		l.docs += docBest
	}
	for i := 1; i < len(q.groups); i++ {
		l.pair(&q.groups[i-1], &q.groups[i], l.words[i-1].weight, l.words[i].weight)
	}
	return l
}

// pair adds two words that follow each other, in all their forms.
func (l *lookout) pair(a, b *group, wa, wb float32) {
	if wa == 0 || wb == 0 { // the index has no form of it
		return
	}
	p := wordPair{weight: min(wa, wb)}
	for _, s := range a.terms {
		for _, t := range b.terms {
			p.bits = append(p.bits, pair(s.term, t.term))
		}
	}
	l.pairs = append(l.pairs, p)
}

// measure fills in the features of a candidate.
func (x *Index) measure(t *tally, q *query, l *lookout, c *candidate) {
	u := int(c.unit)
	c.feat[featNear] = x.near(t, u) / l.total
	full := x.signs[u].full()
	for _, p := range l.pairs {
		for _, b := range p.bits {
			if x.signs[u].has(b) {
				c.feat[featPairs] += p.weight * (1 - full) / l.total
				break
			}
		}
	}
	if common, title := longestCommon(q.sequence, x.titleSeq(u)), len(x.titleSeq(u)); title > 0 && len(q.sequence) > 0 {
		c.feat[featOrder] = float32(common) / float32(len(q.sequence))
		c.feat[featExact] = c.feat[featOrder] * float32(common) / float32(title)
	}
	c.feat[featDoc] = x.docScore(l, x.recs[u].doc)
	c.feat[featTitle] = min(c.title/l.total, 1)
	if x.recs[u].flags&flagHead != 0 {
		c.feat[featHead] = x.titleShare(c.title, c.unit, q)
	}
	c.feat[featShort] = 1 / (1 + float32(x.recs[u].size[fieldBody])/100)
}

// near is the better score of the passages before and after in the same document.
func (x *Index) near(t *tally, u int) float32 {
	var s float32
	for _, j := range [...]int{u - 1, u + 1} {
		if j >= 0 && j < x.Passages() && x.recs[j].doc == x.recs[u].doc {
			s = max(s, t.words(j))
		}
	}
	return s
}

// docScore is BM25 of a whole document as a share of what all words could give.
func (x *Index) docScore(l *lookout, doc uint32) float32 {
	if l.docs == 0 {
		return 0
	}
	norm := 1 / (0.25 + 0.75*x.docSize[doc]/l.length)
	var sum float32
	for i := range l.words {
		var best float32
		for j := range l.words[i].forms {
			f := &l.words[i].forms[j]
			if tf := seekDoc(f.docs, doc); tf > 0 {
				w := float32(tf) * norm
				best = max(best, f.docIDF*w/(w+saturation))
			}
		}
		sum += best
	}
	return sum / l.docs * l.trust
}

// seek is the posting of a passage, or nil.
func seek(list []posting, unit uint32) *posting {
	if at := lowest(list, unit); at < len(list) && list[at].unit == unit {
		return &list[at]
	}
	return nil
}

// seekDoc is how often a document has a term.
func seekDoc(list []inDoc, doc uint32) uint32 {
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if list[mid].doc < doc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(list) && list[lo].doc == doc {
		return list[lo].tf
	}
	return 0
}

// maxSequence is the longest question or title whose words' order is compared.
const maxSequence = 64

// longestCommon is the length of the longest common subsequence.
func longestCommon(a, b []uint32) int {
	if len(a) > maxSequence {
		return 0
	}
	var row [maxSequence + 1]int
	for _, w := range b {
		diag := 0
		for j, v := range a {
			old := row[j+1]
			if v == w {
				row[j+1] = diag + 1
			} else {
				row[j+1] = max(old, row[j])
			}
			diag = old
		}
	}
	return row[len(a)]
}

// lowest is where the first posting stands that is not before the passage.
func lowest(list []posting, unit uint32) int {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); list[mid].unit < unit {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
