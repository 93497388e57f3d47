package hwa

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that travels as ISO 8601 ("PT1H30M"). When decoding, a whole number is taken as milliseconds and a
// number with a fraction as seconds, the two other forms Java servers use.
type Duration time.Duration

// Duration returns d as a time.Duration.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

// String returns the ISO 8601 form in days-free units, e.g. "PT26H3M0.5S"; zero is "PT0S".
func (d Duration) String() string {
	if d == 0 {
		return "PT0S"
	}
	var b strings.Builder
	// Negating as unsigned keeps the smallest int64 right.
	u := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		u = -u
	}
	b.WriteString("PT")
	if h := u / uint64(time.Hour); h > 0 {
		b.WriteString(strconv.FormatUint(h, 10))
		b.WriteByte('H')
	}
	if m := u / uint64(time.Minute) % 60; m > 0 {
		b.WriteString(strconv.FormatUint(m, 10))
		b.WriteByte('M')
	}
	if s := u % uint64(time.Minute); s > 0 {
		b.WriteString(strconv.FormatUint(s/uint64(time.Second), 10))
		if frac := s % uint64(time.Second); frac > 0 {
			b.WriteString(strings.TrimRight(fmt.Sprintf(".%09d", frac), "0"))
		}
		b.WriteByte('S')
	}
	return b.String()
}

// MarshalText encodes the ISO 8601 form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON decodes an ISO 8601 string, whole milliseconds, fractional seconds or null.
func (d *Duration) UnmarshalJSON(data []byte) error {
	s := string(data)
	if s == "null" {
		return nil
	}
	if len(s) >= 2 && s[0] == '"' {
		v, err := ParseDuration(s[1 : len(s)-1])
		*d = v
		return err
	}
	v, err := numberDuration(s)
	*d = v
	return err
}

func numberDuration(s string) (Duration, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		const limit = int64(1<<63-1) / int64(time.Millisecond)
		if ms > limit || ms < -limit {
			return 0, fmt.Errorf("duration of %d ms is out of range", ms)
		}
		return Duration(ms * int64(time.Millisecond)), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > 9e9 || f < -9e9 {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	return Duration(f * float64(time.Second)), nil
}

// ParseDuration parses an ISO 8601 duration of days, hours, minutes and seconds, such as "P1DT2H" or "-PT0.25S". A day is 24
// hours. Years, months and weeks are refused: the scheduler does not use them and the first two have no fixed length.
func ParseDuration(s string) (Duration, error) {
	rest, neg := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, fmt.Errorf("%q is not an ISO 8601 duration", s)
	}
	var total int64
	units := "DTHMS"
	for rest != "" {
		if at := strings.IndexByte(units, 'T'); rest[0] == 'T' && at >= 0 {
			rest, units = rest[1:], units[at+1:]
			continue
		}
		n := strings.IndexAny(rest, "DHMS")
		if n <= 0 {
			return 0, fmt.Errorf("%q is not an ISO 8601 duration", s)
		}
		at := strings.IndexByte(units, rest[n])
		if at < 0 || rest[n] != 'D' && strings.HasPrefix(units, "D") || rest[n] != 'D' && strings.HasPrefix(units, "T") {
			return 0, fmt.Errorf("%q is not an ISO 8601 duration: %c is out of place", s, rest[n])
		}
		nanos, ok := scale(rest[:n], rest[n])
		if ok {
			total, ok = add(total, nanos)
		}
		if !ok {
			return 0, fmt.Errorf("%q is not an ISO 8601 duration within range", s)
		}
		units, rest = units[at+1:], rest[n+1:]
	}
	if neg {
		total = -total
	}
	return Duration(total), nil
}

// scale is number × unit in nanoseconds; only seconds may have a fraction.
func scale(number string, unit byte) (int64, bool) {
	whole, frac, hasFrac := strings.Cut(strings.Replace(number, ",", ".", 1), ".")
	size := int64(time.Second)
	switch unit {
	case 'D':
		size = int64(24 * time.Hour)
	case 'H':
		size = int64(time.Hour)
	case 'M':
		size = int64(time.Minute)
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || whole[0] == '+' || n > math.MaxInt64/size || n < -math.MaxInt64/size {
		return 0, false
	}
	if !hasFrac {
		return n * size, true
	}
	nanos := digits((frac + "000000000")[:9])
	if unit != 'S' || frac == "" || digits(frac[:min(len(frac), 18)]) < 0 || nanos < 0 {
		return 0, false
	}
	if whole[0] == '-' {
		nanos = -nanos
	}
	return add(n*size, int64(nanos))
}

func add(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (sum >= a) == (b >= 0) && sum != math.MinInt64
}
