package chunk

import (
	"strings"

	"resync/hwa/msgcode"
)

// Entities are the names of the scheduler's world that a text mentions, each once,
// in the order of their first mention.
type Entities struct {
	// ErrorCodes are message codes in their normal spelling (AWSBHT001E), whatever
	// slips of a scanner stand in the text; see package msgcode.
	ErrorCodes []string `json:"error_codes"`
	// JobNames are jobs by the grammar of the scheduler: the last part of
	// WORKSTATION#STREAM.JOB, and names after the word "job".
	JobNames []string `json:"job_names"`
	// JobStreams and Workstations likewise.
	JobStreams   []string `json:"job_streams,omitempty"`
	Workstations []string `json:"workstations,omitempty"`
	// Commands are the command line programs mentioned: conman, planman.
	Commands []string `json:"commands"`
	// CommandLines are commands with their first word or options, as written:
	// "planman -scratch deploy", "conman sj @#@.@".
	CommandLines []string `json:"command_lines,omitempty"`
	// Operations are those of the REST API: "GET /twsd/api/v2/plan/job".
	Operations []string `json:"operations,omitempty"`
}

// FindEntities reads a text once, in linear time. It knows names by their grammar
// and does not look anything up: a name it returns is one as written, not one that
// exists.
func FindEntities(text string) Entities {
	f := finder{text: text}
	f.words()
	for _, m := range msgcode.Find(text) {
		f.ErrorCodes = add(f.ErrorCodes, m.Code.Text)
	}
	return f.Entities
}

// most of one kind of name in one passage; more is a listing.
const mostNames = 50

// add appends a name that is not there yet.
func add(all []string, name string) []string {
	if len(all) >= mostNames {
		return all
	}
	for _, have := range all {
		if have == name {
			return all
		}
	}
	return append(all, strings.Clone(name))
}

// command says whether a word in lower case is a program of the scheduler.
func isCommand(w string) bool {
	switch w {
	case "conman", "composer", "planman", "optman", "stageman", "datecalc", "jnextday", "batchman", "mailman", "jobman",
		"jnextplan", "resetplan", "makeplan", "switchplan", "netman", "monman", "logman", "evtdef", "evtsize", "wappman",
		"rmstdlist", "morestdlist", "switchmgr", "startup", "startuplwa", "shutdownlwa", "startappserver", "stopappserver",
		"sendevent", "filemonitor", "secure", "createpostreports", "resetfta", "ocli", "reptr", "jobinfo", "makesec", "dumpsec",
		"showuser", "wadecrypt", "dbrunstats", "dbreorg":
		return true
	}
	return false
}

// longestCommand is the most letters of a command.
const longestCommand = 17

// wordByte are the bytes that names and commands consist of.
var wordByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/#.@?+" {
		t[c] = true
	}
	return t
}()

type finder struct {
	Entities
	text string
	was  string // the word before, in lower case when it is short
	two  string // the one before that
}

func (f *finder) words() {
	s := f.text
	for i := 0; i < len(s); {
		if !wordByte[s[i]] {
			if s[i] == '\n' || s[i] == ':' || s[i] == ';' {
				f.was, f.two = "", ""
			}
			i++
			continue
		}
		start := i
		for i < len(s) && wordByte[s[i]] {
			i++
		}
		f.word(start, i)
		f.two, f.was = f.was, s[start:i]
	}
}

func (f *finder) word(start, end int) {
	w := f.text[start:end]
	switch {
	case w[0] == '/' && len(w) > 4:
		f.operation(w)
	case len(w) <= longestCommand && len(w) >= 4 && isLetterByte(w[0]):
		if low := lower(w); isCommand(low) && f.commandContext(low, end) {
			f.Commands = add(f.Commands, low)
			if ln := f.line(start, end); ln != "" {
				f.CommandLines = add(f.CommandLines, ln)
			}
			return
		}
	}
	if strings.IndexByte(w, '#') > 0 || w[0] == '/' && strings.IndexByte(w, '#') > 0 {
		f.path(w)
		return
	}
	f.after(strings.TrimRight(w, ".-/?+"))
}

// commandContext keeps words that are also plain English ("secure", "startup") only
// where a command line follows.
func (f *finder) commandContext(low string, end int) bool {
	switch low {
	case "secure", "startup":
		rest := f.text[end:min(len(f.text), end+9)]
		return strings.HasPrefix(rest, " -") || strings.HasPrefix(rest, " command")
	}
	return true
}

