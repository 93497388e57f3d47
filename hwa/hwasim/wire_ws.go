package hwasim

import (
	"net/http"

	"resync/hwa/oql"
)

// stationAction is what can be done to a workstation.
type stationAction struct {
	right right
	can   func(*workstation) bool
	do    func(*Sim, *workstation, *actionArgs)
}

var stationActionOrder = []string{"link", "unlink", "start", "stop", "set-online", "set-offline", "update-limit", "update-fence", "start-event-monitoring", "stop-event-monitoring"}

func always(*workstation) bool { return true }

var stationActions = map[string]stationAction{
	"link":   {rightLink, func(w *workstation) bool { return !w.linked }, func(s *Sim, w *workstation, _ *actionArgs) { s.tryLink(w) }},
	"unlink": {rightLink, func(w *workstation) bool { return w.linked }, func(_ *Sim, w *workstation, _ *actionArgs) { w.linked = false }},
	"start":  {rightLink, func(w *workstation) bool { return !w.started || !w.jobman }, func(s *Sim, w *workstation, _ *actionArgs) { s.tryStart(w) }},
	"stop": {rightLink, func(w *workstation) bool { return w.started }, func(s *Sim, w *workstation, _ *actionArgs) {
		w.started, w.jobman = false, false
		if w.problem == failBCW037 { // mailman has ended: Symphony can be sent again
			w.problem = failNone
		}
	}},
	"set-online":             {rightLink, func(w *workstation) bool { return !w.online }, func(_ *Sim, w *workstation, _ *actionArgs) { w.online = true }},
	"set-offline":            {rightLink, func(w *workstation) bool { return w.online }, func(_ *Sim, w *workstation, _ *actionArgs) { w.online = false }},
	"update-limit":           {rightLimit, always, func(_ *Sim, w *workstation, a *actionArgs) { w.limit = int16(a.limit) }},
	"update-fence":           {rightFence, always, func(_ *Sim, w *workstation, a *actionArgs) { w.fence = int16(a.fence) }},
	"start-event-monitoring": {rightLink, func(w *workstation) bool { return !w.monman }, func(_ *Sim, w *workstation, _ *actionArgs) { w.monman = true }},
	"stop-event-monitoring":  {rightLink, func(w *workstation) bool { return w.monman }, func(_ *Sim, w *workstation, _ *actionArgs) { w.monman = false }},
}

// tryLink links unless what broke the link is still there: configuration on the
// agent is not repaired from here.
func (s *Sim) tryLink(w *workstation) {
	switch w.problem {
	case failNone, failUnlink:
		w.linked, w.inited, w.run, w.problem = true, true, s.runNumber, failNone
	}
}

func (s *Sim) tryStart(w *workstation) {
	if w.problem == failDEC002 || w.problem == failITA245 {
		return
	}
	w.started, w.jobman, w.since = true, true, s.now
	s.tryLink(w)
}

func routesStations(s *Sim) {
	s.handleFunc("GET", "/plan/workstation", reads, rightDisplay, func(c *call) error { return c.page(c.stationsKind()) })
	s.handleFunc("GET", "/plan/workstation/{workstation_id}", reads, rightDisplay, (*call).oneStation)
	s.handleFunc("GET", "/plan/workstation/{workstation_id}/action/health-status", reads, rightDisplay, (*call).healthByID)
	s.handleFunc("GET", "/plan/workstation/action/health-status", reads, rightDisplay, (*call).health)
	monitoring := func(*call) error {
		return refuse("AWSBIN091E", "The monitoring configuration of the workstation is not available.")
	}
	s.handleFunc("GET", "/plan/workstation/{workstation_id}/action/monitoring-configuration", reads, rightDisplay, monitoring)
	s.handleFunc("GET", "/plan/workstation/action/monitoring-configuration", reads, rightDisplay, monitoring)
	for _, name := range stationActionOrder {
		a := stationActions[name]
		s.handleFunc("PUT", "/plan/workstation/{workstation_id}/action/"+name, writes, a.right, func(c *call) error { return c.actOnStation(name, a) })
		if name != "set-online" && name != "set-offline" {
			s.handleFunc("PUT", "/plan/workstation/action/"+name, writes, a.right, func(c *call) error { return c.actOnStations(name, a) })
		}
	}
	s.handleFunc("PATCH", "/plan/workstation/{workstation_id}", writes, rightLimit, (*call).patchStationByID)
	s.handleFunc("PATCH", "/plan/workstation", writes, rightLimit, (*call).patchStations)
}

