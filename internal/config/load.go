package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// defaultEngine is the engine that the contract's TWS_* variables describe.
const defaultEngine = "default"

// LoadOptions says where settings come from.
type LoadOptions struct {
	File string          // settings file; "" takes the one named by RESYNC_CONFIG, if any
	Env  func() []string // "NAME=value" lines; nil is os.Environ
}

// Load reads and checks the settings. On error the Config is nil and the error
// joins every problem found, each a *Problem; the warnings are returned in
// either case.
func Load(o LoadOptions) (*Config, []Warning, error) {
	environ := o.Env
	if environ == nil {
		environ = os.Environ
	}
	env := readEnviron(environ())
	name := o.File
	if name == "" {
		name = env["RESYNC_CONFIG"]
	}
	var data []byte
	if name != "" {
		var err error
		if data, err = readBounded(name, maxFile+1); err != nil {
			return nil, nil, fmt.Errorf("settings file: %w", err)
		}
	}
	return load(filepath.Base(name), data, env)
}

// load does the work of Load on data already read.
func load(name string, data []byte, env map[string]string) (*Config, []Warning, error) {
	l := &loader{
		cfg: &Config{}, env: env, specs: specs(), report: &report{},
		values: map[string]value{}, used: map[string]bool{},
	}
	if len(data) > 0 {
		l.readFile(name, data)
	}
	l.addEngines()
	l.addTargets()
	l.addWebhook()
	l.readEnv()
	l.assign()
	if len(l.problems) == 0 { // else the cross-checks would only repeat what is known
		l.check()
	}
	if err := l.err(); err != nil {
		return nil, l.warnings, err
	}
	return l.cfg, l.warnings, nil
}

// loader carries the state of one Load.
type loader struct {
	*report
	cfg    *Config
	env    map[string]string
	specs  []spec
	values map[string]value // :: full key → the winning value so far
	used   map[string]bool  // :: names of variables that were looked at
}

// value is what a layer says about a key.
type value struct {
	texts  []string
	origin Origin
}

// readEnviron turns "NAME=value" lines into a map. An empty variable counts as
// not set, as shells and compose files leave them behind.
func readEnviron(lines []string) map[string]string {
	env := map[string]string{}
	for _, line := range lines {
		if k, v, ok := strings.Cut(line, "="); ok && v != "" {
			env[k] = v
		}
	}
	return env
}

// readBounded reads a regular file of at most limit bytes; of a longer one the
// first limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path) // before opening: opening a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// addEngines creates the engine "default" for the contract's variables when
// the file names no engine.
func (l *loader) addEngines() {
	named := len(l.cfg.Engines) > 0
	hasDefault := slices.ContainsFunc(l.cfg.Engines, func(e Engine) bool { return e.Name == defaultEngine })
	if v := l.env["TWS_USERNAME"]; v != "" {
		o := Origin{Layer: Env, Name: "TWS_USERNAME"}
		if l.env["TWS_USER"] != "" {
			l.warn("", o, "ignored, because TWS_USER is set")
		} else {
			l.env["TWS_USER"] = v
			l.warn("", o, "used as TWS_USER; rename it, the name is an old one")
		}
	}
	for _, s := range l.specs {
		for _, name := range s.vars(defaultEngine) {
			if !s.perEngine() || l.env[name] == "" || hasDefault {
				continue
			}
			if named {
				l.used[name] = true
				l.warn("", Origin{Layer: Env, Name: name}, "ignored: it describes the engine \"default\", and the settings file names other engines")
				continue
			}
			l.cfg.Engines = append(l.cfg.Engines, Engine{Name: defaultEngine})
			hasDefault = true
		}
	}
}

// readEnv lets the environment override what the file says, and warns about
// RESYNC_ variables that no key has.
func (l *loader) readEnv() {
	var names []string
	for _, s := range l.specs {
		for _, eng := range l.instances(s) {
			vars := s.vars(eng)
			names = append(names, vars...)
			for _, name := range slices.Backward(vars) { // the strongest last
				l.used[name] = true
				v := l.env[name]
				if v == "" {
					continue
				}
				texts := []string{v}
				if s.kind.list {
					texts = splitList(v)
				}
				l.values[instance(s, eng)] = value{texts, Origin{Layer: Env, Name: name}}
			}
		}
	}
	var unknown []string
	for name := range l.env {
		if strings.HasPrefix(name, "RESYNC_") && !l.used[name] && name != "RESYNC_CONFIG" && name != "RESYNC_TESTDATA" {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		l.warn("", Origin{Layer: Env, Name: name}, "no setting has this name%s", didYouMean(name, names))
	}
}

// splitList splits a variable at commas and drops empty parts.
func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// instances returns the engines or targets a setting exists for; one empty name for a
// setting that exists once.
func (l *loader) instances(s spec) []string {
	var names []string
	switch s.group() {
	case engineGroup:
		for _, e := range l.cfg.Engines {
			names = append(names, e.Name)
		}
	case targetGroup:
		for _, t := range l.cfg.LLM.Targets {
			names = append(names, t.Name)
		}
	case hookGroup:
		for _, w := range l.cfg.Webhooks.Targets {
			names = append(names, w.Name)
		}
	default:
		names = []string{""}
	}
	return names
}

// instance is the full key of a setting for one engine.
func instance(s spec, engine string) string {
	if s.group() == "" {
		return s.name
	}
	return strings.Replace(s.name, "*", engine, 1)
}

// target returns where the settings of an engine or a target go; "" is the configuration
// as a whole.
func (l *loader) target(engine string) target {
	t := target{Config: l.cfg}
	for i := range l.cfg.LLM.Targets {
		if l.cfg.LLM.Targets[i].Name == engine {
			t.llm = &l.cfg.LLM.Targets[i]
		}
	}
	for i := range l.cfg.Webhooks.Targets {
		if l.cfg.Webhooks.Targets[i].Name == engine {
			t.hook = &l.cfg.Webhooks.Targets[i]
		}
	}
	for i := range l.cfg.Engines {
		if l.cfg.Engines[i].Name == engine {
			t.engine = &l.cfg.Engines[i]
		}
	}
	return t
}

// assign writes defaults and winning values to the Config and records origins.
func (l *loader) assign() {
	for _, s := range l.specs {
		for _, eng := range l.instances(s) {
			key, t := instance(s, eng), l.target(eng)
			v, given := l.values[key]
			if !given && s.def != "" {
				v = value{texts: []string{s.def}}
			}
			if s.kind.secret && given {
				texts, err := l.resolveAll(key, v)
				if err != nil {
					l.add(key, v.origin, "%v", err)
					continue
				}
				v.texts = texts
			}
			if len(v.texts) > 0 {
				if err := s.kind.set(t, v.texts); err != nil {
					l.add(key, v.origin, "%v", err)
					continue
				}
			}
			l.cfg.values = append(l.cfg.values, Value{Name: key, Text: s.kind.get(t), Origin: v.origin})
		}
	}
}

// errLiteral tells how to write a secret.
var errLiteral = errors.New("a secret may not stand in the file; write env:NAME, os.environ/NAME or file:/path/of/a/file")
