package hwa

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// logServer serves the log of a run, of n lines, with the quirks asked for.
func logServer(t *testing.T, n int, ignoreTo, refusePastEnd bool, requests *int) *Client {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		*requests++
		if r.URL.Query().Has("follow") {
			t.Error("follow was sent")
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("from_line"))
		to, _ := strconv.Atoi(r.URL.Query().Get("to_line"))
		if ignoreTo {
			to = n
		}
		if refusePastEnd && from > n {
			w.WriteHeader(500)
			io.WriteString(w, "AWSBIN999E past the end")
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		for i := from; i <= min(to, n); i++ {
			fmt.Fprintf(w, "line %d\r\n", i)
		}
	})
}

func TestJobLogWindow(t *testing.T) {
	var requests int
	for _, ignoreTo := range []bool{false, true} {
		c := logServer(t, 1200, ignoreTo, false, &requests)
		for _, tt := range []struct {
			w               LogWindow
			first, last     int
			truncated, more bool
		}{
			{LogWindow{}, 1, 500, ignoreTo, true},
			{LogWindow{From: 501}, 501, 1000, ignoreTo, true},
			{LogWindow{From: 1001}, 1001, 1200, false, false},
			{LogWindow{From: 10, To: 10}, 10, 10, ignoreTo, true},
			{LogWindow{From: 1, To: 100, MaxBytes: 25}, 1, 3, true, true},
		} {
			got, err := c.JobLog(t.Context(), anID, tt.w)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			for i := tt.first; i <= tt.last; i++ {
				want += fmt.Sprintf("line %d\n", i)
			}
			if got.Text != want || got.From != tt.first || got.Lines != tt.last-tt.first+1 || got.Truncated != tt.truncated || got.More != tt.more {
				t.Errorf("%+v, to ignored %v: from %d, %d lines, truncated %v, more %v", tt.w, ignoreTo, got.From, got.Lines, got.Truncated, got.More)
			}
		}
	}
	if got, err := logServer(t, 0, false, false, &requests).JobLog(t.Context(), anID, LogWindow{}); err != nil || got.Text != "" || got.More {
		t.Errorf("an empty log: %+v, %v", got, err)
	}
}

// TestJobLogIsBounded covers the log of 100 MB that brings a console down: no more than the limit is read.
func TestJobLogIsBounded(t *testing.T) {
	var sent int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 100 << 10 {
			n, err := w.Write(line)
			sent += int64(n)
			if err != nil {
				return
			}
		}
	})
	got, err := c.JobLog(t.Context(), anID, LogWindow{To: MaxLogLines})
	if err != nil || len(got.Text) > MaxLogBytes || got.Lines != 1024 || !got.Truncated || !got.More {
		t.Fatalf("%d bytes, %d lines, %v", len(got.Text), got.Lines, err)
	}
	c.Close()
	one := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("é\xff", 1<<20)) })
	got, err = one.JobLog(t.Context(), anID, LogWindow{MaxBytes: 100})
	if err != nil || got.Lines != 1 || !got.Truncated || !strings.HasPrefix(got.Text, "é\uFFFDé") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestJobLogTail(t *testing.T) {
	for _, n := range []int{0, 1, 10, 499, 500, 501, 999, 1000, 1001, 4321, 70000} {
		for _, refuse := range []bool{false, true} {
			if n == 0 && refuse {
				continue // a refused first window is an error
			}
			var requests int
			c := logServer(t, n, false, refuse, &requests)
			got, err := c.JobLogTail(t.Context(), anID, 20)
			if err != nil {
				t.Fatalf("%d lines: %v", n, err)
			}
			if want := fmt.Sprintf("line %d\n", n); n > 0 && !strings.HasSuffix(got.Text, want) || got.Lines != min(n, 20) || got.From != max(n-19, 1) {
				t.Errorf("%d lines, refused past the end %v: from %d, %d lines, ends %.20q", n, refuse, got.From, got.Lines, got.Text[max(len(got.Text)-20, 0):])
			}
			if requests > 20 {
				t.Errorf("%d lines took %d requests", n, requests)
			}
		}
	}
}

// TestJobLogTailOfAStuckEngine covers an engine that answers every window with the same lines.
func TestJobLogTailOfAStuckEngine(t *testing.T) {
	requests := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		io.WriteString(w, strings.Repeat("same\n", 600))
	})
	if _, err := c.JobLogTail(t.Context(), anID, 20); KindOf(err) != KindProtocol || requests > 40 {
		t.Errorf("%v after %d requests", err, requests)
	}
}
