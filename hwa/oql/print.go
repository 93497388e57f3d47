package oql

import "strings"

// String is the query with canonical spacing and keywords; Parse reads it back
// to the same query. For text that goes to an engine use Wire.
func (q Query) String() string {
	var b strings.Builder
	if q.Where != nil {
		b.WriteString(q.Where.String())
	}
	for i, o := range q.OrderBy {
		switch {
		case i > 0:
			b.WriteString(", ")
		case q.Where != nil:
			b.WriteString(" ORDER BY ")
		default:
			b.WriteString("ORDER BY ")
		}
		b.WriteString(o.Field)
		if o.Desc {
			b.WriteString(" DESC")
		} else {
			b.WriteString(" ASC")
		}
	}
	return b.String()
}

// String is the term as it stands in a query.
func (t *Term) String() string {
	var b strings.Builder
	b.WriteString(t.Field)
	b.WriteByte(' ')
	b.WriteString(t.Op.String())
	b.WriteByte(' ')
	list := t.Op == OpIn || t.Op == OpNotIn
	if list {
		b.WriteByte('[')
	}
	for i, v := range t.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.String())
	}
	if list {
		b.WriteByte(']')
	}
	return b.String()
}

// String is the group without outer parentheses; an OR inside an AND, and a
// group inside a group, is put in parentheses.
func (g *Group) String() string {
	word := " AND "
	if g.Or {
		word = " OR "
	}
	parts := make([]string, len(g.Exprs))
	for i, e := range g.Exprs {
		parts[i] = e.String()
		if _, nested := e.(*Group); nested {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, word)
}

// String is the value as a literal; strings, instants and durations are quoted,
// a quote inside is doubled, a list is written in brackets.
func (v Value) String() string {
	switch v.kind {
	case KindString, KindInstant, KindDuration:
		return "'" + strings.ReplaceAll(v.plain(), "'", "''") + "'"
	case KindList:
		parts := make([]string, len(v.list))
		for i, w := range v.list {
			parts[i] = w.String()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return v.plain()
	}
}
