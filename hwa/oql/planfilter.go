package oql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ObjectKind is the kind of plan object a plan filter selects.
type ObjectKind uint8

// The kinds; they decide how a filter such as /@/@ is read.
const (
	Jobs ObjectKind = iota
	JobStreams
	Workstations
	Resources
	Prompts
)

// String is the kind in words, for messages.
func (k ObjectKind) String() string {
	names := [...]string{"job", "job stream", "workstation", "resource", "prompt"}
	if int(k) < len(names) {
		return names[k]
	}
	return "object"
}

// PlanFilter is a plan_filter of the REST API: conman's object selection with
// folders, for example /@/@#/@/@.@ for all jobs. The wildcards are @ (any
// characters), ? (one character) and % (one digit). Folders start and end with a
// slash; the folder pattern /@/ takes every folder, the root included. Object
// names and folder names are compared as conman does, without regard to case.
//
// Which fields are used depends on Kind: a workstation filter has only the
// Workstation pair, a prompt filter only Folder and Name.
type PlanFilter struct {
	Kind              ObjectKind
	WorkstationFolder string // "" in Print means the root
	Workstation       string
	Folder            string // folder of the stream, resource or prompt
	Name              string // job stream, resource or prompt
	SchedTime         string // "hhmm" or "hhmm mm/dd/yyyy", "" for any
	Job               string // Jobs only
	Qualifiers        []Qualifier
}

// Qualifier is +name=values (must have) or ~name=values (must not have).
type Qualifier struct {
	Exclude bool
	Name    string
	Values  []string
}

// AllObjects is the filter that takes every object of a kind.
func AllObjects(kind ObjectKind) PlanFilter {
	f := PlanFilter{Kind: kind, WorkstationFolder: "/@/", Workstation: "@", Folder: "/@/", Name: "@"}
	switch kind {
	case Jobs:
		f.Job = "@"
	case Workstations:
		f.Folder, f.Name = "", ""
	case Prompts:
		f.WorkstationFolder, f.Workstation = "", ""
	}
	return f
}

// ParsePlanFilter reads a filter for one kind of object. A missing workstation
// part takes all workstations, a missing folder is the root (conman's default
// folder), a missing job name takes all jobs of the stream. The error is a
// *SyntaxError.
func ParsePlanFilter(kind ObjectKind, text string) (PlanFilter, error) {
	p := &filterParser{text: text}
	if len(text) > MaxLength {
		return PlanFilter{}, p.fail(MaxLength, fmt.Sprintf("at most %d characters", MaxLength))
	}
	f := PlanFilter{Kind: kind}
	selection, err := p.split(&f)
	if err != nil {
		return PlanFilter{}, err
	}
	if selection == "" {
		return PlanFilter{}, p.fail(0, "a selection such as "+AllObjects(kind).String())
	}
	if err := p.selection(&f, selection); err != nil {
		return PlanFilter{}, err
	}
	return f, nil
}

type filterParser struct{ text string }

func (p *filterParser) fail(at int, expected string) error {
	q := parser{text: p.text}
	return q.fail(at, expected)
}

// split cuts the qualifiers off and reads them. A '+' or '~' inside the
// parentheses of a schedule time does not occur, so the first one starts them.
func (p *filterParser) split(f *PlanFilter) (string, error) {
	end := strings.IndexAny(p.text, "+~")
	if end < 0 {
		return strings.TrimSpace(p.text), nil
	}
	for at := end; at < len(p.text); {
		next := strings.IndexAny(p.text[at+1:], "+~")
		stop := len(p.text)
		if next >= 0 {
			stop = at + 1 + next
		}
		q, err := p.qualifier(at, p.text[at:stop])
		if err != nil {
			return "", err
		}
		f.Qualifiers = append(f.Qualifiers, q)
		at = stop
	}
	return strings.TrimSpace(p.text[:end]), nil
}

// qualifier reads the two qualifiers that the plan lists of the API can answer;
// the others are refused by name rather than ignored, since ignoring one would
// widen the selection of a write.
func (p *filterParser) qualifier(at int, text string) (Qualifier, error) {
	name, values, hasValues := strings.Cut(text[1:], "=")
	q := Qualifier{Exclude: text[0] == '~', Name: strings.ToLower(strings.TrimSpace(name))}
	if q.Name != "state" && q.Name != "priority" {
		return q, p.fail(at, "one of the supported qualifiers, state or priority,")
	}
	for _, v := range strings.Split(values, ",") {
		q.Values = append(q.Values, strings.TrimSpace(v))
	}
	empty := strings.Trim(values, ", ") == "" || q.Name == "state" && slices.Contains(q.Values, "")
	if !hasValues || empty || strings.ContainsFunc(values, notInState) {
		return q, p.fail(at, "= and a value after "+q.Name)
	}
	if q.Name == "priority" {
		if _, _, err := priorityRange(q.Values); err != nil {
			return q, p.fail(at, "a priority (0 to 101, hi, go) or a range low,high")
		}
	}
	return q, nil
}

