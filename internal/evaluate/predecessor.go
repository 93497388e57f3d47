package evaluate

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// This file re-creates the chunkers of the Python predecessor (v5.4.2) as a
// baseline, from the description of what they did and what was measured on them.
// They are as they were, with their faults: a problem and its "Cause and solution"
// are two chunks, text above the first heading is lost, contents pages are text,
// tables exceed the limit, section paths are single titles. Tokens are characters
// divided by four, which the predecessor fell back to. Its fixed_size never ended and
// its semantic path needed a model; neither is here.

// PredecessorStrategy names a chunker of the predecessor.
type PredecessorStrategy string

// The strategies of the predecessor that run.
const (
	PredecessorTWSOptimized   PredecessorStrategy = "tws_optimized"
	PredecessorStructureAware PredecessorStrategy = "structure_aware"
	PredecessorRecursive      PredecessorStrategy = "recursive"
)

// PredecessorChunk is one of its chunks. Span is where it comes from, without the
// sentences it repeats; Content has those, Contextualized the prefix as well.
type PredecessorChunk struct {
	Span
	Type, Section           string
	Content, Contextualized string
}

// Sizes of its configuration, in its tokens.
const (
	predMax     = 500
	predOverlap = 75
)

// Predecessor cuts a text as the predecessor did. The title stands in the context
// prefix.
func Predecessor(text, title string, strategy PredecessorStrategy) []PredecessorChunk {
	p := predecessor{text: text, title: title}
	if strategy == PredecessorRecursive {
		p.pack("", Span{0, len(text)}, p.separated(Span{0, len(text)}, []string{"\n\n\n", "\n\n", "\n", ". ", " "}), "text")
		return p.out
	}
	for _, s := range p.sections() {
		p.section(s, strategy)
	}
	return p.out
}

type predecessor struct {
	text, title string
	out         []PredecessorChunk
}

func predTokens(s string) int { return utf8.RuneCountInString(s) / 4 }

type predSection struct {
	Span
	title string
}

var predHeader = regexp.MustCompile(`^#{1,6}\s+(.+)$`)

// sections are the headings outside fences with what follows; what stands above the
// first is lost.
func (p *predecessor) sections() []predSection {
	var out []predSection
	fence, pos := false, 0
	for _, ln := range strings.SplitAfter(p.text, "\n") {
		s := strings.TrimRight(ln, "\r\n")
		if strings.HasPrefix(strings.TrimSpace(s), "```") {
			fence = !fence
		}
		if m := predHeader.FindStringSubmatch(s); m != nil && !fence {
			if n := len(out); n > 0 {
				out[n-1].End = pos
			}
			out = append(out, predSection{Span{pos, len(p.text)}, strings.TrimSpace(m[1])})
		}
		pos += len(ln)
	}
	return out
}

var (
	predCode    = regexp.MustCompile(`(?i)\b(?:AWS[A-Z]{2,4}\d{3}[EWI]?|AWSJ[A-Z]*\d+|AWKR[A-Z]*\d+|JAW[A-Z]*\d+)`)
	predStep    = regexp.MustCompile(`(?m)^\s*(?:\d+\.|Step\s+\d+|[a-z]\)|[-•])\s`)
	predTable   = regexp.MustCompile(`(?m)^\|.+\|\s*$`)
	predCommand = regexp.MustCompile(`(?i)\b(?:conman|optman|composer|planman|stageman|datecalc|jnextday|batchman|mailman|jobman)\b`)
	predLabels  = []string{"cause:", "solution:", "explanation:", "resolution:", "user response:", "system action:", "to resolve"}
)

// typeOf follows its order of detection.
func (*predecessor) typeOf(s string) string {
	low := strings.ToLower(s)
	if predCode.MatchString(s) {
		for _, l := range predLabels {
			if strings.Contains(low, l) {
				return "error_documentation"
			}
		}
	}
	switch {
	case len(predStep.FindAllStringIndex(s, 2)) >= 2:
		return "procedure"
	case strings.Contains(s, "```"):
		return "code"
	case predTable.MatchString(s):
		return "table"
	}
	return "text"
}

func (p *predecessor) section(s predSection, strategy PredecessorStrategy) {
	text := p.text[s.Start:s.End]
	if strings.TrimSpace(text) == "" {
		return
	}
	kind, n := p.typeOf(text), predTokens(text)
	whole := map[string]int{"error_documentation": 2 * predMax, "table": 2 * predMax, "code": 2 * predMax, "procedure": predMax * 3 / 2}[kind]
	if strategy == PredecessorStructureAware {
		whole = max(whole, predMax)
	}
	switch {
	case n <= whole:
		p.emit(s.title, s.Span, text, kind)
	case kind == "procedure":
		p.pack(s.title, s.Span, p.steps(s.Span), kind)
	default:
		p.pack(s.title, s.Span, p.paragraphs(s.Span), kind)
	}
}

