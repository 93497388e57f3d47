package api

import "net/http"

// Routes lists what an API registers, for the tests that walk all of it.
func Routes() ([]Route, error) {
	_, s, err := build(Deps{Engines: []*Engine{{Name: "none"}}, Console: http.NotFoundHandler(), Prom: http.NotFoundHandler()})
	if err != nil {
		return nil, err
	}
	return s.routes, nil
}
