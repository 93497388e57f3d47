package hwa

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errPatience is the cause of a context this client cancelled because an answer took longer than Config.Timeout.
var errPatience = errors.New("no answer in time")

// errTooLarge marks an answer past Config.MaxResponse.
var errTooLarge = errors.New("answer larger than the limit")

// classifyTransport turns a failure without a usable answer into an Error. caller is the context of the call, inner the one of
// the attempt; sent says whether the request may have reached the engine.
func classifyTransport(caller, inner context.Context, err error, sent, write bool) *Error {
	e := &Error{Kind: KindUnreachable, Err: err, Retryable: !write, MayHaveActed: write && sent}
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.Is(caller.Err(), context.Canceled):
		e.Kind, e.Message, e.Retryable = KindCanceled, "cancelled by the caller", false
		e.Err = context.Canceled
	case caller.Err() != nil:
		e.Kind, e.Message, e.Retryable = KindTimeout, "the time allowed for this call ran out before the engine answered", false
		e.Err = context.DeadlineExceeded
	case errors.Is(context.Cause(inner), errPatience):
		e.Kind, e.Message = KindTimeout, "the engine did not answer in time"
		e.Err = errPatience
	case errors.Is(err, errTooLarge):
		e.Kind, e.Message, e.Retryable = KindProtocol, "the answer is larger than the configured limit", false
	case tlsMessage(err) != "":
		e.Kind, e.Message, e.Retryable = KindTLS, tlsMessage(err), false
	case errors.As(err, &dns):
		e.Message = fmt.Sprintf("the name %s cannot be resolved: check the engine's address and DNS", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Message = "the connection was refused: nothing listens at this address, or the engine server is down"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Message = "the connection broke before the answer was complete"
	case strings.Contains(err.Error(), "transport connection broken"):
		e.Message = "the connection broke within the head of the answer, or what answers at this address does not speak HTTP"
	case errors.As(err, &netErr) && netErr.Timeout():
		e.Kind, e.Message = KindTimeout, "connecting to the engine took too long"
	default:
		e.Message = "the engine cannot be reached"
	}
	return e
}

// tlsMessage explains a TLS failure, or returns "" when err is none.
func tlsMessage(err error) string {
	var expired x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	switch {
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return expiredMessage(expired.Cert)
	case errors.As(err, &authority):
		return "the engine's certificate is signed by an authority this machine does not know: give the engine's CA file"
	case errors.As(err, &host):
		return fmt.Sprintf("the engine's certificate is not valid for the name %s", host.Host)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the address does not speak TLS: check the port, and whether it wants http instead of https"
	case isAlert(err):
		return "the engine refused the TLS handshake: " + err.Error()
	case errors.As(err, &verify), errors.As(err, &expired):
		return "the engine's certificate cannot be verified: " + err.Error()
	}
	return ""
}

func expiredMessage(cert *x509.Certificate) string {
	if cert == nil {
		return "the engine's certificate has expired or is not valid yet"
	}
	now := time.Now()
	if now.Before(cert.NotBefore) {
		return fmt.Sprintf("the engine's certificate is not valid before %s: check the clocks", cert.NotBefore.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("the engine's certificate expired on %s: renew it on the engine", cert.NotAfter.UTC().Format(time.RFC3339))
}

// unsent reports whether err proves that no byte of the request left: the connection was never made.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || tlsMessage(err) != "" && !isAlert(err)
}

// isAlert reports an alert sent by the server. It is apart because TLS 1.3 may deliver one after the request has been written.
// The type behind it is not exported, so the text decides.
func isAlert(err error) bool {
	return err != nil && strings.Contains(err.Error(), "remote error: tls:")
}

// classifyStatus turns an answer with a status other than 2xx into an Error.
func classifyStatus(status int, header http.Header, body []byte, write bool) *Error {
	codes, text := scrape(header.Get("Content-Type"), body)
	e := &Error{HTTPStatus: status, Codes: codes, ServerText: text}
	business := isBusiness(codes)
	switch {
	case status >= 300 && status < 400:
		e.Kind, e.Message = KindAuth, redirectMessage(header.Get("Location"))
	case status == 401:
		e.Kind, e.Message = KindAuth, "the engine does not accept the user and password, or the API key has expired"
	case status == 403:
		e.Kind, e.Message = KindForbidden, "the engine's user is not allowed to do this"
	case status == 404:
		e.Kind, e.Message = KindNotFound, "the engine knows no such object"
	case status == 409:
		e.Kind, e.Message = KindConflict, "it conflicts with what is there already"
	case status == 501:
		e.Kind, e.Message = KindNotSupported, "this engine does not have the operation"
	case status == 408:
		e.Kind, e.Message, e.Retryable = KindTimeout, "the engine gave up waiting for the request", !write
	case status == 429:
		e.Kind, e.Message, e.Retryable = KindOutage, "the engine is asked too often", !write
	case status < 500:
		e.Kind, e.Message = KindBadRequest, "the engine does not accept the request"
	case strings.Contains(string(body), "OQL_FILTER_SYNTAX_ERROR"):
		e.Kind, e.Message = KindBadRequest, "the engine does not accept the filter"
	case status == 500 && business:
		e.Kind, e.Message = KindBusiness, "the engine refused"
	default:
		e.Kind, e.Message = KindOutage, fmt.Sprintf("the engine or a proxy before it failed (HTTP %d)", status)
		e.Retryable = !write && (status == 502 || status == 503 || status == 504)
		e.MayHaveActed = write
	}
	e.RetryAfter = retryAfter(header)
	if text != "" {
		e.Message += ": " + text
	}
	return e
}

func redirectMessage(location string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(location, "https://"), "http://"), "/")
	if host == "" {
		return "the engine redirects to another page, usually a login page: this address needs an interactive login"
	}
	return "the engine redirects to " + host + ", usually a login page: use the engine's own address, not that of a single sign-on"
}

// isBusiness reports whether one of the codes belongs to the families with which the engine refuses an action (hwa.md §1.3), as
// opposed to failing itself. They arrive with HTTP 500.
func isBusiness(codes []string) bool {
	for _, c := range codes {
		for _, prefix := range [...]string{"AWSJSY", "AWSBIN", "AWSBIO", "AWSJDB1", "AWSJCS027"} {
			if strings.HasPrefix(c, prefix) {
				return true
			}
		}
	}
	return false
}

// retryAfter reads the header in its seconds form; a date is not worth the clock skew.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 || s > 3600 {
		return 0
	}
	return time.Duration(s) * time.Second
}
