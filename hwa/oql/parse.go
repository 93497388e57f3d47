package oql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of what Parse reads. They are far above what an operator or the console
// needs (an IN list of 1,000 UUIDs has about 40,000 characters) and keep hostile
// text from costing memory or stack.
const (
	MaxLength = 64 << 10
	MaxDepth  = 64
	maxTerms  = 4096
)

// SyntaxError says where a query or filter stops making sense and what should
// stand there. Offset counts bytes from 0.
type SyntaxError struct {
	Offset   int
	Expected string
	Found    string
}

// Error is one sentence for an operator.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("OQL filter, character %d: expected %s, found %s", e.Offset+1, e.Expected, e.Found)
}

// Quirks switches behaviour that was seen on one release of the product only.
type Quirks struct {
	// RefuseKeyName refuses key.name in conditions (still allowed in ORDER BY),
	// as published for 10.2.8, although the API's own example uses it.
	RefuseKeyName bool
}

// Parse reads a query. The error is a *SyntaxError.
func Parse(text string) (Query, error) { return ParseQuirks(text, Quirks{}) }

// ParseQuirks reads a query as a particular release of the product would.
func ParseQuirks(text string, quirks Quirks) (Query, error) {
	p := &parser{text: text, quirks: quirks}
	if len(text) > MaxLength {
		return Query{}, p.fail(MaxLength, fmt.Sprintf("at most %d characters", MaxLength))
	}
	if !utf8.ValidString(text) {
		return Query{}, p.fail(0, "UTF-8 text")
	}
	q, err := p.query()
	if err != nil {
		return Query{}, err
	}
	return q, nil
}

// ParseExpr reads a condition without ORDER BY.
func ParseExpr(text string) (Expr, error) {
	q, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if len(q.OrderBy) > 0 || q.Where == nil {
		return nil, &SyntaxError{Expected: "a condition without ORDER BY", Found: strconv.Quote(clip(text))}
	}
	return q.Where, nil
}

// parser is a recursive descent over the text; there is no separate lexer
// because what a word may hold depends on whether a field or a value stands there.
type parser struct {
	text   string
	pos    int
	terms  int
	quirks Quirks
}

func (p *parser) query() (Query, error) {
	var q Query
	var err error
	if !p.peekKeyword("ORDER") {
		if q.Where, err = p.or(1); err != nil {
			return q, err
		}
	}
	if p.keyword("ORDER") {
		if q.OrderBy, err = p.orderBy(); err != nil {
			return q, err
		}
	}
	if p.space(); p.pos < len(p.text) {
		return q, p.fail(p.pos, "AND, OR, ORDER BY or the end")
	}
	return q, nil
}

func (p *parser) orderBy() ([]Order, error) {
	if !p.keyword("BY") {
		return nil, p.fail(p.pos, "BY")
	}
	var orders []Order
	for {
		field, err := p.field()
		if err != nil {
			return nil, err
		}
		o := Order{Field: field, Desc: p.keyword("DESC")}
		if !o.Desc {
			p.keyword("ASC")
		}
		if orders = append(orders, o); !p.symbol(",") {
			return orders, nil
		}
		if len(orders) >= MaxDepth {
			return nil, p.fail(p.pos, fmt.Sprintf("at most %d sort fields", MaxDepth))
		}
	}
}

func (p *parser) or(depth int) (Expr, error) { return p.chain(true, "OR", depth, p.and) }

func (p *parser) and(depth int) (Expr, error) { return p.chain(false, "AND", depth, p.primary) }

// chain reads operands joined by one keyword.
func (p *parser) chain(or bool, word string, depth int, operand func(int) (Expr, error)) (Expr, error) {
	var exprs []Expr
	for {
		e, err := operand(depth)
		if err != nil {
			return nil, err
		}
		if exprs = append(exprs, e); !p.keyword(word) {
			return group(or, exprs), nil
		}
	}
}

func (p *parser) primary(depth int) (Expr, error) {
	if !p.symbol("(") {
		return p.term()
	}
	if depth > MaxDepth {
		return nil, p.fail(p.pos, fmt.Sprintf("at most %d nested parentheses", MaxDepth))
	}
	e, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.symbol(")") {
		return nil, p.fail(p.pos, "AND, OR or )")
	}
	return e, nil
}

func (p *parser) term() (Expr, error) {
	start := p.skip()
	field, err := p.field()
	if err != nil {
		return nil, err
	}
	if p.quirks.RefuseKeyName && field == "key.name" {
		return nil, p.fail(start, "a field this engine can filter on (use name)")
	}
	if p.terms++; p.terms > maxTerms {
		return nil, p.fail(start, fmt.Sprintf("at most %d conditions", maxTerms))
	}
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	t := &Term{Field: field, Op: op}
	if op == OpIn || op == OpNotIn {
		t.Values, err = p.list(op)
	} else {
		var v Value
		v, err = p.value(op)
		t.Values = []Value{v}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (p *parser) field() (string, error) {
	p.space()
	n := fieldLength(p.text[p.pos:])
	name := p.text[p.pos : p.pos+n]
	if n == 0 || isReserved(name) {
		return "", p.fail(p.pos, "a field name")
	}
	p.pos += n
	if p.pos < len(p.text) && !strings.ContainsRune(" \t\r\n=!<>,)", rune(p.text[p.pos])) {
		return "", p.fail(p.pos, "a field name of letters, digits, '-', '#' and '.'")
	}
	return name, nil
}

// fieldLength is the length of the field name at the start of s, 0 when there is
// none. Every part between dots must be non-empty.
func fieldLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || n > 0 && (isDigit(s[n]) || s[n] == '-' || s[n] == '#' || s[n] == '.' && s[n-1] != '.')) {
		n++
	}
	if n > 0 && s[n-1] == '.' {
		n--
	}
	return n
}

