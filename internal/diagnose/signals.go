package diagnose

import (
	"fmt"
	"strings"

	"resync/hwa/joblog"
)

// returnCodeHint says what a shell's return code means, where it means one thing.
func returnCodeHint(rc int) string {
	switch {
	case rc == 126:
		return "Return code 126 is the shell's for a command that may not be executed."
	case rc == 127:
		return "Return code 127 is the shell's for a command or script that was not found."
	case rc > 128 && rc <= 128+31:
		return fmt.Sprintf("Return code %d is the shell's for a process ended by signal %d.", rc, rc-128)
	case rc < 0 && rc > -32:
		return fmt.Sprintf("Return code %d stands for a process ended by signal %d: it was killed.", rc, -rc)
	}
	return ""
}

func returnCodeCause(rc int) string {
	switch rc {
	case 126:
		return string(joblog.Permission)
	case 127:
		return string(joblog.NotFound)
	}
	return string(joblog.Killed)
}

// signalName names the kind of trouble in a few words.
func signalName(k joblog.Kind) string {
	switch k {
	case joblog.DiskFull:
		return "disk or tablespace full"
	case joblog.Memory:
		return "out of memory"
	case joblog.Permission:
		return "permission denied"
	case joblog.Login:
		return "login failed"
	case joblog.NotFound:
		return "something it needs was not found"
	case joblog.Connection:
		return "a connection failed"
	case joblog.TLS:
		return "certificate or TLS problem"
	case joblog.Timeout:
		return "something it waited for did not come in time"
	case joblog.Lock:
		return "a lock was held"
	case joblog.Database:
		return "the database refused its work"
	case joblog.Killed:
		return "its process was killed"
	}
	return strings.ReplaceAll(string(k), "_", " ")
}

// signalHint says in a sentence what kind of trouble a telling line is.
func signalHint(k joblog.Kind) string {
	switch k {
	case joblog.DiskFull:
		return "That points to a full disk or tablespace: free or add space before a rerun."
	case joblog.Memory:
		return "That points to a lack of memory on the agent."
	case joblog.Permission:
		return "That points to a missing permission of the job's user."
	case joblog.Login:
		return "That points to a user, password or account problem."
	case joblog.NotFound:
		return "That points to a file, program or object that is not there."
	case joblog.Connection:
		return "That points to a system the job talks to that does not answer."
	case joblog.TLS:
		return "That points to a certificate or TLS problem."
	case joblog.Timeout:
		return "That points to something the job waited for too long."
	case joblog.Lock:
		return "That points to a lock held by something else; a rerun may simply work."
	case joblog.Database:
		return "That points to the database the job works with."
	case joblog.Killed:
		return "That points to the process having been killed from outside or having crashed."
	}
	return ""
}
