// Package sandbox reads documents of forms that have hurt their readers in a process
// of their own, so that a forged file can end that process and nothing else.
//
// The reader of PDF follows references between the objects of a file. A file in which
// they form a circle, or whose tables claim sizes no machine has, ends a Go program
// beyond recover: the stack or the memory is used up. [Reader.As] therefore starts the
// program once more with [ChildCommand], gives it the file on its standard input and
// takes the text from its standard output. The child has an empty environment, limits
// of memory, processor time and stack that it sets itself before it looks at the file
// (the kernel enforces them on Linux), may write no file, and is killed at its deadline
// or when the caller leaves. What becomes of it is said in one sentence as a
// [*read.Refused]; a child that cannot be started at all is any other error.
package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"resync/chunk/read"
)

// ChildCommand is the argument with which the program reads one document from its
// standard input; see [Child].
const ChildCommand = "read-document"

// Bounds are what reading one document may cost.
type Bounds struct {
	// Time is how long it may take on the clock, CPU how long of a processor; 0 is Time.
	Time, CPU time.Duration
	// Memory is how many bytes it may use, Stack how many of them for the stack.
	Memory, Stack int64
}

// DefaultBounds are two minutes, one of a processor, 1 GB and 64 MB.
func DefaultBounds() Bounds {
	return Bounds{Time: 2 * time.Minute, CPU: time.Minute, Memory: 1 << 30, Stack: 64 << 20}
}

// Reader reads documents in child processes, one for each. It is safe for concurrent
// use.
type Reader struct {
	program string
	bounds  Bounds
	slots   chan struct{}
}

// New returns a reader that starts program, at most one child for each processor at a
// time.
func New(program string, b Bounds) *Reader {
	if b.CPU == 0 {
		b.CPU = b.Time
	}
	return &Reader{program: program, bounds: b, slots: make(chan struct{}, runtime.NumCPU())}
}

// main is the package whose program knows ChildCommand.
const mainPackage = "resync/cmd/resync"

// Program is the path by which this program can be started again, or "" when it is
// another one than resync, such as a test: that would not understand ChildCommand.
func Program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path != mainPackage {
		return ""
	}
	if runtime.GOOS == "linux" {
		return "/proc/self/exe" // this very program, even when the file was replaced by a newer one
	}
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	return exe
}

// Document returns what reads documents in this program: a child process for PDF where
// the program can be started again, otherwise [read.As].
func Document() func(ctx context.Context, f read.Format, name string, data []byte, lim read.Limits) (read.Text, error) {
	var child *Reader
	if exe := Program(); exe != "" {
		child = New(exe, DefaultBounds())
	}
	return func(ctx context.Context, f read.Format, name string, data []byte, lim read.Limits) (read.Text, error) {
		if child == nil || f != read.PDF {
			return read.As(f, name, data, lim)
		}
		return child.As(ctx, f, name, data, lim)
	}
}

// request is the first line the child reads; the file follows.
type request struct {
	Format read.Format `json:"format"`
	Name   string      `json:"name"`
	Limits read.Limits `json:"limits"`
	Bounds Bounds      `json:"bounds"`
}

