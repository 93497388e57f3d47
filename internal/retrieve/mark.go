package retrieve

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"resync/chunk"
)

// probe are words of every form the analyser treats in a way of its own.
const probe = `# JnextPlan and AWSBCV082I: the agent does not link

Running optman ls -r JobManager.ini openSession CPU_CLASS mm unlink 10.2.5 stopped jobs' failures.

| option | meaning |
|--------|---------|
| limit  | jobs    |
`

// mark tells apart programs that count the words of a text differently. It is made by
// analysing the glossaries and lists of words, so nobody has to remember to change a
// number: an index file of another mark is made again. It never changes while the program
// runs.
var mark = sync.OnceValue(makeMark)

func makeMark() string {
	h := sha256.New()
	text := probe + "\n# Words\n\n" + synonymText + "\n# Palavras\n\n" + glossaryText
	for _, list := range []map[string]bool{onlyEnglish, stopEnglish, onlyPortuguese, stopPortuguese, ambiguous} {
		text += "\n" + strings.Join(slices.Sorted(maps.Keys(list)), " ")
	}
	for _, d := range []Document{{Name: "en", Text: text}, {Name: "pt", Text: "Não foi possível: o agente está parado e não responde. " + glossaryText}} {
		chunks := []chunk.Chunk{{ID: "1", Title: "JnextPlan ended", Path: []string{"Agents", "JnextPlan ended"}, Kind: chunk.KindEntry, Content: d.Text, End: len(d.Text)}}
		s := AnalyseChunks(d, chunks)
		for i, t := range s.terms {
			_, _ = fmt.Fprintln(h, t, s.hashes[i], s.posts[s.from[i]:s.from[i+1]]) // a hash takes everything
		}
		for i := range s.passages {
			p := &s.passages[i]
			_, _ = fmt.Fprintln(h, p.size, p.sketch, p.sign, p.titleSeq, p.see, string(p.meta)) // as above
		}
	}
	_, _ = fmt.Fprintln(h, fieldWeight, lengthWeight, saturation, kinds) // as above
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// contents is what an index file says about its documents.
type contents struct {
	Mark      string     `json:"mark"`
	Documents []Document `json:"documents"`
}

// readContents takes over the documents, and checks that everything fits and was made
// by a program like this one.
func (x *Index) readContents(data []byte) error {
	var c contents
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	x.docs = c.Documents
	for _, d := range x.docs {
		x.own = x.own || !d.Builtin
	}
	if err := x.check(); err != nil {
		return err
	}
	x.brief()
	if c.Mark != mark() {
		return errors.New("its words were counted by another version of the program")
	}
	return nil
}

// Document describes one document; they are counted from 0 in the order they were
// joined.
func (x *Index) Document(i int) Document { return x.docs[i] }

// PassagesOf says which rows are the passages of a document: from the first to before
// the second number.
func (x *Index) PassagesOf(doc int) (from, end int) { return x.unitsOf(doc) }

// Row is the row of the first passage with an id, and whether there is one.
func (x *Index) Row(id string) (int, bool) {
	defer runtime.KeepAlive(x)
	want := id + "\x00"
	if strings.Contains(id, "\x00") {
		return 0, false
	}
	for u := range x.Passages() {
		if at := x.recs[u].meta; strings.HasPrefix(view(x.meta[at:x.recs[u+1].meta]), want) {
			return u, true
		}
	}
	return 0, false
}
