package hwasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// schedlang writes a job definition in composer's language.
func (s *Sim) schedlang(d *jobDef) string { return jobText(s.defKey(d), s.defJSON(d)) }

func jobText(key string, def map[string]any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.TrimPrefix(key, "/"))
	task, _ := def["task"].(map[string]any)
	for kind, t := range task {
		m, _ := t.(map[string]any)
		verb := "SCRIPTNAME"
		if cmd, _ := m["isCommand"].(bool); cmd {
			verb = "DOCOMMAND"
		}
		fmt.Fprintf(&b, " %s %q\n STREAMLOGON %v\n", verb, fmt.Sprint(m["taskString"]), m["userName"])
		if desc, _ := def["description"].(string); desc != "" {
			fmt.Fprintf(&b, " DESCRIPTION %q\n", desc)
		}
		fmt.Fprintf(&b, " TASKTYPE %s\n", kind)
	}
	rec, _ := def["recovery"].(map[string]any)
	option, _ := rec["option"].(string)
	fmt.Fprintf(&b, " RECOVERY %s", strings.TrimSuffix(option, "_PROMPT"))
	if t, _ := rec["abendPromptText"].(string); t != "" {
		fmt.Fprintf(&b, " ABENDPROMPT %q", t)
	}
	return b.String() + "\n"
}

// streamLang writes a job stream definition in composer's language.
func (s *Sim) streamLang(d *streamDef) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SCHEDULE %s\n", s.streamDefKey(d))
	if d.desc != "" {
		fmt.Fprintf(&b, "DESCRIPTION %q\n", d.desc)
	}
	b.WriteString("ON RUNCYCLE RC1 \"FREQ=DAILY;INTERVAL=1\"\n")
	if d.at != noTime {
		off := (d.at%day + day) % day
		fmt.Fprintf(&b, "AT %02d%02d\n", off/3600, off/60%60)
	}
	if d.carry {
		b.WriteString("CARRYFORWARD\n")
	}
	fmt.Fprintf(&b, "PRIORITY %d\n", d.prio)
	if d.limit >= 0 {
		fmt.Fprintf(&b, "LIMIT %d\n", d.limit)
	}
	s.followsLang(&b, d.opts)
	b.WriteString(":\n")
	for i := range d.jobs {
		p := &d.jobs[i]
		fmt.Fprintf(&b, "%s\n", s.defKey(p.def))
		for _, f := range p.follows {
			fmt.Fprintf(&b, " FOLLOWS %s\n", d.jobs[f].def.name)
		}
		s.followsLang(&b, p.opts)
	}
	return b.String() + "END\n"
}

func (s *Sim) followsLang(b *strings.Builder, o *planOpts) {
	if o == nil {
		return
	}
	for _, e := range o.ext {
		name := "@"
		if e.job >= 0 {
			name = e.stream.jobs[e.job].def.name
		}
		fmt.Fprintf(b, " FOLLOWS %s.%s\n", s.streamDefKey(e.stream), name)
	}
	for _, u := range o.uses {
		fmt.Fprintf(b, " NEEDS %d %s#%s\n", u.qty, s.ws[s.res[u.res].ws].name, s.res[u.res].name)
	}
	for _, p := range o.prompts {
		fmt.Fprintf(b, " PROMPT %s\n", p)
	}
	for _, f := range o.files {
		fmt.Fprintf(b, " OPENS %s#%q\n", s.ws[f.ws].name, f.name)
	}
}

// convert turns job definitions from JSON to composer's language or back, as
// Content-Type and Accept say. Other kinds are refused by name.
func (c *call) convert(one bool) error {
	in := c.r.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(in, "text/plain") && !c.wantsText():
		defs, err := c.s.parseJobs(string(c.body))
		if err != nil {
			return fail(http.StatusBadRequest, "", "%v", err)
		}
		if !one {
			return c.plain(defs)
		}
		if len(defs) != 1 {
			return fail(http.StatusBadRequest, "", "the text holds %d definitions, want one", len(defs))
		}
		return c.plain(defs[0])
	case strings.HasPrefix(in, "application/json") && c.wantsText():
		if one {
			c.body = append(append([]byte{'['}, c.body...), ']')
		}
		return c.toText()
	}
	return fail(http.StatusNotImplemented, "", "the simulator converts between application/json and text/plain only")
}

func (c *call) toText() error {
	var objects []struct {
		Kind string         `json:"kind"`
		Key  string         `json:"key"`
		Def  map[string]any `json:"def"`
	}
	if err := json.Unmarshal(c.body, &objects); err != nil {
		return fail(http.StatusBadRequest, "", "the request body is no list of model objects: %v", err)
	}
	c.ctype = "text/plain; charset=utf-8"
	for _, o := range objects {
		if o.Kind != "JobDefinition" {
			return fail(http.StatusNotImplemented, "", "kind %q: the simulator converts job definitions only", o.Kind)
		}
		key := o.Key
		if key == "" {
			key = strings.TrimPrefix(fmt.Sprint(o.Def["workstation"]), "/") + "#" + fmt.Sprint(o.Def["name"])
		}
		c.out.b = append(c.out.b, jobText(key, o.Def)+"\n"...)
	}
	return nil
}

// parseJobs reads job statements of composer's language.
func (s *Sim) parseJobs(src string) ([]map[string]any, error) {
	out := []map[string]any{}
	var def, task map[string]any
	kind := "UNIX"
	flush := func() {
		if def != nil {
			def["type"], def["task"] = kind, map[string]any{kind: task}
			out = append(out, map[string]any{"kind": "JobDefinition", "key": strings.TrimPrefix(fmt.Sprint(def["workstation"]), "/") + "#" + fmt.Sprint(def["name"]), "def": def})
		}
	}
	for n, line := range strings.Split(src, "\n") {
		f, err := words(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if len(f) == 0 || strings.HasPrefix(f[0], "$") {
			continue
		}
		if ws, name, ok := strings.Cut(f[0], "#"); ok && len(f) == 1 {
			flush()
			def, task, kind = map[string]any{"workstation": "/" + ws, "name": name, "folder": "/"}, map[string]any{"isCommand": false}, "UNIX"
			continue
		}
		if def == nil {
			return nil, fmt.Errorf("line %d: %q stands before the first job (WORKSTATION#NAME)", n+1, f[0])
		}
		if err := jobClause(def, task, &kind, f); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	flush()
	return out, nil
}

func jobClause(def, task map[string]any, kind *string, f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("%s has no value", f[0])
	}
	switch strings.ToUpper(f[0]) {
	case "SCRIPTNAME":
		task["taskString"] = f[1]
	case "DOCOMMAND":
		task["taskString"], task["isCommand"] = f[1], true
	case "STREAMLOGON":
		task["userName"] = f[1]
		def["userLogins"] = []string{f[1]}
	case "DESCRIPTION":
		def["description"] = f[1]
	case "TASKTYPE":
		*kind = f[1]
	case "RECOVERY":
		rec := map[string]any{"option": strings.ToUpper(f[1])}
		if len(f) >= 4 && strings.EqualFold(f[2], "ABENDPROMPT") {
			rec["abendPromptText"] = f[3]
		}
		def["recovery"] = rec
	default:
		return fmt.Errorf("unknown keyword %s", f[0])
	}
	return nil
}
