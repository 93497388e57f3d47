package api

import (
	"context"
	"net/http"

	"resync/internal/auth"
	"resync/internal/health"
)

type suiteInput struct {
	Exclude []string `query:"exclude,explode" maxItems:"100" doc:"names of checks to leave out; may be repeated"`
}

type suiteOutput struct{ Body health.Suite }

// registerDoctor serves doctor and smoke of the running server.
func (s *server) registerDoctor() {
	look := func(sel health.Select) func(context.Context, *suiteInput) (*suiteOutput, error) {
		return func(ctx context.Context, in *suiteInput) (*suiteOutput, error) {
			sel := sel
			sel.Exclude = in.Exclude
			return &suiteOutput{s.Checks.Run(ctx, sel).Suite()}, nil
		}
	}
	add(s, route{id: "doctor", method: http.MethodGet, paths: one("/api/v1/admin/doctor"), tag: "system", tier: ReadOnly, role: auth.Admin,
		summary: "Every check of this server, with what to do where one is not in order"}, look(health.Select{Deep: true}))
	add(s, route{id: "smoke", method: http.MethodGet, paths: one("/api/v1/admin/smoke"), tag: "system", tier: ReadOnly, role: auth.Admin,
		summary: "The sixteen smoke tests of this server"}, look(health.Select{SmokeOnly: true}))
}

// StatusOf is the HTTP status with which an error of the lower floors is
// answered; 500 for one nobody foresaw.
func StatusOf(err error) int { return statusOf(err) }