// answer is the first line the child writes; the text follows.
type answer struct {
	Refused string        `json:"refused,omitempty"`
	Title   string        `json:"title,omitempty"`
	Pages   []read.Page   `json:"pages,omitempty"`
	Records []read.Record `json:"records,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
	Size    int           `json:"size"`
}

// maxAnswer is the most bytes the first line of an answer may have, maxComplaint the
// most of the child's error stream that is looked at.
const maxAnswer, maxComplaint = 16 << 20, 4 << 10

// As is [read.As] in a child process.
func (r *Reader) As(ctx context.Context, f read.Format, name string, data []byte, lim read.Limits) (read.Text, error) {
	if len(data) > lim.Bytes { // not worth a process
		return read.As(f, name, data, lim)
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return read.Text{}, fmt.Errorf("wait to read %s: %w", name, context.Cause(ctx))
	}
	ask, err := json.Marshal(request{f, name, lim, r.bounds})
	if err != nil {
		return read.Text{}, fmt.Errorf("ask for %s: %w", name, err)
	}
	within, cancel := context.WithTimeout(ctx, r.bounds.Time)
	defer cancel()
	cmd := exec.CommandContext(within, r.program, ChildCommand)
	complaint := &tail{}
	cmd.Stdin = io.MultiReader(bytes.NewReader(append(ask, '\n')), bytes.NewReader(data))
	cmd.Stderr = complaint
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"} // nothing of ours: no secret, no proxy, no home
	cmd.WaitDelay = time.Second
	bind(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return read.Text{}, fmt.Errorf("read %s in a process of its own: %w", name, err)
	}
	runtime.LockOSThread() // the child ends with the thread that started it
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return read.Text{}, fmt.Errorf("read %s in a process of its own: %w", name, err)
	}
	t, bad := receive(out, lim)
	if bad != nil {
		cancel() // nothing more is wanted of it
	}
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return read.Text{}, fmt.Errorf("read %s: %w", name, context.Cause(ctx))
	case bad == nil && ended == nil:
		t.Format = f
		return t, nil
	case errors.As(bad, new(*read.Refused)):
		return read.Text{}, &read.Refused{Name: name, Reason: bad.(*read.Refused).Reason}
	}
	return read.Text{}, &read.Refused{Name: name, Reason: r.ending(within, ended, complaint.String())}
}

// receive reads an answer. A *read.Refused without a name is what the child said of the
// document, any other error an answer that is none.
func receive(out io.Reader, lim read.Limits) (read.Text, error) {
	in := bufio.NewReader(io.LimitReader(out, maxAnswer+maxText(lim)))
	line, err := in.ReadSlice('\n')
	var head []byte
	for head = append(head, line...); errors.Is(err, bufio.ErrBufferFull); head = append(head, line...) {
		if len(head) > maxAnswer {
			return read.Text{}, errors.New("its answer does not end")
		}
		line, err = in.ReadSlice('\n')
	}
	if err != nil {
		return read.Text{}, fmt.Errorf("its answer ended early: %w", err)
	}
	var a answer
	if err := json.Unmarshal(head, &a); err != nil {
		return read.Text{}, fmt.Errorf("its answer: %w", err)
	}
	if a.Refused != "" {
		return read.Text{}, &read.Refused{Reason: a.Refused}
	}
	if a.Size < 0 || int64(a.Size) > maxText(lim) {
		return read.Text{}, &read.Refused{Reason: "its text is larger than is taken; split it"}
	}
	text := make([]byte, a.Size)
	if _, err := io.ReadFull(in, text); err != nil {
		return read.Text{}, fmt.Errorf("its text ended early: %w", err)
	}
	last := 0
	for _, p := range a.Pages {
		if p.Start < last || p.Start > len(text) {
			return read.Text{}, fmt.Errorf("its page %d begins at %d of %d bytes", p.Number, p.Start, len(text))
		}
		last = p.Start
	}
	return read.Text{Title: a.Title, Text: string(text), Pages: a.Pages, Records: a.Records, Notes: a.Notes}, nil
}

// maxText is the most text that is taken: headings and gaps make it a little larger than
// what the document expands to.
func maxText(lim read.Limits) int64 { return 2*int64(lim.Expanded) + 1<<20 }

// ending says what became of a child that gave no answer.
func (r *Reader) ending(ctx context.Context, ended error, complaint string) string {
	const remedy = "; it is damaged or forged: print it to a new PDF"
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("reading it took more than %s; split it, or print it to a new PDF", lasting(r.bounds.Time))
	case outOfTime(ended):
		return fmt.Sprintf("reading it took more than %s of a processor; split it, or print it to a new PDF", lasting(r.bounds.CPU))
	case strings.Contains(complaint, "stack overflow") || strings.Contains(complaint, "goroutine stack exceeds"):
		return "its parts refer to each other without end" + remedy
	case strings.Contains(complaint, "out of memory") || strings.Contains(complaint, "cannot allocate memory"), outOfMemory(ended):
		return fmt.Sprintf("reading it needs more than %d MB of memory%s", r.bounds.Memory>>20, remedy)
	case ended != nil:
		return fmt.Sprintf("the process that read it ended without an answer (%v)%s", ended, remedy)
	}
	return "the process that read it gave no proper answer" + remedy
}

// lasting is a time in words.
func lasting(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "a minute"
	case d >= 2*time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%g seconds", d.Seconds())
}

// tail keeps the beginning of what a child complains of: the reason stands first.
type tail struct{ buf []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p[:min(len(p), max(0, maxComplaint-len(t.buf)))]...)
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }

// Child is the child's side: it bounds its own process, reads one document and writes
// what it found. It is meant for a process that does nothing else.
func Child(in io.Reader, out io.Writer) error {
	from := bufio.NewReader(in)
	line, err := from.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var ask request
	if err := json.Unmarshal(line, &ask); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	debug.SetMaxStack(int(ask.Bounds.Stack))
	debug.SetMemoryLimit(ask.Bounds.Memory * 3 / 4)
	if err := confine(ask.Bounds); err != nil {
		return fmt.Errorf("bound this process: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(from, int64(ask.Limits.Bytes)+1))
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	t, err := read.As(ask.Format, ask.Name, data, ask.Limits)
	a := answer{Title: t.Title, Pages: t.Pages, Records: t.Records, Notes: t.Notes, Size: len(t.Text)}
	var bad *read.Refused
	switch {
	case errors.As(err, &bad):
		a = answer{Refused: bad.Reason}
	case err != nil:
		return err
	}
	to := bufio.NewWriter(out)
	if err := json.NewEncoder(to).Encode(a); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if _, err := to.WriteString(t.Text); err != nil {
		return fmt.Errorf("write the text: %w", err)
	}
	if err := to.Flush(); err != nil {
		return fmt.Errorf("write the text: %w", err)
	}
	return nil
}
