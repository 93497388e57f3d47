package hwa

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errShort is returned by scanners that reached the end of the buffered bytes before the end of the value.
var errShort = errors.New("value continues past the buffer")

var errSyntax = errors.New("the answer is not valid JSON")

// pageReader splits the answer of a list into its objects without holding it whole: results are handed out one at a time while
// the rest is still on the wire.
type pageReader struct {
	r        io.Reader
	buf      []byte
	pos, end int
	readErr  error
}

// pageTail is what a page says besides its results.
type pageTail struct {
	count *int64
	next  string
}

// item parses one object at the start of b and returns its length. It returns errShort when b ends before the object does; the
// call is then repeated with more bytes.
type item func(b []byte) (int, error)

func newPageReader(r io.Reader) *pageReader { return &pageReader{r: r, buf: make([]byte, 128<<10)} }

// read walks the page and hands every element of "results" to each.
func (p *pageReader) read(each item) (pageTail, error) {
	var tail pageTail
	if err := p.open(); err != nil {
		return tail, err
	}
	for first := true; ; first = false {
		done, err := p.next('}', first)
		if done || err != nil {
			return tail, err
		}
		key, err := p.key()
		if err != nil {
			return tail, err
		}
		if key == "results" {
			err = p.results(each)
		} else {
			err = p.member(key, &tail)
		}
		if err != nil {
			return tail, err
		}
	}
}

// open expects the start of an object; a web page is told apart from broken JSON.
func (p *pageReader) open() error {
	c, err := p.peek()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errEmpty
	case err != nil:
		return err
	case c == '<':
		return &webPage{bytes.Clone(p.buf[p.pos:p.end])}
	case c != '{':
		return fmt.Errorf("a list should start with { but starts with %q", c)
	}
	p.pos++
	return nil
}

// next moves to the next member or element: it reports true after the closing byte, and eats the comma otherwise.
func (p *pageReader) next(closing byte, first bool) (bool, error) {
	c, err := p.peek()
	switch {
	case err != nil:
		return false, err
	case c == closing:
		p.pos++
		return true, nil
	case first:
		return false, nil
	case c != ',':
		return false, errSyntax
	}
	p.pos++
	return false, nil
}

func (p *pageReader) key() (string, error) {
	var key string
	err := p.value(func(b []byte) (int, error) {
		if b[0] != '"' {
			return 0, errSyntax
		}
		n, err := skipString(b, 0)
		if err == nil {
			err = json.Unmarshal(b[:n], &key)
		}
		return n, err
	})
	if err != nil {
		return "", err
	}
	c, err := p.peek()
	if err == nil && c != ':' {
		err = errSyntax
	}
	p.pos++
	return key, err
}

func (p *pageReader) results(each item) error {
	c, err := p.peek()
	if err != nil {
		return err
	}
	if c != '[' {
		// null is how some servers write an empty list.
		return p.value(func(b []byte) (int, error) {
			if len(b) < 4 {
				return 0, errShort
			}
			if string(b[:4]) != "null" {
				return 0, errors.New(`"results" is not a list`)
			}
			return 4, nil
		})
	}
	p.pos++
	for first := true; ; first = false {
		done, err := p.next(']', first)
		if done || err != nil {
			return err
		}
		if err := p.value(each); err != nil {
			return err
		}
	}
}

func (p *pageReader) member(key string, tail *pageTail) error {
	return p.value(func(b []byte) (int, error) {
		n, err := skipValue(b, 0)
		if err != nil {
			return n, err
		}
		switch key {
		case "count":
			// A count that is no number is no reason to refuse the list.
			if json.Unmarshal(b[:n], &tail.count) != nil {
				tail.count = nil
			}
		case "next":
			if json.Unmarshal(b[:n], &tail.next) != nil {
				tail.next = ""
			}
		}
		return n, nil
	})
}

// value gives parse the bytes from the next value on, and more of them as long as it wants.
func (p *pageReader) value(parse item) error {
	if _, err := p.peek(); err != nil {
		return err
	}
	for {
		n, err := parse(p.buf[p.pos:p.end])
		if errors.Is(err, errShort) {
			if err := p.fill(); err != nil {
				return err
			}
			continue
		}
		p.pos += n
		return err
	}
}

// peek skips white space and returns the next byte without taking it.
func (p *pageReader) peek() (byte, error) {
	for {
		for ; p.pos < p.end; p.pos++ {
			if c := p.buf[p.pos]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
		}
		if err := p.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more bytes, making room first. The end of the answer is always unexpected: who calls it wants more.
func (p *pageReader) fill() error {
	if p.readErr != nil {
		return p.readErr
	}
	switch {
	case p.pos > 0:
		p.end = copy(p.buf, p.buf[p.pos:p.end])
		p.pos = 0
	case p.end == len(p.buf):
		p.buf = append(p.buf, make([]byte, len(p.buf))...)
	}
	n, err := p.r.Read(p.buf[p.end:])
	p.end += n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	p.readErr = err
	if n > 0 {
		return nil
	}
	return err
}

// skipString returns the index after the string that starts at i.
func skipString(b []byte, i int) (int, error) {
	for i++; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return 0, errShort
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1, nil
		}
	}
}

// skipValue returns the index after the value that starts at i. It checks the nesting and the strings, not every detail within:
// what is skipped is not used.
func skipValue(b []byte, i int) (int, error) {
	depth := 0
	for ; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			end, err := skipString(b, i)
			if err != nil || depth == 0 {
				return end, err
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth < 0 {
				return 0, errSyntax
			}
			if depth == 0 {
				return i + 1, nil
			}
		default:
			if depth == 0 {
				return skipScalar(b, i)
			}
		}
	}
	return 0, errShort
}

// skipScalar returns the index after a number, true, false or null. One that touches the end of the buffer may continue.
func skipScalar(b []byte, i int) (int, error) {
	start := i
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
		case i == start:
			return 0, errSyntax
		default:
			return i, nil
		}
	}
	return 0, errShort
}
