package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// headers collects repeated -H flags, NAME:VALUE with + for a space.
type headers http.Header

// String satisfies flag.Value.
func (h headers) String() string { return "" }

// Set takes one header.
func (h headers) Set(s string) error {
	name, value, ok := strings.Cut(s, ":")
	if !ok {
		return fmt.Errorf("%q is not NAME:VALUE", s)
	}
	http.Header(h).Set(strings.TrimSpace(name), strings.ReplaceAll(strings.TrimSpace(value), "+", " "))
	return nil
}

// shot is one request as its caller saw it, in nanoseconds from its start.
type shot struct{ first, total int64 }

// result is a run's numbers.
type result struct {
	Label   string  `json:"label"`
	C       int     `json:"c"`
	Stream  bool    `json:"stream"`
	N       int     `json:"n"`
	Errors  int     `json:"errors"`
	RPS     float64 `json:"rps"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	First50 float64 `json:"ttft_p50_us,omitempty"`
	First99 float64 `json:"ttft_p99_us,omitempty"`
	CPU     float64 `json:"cpu_us_per_request,omitempty"`
	RSS     float64 `json:"rss_mb,omitempty"`
	Why     string  `json:"last_error,omitempty"`
}

type loader struct {
	url    string
	header http.Header
	body   []byte
	stream bool
	client *http.Client
}

func loadCommand(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	label := fs.String("label", "", "name of the row")
	url := fs.String("url", "", "chat completions address")
	c := fs.Int("c", 1, "callers at once")
	d := fs.Duration("d", 3*time.Second, "how long")
	warm := fs.Duration("warm", 300*time.Millisecond, "how long before, not counted")
	pid := fs.Int("pid", 0, "process whose CPU and memory are read")
	model := fs.String("model", "gpt-4o", "model to ask for")
	stream := fs.Bool("stream", false, "ask for streams")
	header := headers{}
	fs.Var(header, "H", "header, NAME:VALUE, + for a space; may be repeated")
	if err := fs.Parse(args); err != nil {
		return err
	}
	l := &loader{url: *url, header: http.Header(header), stream: *stream,
		body:   []byte(fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"system","content":"You are an operator's assistant."},{"role":"user","content":"Why did the job PAYROLL_NET abend last night?"}]}`, *model, *stream)),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *c, MaxIdleConns: *c, DisableCompression: true}}}
	if _, errs, why := l.run(ctx, *c, *warm); errs > 0 && why == "" {
		return errors.New("the address does not answer")
	}
	before := cpuOf(*pid)
	shots, errs, why := l.run(ctx, *c, *d)
	res := summary(shots, *d)
	res.Label, res.C, res.Stream, res.Errors, res.Why = *label, *c, *stream, errs, why
	if *pid > 0 && len(shots) > 0 {
		res.CPU = (cpuOf(*pid) - before) / float64(len(shots)) * 1e6
		res.RSS = rssOf(*pid)
	}
	return json.NewEncoder(os.Stdout).Encode(res)
}

// run keeps c callers busy for d.
func (l *loader) run(ctx context.Context, c int, d time.Duration) (shots []shot, errs int, why string) {
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	end := time.Now().Add(d)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range c {
		wg.Go(func() {
			own, bad, last := []shot(nil), 0, ""
			for time.Now().Before(end) && ctx.Err() == nil {
				s, err := l.shoot(ctx)
				if err != nil {
					bad, last = bad+1, err.Error()
					continue
				}
				own = append(own, s)
			}
			mu.Lock()
			defer mu.Unlock()
			shots, errs = append(shots, own...), errs+bad
			if last != "" {
				why = last
			}
		})
	}
	wg.Wait()
	return shots, errs, why
}

// shoot makes one request and reads its answer to the end.
func (l *loader) shoot(ctx context.Context) (shot, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return shot{}, err
	}
	req.Header = l.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	start := time.Now()
	resp, err := l.client.Do(req)
	if err != nil {
		return shot{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // only to say what came
		return shot{}, fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	if !l.stream {
		n, err := io.Copy(io.Discard, resp.Body)
		if err == nil && n < 200 {
			err = fmt.Errorf("an answer of %d bytes", n)
		}
		return shot{total: time.Since(start).Nanoseconds()}, err
	}
	return l.read(resp.Body, start)
}

// read reads a stream; the first piece is the first with content in it.
func (l *loader) read(body io.Reader, start time.Time) (shot, error) {
	var s shot
	done, br := false, bufio.NewReader(body)
	for {
		line, err := br.ReadSlice('\n')
		if s.first == 0 && bytes.Contains(line, []byte(`"content":"w`)) {
			s.first = time.Since(start).Nanoseconds()
		}
		done = done || bytes.HasPrefix(line, []byte("data: [DONE]"))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
	}
	s.total = time.Since(start).Nanoseconds()
	if !done || s.first == 0 {
		return s, errors.New("the stream is not whole")
	}
	return s, nil
}

func summary(shots []shot, d time.Duration) result {
	at := func(pick func(shot) int64, q float64) float64 {
		all := make([]int64, 0, len(shots))
		for _, s := range shots {
			all = append(all, pick(s))
		}
		slices.Sort(all)
		if len(all) == 0 {
			return 0
		}
		return float64(all[min(len(all)-1, int(q*float64(len(all))))]) / 1e3
	}
	total, first := func(s shot) int64 { return s.total }, func(s shot) int64 { return s.first }
	return result{N: len(shots), RPS: float64(len(shots)) / d.Seconds(), P50: at(total, .5), P99: at(total, .99), First50: at(first, .5), First99: at(first, .99)}
}

// cpuOf is the CPU time a process has used, in seconds (Linux).
func cpuOf(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64) // the kernel writes numbers
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// rssOf is a process's resident memory in MB (Linux).
func rssOf(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64) // the kernel writes a number
			return kb / 1024
		}
	}
	return 0
}
