package config

import (
	"regexp"
	"slices"
	"strings"
)

// engineName is what an engine may be called: it becomes part of variables,
// metric labels and messages.
var engineName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

// targetName is what a target of a language model may be called. A dot would be
// taken for a level of keys.
var targetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// section is a level of the tree of known keys.
type section struct {
	spec     *spec
	children map[string]*section
}

// schema arranges the specs as the tree the file is compared with. The child
// "*" stands for any engine name.
func schema(specs []spec) *section {
	root := &section{children: map[string]*section{}}
	for i := range specs {
		at := root
		for part := range strings.SplitSeq(specs[i].name, ".") {
			if at.children[part] == nil {
				at.children[part] = &section{children: map[string]*section{}}
			}
			at = at.children[part]
		}
		at.spec = &specs[i]
	}
	return root
}

// readFile takes the values out of the settings file.
func (l *loader) readFile(name string, data []byte) {
	root := parseYAML(name, data, l.report)
	if root == nil || root.isNull {
		return
	}
	if !root.isMap {
		l.add("", Origin{Layer: File, Name: name, line: root.line, col: root.col}, "the file must be keys with values, such as \"server:\"")
		return
	}
	l.section(name, "", schema(l.specs), root)
}

// section reads one mapping of the file against its level of the schema.
func (l *loader) section(file, prefix string, want *section, m *node) {
	for _, f := range m.fields {
		key, o := prefix+f.name, Origin{Layer: File, Name: file, line: f.line, col: f.col}
		var child *section
		switch {
		case want.children["*"] != nil:
			child = l.named(prefix, f.name, key, o, want)
		case want.children[f.name] != nil:
			child = want.children[f.name]
		default:
			l.add(key, o, "unknown key%s", l.suggest(prefix, f.name, want))
		}
		switch {
		case child == nil:
		case child.spec != nil:
			l.leaf(key, o, child.spec, f.value)
		case f.value.isMap:
			l.section(file, key+".", child, f.value)
		case !f.value.isNull:
			l.add(key, o, "needs keys of its own below it: %s", strings.Join(names(child), ", "))
		}
	}
}

// names lists the children of a section, sorted.
func names(s *section) []string {
	var out []string
	for n := range s.children {
		out = append(out, strings.Replace(n, "*", "NAME", 1))
	}
	slices.Sort(out)
	return out
}

// suggest finds what an unknown key was meant to be: a sibling, or the same
// name somewhere else in the file.
func (l *loader) suggest(prefix, name string, want *section) string {
	if n := nearest(name, names(want)); n != "" {
		return "; did you mean " + prefix + n + "?"
	}
	for _, s := range l.specs {
		if s.name[strings.LastIndexByte(s.name, '.')+1:] == name {
			return "; did you mean " + strings.ReplaceAll(s.name, "*", "NAME") + "?"
		}
	}
	return ""
}

// named registers an engine, a target of a language model or a receiver that the file names,
// and returns its section, or nil when the name cannot be used.
func (l *loader) named(prefix, name, key string, o Origin, want *section) *section {
	if prefix == targetGroup+"." {
		return l.llmTarget(name, key, o, want)
	}
	if prefix == hookGroup+"." {
		return l.webhook(name, key, o, want)
	}
	return l.engine(name, key, o, want)
}

// llmTarget is named for a target.
func (l *loader) llmTarget(name, key string, o Origin, want *section) *section {
	if !targetName.MatchString(name) {
		l.add(key, o, "a target's name is a letter or digit, then up to 63 letters, digits, - or _")
		return nil
	}
	for _, t := range l.cfg.LLM.Targets {
		if envForm(t.Name) == envForm(name) {
			l.add(key, o, "the targets %s and %s cannot be told apart in variable names", t.Name, name)
			return nil
		}
	}
	l.cfg.LLM.Targets = append(l.cfg.LLM.Targets, LLMTarget{Name: name})
	return want.children["*"]
}

// engine is named for an engine.
func (l *loader) engine(name, key string, o Origin, want *section) *section {
	if !engineName.MatchString(name) {
		l.add(key, o, "an engine's name is a letter, then up to 31 letters, digits, - or _")
		return nil
	}
	for _, e := range l.cfg.Engines {
		if envForm(e.Name) == envForm(name) {
			l.add(key, o, "the engines %s and %s cannot be told apart in variable names", e.Name, name)
			return nil
		}
	}
	l.cfg.Engines = append(l.cfg.Engines, Engine{Name: name})
	return want.children["*"]
}

// leaf takes the value of one key. A secret written out is refused even when
// the environment overrides it: it would stay in the file.
func (l *loader) leaf(key string, o Origin, s *spec, n *node) {
	var texts []string
	switch {
	case n.isScalar && n.scalar != "":
		texts = []string{n.scalar}
	case n.isList && s.kind.list:
		for _, item := range n.items {
			item = referenceItem(item)
			if !item.isScalar || item.scalar == "" {
				l.add(key, Origin{Layer: File, Name: o.Name, line: item.line, col: item.col}, "an entry of this list is not a text")
				return
			}
			texts = append(texts, item.scalar)
		}
	case n.isNull, n.isScalar:
		l.add(key, o, "has no value; write one or leave the key out (%s)", s.kind.doc)
		return
	default:
		l.add(key, o, "takes one value (%s), not a %s", s.kind.doc, shape(n))
		return
	}
	o.line, o.col = n.line, n.col
	for _, text := range texts {
		if s.kind.secret && !isReference(text) && (!s.kind.maySpell || spelledPassword(text) || (s.kind.query && strings.Contains(text, "?"))) {
			l.add(key, o, "%v", errLiteral)
			return
		}
	}
	l.values[key] = value{texts, o}
	l.scratch(key, o, s, texts)
}

// referenceItem undoes what the parser makes of [env:NAME]: a mapping of env to
// NAME, although no space follows the colon.
func referenceItem(n *node) *node {
	if !n.isMap || len(n.fields) != 1 || !n.fields[0].value.isScalar {
		return n
	}
	f := n.fields[0]
	if text := f.name + ":" + f.value.scalar; isReference(text) {
		return &node{line: n.line, col: n.col, isScalar: true, scalar: text}
	}
	return n
}

// shape names a value of the wrong form.
func shape(n *node) string {
	if n.isList {
		return "list"
	}
	return "group of keys"
}

// scratch checks a value that the environment will override, so that a mistake
// in the file does not lie in wait. A value that wins is checked when it is set.
func (l *loader) scratch(key string, o Origin, s *spec, texts []string) {
	engine := ""
	if group := s.group(); group != "" {
		engine, _, _ = strings.Cut(strings.TrimPrefix(key, group+"."), ".")
	}
	overridden := slices.ContainsFunc(s.vars(engine), func(v string) bool { return l.env[v] != "" })
	if !overridden || s.kind.secret {
		return
	}
	if err := s.kind.set(target{Config: &Config{}, engine: &Engine{}, llm: &LLMTarget{}, hook: &Webhook{}}, texts); err != nil {
		l.add(key, o, "%v", err)
	}
}
