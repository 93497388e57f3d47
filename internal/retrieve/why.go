package retrieve

// explain says what the score of a candidate is made of. The parts add up to it.
func (x *Index) explain(t *tally, q *query, c *candidate, o Options) {
	add := func(name string, v float32) {
		if v != 0 {
			c.parts = append(c.parts, Part{Name: name, Value: float64(v)})
		}
	}
	for i := range q.groups {
		if form, v := x.wordValue(&q.groups[i], c.unit); v > 0 {
			add("word "+q.groups[i].word+" as "+form, v)
		}
	}
	for _, code := range q.codes {
		if id := x.find(codeTerm(code)); id >= 0 {
			if p := seek(x.list(id), c.unit); p != nil {
				w := float32(codeInBody)
				if p.tf[fieldTitle] > 0 {
					w = codeInTitle
				}
				add("code "+code, w*x.idf(len(x.list(id))))
			}
		}
	}
	cell := &t.cells[c.unit]
	if t.total > 0 && c.words > 0 {
		add("share of the question covered", c.words*q.use.Coverage*cell.weight/t.total)
		title := x.titleShare(cell, c.unit, q)
		add("share of the title asked for", c.words*q.use.Title*title)
		if bonus := x.formBonus(c.unit, q); bonus != 1 {
			add("kind of passage", c.base-c.base/bonus)
		}
	}
	if t.total > 0 && !o.NoRerank {
		for f, w := range q.use.Features {
			add(featureNames[f], w*c.feat[f]*t.total*x.formBonus(c.unit, q))
		}
	}
	if o.Dense != nil {
		add("likeness by "+o.Dense.Model, c.dense)
	}
}

// wordValue is the best form of a word in a passage and what it gives.
func (x *Index) wordValue(g *group, unit uint32) (form string, value float32) {
	for _, m := range g.terms {
		id := x.find(m.term)
		if id < 0 {
			continue
		}
		list := x.list(id)
		p := seek(list, unit)
		if p == nil {
			continue
		}
		if v := x.idf(len(list)) * m.weight * (saturation + 1) / 255 * float32(p.imp); v > value {
			form, value = m.term, v
		}
	}
	return form, value
}
