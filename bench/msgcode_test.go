package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"resync/hwa/msgcode"
)

// manualsOrLog is the text the finder is measured on: the eight manuals when they
// are there, otherwise a synthetic job log of a few megabytes. It also names it.
func manualsOrLog(b *testing.B) (name, text string) {
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "manuals", "*.md"))
	var all strings.Builder
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		all.Write(page)
	}
	if all.Len() > 0 {
		return "manuals", all.String()
	}
	return "log", logText()
}

// logText is denser in digits and codes than prose: the finder's hard case.
func logText() string {
	return strings.Repeat("21:30:01 22.11.2026|BATCHMAN:+ AWSBHT001E Job PRD_MDM#PAYROLL.PAYROLL_NET in file \"/u/batch/net.sh\" has failed\n"+
		"2026-11-22T21:30:02.114Z worker-7 id=9daec769-39e0-3283-9006-2933c84d3c78 rows=104433 bytes=8812773 elapsed=00:00:07\n"+
		"ORA-00942: table or view does not exist; SQL0911N; retrying 3 of 5 in 2000 ms\n", 12_000)
}

// BenchmarkMsgcodeFind: target of issue 2, at least 200 MB/s on one core.
func BenchmarkMsgcodeFind(b *testing.B) {
	name, text := manualsOrLog(b)
	for _, in := range []struct{ name, text string }{{name, text}, {"log", logText()}} {
		b.Run(in.name, func(b *testing.B) {
			b.SetBytes(int64(len(in.text)))
			found := 0
			for b.Loop() {
				found = len(msgcode.Find(in.text))
			}
			b.ReportMetric(float64(found), "codes")
		})
	}
}
