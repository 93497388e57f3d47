package llm

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine bounds one line of an event stream. A tool call or an image in one
// piece can be long; what is longer than this is not an event.
const maxLine = 4 << 20

// errLong is a line beyond maxLine.
var errLong = errors.New("a line of the event stream is too long")

// Events reads server-sent events (WHATWG HTML §9.2): the data of each, with
// the name of its type. Comments, ids and retry times are skipped. The zero
// value is not usable; see [NewEvents].
type Events struct {
	r    *bufio.Reader
	line []byte // :: a line longer than the reader's buffer is put together here
	data []byte
	name []byte
	more bool // a data line of the event under way has been seen
}

// NewEvents reads events from r.
func NewEvents(r io.Reader) *Events { return &Events{r: bufio.NewReaderSize(r, 8<<10)} }

// Reset lets e read from r, keeping its buffers.
func (e *Events) Reset(r io.Reader) {
	e.r.Reset(r)
	e.more, e.name = false, e.name[:0]
}

// Buffered reports whether more bytes have arrived than were read: then another
// event is likely to come at once.
func (e *Events) Buffered() bool { return e.r.Buffered() > 0 }

// Next returns the next event. Both slices are valid until the next call. The
// end is io.EOF; an event without the blank line at its end is returned first,
// because servers forget it after the last one.
func (e *Events) Next() (name, data []byte, err error) {
	e.data, e.name, e.more = e.data[:0], e.name[:0], false
	for {
		line, err := e.readLine()
		if err != nil {
			if errors.Is(err, io.EOF) && e.more {
				return e.name, e.data, nil
			}
			return nil, nil, err
		}
		if len(line) == 0 {
			if e.more {
				return e.name, e.data, nil
			}
			e.name = e.name[:0]
			continue
		}
		e.field(line)
	}
}

// field takes in one line of an event.
func (e *Events) field(line []byte) {
	if v, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		if e.more {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, bytes.TrimPrefix(v, []byte(" "))...)
		e.more = true
	} else if v, ok := bytes.CutPrefix(line, []byte("event:")); ok {
		e.name = append(e.name[:0], bytes.TrimPrefix(v, []byte(" "))...)
	}
}

// readLine returns a line without its end (LF or CRLF). At the end of the input
// a last line without an end is returned.
func (e *Events) readLine() ([]byte, error) {
	part, err := e.r.ReadSlice('\n')
	if err == nil {
		return trimEnd(part), nil
	}
	e.line = append(e.line[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = e.r.ReadSlice('\n')
		if e.line = append(e.line, part...); len(e.line) > maxLine {
			return nil, errLong
		}
	}
	if err != nil && (len(e.line) == 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	return trimEnd(e.line), nil
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
