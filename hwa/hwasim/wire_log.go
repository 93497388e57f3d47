package hwasim

import (
	"net/http"
	"strings"
)

func (c *call) logByRun() error {
	text := c.r.PathValue("run_id")
	u, _ := parseID(text)
	ji, n, ok := c.s.findRun(u)
	if !ok {
		return fail(http.StatusNotFound, "", "the run %s is not in the plan", text)
	}
	return c.log(ji, n)
}

func (c *call) logByFilter() error {
	found, err := c.selection(c.jobsKind())
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fail(http.StatusBadRequest, "", "the filter selects %d jobs; a job log is read of exactly one", len(found))
	}
	return c.log(found[0], len(c.s.jobs[found[0]].runs)-1)
}

// log writes the lines from_line to to_line (1-based, both included) of a run's log.
func (c *call) log(ji int32, n int) error {
	from, err := c.intParam("from_line", 0)
	if err != nil {
		return err
	}
	to, err := c.intParam("to_line", 0)
	if err != nil {
		return err
	}
	full := c.s.jobLog(ji, n, c.r.URL.Query().Get("contentOnly") == "true")
	if full == "" {
		return fail(http.StatusNotFound, "", "there is no job log for this run: the job has not started")
	}
	if from > 0 || to > 0 {
		full = window(full, from, to)
	}
	c.ctype = "text/plain; charset=utf-8"
	c.out.b = []byte(full)
	return nil
}

func window(text string, from, to int) string {
	lines := strings.SplitAfter(text, "\n")
	if n := len(lines); lines[n-1] == "" {
		lines = lines[:n-1]
	}
	from = max(from, 1)
	if to <= 0 || to > len(lines) {
		to = len(lines)
	}
	if from > to {
		return ""
	}
	return strings.Join(lines[from-1:to], "")
}
