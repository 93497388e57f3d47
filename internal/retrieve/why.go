package retrieve

// explain says what the score of a candidate is made of. The parts add up to it.
func (x *Index) explain(q *query, l *lookout, c *candidate, o Options) []Part {
	parts := make([]Part, 0, len(l.words)+len(l.codes)+3+features+1)
	add := func(name string, v float32) {
		if v != 0 {
			parts = append(parts, Part{Name: name, Value: float64(v)})
		}
	}
	for i := range q.groups {
		if form, v := l.words[i].in(c.unit); v > 0 {
			add("word "+q.groups[i].word+" as "+form, v)
		}
	}
	for i := range l.codes {
		if p := seek(l.codes[i].posts, c.unit); p != nil {
			add("code "+l.codes[i].term, l.codes[i].worth(p))
		}
	}
	if l.total > 0 && c.words > 0 {
		add("share of the question covered", c.words*q.use.Coverage*c.weight/l.total)
		title := x.titleShare(c.title, c.unit, q)
		add("share of the title asked for", c.words*q.use.Title*title)
		if bonus := x.formBonus(c.unit, q); bonus != 1 {
			add("kind of passage", c.base-c.base/bonus)
		}
	}
	if l.total > 0 && !o.NoRerank {
		for f, w := range q.use.Features {
			add(featureNames[f], w*c.feat[f]*l.total*x.formBonus(c.unit, q))
		}
	}
	if o.Dense != nil {
		add("likeness by "+o.Dense.Model, c.dense)
	}
	return parts
}

// in is the best form of a word in a passage and what it gives.
func (w *asked) in(unit uint32) (term string, value float32) {
	for i := range w.forms {
		f := &w.forms[i]
		p := seek(f.posts, unit)
		if p == nil {
			continue
		}
		if v := f.step() * float32(p.imp); v > value {
			term, value = f.term, v
		}
	}
	return term, value
}