// selection reads [/folder/]ws#[/folder/]name[(time)][.job].
func (p *filterParser) selection(f *PlanFilter, s string) error {
	if at := strings.IndexFunc(s, notInFilter); at >= 0 {
		return p.fail(at, "letters, digits, _ - / # . ( ) and the wildcards @ ? %")
	}
	// A space stands in the schedule time only: printed at the end of a name it
	// would be lost when the filter is read again.
	if at := strings.IndexByte(beforeParen(s), ' '); at >= 0 {
		return p.fail(at, "no space in a name")
	}
	ws, object, hasWS := strings.Cut(s, "#")
	if f.Kind == Workstations {
		return p.workstation(f, ws, object)
	}
	if f.Kind == Prompts && hasWS {
		return p.fail(len(ws), "no workstation in the name of a prompt")
	}
	if f.Kind != Prompts {
		f.WorkstationFolder, f.Workstation = "/@/", "@"
	}
	if hasWS {
		f.WorkstationFolder, f.Workstation = splitFolder(ws)
	}
	if hasWS && f.Workstation == "" {
		return p.fail(len(ws), "a workstation name before #")
	}
	object, err := p.schedTime(f, object, ws, hasWS)
	if err != nil {
		return err
	}
	f.Folder, f.Name = splitFolder(object)
	if f.Name == "" || strings.ContainsAny(f.Name, "#()") {
		return p.fail(len(p.text), "the name of a "+f.Kind.String()+" (@ for all)")
	}
	return nil
}

// workstation reads the forms a workstation filter takes: /F/WS, and /F/WS#/ as
// the API's clients write it.
func (p *filterParser) workstation(f *PlanFilter, ws, rest string) error {
	f.WorkstationFolder, f.Workstation = splitFolder(ws)
	if f.Workstation == "" {
		return p.fail(len(ws), "a workstation name (@ for all)")
	}
	if strings.Trim(rest, "/@") != "" {
		return p.fail(len(ws)+1, "nothing after the workstation's name")
	}
	return nil
}

// schedTime takes the .job and the (hhmm [date]) off the end and returns what is
// left: folder and name.
func (p *filterParser) schedTime(f *PlanFilter, object, ws string, hasWS bool) (string, error) {
	if !hasWS {
		object = ws
	}
	stream, err := p.job(f, object)
	if err != nil {
		return "", err
	}
	name, rest, open := strings.Cut(stream, "(")
	if !open {
		return stream, nil
	}
	when, after, closed := strings.Cut(rest, ")")
	if !closed || after != "" || !validSchedTime(when) {
		return "", p.fail(strings.IndexByte(p.text, '('), "(hhmm) or (hhmm mm/dd/yyyy)")
	}
	f.SchedTime = when
	return name, nil
}

// job cuts .job off. Only the part after the last slash is searched: the name of
// a folder may hold a dot, that of a job stream may not.
func (p *filterParser) job(f *PlanFilter, object string) (string, error) {
	if f.Kind != Jobs {
		return object, nil
	}
	slash := strings.LastIndexByte(beforeParen(object), '/')
	name, job, found := strings.Cut(object[slash+1:], ".")
	if f.Job = "@"; found {
		f.Job = job
	}
	if f.Job == "" || strings.ContainsAny(f.Job, "/.#() ") {
		return "", p.fail(len(p.text)-len(job), "the name of a job after the dot (@ for all)")
	}
	return object[:slash+1] + name, nil
}

func beforeParen(s string) string {
	before, _, _ := strings.Cut(s, "(")
	return before
}

// validSchedTime accepts hhmm and hhmm mm/dd[/yy[yy]].
func validSchedTime(s string) bool {
	clock, date, hasDate := strings.Cut(s, " ")
	n, err := strconv.Atoi(clock)
	if len(clock) != 4 || err != nil || n < 0 || n > 2359 || n%100 > 59 {
		return false
	}
	if !hasDate {
		return true
	}
	parts := strings.Split(date, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" || len(part) > 4 {
			return false
		}
	}
	return true
}

func notInState(r rune) bool { return r != ' ' && r != ',' && notInFilter(r) }

func notInFilter(r rune) bool {
	return r > 127 || !strings.ContainsRune(wordChars+"%() :", r)
}

// splitFolder cuts a path into its folder (with both slashes, "/" for the root)
// and its last part.
func splitFolder(path string) (folder, name string) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "/", path
	}
	return slashed(path[:slash+1]), path[slash+1:]
}

// slashed gives a folder exactly one leading and one trailing slash.
func slashed(folder string) string {
	folder = strings.Trim(folder, "/")
	if folder == "" {
		return "/"
	}
	return "/" + folder + "/"
}

// String is the filter in the form the API takes; ParsePlanFilter reads it back.
func (f PlanFilter) String() string {
	var b strings.Builder
	if f.Kind != Prompts {
		b.WriteString(slashed(f.WorkstationFolder) + f.Workstation)
		if f.Kind != Workstations {
			b.WriteByte('#')
		}
	}
	if f.Kind != Workstations {
		b.WriteString(slashed(f.Folder) + f.Name)
	}
	if f.SchedTime != "" {
		b.WriteString("(" + f.SchedTime + ")")
	}
	if f.Kind == Jobs {
		b.WriteString("." + f.Job)
	}
	for _, q := range f.Qualifiers {
		if q.Exclude {
			b.WriteByte('~')
		} else {
			b.WriteByte('+')
		}
		b.WriteString(q.Name + "=" + strings.Join(q.Values, ","))
	}
	return b.String()
}