func indexes(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func (c *call) stationsKind() *kindSpec {
	s := c.s
	return &kindSpec{kind: oql.Workstations, all: indexes(len(s.ws)), fields: s.wire.wsFields,
		target: func(i int32) oql.Target { return oql.Target{WorkstationFolder: "/", Workstation: s.ws[i].name} },
		encode: c.view.station}
}

func (c *call) pathStation() (int32, error) {
	text := c.r.PathValue("workstation_id")
	u, ok := parseID(text)
	if !ok {
		return 0, refuse("AWSBIO006E", "Field CPU-NAME has a null value: %q is no identifier.", text)
	}
	for i := range c.s.ws {
		if c.s.ws[i].id == u {
			return int32(i), nil
		}
	}
	return 0, fail(http.StatusNotFound, "", "the workstation %s is not in the plan", text)
}

func (c *call) oneStation() error {
	wi, err := c.pathStation()
	if err != nil {
		return err
	}
	c.view.station(&c.out, wi)
	return nil
}

func (c *call) healthByID() error {
	wi, err := c.pathStation()
	if err != nil {
		return err
	}
	if w := &c.s.ws[wi]; !w.active() {
		return refuse("AWSBIN091E", "The agent on the workstation %s does not answer.", w.name)
	}
	return c.resource("workstation", c.s.ws[wi].id.String())
}

func (c *call) health() error {
	return c.filtered(c.stationsKind(), "workstation", func(i int32) uuid { return c.s.ws[i].id }, func(i int32) error {
		if w := &c.s.ws[i]; !w.active() {
			return refuse("AWSBIN091E", "The agent on the workstation %s does not answer.", w.name)
		}
		return nil
	})
}

// stationArgs reads limit and fence. 10.2.8 calls the fence parameter fence,
// 10.1.0.1 priority.
func (c *call) stationArgs(name string) (*actionArgs, error) {
	a := &actionArgs{}
	switch name {
	case "update-limit":
		n, err := c.intParam("limit", -1)
		if err == nil && (n < 0 || n > 1024) {
			err = fail(http.StatusBadRequest, "", "parameter limit: want 0 to 1024")
		}
		a.limit = n
		return a, err
	case "update-fence":
		param := "fence"
		if c.s.cfg.API == API101 {
			param = "priority"
		}
		n, err := c.intParam(param, -1)
		if err == nil && (n < 0 || n > 101) {
			err = fail(http.StatusBadRequest, "", "parameter %s: want 0 to 101", param)
		}
		a.fence = n
		return a, err
	}
	return a, nil
}

func (c *call) tryStation(name string, a stationAction, args *actionArgs, wi int32) error {
	s := c.s
	w := &s.ws[wi]
	if !a.can(w) {
		return refuse("AWSBIN076E", "The action %s cannot be performed on the workstation %q: the workstation is in an incorrect state.", name, w.name)
	}
	s.accept(c.record("workstation."+name, w.id.String(), w.name), func() error {
		a.do(s, &s.ws[wi], args)
		s.dispatch(wi)
		return nil
	})
	return nil
}

func (c *call) actOnStation(name string, a stationAction) error {
	wi, err := c.pathStation()
	if err != nil {
		return err
	}
	args, err := c.stationArgs(name)
	if err != nil {
		return err
	}
	if err := c.tryStation(name, a, args, wi); err != nil {
		return err
	}
	return c.resource("workstation", c.s.ws[wi].id.String())
}

func (c *call) actOnStations(name string, a stationAction) error {
	args, err := c.stationArgs(name)
	if err != nil {
		return err
	}
	return c.filtered(c.stationsKind(), "workstation", func(i int32) uuid { return c.s.ws[i].id }, func(i int32) error { return c.tryStation(name, a, args, i) })
}

func (c *call) stationPatch() (func(*workstation), error) {
	if err := c.onlyKeys("limit", "fence"); err != nil {
		return nil, err
	}
	var p struct{ Limit, Fence *int }
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	for name, v := range map[string]*int{"limit": p.Limit, "fence": p.Fence} {
		if v != nil && (*v < 0 || *v > 1024) {
			return nil, fail(http.StatusBadRequest, "", "%s: want 0 to 1024", name)
		}
	}
	return func(w *workstation) {
		if p.Limit != nil {
			w.limit = int16(*p.Limit)
		}
		if p.Fence != nil {
			w.fence = int16(*p.Fence)
		}
	}, nil
}

func (c *call) patchStationByID() error {
	wi, err := c.pathStation()
	if err != nil {
		return err
	}
	do, err := c.stationPatch()
	if err != nil {
		return err
	}
	c.acceptStationPatch(wi, do)
	return c.resource("workstation", c.s.ws[wi].id.String())
}

func (c *call) acceptStationPatch(wi int32, do func(*workstation)) {
	s := c.s
	s.accept(c.record("workstation.patch", s.ws[wi].id.String(), s.ws[wi].name), func() error {
		do(&s.ws[wi])
		s.dispatch(wi)
		return nil
	})
}

func (c *call) patchStations() error {
	do, err := c.stationPatch()
	if err != nil {
		return err
	}
	return c.filtered(c.stationsKind(), "workstation", func(i int32) uuid { return c.s.ws[i].id }, func(i int32) error {
		c.acceptStationPatch(i, do)
		return nil
	})
}
