package hwa

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"resync/hwa/oql"
)

// timeKeys are the JSON names of every time.Time in the wire types; TestTimeKeys keeps the list complete.
var timeKeys = map[string]bool{
	"actualEndTime": true, "actualStartTime": true, "createdTimestamp": true, "criticalStart": true, "deadlineTime": true,
	"earliestDate": true, "endTime": true, "inputArrivalTime": true, "jobStreamSchedTime": true, "latestStart": true,
	"latestStartTime": true, "lockedTime": true, "modifiedTime": true, "nestedJobStreamSchedTime": true, "schedTime": true,
	"scheduledDate": true, "startTime": true, "submittedTime": true, "timeAsked": true, "timeLastChecked": true,
	"timeRespond": true, "timeStarted": true,
}

// lenientTimes rewrites the times in a JSON document to RFC 3339, from milliseconds since 1970, from offsets without a colon and
// from an empty string. It reports whether it changed anything.
func lenientTimes(data []byte) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	changed := false
	v = fixTimes(v, &changed)
	if !changed {
		return nil, false
	}
	out, err := json.Marshal(v)
	return out, err == nil
}

func fixTimes(v any, changed *bool) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fixTimes(v[i], changed)
		}
	case map[string]any:
		for k, w := range v {
			if timeKeys[k] {
				v[k] = fixTime(w, changed)
			} else {
				v[k] = fixTimes(w, changed)
			}
		}
	}
	return v
}

func fixTime(v any, changed *bool) any {
	var t time.Time
	switch v := v.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return v
		}
		parsed, ok := parseInstant(v)
		if !ok && strings.TrimSpace(v) != "" {
			return v
		}
		t = parsed
	case json.Number:
		ms, err := v.Int64()
		if err != nil {
			return v
		}
		t = time.UnixMilli(ms).UTC()
	default:
		return v
	}
	*changed = true
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

// parseInstant reads the fixed form 2026-11-22T01:02:03[.fraction]Z fast and the rarer forms through oql.ParseInstant.
func parseInstant(s string) (time.Time, bool) {
	if t, ok := fastInstant(s); ok {
		return t, true
	}
	t, err := oql.ParseInstant(s)
	return t.UTC(), err == nil
}

func fastInstant(s string) (time.Time, bool) {
	if len(s) < 20 || len(s) > 30 || s[len(s)-1] != 'Z' || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(month, year) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	nanos := 0
	if len(s) > 20 {
		frac := s[20 : len(s)-1]
		if s[19] != '.' || frac == "" || digits(frac) < 0 {
			return time.Time{}, false
		}
		nanos = digits(frac)
		for range 9 - len(frac) {
			nanos *= 10
		}
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC), true
}

func daysIn(month, year int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// digits is the number s spells, or -1.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return -1
		}
		n = n*10 + int(d)
	}
	return n
}
