package hwasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Control is a handler beside the wire, for scripts and the demo's operator:
//
//	GET  /sim/writes   journal of accepted writes
//	GET  /sim/faults   names for /sim/fault
//	POST /sim/fault    {"name":"job-abend"} → Situation; {"name":"http-5xx","count":3,"delay":"1s","status":502} for transport faults
//	POST /sim/step     {"for":"10m"} moves the clock
//	GET  /sim/clock    {"now":…,"speed":…}
//	POST /sim/clock    {"speed":60}
//
// It has no authentication: serve it on a loopback address only.
func (s *Sim) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/writes", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Writes(), nil) })
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, Faults(), nil) })
	mux.HandleFunc("POST /sim/fault", s.controlFault)
	mux.HandleFunc("POST /sim/step", s.controlStep)
	mux.HandleFunc("GET /sim/clock", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.clockState(), nil) })
	mux.HandleFunc("POST /sim/clock", s.controlClock)
	return mux
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	json.NewEncoder(w).Encode(v) //nolint:errcheck // nothing to do for a client that left
}

func (s *Sim) clockState() map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return map[string]any{"now": s.clock(), "speed": s.speed, "runNumber": s.runNumber}
}

type controlBody struct {
	Name   string   `json:"name"`
	Count  int      `json:"count"`
	Delay  string   `json:"delay"`
	Status int      `json:"status"`
	For    string   `json:"for"`
	Speed  *float64 `json:"speed"`
}

func controlRead(r *http.Request) (controlBody, error) {
	var b controlBody
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return b, fmt.Errorf("hwasim control: %w", err)
	}
	return b, nil
}

func (s *Sim) controlFault(w http.ResponseWriter, r *http.Request) {
	b, err := controlRead(r)
	if err != nil {
		reply(w, nil, err)
		return
	}
	if b.Name == "none" || b.Count > 0 {
		delay, err := parseDelay(b.Delay)
		if err == nil {
			err = s.Transport(b.Name, b.Count, delay, b.Status)
		}
		reply(w, map[string]string{"fault": b.Name}, err)
		return
	}
	sit, err := s.Inject(b.Name)
	reply(w, sit, err)
}

func parseDelay(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

func (s *Sim) controlStep(w http.ResponseWriter, r *http.Request) {
	b, err := controlRead(r)
	var d time.Duration
	if err == nil {
		d, err = time.ParseDuration(b.For)
	}
	if err != nil {
		reply(w, nil, fmt.Errorf("for: %w", err))
		return
	}
	s.Step(d)
	reply(w, s.clockState(), nil)
}

func (s *Sim) controlClock(w http.ResponseWriter, r *http.Request) {
	b, err := controlRead(r)
	if err == nil && b.Speed == nil {
		err = fmt.Errorf("hwasim control: speed is required")
	}
	if err != nil {
		reply(w, nil, err)
		return
	}
	s.SetSpeed(*b.Speed)
	reply(w, s.clockState(), nil)
}
