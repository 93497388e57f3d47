package http1

import (
	"bytes"
	"errors"
	"fmt"
)

// inspect looks at a head as it came. [http.ReadResponse] reads some heads that
// another program on the way could read differently: then the two do not agree
// where an answer ends and the next one begins. What is invalid is refused. What is
// only odd (both Content-Length and Transfer-Encoding, Content-Length twice, a
// Transfer-Encoding of HTTP/1.0, a header over several lines, lines that end with a
// line feed alone) is read, once.
func inspect(head []byte) (odd bool, err error) {
	lengths, codings := 0, 0
	old := bytes.HasPrefix(head, []byte("HTTP/1.0"))
	for i := 0; len(head) > 0; i++ {
		line, rest, _ := bytes.Cut(head, []byte{'\n'})
		head = rest
		whole, ok := bytes.CutSuffix(line, []byte{'\r'})
		odd = odd || !ok
		switch name, _, named := bytes.Cut(whole, []byte{':'}); {
		case bytes.ContainsAny(whole, "\r\x00"):
			return odd, errors.New("the head of the answer has a character that must not be there")
		case i == 0 || len(whole) == 0:
		case whole[0] == ' ' || whole[0] == '\t':
			odd = true
		case !named:
			return odd, errors.New("the head of the answer has a line that is no header")
		case !token(string(name)):
			return odd, fmt.Errorf("the answer has a header %.40q", name)
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			codings++
		}
	}
	return odd || lengths > 1 || codings > 0 && (lengths > 0 || old), nil
}
