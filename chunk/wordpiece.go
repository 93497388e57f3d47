package chunk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// WordPiece is the tokenizer of BERT and the embedding models made from it
// (MiniLM, bge, e5 in English): words in lower case without accents, cut greedily
// into the longest pieces of a vocabulary. It counts no [CLS] and [SEP]. It is safe
// for concurrent use.
type WordPiece struct {
	ids   map[string]int32
	unk   int32
	cased bool
	memos *sync.Pool
}

// longestWord is the most characters of a word that is looked up; a longer one is
// one unknown token, as in BERT.
const longestWord = 100

// wordMemo is how many words one goroutine remembers before it starts anew.
const wordMemo = 1 << 15

// NewWordPiece reads a vocabulary, one token a line (vocab.txt of a model); the
// line is the id. A vocabulary in which words begin with capitals keeps case and
// accents. It must hold [UNK].
func NewWordPiece(r io.Reader) (*WordPiece, error) {
	w := &WordPiece{ids: map[string]int32{}, unk: -1}
	w.memos = &sync.Pool{New: func() any { return &wordCache{counts: map[string]int32{}} }}
	capitals := 0
	for sc := bufio.NewScanner(r); ; {
		if !sc.Scan() {
			if err := sc.Err(); err != nil {
				return nil, fmt.Errorf("read the vocabulary: %w", err)
			}
			break
		}
		token, id := strings.TrimRight(sc.Text(), "\r"), int32(len(w.ids))
		if _, twice := w.ids[token]; twice {
			return nil, fmt.Errorf("read the vocabulary: line %d repeats %q", id+1, token)
		}
		if len(w.ids) > 1<<20 {
			return nil, errors.New("read the vocabulary: more than a million lines")
		}
		w.ids[token] = id
		if token == "[UNK]" {
			w.unk = id
		}
		if len(token) > 2 && token[0] >= 'A' && token[0] <= 'Z' {
			capitals++
		}
	}
	if w.unk < 0 {
		return nil, errors.New("read the vocabulary: no line is [UNK]; this is no vocabulary of WordPiece")
	}
	w.cased = capitals > 100
	return w, nil
}

// Name is "wordpiece".
func (w *WordPiece) Name() string { return "wordpiece" }

// Count is the number of tokens of text.
func (w *WordPiece) Count(text string) int {
	total := 0
	w.pieces(text, 0, unbounded, func(_, tokens int) bool { total += tokens; return true })
	return total
}

// Encode is the ids of text.
func (w *WordPiece) Encode(text string) []int {
	var out []int
	for i := 0; i < len(text); {
		end := wordEnd(text, i)
		w.split(text[i:end], func(id int32) { out = append(out, int(id)) })
		i = end
	}
	return out
}

// wordCache is used by one goroutine at a time.
type wordCache struct{ counts map[string]int32 }

func (w *WordPiece) pieces(s string, i, _ int, yield func(end, tokens int) bool) {
	c := w.memos.Get().(*wordCache)
	defer w.memos.Put(c)
	for i < len(s) {
		end := wordEnd(s, i)
		if !yield(end, w.weigh(c, s[i:end])) {
			return
		}
		i = end
	}
}

func (w *WordPiece) weigh(c *wordCache, piece string) int {
	if piece == " " {
		return 0
	}
	if n, ok := c.counts[piece]; ok {
		return int(n)
	}
	n := int32(0)
	w.split(piece, func(int32) { n++ })
	if len(piece) <= memoLongest {
		if len(c.counts) >= wordMemo {
			c.counts = map[string]int32{}
		}
		c.counts[strings.Clone(piece)] = n
	}
	return int(n)
}

// Kinds of characters as BERT's basic tokenizer sees them.
type wordKind uint8

const (
	wordLetter wordKind = iota
	wordBlank
	wordAlone // punctuation and ideographs: a word of their own
)

func wordKindOf(r rune) wordKind {
	switch {
	case r == ' ' || r == '\t' || r == '\n' || r == '\r':
		return wordBlank
	case r < utf8.RuneSelf:
		if r > ' ' && r < 0x7f && !(r >= '0' && r <= '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
			return wordAlone
		}
		return wordLetter
	case unicode.Is(unicode.Z, r):
		return wordBlank
	case unicode.IsPunct(r), ideograph(r):
		return wordAlone
	}
	return wordLetter
}

// ideograph are the blocks that BERT sets apart.
func ideograph(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x2ceaf ||
		r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f
}

// wordEnd is the end of the blanks, the word, or the lone character at s[i].
func wordEnd(s string, i int) int {
	r, n := utf8.DecodeRuneInString(s[i:])
	k := wordKindOf(r)
	i += n
	if k == wordAlone {
		return i
	}
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if wordKindOf(r) != k {
			return i
		}
		i += n
	}
	return i
}

// split gives the ids of a piece.
func (w *WordPiece) split(piece string, yield func(int32)) {
	for _, word := range w.normal(piece) {
		if utf8.RuneCountInString(word) > longestWord {
			yield(w.unk)
			continue
		}
		ids := make([]int32, 0, 8)
		for from := 0; from < len(word); {
			id, n := w.longest(word, from)
			if n == 0 {
				ids = append(ids[:0], w.unk)
				break
			}
			ids = append(ids, id)
			from += n
		}
		for _, id := range ids {
			yield(id)
		}
	}
}

// longest is the longest token of the vocabulary at word[from:], with its length.
func (w *WordPiece) longest(word string, from int) (int32, int) {
	prefix := ""
	if from > 0 {
		prefix = "##"
	}
	for end := len(word); end > from; end-- {
		if end < len(word) && !utf8.RuneStart(word[end]) {
			continue
		}
		if id, ok := w.ids[prefix+word[from:end]]; ok {
			return id, end - from
		}
	}
	return 0, 0
}

// normal is the piece without control characters and, for a vocabulary without
// case, in lower case without accents; taking an accent off can leave a sign
// ("≠" is "=") that stands alone.
func (w *WordPiece) normal(piece string) []string {
	ascii := true
	for i := 0; i < len(piece) && ascii; i++ {
		ascii = piece[i] > ' ' && piece[i] < 0x7f
	}
	if ascii {
		if !w.cased {
			piece = strings.ToLower(piece)
		}
		return []string{piece}
	}
	s := strings.Map(func(r rune) rune {
		if r == 0 || r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, piece)
	if !w.cased {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return unicode.ToLower(r)
		}, norm.NFD.String(s))
	}
	var out []string
	for i := 0; i < len(s); {
		end := wordEnd(s, i)
		if r, _ := utf8.DecodeRuneInString(s[i:]); wordKindOf(r) != wordBlank {
			out = append(out, s[i:end])
		}
		i = end
	}
	return out
}
