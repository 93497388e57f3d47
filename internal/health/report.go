package health

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Item is the outcome of one check.
type Item struct {
	Name     string
	Title    string
	Category Category
	Critical bool
	Result
	At   time.Time     // when it was found, UTC
	Took time.Duration // how long the check took
}

// weight is what the item means for the whole: only a critical check can fail it.
func (i Item) weight() Status {
	switch {
	case i.Status == Fail && !i.Critical:
		return Warn
	case i.Status == Skip:
		return Pass
	}
	return i.Status
}

// worse returns the worse of two statuses.
func worse(a, b Status) Status {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Warn || b == Warn:
		return Warn
	}
	return Pass
}

// Report is the outcome of a run.
type Report struct {
	Status Status
	Items  []Item // in the order of the list
	At     time.Time
	Took   time.Duration
}

// Ready reports whether the next request can be served.
func (r Report) Ready() bool { return r.Status != Fail }

// HTTPStatus is 200 for pass and warn and 503 for fail, as the draft asks.
func (r Report) HTTPStatus() int {
	if r.Ready() {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// WriteText writes the report for people: a line per check and, where it does
// not pass, what to do about it.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, it := range r.Items {
		fmt.Fprintf(&b, "%-4s  %s", strings.ToUpper(string(it.Status)), it.Name)
		if text := it.text(); text != "" {
			b.WriteString(": " + text)
		}
		if it.Fix != "" {
			b.WriteString("\n      try: " + it.Fix)
		}
		b.WriteString("\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the health report: %w", err)
	}
	return nil
}

// text is what was found: the words, else the measured value.
func (i Item) text() string {
	if i.Output != "" || i.Observed == nil {
		return i.Output
	}
	return strings.TrimSpace(fmt.Sprint(i.Observed, " ", i.Unit))
}

// About tells which service a document is about.
type About struct {
	Version     string // release of the program
	ServiceID   string // which installation
	Description string
}

// Document is the health document of the draft.
type Document struct {
	Status      Status                `json:"status"`
	Version     string                `json:"version,omitempty"`
	ServiceID   string                `json:"serviceId,omitempty"`
	Description string                `json:"description,omitempty"`
	Output      string                `json:"output,omitempty"` // names of the checks that do not pass
	Checks      map[string][]Observed `json:"checks,omitempty"` // by "component:measurement"
}

// Observed is one entry of a document's checks. critical and fix are ours; the
// draft allows further members.
type Observed struct {
	ComponentID   string    `json:"componentId"`
	Status        Status    `json:"status"`
	ObservedValue any       `json:"observedValue,omitempty"`
	ObservedUnit  string    `json:"observedUnit,omitempty"`
	Time          time.Time `json:"time"`
	Output        string    `json:"output,omitempty"`
	Critical      bool      `json:"critical"`
	Fix           string    `json:"fix,omitempty"`
	Affected      []string  `json:"affectedEndpoints,omitempty"`
}

// Document returns the report as a document with all details.
func (r Report) Document(about About) Document {
	d := Document{Status: r.Status, Version: about.Version, ServiceID: about.ServiceID, Description: about.Description, Checks: map[string][]Observed{}}
	var bad []string
	for _, it := range r.Items {
		if it.Status == Skip {
			continue // the draft has no word for it
		}
		component, _, _ := strings.Cut(it.Name, ":")
		o := Observed{ComponentID: component, Status: it.Status, ObservedValue: it.Observed, ObservedUnit: it.Unit,
			Time: it.At, Output: it.Output, Critical: it.Critical}
		if it.Status != Pass {
			o.Fix, o.Affected = it.Fix, it.Affected
			bad = append(bad, it.Name)
		}
		d.Checks[it.Name] = append(d.Checks[it.Name], o)
	}
	if len(bad) > 0 {
		d.Output = "not in order: " + strings.Join(bad, ", ")
	}
	return d
}

// Public is what a caller who is not logged in may see: the status alone.
func (d Document) Public() Document { return Document{Status: d.Status} }

// Handler serves the document of a fresh run. details decides who sees more
// than the status; nil is nobody. The query's exclude=NAME, which may be
// repeated, leaves checks out for those who may see them.
func Handler(r *Runner, about About, details func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		full := details != nil && details(req)
		var sel Select
		if full {
			sel.Exclude = req.URL.Query()["exclude"]
		}
		rep := r.Run(req.Context(), sel)
		doc := rep.Document(about)
		if !full {
			doc = doc.Public()
		}
		w.Header().Set("Content-Type", "application/health+json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(rep.HTTPStatus())
		_ = json.NewEncoder(w).Encode(doc) // the caller went away; nobody is left to tell
	})
}