// steps cuts before each step.
func (p *predecessor) steps(s Span) []Span {
	var out []Span
	from := s.Start
	for _, m := range predStep.FindAllStringIndex(p.text[s.Start:s.End], -1) {
		if at := s.Start + m[0]; at > from {
			out = append(out, Span{from, at})
			from = at
		}
	}
	return append(out, Span{from, s.End})
}

var (
	predBlank    = regexp.MustCompile(`\n\s*\n`)
	predSentence = regexp.MustCompile(`[.!?]\s+`)
)

// paragraphs are cut at blank lines, and those too long at sentences.
func (p *predecessor) paragraphs(s Span) []Span {
	var out []Span
	for _, para := range p.cut(s, predBlank) {
		if predTokens(p.text[para.Start:para.End]) > predMax {
			out = append(out, p.cut(para, predSentence)...)
		} else {
			out = append(out, para)
		}
	}
	return out
}

func (p *predecessor) cut(s Span, sep *regexp.Regexp) []Span {
	var out []Span
	from := s.Start
	for _, m := range sep.FindAllStringIndex(p.text[s.Start:s.End], -1) {
		out = append(out, Span{from, s.Start + m[1]})
		from = s.Start + m[1]
	}
	if from < s.End {
		out = append(out, Span{from, s.End})
	}
	return out
}

// separated cuts at the first separator whose parts are small enough, and what is
// not at the next.
func (p *predecessor) separated(s Span, seps []string) []Span {
	if predTokens(p.text[s.Start:s.End]) <= predMax || len(seps) == 0 {
		return []Span{s}
	}
	var out []Span
	from := s.Start
	for from < s.End {
		to := s.End
		if i := strings.Index(p.text[from:s.End], seps[0]); i >= 0 {
			to = from + i + len(seps[0])
		}
		out = append(out, p.separated(Span{from, to}, seps[1:])...)
		from = to
	}
	return out
}

// pack fills chunks up to the limit; each begins with the last sentences of the one
// before, up to the overlap.
func (p *predecessor) pack(section string, whole Span, parts []Span, kind string) {
	from, tokens, repeat := whole.Start, 0, ""
	end := whole.Start
	flush := func() {
		if end > from {
			content := repeat + p.text[from:end]
			p.emit(section, Span{from, end}, content, kind)
			repeat = p.tail(Span{from, end})
			tokens = predTokens(repeat)
		}
		from = end
	}
	for _, part := range parts {
		n := predTokens(p.text[part.Start:part.End])
		if tokens+n > predMax && end > from {
			flush()
		}
		tokens += n
		end = part.End
	}
	flush()
}

// tail is the last sentences of a span, up to the overlap.
func (p *predecessor) tail(s Span) string {
	sentences := p.cut(s, predSentence)
	from, tokens := s.End, 0
	for i := len(sentences) - 1; i > 0; i-- {
		n := predTokens(p.text[sentences[i].Start:sentences[i].End])
		if tokens+n > predOverlap {
			break
		}
		tokens += n
		from = sentences[i].Start
	}
	return p.text[from:s.End]
}

// emit adds a chunk with the prefix the code produced.
func (p *predecessor) emit(section string, s Span, content, kind string) {
	content = strings.TrimSpace(content)
	if content == "" {
		return
	}
	var ctx []string
	if p.title != "" {
		ctx = append(ctx, "Document: "+p.title)
	}
	if section != "" {
		ctx = append(ctx, "Section: "+section)
	}
	switch kind {
	case "error_documentation":
		ctx = append(ctx, "Error codes documented: "+strings.Join(distinct(predCode.FindAllString(content, -1), strings.ToUpper), ", "))
	case "procedure":
		ctx = append(ctx, "This section describes a procedure or steps.")
	case "code":
		ctx = append(ctx, "This section contains code or command examples.")
	case "table":
		ctx = append(ctx, "This section contains tabular data.")
	}
	if commands := distinct(predCommand.FindAllString(content, -1), strings.ToLower); len(commands) > 0 {
		ctx = append(ctx, "TWS commands referenced: "+strings.Join(commands, ", "))
	}
	p.out = append(p.out, PredecessorChunk{
		Span: s, Type: kind, Section: section, Content: content,
		Contextualized: "[Context: " + strings.Join(ctx, " | ") + "]\n\n" + content,
	})
}

// distinct are the first three different words.
func distinct(words []string, spell func(string) string) []string {
	var out []string
next:
	for _, w := range words {
		w = spell(w)
		for _, have := range out {
			if have == w {
				continue next
			}
		}
		if out = append(out, w); len(out) == 3 {
			break
		}
	}
	return out
}
