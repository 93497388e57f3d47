package retrieve

import "strings"

// commands of the product; the word after one belongs to it ("planman unlock").
var commands = set(`conman composer planman optman stageman netman mailman batchman jobman monman logman
	evtsize evtdef jnextplan resetplan makeplan switchplan switchmgr switchplan rmstdlist rep8 startup
	startappserver stopappserver startevtp stopevtp startmon stopmon ocli datecalc morestdlist filemon
	sendevent shutdownlwa startuplwa resetfta wadecrypt secure gentrace`)

// names of files, options and processes that look like ordinary words.
var proper = set(`localopts useropts globalopts symphony sinfonia symnew sfinal mailbox.msg intercom.msg
	courier.msg tomaster.msg pobox stdlist jobmanrc bmevents schedlog liberty websphere keystore truststore
	heap locklist ffdc sleep ulimit`)

// localOption is the process that an option of localopts begins with ("mm
// unlink", "nm port").
var localOption = set(`mm nm bm jm wr ssl`)

// exactTerms are the terms of a sentence that must be given exactly: commands
// with their first word, files and identifiers, options of localopts, numbers
// with a unit, quoted words.
func exactTerms(s string) []string {
	var out []string
	fields := strings.Fields(s)
	for i, f := range fields {
		w := strings.Trim(f, `.,;:()[]"'`+"`")
		low := strings.ToLower(w)
		switch {
		case w == "":
		case commands[low]:
			if i+1 < len(fields) && w == f {
				if next := strings.Trim(fields[i+1], `.,;:()"'`); next != "" && !stop(strings.ToLower(next), english) &&
					!generics[strings.ToLower(next)] {
					w += " " + next
				}
			}
			out = append(out, w)
		case localOption[low] && i+1 < len(fields) && w == f:
			out = append(out, w+" "+strings.Trim(fields[i+1], `.,;:()"'`))
		case proper[low] || identifier(w):
			out = append(out, w)
		}
	}
	return out
}

// generics follow a command's name without belonging to it.
var generics = set(`command process processes job utility script file program fails failed runs script. commands`)

// identifier says whether a word is a name of a program, file, option or
// variable by its form: inner capitals, underscores, digits in letters, a file
// extension, a leading dash.
func identifier(w string) bool {
	if len(w) < 3 || len(w) > 80 {
		return false
	}
	letters, digits, upper := 0, 0, 0
	for i := 0; i < len(w); i++ {
		switch c := w[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z':
			upper++
			letters++
		case c >= 'a' && c <= 'z':
			letters++
		}
	}
	switch {
	case letters == 0:
		return digits >= 2
	case strings.Contains(w, "_") || strings.Contains(w, "/") && strings.Count(w, "/") > 1 || strings.Contains(w, "\\"):
		return true
	case w[0] == '-' || strings.Contains(w, "="):
		return true
	case len(camel(w)) > 1 && upper < letters:
		return true
	case upper == letters && letters > 2:
		return true
	}
	if i := strings.LastIndexByte(w, '.'); i > 0 && i >= len(w)-11 && i < len(w)-1 && !strings.Contains(w[:i], " ") {
		return w[i+1] >= 'a' && w[i+1] <= 'z'
	}
	return digits > 0
}
