package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"resync/breaker"
	"resync/internal/jobs"
)

// Waits between attempts: 5 s, tripled up to an hour, of which a random half is
// left out.
const (
	firstWait   = 5 * time.Second
	longestWait = time.Hour
	brokenWait  = 20 * time.Second // while a target cannot be reached as it is set up
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// statusError is an answer that is no success.
type statusError struct {
	code  int
	after time.Duration // what Retry-After asks for
}

func (e *statusError) Error() string {
	return fmt.Sprintf("it answered %d %s", e.code, http.StatusText(e.code))
}

// worker is the handler of a target's messages.
func (b *Outbox) worker(t *Target) jobs.Handler {
	return func(ctx context.Context, w *jobs.Work) error {
		off, err := b.off(ctx, t.Name)
		switch {
		case err != nil:
			return jobs.Later(err, time.Second, true)
		case off != nil:
			return jobs.Permanent(fmt.Errorf("the target is switched off: %s", off.Reason))
		case t.Broken != nil && b.opt.Now().Sub(w.Job.StartedAt) <= b.opt.Keep:
			return jobs.Later(t.Broken, brokenWait, true)
		case b.opt.Now().Sub(w.Job.StartedAt) > b.opt.Keep:
			b.opt.Observe(t.Name, "given_up", 0)
			return jobs.Permanent(fmt.Errorf("it could not be delivered within %s", b.opt.Keep))
		}
		var m message
		if err := json.Unmarshal(w.Job.Args, &m); err != nil {
			return jobs.Permanent(fmt.Errorf("the message cannot be read: %w", err))
		}
		start := time.Now()
		code, err := b.send(ctx, t, m, w.Job.ID)
		return b.judge(ctx, t, w, code, err, time.Since(start))
	}
}

// judge decides what becomes of a message after an attempt.
func (b *Outbox) judge(ctx context.Context, t *Target, w *jobs.Work, code int, err error, took time.Duration) error {
	var open *breaker.OpenError
	var status *statusError
	wait := backoff(w.Job.Attempts)
	switch {
	case err == nil:
		b.opt.Observe(t.Name, "sent", took)
		b.opt.Log.DebugContext(ctx, "a message was delivered", "target", t.Name, "id", w.Job.ID, "status", code, "attempt", w.Job.Attempts)
		return w.Result(map[string]any{"status": code, "ms": took.Milliseconds()})
	case errors.As(err, &open): // nothing was sent, so the attempt is none
		b.opt.Observe(t.Name, "refused", 0)
		wait = min(max(open.RetryAfter, time.Second), 2*time.Minute)
		return jobs.Later(fmt.Errorf("its circuit breaker %s is open", open.Name), wait+rand.N(time.Second), true)
	}
	b.opt.Observe(t.Name, "failed", took)
	switch {
	case errors.Is(err, ErrForbidden):
		err = jobs.Permanent(err)
	case errors.As(err, &status) && status.code == http.StatusGone:
		b.gone(ctx, t)
		err = jobs.Permanent(err)
	case errors.As(err, &status) && status.code == http.StatusRequestEntityTooLarge:
		err = jobs.Permanent(err)
	case errors.As(err, &status) && status.after > 0:
		err = jobs.Later(err, min(max(status.after, wait), longestWait), false)
	default:
		err = jobs.Later(err, wait, false)
	}
	if w.Job.Attempts >= b.opt.Attempts {
		b.opt.Observe(t.Name, "given_up", 0)
	}
	return err
}

// gone switches a target off whose receiver has said that it is gone for good.
func (b *Outbox) gone(ctx context.Context, t *Target) {
	if _, err := b.SwitchOff(ctx, t.Name, "it answered 410 Gone: nobody receives there any more", "resync"); err != nil {
		b.opt.Log.ErrorContext(ctx, "switching a webhook target off", "target", t.Name, "err", err)
	}
}

// backoff is the wait after the n-th attempt.
func backoff(n int) time.Duration {
	d := firstWait
	for range n - 1 {
		if d *= 3; d >= longestWait {
			d = longestWait
			break
		}
	}
	return d/2 + rand.N(d/2+1)
}

// send makes one attempt. The error never holds the URL, which may be a secret.
func (b *Outbox) send(ctx context.Context, t *Target, m message, id string) (code int, err error) {
	if t.Broken != nil {
		return 0, t.Broken
	}
	body, headers, err := t.write(m, id, b.opt.Now())
	if err != nil {
		return 0, jobs.Permanent(err)
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return 0, fmt.Errorf("%w: it cannot be read", ErrForbidden)
	}
	if err := b.opt.Guard.CheckURL(u); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%w: it cannot be asked", ErrForbidden)
	}
	req.Header = headers
	req.Header.Set("User-Agent", "Resync-Webhook/1")
	resp, err := t.Client.Do(req)
	if err != nil {
		return 0, quiet(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // the status has been said; the rest keeps the connection
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, &statusError{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"), b.opt.Now())}
	}
	return resp.StatusCode, nil
}

// write is the message as the target reads it.
func (t *Target) write(m message, id string, now time.Time) ([]byte, http.Header, error) {
	if t.Format == Teams {
		return teamsCardOf(m, id)
	}
	key, err := Key(t.Secret)
	if err != nil {
		return nil, nil, err
	}
	return standard(m, id, key, now)
}

// quiet takes the URL out of a client's error.
func quiet(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer in time: %w", context.DeadlineExceeded)
	}
	return err
}

// retryAfter reads Retry-After: seconds or a date; 0 when it says nothing.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(time.Duration(n)*time.Second, 0)
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
