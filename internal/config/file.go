package config

import (
	"regexp"
	"slices"
	"strings"
)

// engineName is what an engine may be called: it becomes part of variables,
// metric labels and messages.
var engineName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

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
			child = l.engine(f.name, key, o, want)
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

// engine registers an engine named by the file and returns its section, or nil
// when the name cannot be used.
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
	if s.kind.secret && !isReference(texts[0]) && (!s.kind.maySpell || spelledPassword(texts[0])) {
		l.add(key, o, "%v", errLiteral)
		return
	}
	l.values[key] = value{texts, o}
	l.scratch(key, o, s, texts)
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
	if s.perEngine() {
		engine = strings.Split(key, ".")[1]
	}
	overridden := slices.ContainsFunc(s.vars(engine), func(v string) bool { return l.env[v] != "" })
	if !overridden || s.kind.secret {
		return
	}
	if err := s.kind.set(target{Config: &Config{}, engine: &Engine{}}, texts); err != nil {
		l.add(key, o, "%v", err)
	}
}
