package chunk

import (
	"strings"
	"unicode/utf8"

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

// commandNames are the programs of the scheduler.
var commandNames = []string{
	"conman", "composer", "planman", "optman", "stageman", "datecalc", "jnextday", "batchman", "mailman", "jobman",
	"jnextplan", "resetplan", "makeplan", "switchplan", "netman", "monman", "logman", "evtdef", "evtsize", "wappman",
	"rmstdlist", "morestdlist", "switchmgr", "startup", "startuplwa", "shutdownlwa", "startappserver", "stopappserver",
	"sendevent", "filemonitor", "secure", "createpostreports", "resetfta", "ocli", "reptr", "jobinfo", "makesec", "dumpsec",
	"showuser", "wadecrypt", "dbrunstats", "dbreorg",
}

// commandSet is commandNames to look up.
var commandSet = func() map[string]bool {
	m := make(map[string]bool, len(commandNames))
	for _, w := range commandNames {
		m[w] = true
	}
	return m
}()

func isCommand(w []byte) bool { return commandSet[string(w)] }

// longestCommand is the most letters of a command.
const longestCommand = 17

// What a byte is to the finder; zero is none of a word.
const (
	nameLetter uint8 = 1 << iota
	nameDigit
	nameHash
	nameMark  // stands in names and paths
	clauseEnd // ends what a word announced
)

// nameBytes are the bytes that names and commands consist of, and those that end a
// clause.
var nameBytes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case isLetterByte(byte(c)):
			t[c] = nameLetter
		case c >= '0' && c <= '9':
			t[c] = nameDigit
		case c == '#':
			t[c] = nameHash
		case strings.IndexByte("_-/.@?+", byte(c)) >= 0:
			t[c] = nameMark
		case c == '\n' || c == ':' || c == ';':
			t[c] = clauseEnd
		}
	}
	return t
}()

// known has a bit for each length of the words that begin with a letter and mean
// something, commands, announcements and methods, so that most others cost one lookup.
var known = func() (t [32]uint32) {
	for _, list := range [][]string{commandNames, {"job", "jobs", "stream", "jobstream", "schedule", "workstation", "workstations",
		"cpu", "agent", "cpuname", "get", "put", "post", "delete", "patch"}} {
		for _, w := range list {
			t[w[0]&31] |= 1 << len(w)
		}
	}
	return t
}()

type finder struct {
	Entities
	text   string
	next   naming // what the next word may be the name of
	method string // GET before a path
	hot    bool   // next or method is set
}

// naming is what a word announces: after "job" stands a job.
type naming uint8

const (
	nothing naming = iota
	aJob
	aStream
	aStation
)

// minCode is the least bytes of a word that holds a message code.
const minCode = 7

func (f *finder) words() {
	s := f.text
	for i := 0; i < len(s); {
		k := nameBytes[s[i]]
		if k == 0 {
			i++
			continue
		}
		if k == clauseEnd {
			f.next, f.method, f.hot = nothing, "", false
			i++
			continue
		}
		start := i
		if k == nameLetter {
			if i = letters(s, i); i == len(s) || nameBytes[s[i]]&^clauseEnd == 0 {
				if f.hot || i-start <= longestCommand && known[s[start]&31]>>(i-start)&1 != 0 {
					f.word(start, i, nameLetter)
				}
				continue
			}
		}
		for i < len(s) {
			c := nameBytes[s[i]]
			if c&^clauseEnd == 0 {
				break
			}
			k |= c
			i++
		}
		f.word(start, i, k)
		if k&(nameLetter|nameDigit) == nameLetter|nameDigit && i-start >= minCode {
			f.codes(start, i)
		}
	}
}

// codes looks for message codes in a word that has letters and digits. They must stand
// free, so the characters on both sides are shown as well.
func (f *finder) codes(start, end int) {
	from, to := max(0, start-utf8.UTFMax), min(len(f.text), end+utf8.UTFMax)
	for from < start && !utf8.RuneStart(f.text[from]) {
		from++
	}
	for _, m := range msgcode.Find(f.text[from:to]) {
		f.ErrorCodes = add(f.ErrorCodes, m.Code.Text)
	}
}

