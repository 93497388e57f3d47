package hwasim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parser reads the plan text: one object a line, options as "word value" pairs.
//
//	WS name TYPE OS limit domain node
//	RES ws#name quantity
//	PROMPT name "text"
//	STREAM ws#name [at HH:MM] [option value]…
//	JOB name kind duration [option value]…
//
// Times are offsets from midnight of the plan's day; -00:10 is the evening before.
type parser struct {
	m   *model
	cur *streamDef
}

func (m *model) parse(text string) error {
	p := parser{m: m}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("plan text line %d: %w", n+1, err)
		}
	}
	return nil
}

func (p *parser) line(line string) error {
	f, err := words(line)
	if err != nil {
		return err
	}
	if len(f) < 3 && (f[0] != "STREAM" || len(f) < 2) {
		return fmt.Errorf("%q: too few words", line)
	}
	switch f[0] {
	case "WS":
		return p.station(f[1:])
	case "RES":
		return p.resource(f[1], f[2])
	case "PROMPT":
		p.m.prompts[f[1]] = f[2]
		return nil
	case "STREAM":
		return p.stream(f[1], f[2:])
	case "JOB":
		return p.job(f[1:])
	}
	return fmt.Errorf("unknown object %q", f[0])
}

// words splits at blanks; "quoted text" is one word.
func words(line string) ([]string, error) {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("quote not closed: %s", line)
			}
			out, line = append(out, line[1:1+end]), line[end+2:]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		out, line = append(out, word), rest
	}
	return out, nil
}

func (p *parser) station(f []string) error {
	if len(f) < 6 {
		return fmt.Errorf("workstation %s: want name type os limit domain node", f[0])
	}
	limit, err := strconv.Atoi(f[3])
	if err != nil {
		return fmt.Errorf("workstation %s: limit: %w", f[0], err)
	}
	w := workstation{name: f[0], kind: f[1], os: f[2], limit: int16(limit), domain: f[4], node: f[5], port: 31111, security: "NONE"}
	if w.kind == "AGENT" || w.kind == "POOL" || w.kind == "D-POOL" {
		w.port, w.sslPort, w.security = 31114, 31114, "HTTPS"
	}
	_, err = p.m.addStation(w)
	return err
}

func (p *parser) resource(name, qty string) error {
	wsName, res, ok := strings.Cut(name, "#")
	ws, known := p.m.wsIndex[wsName]
	n, err := strconv.Atoi(qty)
	if !ok || !known || err != nil {
		return fmt.Errorf("resource %s %s: want ws#name quantity", name, qty)
	}
	p.m.addResource(ws, res, int32(n))
	return nil
}

func (p *parser) stream(name string, f []string) error {
	wsName, sname, ok := strings.Cut(name, "#")
	ws, known := p.m.wsIndex[wsName]
	if !ok || !known {
		return fmt.Errorf("job stream %s: unknown workstation", name)
	}
	d := &streamDef{name: sname, ws: ws, prio: 10, limit: -1, at: noTime, everyDay: true}
	for i := 0; i+1 < len(f); i += 2 {
		if err := p.streamOption(d, f[i], f[i+1]); err != nil {
			return fmt.Errorf("job stream %s: %s: %w", name, f[i], err)
		}
	}
	p.cur = d
	return p.m.addStream(d)
}

func (d *streamDef) option() *planOpts {
	if d.opts == nil {
		d.opts = newOpts()
	}
	return d.opts
}

func (p *parser) streamOption(d *streamDef, key, value string) (err error) {
	switch key {
	case "at":
		d.at, err = parseOffset(value)
	case "folder":
		d.folder = value
	case "prio":
		d.prio, err = parsePrio(value)
	case "limit":
		var n int
		n, err = strconv.Atoi(value)
		d.limit = int16(n)
	case "carry":
		d.carry = value == "yes"
	case "prev":
		d.prevDay = value == "yes"
	case "desc":
		d.desc = value
	default:
		return p.commonOption(d.option(), key, value)
	}
	return err
}

