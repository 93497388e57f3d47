package hwasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const base = "/twsd/api/v2"

// maxBody is the largest request body the engine reads.
const maxBody = 4 << 20

// wire is the HTTP side: routes and the tables they need.
type wire struct {
	mux        *http.ServeMux
	jobActions map[string]jobAction
	jobFields  fieldSet
	jsFields   fieldSet
	wsFields   fieldSet
	resFields  fieldSet
	prFields   fieldSet
}

// call is one request being served.
type call struct {
	s      *Sim
	r      *http.Request
	user   account
	body   []byte
	out    jsonw
	status int
	ctype  string
	view   *view
}

// httpError is an error with the status it travels as.
type httpError struct {
	status int
	code   string
	text   string
}

func (e *httpError) Error() string { return e.text }

func fail(status int, code, format string, args ...any) error {
	return &httpError{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

type endpoint func(*call) error

// access says what an endpoint does to the plan: a read shares the lock.
type access uint8

const (
	reads access = iota
	writes
)

func newWire(s *Sim) *wire {
	w := &wire{mux: http.NewServeMux(), jobActions: jobActions()}
	w.jobFields, w.jsFields, w.wsFields = jobFields(s), streamFields(s), stationFields(s)
	w.resFields, w.prFields = resourceFields(s), promptFields(s)
	s.wire = w
	routesJobs(s)
	routesStreams(s)
	routesStations(s)
	routesObjects(s)
	routesModel(s)
	routesEngine(s)
	routesSubmit(s)
	routesRefused(s)
	return w
}

func (s *Sim) handleFunc(method, path string, a access, need right, fn endpoint) {
	s.wire.mux.HandleFunc(method+" "+base+path, func(w http.ResponseWriter, r *http.Request) {
		user, _ := r.Context().Value(userKey{}).(account)
		c := &call{s: s, r: r, user: user, status: http.StatusOK, ctype: "application/json"}
		c.finish(w, c.serve(a, need, fn))
	})
}

type userKey struct{}

func (c *call) serve(a access, need right, fn endpoint) error {
	if c.user.rights&need != need {
		return fail(http.StatusForbidden, "AWSJCO005E", "The user %q has no right to this operation.", c.user.Name)
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return fail(http.StatusBadRequest, "", "the request body cannot be read: %v", err)
	}
	if len(body) > maxBody {
		return fail(http.StatusRequestEntityTooLarge, "", "the request body is larger than %d bytes", maxBody)
	}
	c.body = body
	if a == writes {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
	} else {
		c.s.mu.RLock()
		defer c.s.mu.RUnlock()
	}
	c.view = c.s.newView(c.user)
	return fn(c)
}

// finish writes the reply after the lock is free, so a slow reader holds nobody up.
func (c *call) finish(w http.ResponseWriter, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", c.ctype)
	w.WriteHeader(c.status)
	w.Write(c.out.b) //nolint:errcheck // the client is gone; the action stands
}

func writeError(w http.ResponseWriter, err error) {
	status, code, text := http.StatusInternalServerError, "", err.Error()
	var he *httpError
	var re *refusal
	switch {
	case errors.As(err, &he):
		status, code, text = he.status, he.code, he.text
		if code != "" && !strings.Contains(text, code) {
			text = code + " " + text
		}
	case errors.As(err, &re):
		code = "AWSJSY404E"
		text = "AWSJSY404E The action could not be performed because of the following error: " + re.Error()
	}
	body := map[string]any{"status": status, "message": text}
	if code != "" {
		body["messageId"] = code
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // nothing to do for a client that left
}

// query reads an integer parameter.
func (c *call) intParam(name string, missing int) (int, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fail(http.StatusBadRequest, "", "parameter %s: %q is not a whole number of 0 or more", name, text)
	}
	return n, nil
}

// decode reads a JSON body; unknown fields are ignored as the product does.
func (c *call) decode(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return fail(http.StatusBadRequest, "", "the request body is not what this operation takes: %v", err)
	}
	return nil
}

// record prepares the journal entry of a write from the request.
func (c *call) record(op, target, name string) Write {
	h := c.r.Header
	args := c.r.URL.RawQuery
	if len(c.body) > 0 {
		args = strings.TrimSpace(args + " " + string(c.body[:min(len(c.body), 2000)]))
	}
	return Write{Op: op, Target: target, Name: name, User: c.user.Name, Args: args, Category: h.Get("Justification-Category"),
		Description: h.Get("Justification-Description"), Ticket: h.Get("Justification-Ticket-Num")}
}

// resource answers {id, url}.
func (c *call) resource(kind, id string) error {
	c.out.open()
	c.out.str("id", id)
	c.out.str("url", c.origin()+base+"/plan/"+kind+"/"+id)
	c.out.close()
	return nil
}

func (c *call) origin() string {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}

func badPlan(c *call) error {
	if id := c.r.URL.Query().Get("plan_id"); id != "" && id != "current" && id != c.s.planID.String() {
		return fail(http.StatusNotFound, "", "plan %q does not exist; only the current plan is kept", id)
	}
	return nil
}