func (f *finder) word(start, end int, kinds uint8) {
	w := f.text[start:end]
	expected, method := f.next, f.method
	f.next, f.method, f.hot = nothing, "", false
	switch {
	case kinds&nameHash != 0:
		f.path(w)
	case w[0] == '/':
		if method != "" && len(w) > 4 {
			f.Operations = add(f.Operations, method+" "+strings.TrimRight(w, "./"))
		}
	case len(w) < 3 || !isLetterByte(w[0]):
	case expected != nothing && w[0] < 'a' && f.named(expected, strings.TrimRight(w, ".-/?+")):
	case len(w) <= longestCommand && kinds == nameLetter:
		f.plain(w, start, end)
		f.hot = f.next != nothing || f.method != ""
	}
}

// plain looks at a word that may be a command or announce a name.
func (f *finder) plain(w string, start, end int) {
	var buf [longestCommand]byte
	low := buf[:copy(buf[:], w)]
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] |= 0x20
		}
	}
	if f.next = announces(low); f.next != nothing {
		return
	}
	switch w {
	case "GET", "PUT", "POST", "DELETE", "PATCH":
		f.method = w
		return
	}
	if len(w) < 4 || !isCommand(low) || !f.commandContext(string(low), end) {
		return
	}
	f.Commands = add(f.Commands, string(low))
	if ln := f.line(start, end); ln != "" {
		f.CommandLines = add(f.CommandLines, ln)
	}
}

// announces is what the word after w may be the name of.
func announces(w []byte) naming {
	switch w[0] {
	case 'j', 's', 'w', 'c', 'a':
	default:
		return nothing
	}
	switch string(w) {
	case "job", "jobs":
		return aJob
	case "stream", "jobstream", "schedule":
		return aStream
	case "workstation", "workstations", "cpu", "agent", "cpuname":
		return aStation
	}
	return nothing
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

// maxLine is the longest command line in bytes that is taken.
const maxLine = 120

// line is the command with its subcommand and options: words that go on in the way
// of a command line, up to the first that does not.
func (f *finder) line(start, end int) string {
	stop := min(len(f.text), start+maxLine)
	if i := strings.IndexAny(f.text[end:stop], "\n`|"); i >= 0 {
		stop = end + i
	}
	last, open := end, true // open: a subcommand or an argument may follow
	for i := end; i < stop && f.text[i] == ' '; {
		from := i + 1
		if from < stop && f.text[from] == '"' && open {
			if n := strings.IndexByte(f.text[from+1:stop], '"'); n >= 0 {
				return f.text[start : from+n+2]
			}
		}
		for i = from; i < stop && f.text[i] != ' '; i++ {
		}
		w := strings.TrimRight(f.text[from:i], ",:")
		if !continues(w, open) {
			break
		}
		last = from + len(strings.TrimRight(w, `.")`))
		if len(w) < i-from || strings.HasSuffix(w, ".") {
			break
		}
		open = w[0] == '-' || isSubcommand(w)
	}
	if last == end {
		return ""
	}
	return f.text[start:last]
}

// continues says whether a word belongs to the command line before it. After an
// option or a subcommand that may be a subcommand, a file or a number.
func continues(w string, open bool) bool {
	if w == "" {
		return false
	}
	switch w[0] {
	case '-', '<', '@', '[', '{':
		return len(w) > 1
	}
	if strings.ContainsAny(w, "#=;@") {
		return true
	}
	w = strings.TrimRight(w, `.")`)
	return open && (isSubcommand(w) || strings.ContainsAny(w, "0123456789._/"))
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

// named takes the word after "job" or "workstation" when it looks like a name:
// capitals, with a digit or an underscore.
func (f *finder) named(kind naming, w string) bool {
	if len(w) < 3 || !looksNamed(w) {
		return false
	}
	switch kind {
	case aJob:
		f.JobNames = add(f.JobNames, w)
	case aStream:
		f.JobStreams = add(f.JobStreams, w)
	case aStation:
		f.Workstations = add(f.Workstations, w)
	}
	return true
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
