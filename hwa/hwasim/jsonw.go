package hwasim

import (
	"encoding/json"
	"strconv"
	"time"
)

// jsonw writes JSON by hand: the wire must be the product's, not whatever the
// client's structs happen to be, and pages of a thousand jobs must be cheap.
type jsonw struct{ b []byte }

func (w *jsonw) sep() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':', ',':
		default:
			w.b = append(w.b, ',')
		}
	}
}

func (w *jsonw) open()  { w.sep(); w.b = append(w.b, '{') }
func (w *jsonw) close() { w.b = append(w.b, '}') }

func (w *jsonw) key(k string) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *jsonw) obj(k string)  { w.key(k); w.b = append(w.b, '{') }
func (w *jsonw) list(k string) { w.key(k); w.b = append(w.b, '[') }
func (w *jsonw) end()          { w.b = append(w.b, ']') }

// str leaves an empty string out.
func (w *jsonw) str(k, v string) {
	if v != "" {
		w.key(k)
		w.quote(v)
	}
}

func (w *jsonw) elem(v string) { w.sep(); w.quote(v) }

func (w *jsonw) quote(v string) {
	for i := 0; i < len(v); i++ {
		if c := v[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			q, err := json.Marshal(v)
			if err != nil { // a string always marshals
				q = []byte(`""`)
			}
			w.b = append(w.b, q...)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, v...)
	w.b = append(w.b, '"')
}

func (w *jsonw) id(k string, u uuid) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = u.append(w.b)
	w.b = append(w.b, '"')
}

func (w *jsonw) num(k string, n int) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

func (w *jsonw) bool(k string, v bool) {
	w.key(k)
	w.b = strconv.AppendBool(w.b, v)
}

// yes writes a flag only when it is set.
func (w *jsonw) yes(k string, v bool) {
	if v {
		w.bool(k, true)
	}
}

// time leaves a time that is not set out.
func (w *jsonw) time(k string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.key(k)
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, "2006-01-02T15:04:05.000Z")
	w.b = append(w.b, '"')
}

// secs writes a duration of whole seconds as ISO 8601.
func (w *jsonw) secs(k string, n int) {
	w.key(k)
	w.b = append(w.b, `"PT`...)
	h, m, sec := n/3600, n/60%60, n%60
	if h > 0 {
		w.b = append(strconv.AppendInt(w.b, int64(h), 10), 'H')
	}
	if m > 0 {
		w.b = append(strconv.AppendInt(w.b, int64(m), 10), 'M')
	}
	if sec > 0 || n == 0 {
		w.b = append(strconv.AppendInt(w.b, int64(sec), 10), 'S')
	}
	w.b = append(w.b, '"')
}

// any writes a value that json.Marshal knows; used off the hot paths.
func (w *jsonw) any(k string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte("null")
	}
	w.key(k)
	w.b = append(w.b, raw...)
}
