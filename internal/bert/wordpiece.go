package bert

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the longest word in characters that is cut into pieces; a longer
// one is unknown.
const maxWord = 100

// wordpiece is BERT's tokenizer. Names of special tokens within a text are words
// like any other, so a text cannot end itself.
type wordpiece struct {
	vocabulary        map[string]int32
	lower, accents    bool // fold case; keep accents
	cls, sep, unknown int32
}

// readTokenizer reads tokenizer.json, or vocab.txt with tokenizer_config.json.
func readTokenizer(dir string, vocabulary int) (*wordpiece, error) {
	w, err := readTokenizerJSON(dir)
	if errors.Is(err, os.ErrNotExist) {
		w, err = readVocab(dir)
	}
	if err != nil {
		return nil, err
	}
	for _, special := range []struct {
		name string
		id   *int32
	}{{"[CLS]", &w.cls}, {"[SEP]", &w.sep}, {"[UNK]", &w.unknown}} {
		id, ok := w.vocabulary[special.name]
		if !ok {
			return nil, fmt.Errorf("%w: the vocabulary in %s has no %s", ErrModel, dir, special.name)
		}
		*special.id = id
	}
	for word, id := range w.vocabulary {
		if id < 0 || int(id) >= vocabulary {
			return nil, fmt.Errorf("%w: the vocabulary in %s gives %q the number %d, config.json has %d words", ErrModel, dir, word, id, vocabulary)
		}
	}
	return w, nil
}

// readTokenizerJSON reads the form of the tokenizers library.
func readTokenizerJSON(dir string) (*wordpiece, error) {
	var t struct {
		Normalizer struct {
			Type    string `json:"type"`
			Lower   bool   `json:"lowercase"`
			Accents *bool  `json:"strip_accents"`
		} `json:"normalizer"`
		Model struct {
			Type       string          `json:"type"`
			Prefix     string          `json:"continuing_subword_prefix"`
			Vocabulary json.RawMessage `json:"vocab"`
		} `json:"model"`
	}
	if err := readJSON(dir, "tokenizer.json", &t, true); err != nil {
		return nil, err
	}
	if t.Model.Type != "WordPiece" || t.Normalizer.Type != "BertNormalizer" || t.Model.Prefix != "##" {
		return nil, fmt.Errorf("%w: %s: it is a %s tokenizer after a %s; only WordPiece after a BertNormalizer is run here",
			ErrModel, filepath.Join(dir, "tokenizer.json"), t.Model.Type, t.Normalizer.Type)
	}
	w := &wordpiece{lower: t.Normalizer.Lower, accents: !t.Normalizer.Lower}
	if strip := t.Normalizer.Accents; strip != nil {
		w.accents = !*strip
	}
	if err := json.Unmarshal(t.Model.Vocabulary, &w.vocabulary); err != nil {
		return nil, fmt.Errorf("%w: %s: the vocabulary: %w", ErrModel, filepath.Join(dir, "tokenizer.json"), err)
	}
	return w, nil
}

// readVocab reads the older form: a word a line.
func readVocab(dir string) (*wordpiece, error) {
	data, err := os.ReadFile(filepath.Join(dir, "vocab.txt"))
	if err != nil {
		return nil, fmt.Errorf("%w: neither tokenizer.json nor vocab.txt: %w", ErrModel, err)
	}
	config := struct {
		Lower   *bool `json:"do_lower_case"`
		Accents *bool `json:"strip_accents"`
	}{}
	if err := readJSON(dir, "tokenizer_config.json", &config, false); err != nil {
		return nil, err
	}
	w := &wordpiece{vocabulary: map[string]int32{}, lower: config.Lower == nil || *config.Lower}
	w.accents = !w.lower
	if config.Accents != nil {
		w.accents = !*config.Accents
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for id := int32(0); lines.Scan(); id++ {
		w.vocabulary[strings.TrimRight(lines.Text(), "\r")] = id
	}
	return w, lines.Err()
}

// encode returns the numbers of a text's pieces between [CLS] and [SEP], no more
// than limit in all.
func (w *wordpiece) encode(text string, limit int) []int32 {
	out := append(make([]int32, 0, min(limit, len(text)/3+2)), w.cls)
	return append(w.pieces(out, text, limit-1), w.sep)
}

// pieces appends the pieces of a text until out has limit.
func (w *wordpiece) pieces(out []int32, text string, limit int) []int32 {
	word := make([]byte, 0, 64)
	flush := func() {
		if len(word) > 0 {
			out = w.cut(out, word)
			word = word[:0]
		}
	}
	for _, r := range w.normal(text, limit) {
		switch {
		case unicode.IsSpace(r):
			flush()
		case alone(r):
			flush()
			word = utf8.AppendRune(word, r)
			flush()
		default:
			word = utf8.AppendRune(word, r)
		}
		if len(out) >= limit {
			return out[:limit]
		}
	}
	flush()
	return out[:min(len(out), limit)]
}

// normal cleans and folds a text. What cannot be within the limit is left out
// before it costs anything: no piece is longer than a word.
func (w *wordpiece) normal(text string, limit int) string {
	if most := limit * (maxWord + 1) * utf8.UTFMax; len(text) > most {
		text = text[:most]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r):
			return ' '
		case r == 0 || r == utf8.RuneError || unicode.Is(unicode.C, r):
			return -1
		}
		return r
	}, text)
	if !w.accents && !ascii(text) {
		text = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(text))
	}
	if w.lower {
		text = strings.ToLower(text)
	}
	return text
}

// ascii reports whether a text has no other characters.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// alone reports whether a character is a word by itself: punctuation, every ASCII
// symbol, and Chinese characters.
func alone(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
	}
	return unicode.IsPunct(r) || chinese(r)
}

// chinese is the range of characters BERT was trained to see one by one.
func chinese(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2CEAF || r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}

// cut appends the longest pieces a word begins with, one after the other; a word
// that cannot be cut completely is one unknown piece.
func (w *wordpiece) cut(out []int32, word []byte) []int32 {
	if utf8.RuneCount(word) > maxWord {
		return append(out, w.unknown)
	}
	before := len(out)
	buf := make([]byte, 0, 2+len(word))
	for rest := word; len(rest) > 0; {
		buf = buf[:0]
		if len(rest) < len(word) {
			buf = append(buf, "##"...)
		}
		mark := len(buf)
		buf = append(buf, rest...)
		id, size := int32(-1), 0
		for end := len(rest); end > 0; end-- {
			if end < len(rest) && !utf8.RuneStart(rest[end]) {
				continue
			}
			if v, ok := w.vocabulary[string(buf[:mark+end])]; ok {
				id, size = v, end
				break
			}
		}
		if size == 0 {
			return append(out[:before], w.unknown)
		}
		out = append(out, id)
		rest = rest[size:]
	}
	return out
}