// commonOption reads the options jobs and streams share.
func (p *parser) commonOption(o *planOpts, key, value string) (err error) {
	switch key {
	case "deadline":
		o.deadline, err = parseOffset(value)
	case "until":
		at, action, _ := strings.Cut(value, "/")
		o.until, err = parseOffset(at)
		o.lateStart = action
	case "ext":
		err = eachComma(value, func(v string) error {
			ref, err := p.m.ref(v)
			o.ext = append(o.ext, ref)
			return err
		})
	case "prompt":
		o.prompts = append(o.prompts, value)
	case "file":
		err = p.fileOption(o, value)
	case "res":
		err = p.resOption(o, value)
	case "join":
		err = p.joinOption(o, value)
	case "net":
		o.networks = append(o.networks, value)
	default:
		err = fmt.Errorf("unknown option")
	}
	return err
}

func eachComma(value string, do func(string) error) error {
	for _, v := range strings.Split(value, ",") {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}

// fileOption reads ws:/path@HH:MM or ws:/path@never.
func (p *parser) fileOption(o *planOpts, value string) error {
	wsName, rest, ok := strings.Cut(value, ":")
	path, when, ok2 := strings.Cut(rest, "@")
	ws, known := p.m.wsIndex[wsName]
	if !ok || !ok2 || !known {
		return fmt.Errorf("%q: want ws:/path@HH:MM", value)
	}
	at := int32(noTime)
	if when != "never" {
		var err error
		if at, err = parseOffset(when); err != nil {
			return err
		}
	}
	o.files = append(o.files, fileRef{ws: ws, name: path, arrives: at})
	return nil
}

func (p *parser) resOption(o *planOpts, value string) error {
	name, qty, ok := strings.Cut(value, ":")
	i, known := p.m.resNames[name]
	n, err := strconv.Atoi(qty)
	if !ok || !known || err != nil {
		return fmt.Errorf("%q: want ws#resource:quantity", value)
	}
	o.uses = append(o.uses, resUse{res: i, qty: int16(n)})
	return nil
}

// joinOption reads NAME/2/ws#s.j,ws#s (0 means all).
func (p *parser) joinOption(o *planOpts, value string) error {
	part := strings.SplitN(value, "/", 3)
	if len(part) != 3 {
		return fmt.Errorf("%q: want name/quantity/refs", value)
	}
	need, err := strconv.Atoi(part[1])
	if err != nil {
		return err
	}
	j := joinRef{name: part[0], need: need}
	err = eachComma(part[2], func(v string) error {
		ref, err := p.m.ref(v)
		j.refs = append(j.refs, ref)
		return err
	})
	o.joins = append(o.joins, j)
	return err
}

func (p *parser) job(f []string) error {
	if p.cur == nil || len(f) < 3 {
		return fmt.Errorf("job %s: want name kind duration inside a job stream", f[0])
	}
	est, err := parseSeconds(f[2])
	if err != nil {
		return fmt.Errorf("job %s: %w", f[0], err)
	}
	d := &jobDef{name: f[0], kind: f[1], ws: p.cur.ws, est: est, login: loginFor(f[1])}
	j := jobPlan{def: d, ws: d.ws, prio: p.cur.prio}
	for i := 3; i < len(f); i++ {
		if flagOption(&j, f[i]) {
			continue
		}
		if i+1 == len(f) {
			return fmt.Errorf("job %s: option %s has no value", f[0], f[i])
		}
		if err := p.jobOption(&j, f[i], f[i+1]); err != nil {
			return fmt.Errorf("job %s: %s: %w", f[0], f[i], err)
		}
		i++
	}
	p.m.addDef(d)
	p.cur.jobs = append(p.cur.jobs, j)
	return nil
}

func flagOption(j *jobPlan, word string) bool {
	f, ok := map[string]flag{"critical": fCritical, "confirm": fConfirm, "noop": fNoop, "monitored": fMonitored}[word]
	j.flags |= f
	return ok
}

func (j *jobPlan) option() *planOpts {
	if j.opts == nil {
		j.opts = newOpts()
	}
	return j.opts
}

func (p *parser) jobOption(j *jobPlan, key, value string) (err error) {
	switch key {
	case "after":
		err = eachComma(value, func(v string) error { return p.after(j, v) })
	case "on":
		ws, ok := p.m.wsIndex[value]
		if !ok {
			return fmt.Errorf("unknown workstation %s", value)
		}
		j.ws, j.def.ws = ws, ws
	case "login":
		j.def.login = value
	case "desc":
		j.def.desc = value
	case "at":
		j.option().at, err = parseOffset(value)
	case "prio":
		j.prio, err = parsePrio(value)
	case "every":
		j.option().every, err = parseSeconds(value)
		j.flags |= fEvery
	case "max", "min":
		err = j.duration(key, value)
	case "recovery":
		err = j.def.recoveryFrom(value)
	case "recjob":
		j.def.recJob = value
	case "recprompt":
		j.def.recText = value
	default:
		return p.commonOption(j.option(), key, value)
	}
	return err
}

// duration reads 30m/kill.
func (j *jobPlan) duration(key, value string) error {
	d, action, _ := strings.Cut(value, "/")
	n, err := parseSeconds(d)
	if action == "" {
		action = "continue"
	}
	if key == "max" {
		j.option().maxDur, j.opts.maxAction = n, action
	} else {
		j.option().minDur, j.opts.minAction = n, action
	}
	return err
}

// recoveryFrom reads stop, continue, rerun or rerun/2/1m (attempts, interval).
func (d *jobDef) recoveryFrom(value string) (err error) {
	part := strings.Split(value, "/")
	kind, ok := map[string]recovery{"stop": recStop, "continue": recContinue, "rerun": recRerun}[part[0]]
	if !ok {
		return fmt.Errorf("unknown recovery option %q", value)
	}
	d.recovery = kind
	if kind == recRerun {
		d.retries = 1
	}
	if len(part) == 3 {
		var n int
		if n, err = strconv.Atoi(part[1]); err == nil {
			d.retries = int16(n)
			d.retryEvery, err = parseSeconds(part[2])
		}
	}
	return err
}

func (p *parser) after(j *jobPlan, name string) error {
	if i := p.cur.find(name); i >= 0 {
		j.follows = append(j.follows, int16(i))
		return nil
	}
	return fmt.Errorf("no job %s above in the stream", name)
}

func parsePrio(s string) (int8, error) {
	switch s {
	case "hi":
		return 100, nil
	case "go":
		return 101, nil
	}
	n, err := strconv.Atoi(s)
	return int8(n), err
}

func parseSeconds(s string) (int32, error) {
	d, err := time.ParseDuration(s)
	return int32(d / time.Second), err
}

// parseOffset reads HH:MM as seconds after midnight; a leading minus means before.
func parseOffset(s string) (int32, error) {
	h, m, ok := strings.Cut(strings.TrimPrefix(s, "-"), ":")
	hours, err := strconv.Atoi(h)
	minutes, err2 := strconv.Atoi(m)
	if !ok || err != nil || err2 != nil {
		return 0, fmt.Errorf("%q is no HH:MM", s)
	}
	off := int32(hours*3600 + minutes*60)
	if strings.HasPrefix(s, "-") {
		off = -off
	}
	return off, nil
}

func loginFor(kind string) string {
	switch kind {
	case "sql", "load":
		return "dbbatch"
	case "ftp":
		return "xfer"
	case "java", "etl":
		return "appbatch"
	case "win":
		return "BANK\\svcbatch"
	}
	return "wauser"
}
