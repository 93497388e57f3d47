// Package http1 is a client of HTTP/1.1 (RFC 9112) without encryption that makes
// a call in its caller's goroutine.
//
// net/http gives every connection two goroutines; a call is handed to them and
// back four times, and each time another processor may be woken to look for
// work. Beside a language model that answers from the same machine or the next
// rack, that is a large part of what a call costs. Here the caller writes the
// request, waits for the answer and reads it itself: nothing is handed over.
//
// [Transport] takes what this is good for: http:// addresses, a body whose length
// is known and small. Everything else (https, proxies, large or open-ended bodies,
// upgrades) goes to the [http.RoundTripper] it was given for that.
//
// Answers are parsed by [http.ReadResponse], so framing is judged as net/http
// judges it. A connection is used again only after an answer was read to its end,
// nothing followed it and its framing could be read in one way only (RFC 9112 §6.3),
// and is looked at before it is used again. A request is never sent twice, unless
// not a byte of it could be written. A server that refuses a request it has not read
// and closes is heard; one that refuses it and keeps the connection open without
// reading is not, before the request's time is over, when the request is larger than
// what the kernel takes.
package http1