func isLetterByte(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// lower is strings.ToLower that does not allocate for words in lower case.
func lower(w string) string {
	for i := 0; i < len(w); i++ {
		if w[i] >= 'A' && w[i] <= 'Z' {
			return strings.ToLower(w)
		}
	}
	return w
}

// operation takes "GET /path" and its brothers.
func (f *finder) operation(w string) {
	switch f.was {
	case "GET", "PUT", "POST", "DELETE", "PATCH":
		f.Operations = add(f.Operations, f.was+" "+strings.TrimRight(w, "./"))
	}
}

// maxLine is the longest command line in bytes that is taken.
const maxLine = 120

// line is the command with its subcommand and options: words that go on in the way
// of a command line, up to the first that does not.
func (f *finder) line(start, end int) string {
	stop := min(len(f.text), start+maxLine)
	if i := strings.IndexAny(f.text[end:stop], "\n`|"); i >= 0 {
		stop = end + i
	}
	last, first := end, true
	for i := end; i < stop && f.text[i] == ' '; {
		from := i + 1
		for i = from; i < stop && f.text[i] != ' '; i++ {
		}
		w := strings.TrimRight(f.text[from:i], ",:")
		if !continues(w, first) {
			break
		}
		last, first = from+len(strings.TrimRight(w, `.")`)), false
		if len(w) < i-from || strings.HasSuffix(w, ".") {
			break
		}
	}
	if last == end {
		return ""
	}
	return f.text[start:last]
}

// continues says whether a word belongs to the command line before it.
func continues(w string, first bool) bool {
	if w == "" {
		return false
	}
	switch w[0] {
	case '-', '<', '@', '[', '{':
		return len(w) > 1
	case '"':
		return first
	}
	if strings.ContainsAny(w, "#=;@") {
		return true
	}
	return first && isSubcommand(strings.TrimRight(w, "."))
}

// isSubcommand says whether a word is a subcommand of one of the command lines.
func isSubcommand(w string) bool {
	switch strings.ToLower(w) {
	case "adddep", "altjob", "altpass", "altpri", "bulk_discovery", "cancel", "checkhealthstatus", "confirm", "console", "deldep",
		"deployconf", "display", "fence", "kill", "limit", "link", "listsym", "recall", "redo", "release", "reply", "rerun",
		"resetfta", "resource", "setsym", "showcpus", "showdomain", "showfiles", "showjobs", "showprompts", "showresources",
		"showschedules", "shutdown", "start", "startappserver", "startevtp", "startmon", "status", "stop", "stopappserver",
		"stopevtp", "stopmon", "submit", "switchevtp", "switchmgr", "tellop", "unlink", "version", "sj", "ss", "sc", "sbj", "sbs",
		"sbd", "rr", "dj", "kj", "aj", "add", "authenticate", "create", "delete", "extract", "list", "lock", "modify", "new",
		"print", "rename", "replace", "unlock", "update", "validate", "ls", "chg", "show", "showinfo", "crt", "deploy", "undeploy",
		"reset", "unlink!", "stop!":
		return true
	}
	return false
}

// path takes WORKSTATION#STREAM.JOB apart; wildcards and placeholders name nothing.
func (f *finder) path(w string) {
	station, rest, _ := strings.Cut(strings.TrimRight(w, "./-?+"), "#")
	if strings.ContainsAny(w, "@?") || rest == "" || strings.Contains(rest, "#") {
		return
	}
	station = station[strings.LastIndexByte(station, '/')+1:]
	rest = rest[strings.LastIndexByte(rest, '/')+1:]
	stream, job, dotted := strings.Cut(rest, ".")
	if !objectName(station) || !objectName(stream) || dotted && !objectName(job) {
		return
	}
	f.Workstations = add(f.Workstations, station)
	if dotted {
		f.JobStreams, f.JobNames = add(f.JobStreams, stream), add(f.JobNames, job)
	} else {
		f.JobStreams = add(f.JobStreams, stream)
	}
}

// objectName says whether a word may be the name of an object: a letter, then up to
// 39 letters, digits, dashes and underscores.
func objectName(w string) bool {
	if len(w) == 0 || len(w) > 40 || !isLetterByte(w[0]) {
		return false
	}
	for i := 1; i < len(w); i++ {
		if c := w[i]; !isLetterByte(c) && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// after takes a name by the word before it: "job PAY_01", "workstation FTA1". The
// name must look like one: capitals, and a digit or an underscore.
func (f *finder) after(w string) {
	if len(f.was) < 3 || len(w) < 3 || !looksNamed(w) {
		return
	}
	switch lower(f.was) {
	case "job", "jobs":
		f.JobNames = add(f.JobNames, w)
	case "stream", "jobstream", "schedule":
		f.JobStreams = add(f.JobStreams, w)
	case "workstation", "workstations", "cpu", "agent", "cpuname":
		f.Workstations = add(f.Workstations, w)
	}
}

func looksNamed(w string) bool {
	if !objectName(w) || w[0] < 'A' || w[0] > 'Z' {
		return false
	}
	marked := false
	for i := 0; i < len(w); i++ {
		if w[i] >= 'a' && w[i] <= 'z' {
			return false
		}
		marked = marked || w[i] == '_' || w[i] >= '0' && w[i] <= '9'
	}
	if !marked {
		return false
	}
	_, code := msgcode.Normalize(w)
	return !code
}
