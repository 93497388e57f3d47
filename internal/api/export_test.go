package api

import (
	"net/http"
	"time"
)

// ParseKey, Fingerprint and KeyLease are what a test of the header needs.
var (
	ParseKey    = parseKey
	Fingerprint = fingerprint
)

// KeyLease is how long a silent owner of a key counts as alive.
const KeyLease time.Duration = keyLease

// Routes lists what an API registers, for the tests that walk all of it.
func Routes() ([]Route, error) {
	_, s, err := build(Deps{Engines: []*Engine{{Name: "none"}}, Console: http.NotFoundHandler(), Prom: http.NotFoundHandler()})
	if err != nil {
		return nil, err
	}
	return s.routes, nil
}
