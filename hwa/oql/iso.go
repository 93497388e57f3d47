package oql

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// The lengths used for calendar units of a duration. ISO 8601 leaves years and
// months to the calendar; a job's run time never depends on the difference.
const (
	day   = 24 * time.Hour
	month = 30 * day
	year  = 365 * day
)

// ParseInstant reads an ISO 8601 instant such as 2025-12-01T23:00:00.000Z. The
// fraction and the zone may be missing (then UTC), an offset is accepted.
func ParseInstant(s string) (time.Time, error) {
	if len(s) < len("2006-01-02T15:04") || s[10] != 'T' {
		return time.Time{}, errors.New("not an ISO 8601 instant")
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not an ISO 8601 instant")
}

// ParseDuration reads an ISO 8601 duration, P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S. A
// year counts 365 days, a month 30. Fractions are allowed in seconds only.
func ParseDuration(s string) (time.Duration, error) {
	bad := errors.New("not an ISO 8601 duration")
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, bad
	}
	date, clock, _ := strings.Cut(rest, "T")
	a, err := sumUnits(date, "YMWD", []time.Duration{year, month, 7 * day, day})
	if err != nil {
		return 0, bad
	}
	b, err := sumUnits(clock, "HMS", []time.Duration{time.Hour, time.Minute, time.Second})
	if err != nil || a > maxDuration-b {
		return 0, bad
	}
	return a + b, nil
}

const maxDuration = time.Duration(1<<63 - 1)

// sumUnits adds up "4H20S"-like text; units must come in the order of letters.
func sumUnits(s, letters string, units []time.Duration) (time.Duration, error) {
	var total time.Duration
	next := 0
	for s != "" {
		n := strings.IndexAny(s, letters)
		if n <= 0 {
			return 0, errors.New("expected a number and a unit")
		}
		unit := strings.IndexByte(letters, s[n])
		if unit < next {
			return 0, errors.New("units out of order")
		}
		amount, err := scaled(s[:n], units[unit])
		if err != nil || total > maxDuration-amount {
			return 0, errors.New("bad amount")
		}
		total, next, s = total+amount, unit+1, s[n+1:]
	}
	return total, nil
}

// scaled is number × unit; only seconds may have a fraction.
func scaled(number string, unit time.Duration) (time.Duration, error) {
	if strings.ContainsAny(number, "+-") {
		return 0, errors.New("signs are not allowed")
	}
	whole, fraction, hasFraction := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(maxDuration/unit)-1 {
		return 0, errors.New("not a number")
	}
	if !hasFraction {
		return time.Duration(n) * unit, nil
	}
	if unit != time.Second || fraction == "" || len(fraction) > 9 {
		return 0, errors.New("fraction not allowed here")
	}
	nanos, err := strconv.ParseInt(fraction+strings.Repeat("0", 9-len(fraction)), 10, 64)
	return time.Duration(n)*unit + time.Duration(nanos), err
}

// FormatDuration writes a duration the way the manual does, for example PT4H20S.
// A negative duration, which the language does not know, is written as PT0S.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteString("PT")
	for _, u := range [...]struct {
		size   time.Duration
		letter byte
	}{{time.Hour, 'H'}, {time.Minute, 'M'}} {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10))
			b.WriteByte(u.letter)
		}
		d %= u.size
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
		b.WriteByte('S')
	}
	return b.String()
}
