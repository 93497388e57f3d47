package evaluate

import (
	"hash/fnv"
	"math/rand/v2"
	"sort"
	"strings"
	"unicode"

	"resync/hwa/msgcode"
	"resync/internal/retrieve"
)

// Question is one question with what a right passage holds: any of the gold
// texts, compared by letters and digits alone.
type Question struct {
	Text string
	// Gold are the letters of texts one of which a right passage contains.
	Gold []string
	// Places are where right passages stand; a passage that overlaps one is right.
	Places []Place
}

// Place is a run of lines of a document, counted from 1.
type Place struct {
	Document   string
	Line, Last int
}

// Set is a named list of questions.
type Set struct {
	Name      string
	Questions []Question
}

// Sizes of what the sets are made of.
const (
	goldLetters  = 80  // of a solution or paragraph, in characters
	codeLetters  = 40  // of the message after a code, in characters
	headings     = 600 // questions of T3
	dropShare    = 0.4 // words left out for the d sets
	minParagraph = 60  // characters of a first paragraph
	minWords     = 3   // left after dropping
)

// Generate makes the five sets from manuals: T1 asks for message codes, T2 for the
// solution of each documented problem by its heading, T3 for the first paragraph
// of 600 headings that occur once; T2d and T3d drop about two words in five.
func Generate(docs []retrieve.Document) []Set {
	bodies := make([][]bodyLine, len(docs))
	for i, d := range docs {
		bodies[i] = body(d.Text)
	}
	t2, t3 := problems(bodies), unique(bodies)
	return []Set{
		{"T1", codes(bodies)}, {"T2", t2}, {"T2d", thinned(t2)}, {"T3", t3}, {"T3d", thinned(t3)},
	}
}

// codes asks for every code that stands with the text of its message somewhere.
func codes(bodies [][]bodyLine) []Question {
	gold := map[string][]string{}
	for _, b := range bodies {
		for _, ln := range b {
			for _, m := range msgcode.Find(ln.text) {
				rest := strings.TrimLeft(ln.text[m.End:], " :.-–\"*")
				r := letters(rest)
				if len(r) < 20 {
					continue
				}
				gold[m.Code.Text] = append(gold[m.Code.Text], letters(ln.text[m.Start:m.End])+cut(r, codeLetters))
			}
		}
	}
	names := make([]string, 0, len(gold))
	for c := range gold {
		names = append(names, c)
	}
	sort.Strings(names)
	var out []Question
	for _, c := range names {
		out = append(out, Question{Text: "What does " + c + " mean and how do I fix it?", Gold: gold[c]})
	}
	return out
}

// cut is s without what follows n bytes, not inside a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// problems pairs the heading of each documented problem with the beginning of its
// solution.
func problems(bodies [][]bodyLine) []Question {
	var out []Question
	for _, b := range bodies {
		title, titleAt := "", -1
		for i, ln := range b {
			if !ln.heading {
				continue
			}
			t := strings.TrimSpace(ln.text[2:])
			low := strings.ToLower(strings.Trim(t, " :*"))
			if !strings.HasPrefix(low, "cause and solution") {
				if !idle[low] && len(strings.Fields(t)) > 1 {
					title, titleAt = t, i
				}
				continue
			}
			if g := paragraph(b, i+1, 30); g != "" && titleAt >= 0 && i-titleAt < 200 {
				out = append(out, Question{Text: title, Gold: []string{g}})
				titleAt = -1
			}
		}
	}
	return out
}

// idle headings name no problem.
var idle = map[string]bool{"about this task": true, "symptom": true, "symptoms": true, "problem": true, "note": true, "notes": true,
	"results": true, "example": true, "on windows operating systems": true, "on unix operating systems": true, "problem description": true}

// paragraph is the start of the first text after line i, in letters, or "" when
// a heading comes first or the text is too short.
func paragraph(b []bodyLine, i, least int) string {
	for ; i < len(b); i++ {
		if b[i].text == "" {
			continue
		}
		if b[i].heading || len(b[i].text) < least || strings.HasPrefix(b[i].text, "![") || strings.HasPrefix(b[i].text, "<") {
			return ""
		}
		return letters(cut(b[i].text, goldLetters))
	}
	return ""
}

// unique asks for the first paragraph of headings that occur once in all manuals,
// evenly chosen.
func unique(bodies [][]bodyLine) []Question {
	times := map[string]int{}
	for _, b := range bodies {
		for _, ln := range b {
			if ln.heading {
				times[letters(ln.text)]++
			}
		}
	}
	var all []Question
	for _, b := range bodies {
		for i, ln := range b {
			if !ln.heading || times[letters(ln.text)] > 1 || len(strings.Fields(ln.text)) < 4 {
				continue
			}
			if g := paragraph(b, i+1, minParagraph); g != "" {
				all = append(all, Question{Text: strings.TrimSpace(ln.text[2:]), Gold: []string{g}})
			}
		}
	}
	if len(all) <= headings {
		return all
	}
	out := make([]Question, 0, headings)
	for i := range headings {
		out = append(out, all[i*len(all)/headings])
	}
	return out
}

// thinned drops about two words in five of each question, the same ones every
// time, but leaves at least three: fewer are a question about nothing.
func thinned(in []Question) []Question {
	out := make([]Question, 0, len(in))
	for _, q := range in {
		h := fnv.New64a()
		h.Write([]byte(q.Text))
		rng := rand.New(rand.NewPCG(h.Sum64(), 42))
		words := strings.FieldsFunc(q.Text, unicode.IsSpace)
		keep := make([]bool, len(words))
		left := 0
		for i := range words {
			if keep[i] = rng.Float64() >= dropShare; keep[i] {
				left++
			}
		}
		for left < min(minWords, len(words)) { // put some back
			if i := rng.IntN(len(words)); !keep[i] {
				keep[i] = true
				left++
			}
		}
		var kept []string
		for i, w := range words {
			if keep[i] {
				kept = append(kept, w)
			}
		}
		q.Text = strings.Join(kept, " ")
		out = append(out, q)
	}
	return out
}