func (p *parser) operator() (Op, error) {
	p.space()
	for _, c := range [...]struct {
		text string
		op   Op
	}{{"!=", OpNe}, {"<=", OpLe}, {">=", OpGe}, {"=", OpEq}, {"<", OpLt}, {">", OpGt}} {
		if p.symbol(c.text) {
			return c.op, nil
		}
	}
	switch {
	case p.keyword("IN"):
		return OpIn, nil
	case p.keyword("LIKE"):
		return OpLike, nil
	case p.keyword("NOT"):
		if p.keyword("IN") {
			return OpNotIn, nil
		}
		if p.keyword("LIKE") {
			return OpNotLike, nil
		}
		return 0, p.fail(p.pos, "IN or LIKE after NOT")
	}
	return 0, p.fail(p.pos, "an operator (= != < <= > >= IN, NOT IN, LIKE, NOT LIKE)")
}

func (p *parser) list(op Op) ([]Value, error) {
	if !p.symbol("[") {
		return nil, p.fail(p.pos, "[ and a list of values")
	}
	var values []Value
	for {
		v, err := p.value(op)
		if err != nil {
			return nil, err
		}
		if values = append(values, v); p.symbol("]") {
			return values, nil
		}
		if !p.symbol(",") {
			return nil, p.fail(p.pos, ", or ]")
		}
	}
}

func (p *parser) value(op Op) (Value, error) {
	start := p.skip()
	var v Value
	var err error
	if strings.HasPrefix(p.text[p.pos:], "'") {
		v, err = p.quoted()
	} else {
		v, err = p.bare()
	}
	if err == nil && !op.takes(v.kind) {
		return v, p.fail(start, op.wants()+" after "+op.String())
	}
	return v, err
}

// quoted reads a string; a doubled quote stands for one.
func (p *parser) quoted() (Value, error) {
	start := p.pos
	var b strings.Builder
	for rest := p.text[start+1:]; ; {
		before, after, closed := strings.Cut(rest, "'")
		if !closed {
			return Value{}, p.fail(start, "a closing quote (') for the string that starts here")
		}
		b.WriteString(before)
		if !strings.HasPrefix(after, "'") {
			p.pos = len(p.text) - len(after)
			return Str(b.String()), nil
		}
		b.WriteByte('\'')
		rest = after[1:]
	}
}

// bare reads a value that stands without quotes.
func (p *parser) bare() (Value, error) {
	n := strings.IndexAny(p.text[p.pos:], " \t\r\n,()[]'=!<>")
	if n < 0 {
		n = len(p.text) - p.pos
	}
	word := p.text[p.pos : p.pos+n]
	v, ok := bareValue(word)
	if !ok {
		return v, p.fail(p.pos, "a value (a number, a 'string', true, false or null)")
	}
	p.pos += n
	return v, nil
}

func bareValue(word string) (Value, bool) {
	switch {
	case word == "" || isReserved(word):
		return Value{}, false
	case strings.EqualFold(word, "true"), strings.EqualFold(word, "false"):
		return Bool(strings.EqualFold(word, "true")), true
	case strings.EqualFold(word, "null"):
		return Null(), true
	case word[0] == '-' || isDigit(word[0]):
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			return Int(n), true
		}
		_, err := ParseInstant(word)
		return Str(word), err == nil || isUUID(word)
	}
	return Str(word), strings.Trim(word, wordChars) == ""
}

// wordChars are the characters of names, paths and wildcards: what may stand
// without quotes.
const wordChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./#@?"

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	return strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}

func isReserved(word string) bool {
	for _, k := range [...]string{"AND", "OR", "NOT", "IN", "LIKE", "ORDER", "BY", "ASC", "DESC"} {
		if strings.EqualFold(word, k) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// skip moves over white space and returns the position after it.
func (p *parser) skip() int {
	p.space()
	return p.pos
}

func (p *parser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) symbol(s string) bool {
	if p.space(); !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) keyword(word string) bool {
	if !p.peekKeyword(word) {
		return false
	}
	p.pos += len(word)
	return true
}

// peekKeyword reports whether the word stands next, ending where a field name
// could not go on.
func (p *parser) peekKeyword(word string) bool {
	p.space()
	rest := p.text[p.pos:]
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	return len(rest) == len(word) || strings.IndexByte(" \t\r\n()[]'", rest[len(word)]) >= 0 ||
		word == "ASC" && rest[3] == ',' || word == "DESC" && rest[4] == ','
}

func (p *parser) fail(at int, expected string) error {
	found := "the end"
	if rest := strings.TrimSpace(p.text[min(at, len(p.text)):]); rest != "" {
		found = strconv.Quote(clip(rest))
	}
	return &SyntaxError{Offset: at, Expected: expected, Found: found}
}

// clip shortens text for a message.
func clip(s string) string {
	const most = 24
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
