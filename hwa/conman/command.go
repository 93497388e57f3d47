package conman

import (
	"strings"
)

// Command is a conman command line: verb, selection, qualifiers and options.
type Command struct {
	Verb       string // the long form, such as showjobs
	Text       string // the selection as typed, without qualifiers
	Target     Name   // the selection, when it is a name; zero for "@!@" and the like
	IsName     bool
	Qualifiers []Qualifier
	Options    []Option
}

// Qualifier is +name=values (must have) or ~name=values (must not have).
type Qualifier struct {
	Exclude bool
	Name    string
	Values  []string
}

// Option is ;name or ;name=value.
type Option struct{ Name, Value string }

// ParseCommand reads a command such as
//
//	sj @#@.@+state=abend;info      cj=site3#apwkly(0900 02/19/23).report      lc WS;10
//
// It does not execute anything. It fails with a *SyntaxError when the first word
// is no conman command.
func ParseCommand(line string) (Command, error) {
	p := parser{text: line}
	if len(line) > MaxLength {
		return Command{}, p.fail(MaxLength, "a shorter command")
	}
	trimmed := strings.TrimSpace(line)
	end := strings.IndexFunc(trimmed, func(r rune) bool { return r > 127 || !isLetter(byte(r)) && !isDigit(byte(r)) })
	if end < 0 {
		end = len(trimmed)
	}
	c := Command{Verb: verb(strings.ToLower(trimmed[:end]))}
	if c.Verb == "" {
		return c, p.fail(strings.Index(line, trimmed), "a conman command")
	}
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(trimmed[end:]), "="))
	selection, options, _ := strings.Cut(rest, ";")
	c.options(options)
	c.qualify(selection)
	if n, err := Parse(c.nameText()); err == nil && c.Text != "" {
		c.Target, c.IsName = n, true
	}
	return c, nil
}

// nameText is the selection with ;schedid, which belongs to the name.
func (c *Command) nameText() string {
	for _, o := range c.Options {
		if strings.EqualFold(o.Name, "schedid") {
			return c.Text + ";schedid"
		}
	}
	return c.Text
}

func (c *Command) options(s string) {
	for part := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name = strings.TrimSpace(name); name != "" {
			c.Options = append(c.Options, Option{strings.ToLower(name), strings.TrimSpace(value)})
		}
	}
}

// qualify cuts +name=a,b and ~name=a,b off the selection.
func (c *Command) qualify(s string) {
	at := strings.IndexAny(s, "+~")
	if at < 0 {
		c.Text = strings.TrimSpace(s)
		return
	}
	c.Text = strings.TrimSpace(s[:at])
	for at < len(s) {
		next := strings.IndexAny(s[at+1:], "+~")
		end := len(s)
		if next >= 0 {
			end = at + 1 + next
		}
		name, values, has := strings.Cut(s[at+1:end], "=")
		q := Qualifier{Exclude: s[at] == '~', Name: strings.ToLower(strings.TrimSpace(name))}
		if has {
			for v := range strings.SplitSeq(values, ",") {
				q.Values = append(q.Values, strings.TrimSpace(v))
			}
		}
		c.Qualifiers = append(c.Qualifiers, q)
		at = end
	}
}

// verb is the long form of a command, "" when it is none.
func verb(s string) string {
	if isVerb(s) {
		return s
	}
	return shortVerb(s)
}

// isVerb reports whether s is the long form of a conman command.
func isVerb(s string) bool {
	switch s {
	case "altjob", "altpri", "bulk", "cancel", "canceljob", "cancelsched", "confirm", "console", "continue", "deployconf", "display", "exit", "fence", "help", "kill", "limit", "link", "listfolder", "listsym", "recall", "redo", "release", "reply",
		"rerun", "rerunsucc", "resource", "setsym", "showcpus", "showdomain", "showfiles", "showjobs", "showprompts", "showresources", "showschedules", "shutdown", "start", "startappserver", "startevtp", "startmon", "status", "stop",
		"stopappserver", "stopevtp", "stopmon", "submit", "switchevtp", "switchmgr", "tellop", "unlink", "version":
		return true
	}
	return false
}

// shortVerb maps the abbreviations operators use.
func shortVerb(s string) string {
	switch s {
	case "adj", "ads":
		return "adddep"
	case "ddj", "dds":
		return "deldep"
	case "ap":
		return "altpri"
	case "cj", "cs":
		return "cancel"
	case "conf":
		return "confirm"
	case "cons":
		return "console"
	case "deploy", "dep":
		return "deployconf"
	case "df", "dj", "ds":
		return "display"
	case "f":
		return "fence"
	case "k", "kj":
		return "kill"
	case "lc", "ls":
		return "limit"
	case "lk":
		return "link"
	case "lis":
		return "listsym"
	case "rc":
		return "recall"
	case "rj", "rs":
		return "release"
	case "rep":
		return "reply"
	case "rr":
		return "rerun"
	case "res":
		return "resource"
	case "set":
		return "setsym"
	case "sc":
		return "showcpus"
	case "sf":
		return "showfiles"
	case "sj":
		return "showjobs"
	case "sp":
		return "showprompts"
	case "sr":
		return "showresources"
	case "ss":
		return "showschedules"
	case "shut":
		return "shutdown"
	case "sbd", "sbf", "sbj", "sbs":
		return "submit"
	case "switchm":
		return "switchmgr"
	case "to":
		return "tellop"
	case "v":
		return "version"
	}
	return ""
}
