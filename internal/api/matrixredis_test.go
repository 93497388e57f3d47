package api_test

import (
	"net/http"
	"slices"
	"testing"

	"resync/internal/api"
	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
	"resync/internal/state"
	"resync/internal/state/statetest"
)

// redisColumn is Redis: what needs it is refused before anything is done, what does
// not goes on with less and says so, and nothing waits longer than one call of it.
func redisColumn() column {
	const refused, degraded = "Service Temporarily Unavailable", "X-Degraded-Mode: true"
	away := []answer{{503, refused, "X-Redis-Status: unavailable"}, {503, refused, "X-Redis-Status: unavailable"}, {200, "", degraded}, {200, "", "X-Redis-Status: unavailable"}}
	well := []answer{ok(), ok(), {200, "", "X-Redis-Status: available"}, ok()}
	return column{
		name: "Redis", test: "TestFaultMatrixRedis",
		bounds: "250 ms for a call of Redis",
		heals:  "by itself: Redis is looked at every 150 ms and used again with its first answer; connections that it ends while it is there cost no request anything (`TestDroppedConnectionsRefuseNobody`)",
		played: "The test has the settings of a server.",
		bound:  2 * state.CallTime,
		probes: []probe{holdProbe(), approveProbe(),
			{api.BestEffort, "jobs of the plan: `GET /api/v1/tws/plan/current/job`", func(st *matrixStage) reply { return st.operator.get("/api/v1/tws/plan/current/job?limit=1") }}, enginesProbe()},
		cells: slices.Concat(
			same(away, "refuse", "blackhole", "reset", "slow-2s", "slow-35s", "garbage", "tls-expired", "tls-unknown", "dns"),
			[]cell{
				{row: "cut", want: away, how: func() faultnet.Fault { return faultnet.Cut(2) }}, {row: "cut-reset", want: away, how: func() faultnet.Fault { return faultnet.CutReset(1) }},
				{row: "slow-0.2s", want: away, also: "A call of Redis may take 100 ms to answer: what is slower costs more than it saves"},
				{row: "slices", want: well},
				{row: "500", like: "`-LOADING`: Redis reads its data after a restart", how: says("-LOADING Redis is loading the dataset in memory\r\n"), want: away},
				{row: "503", like: "`-READONLY`: the server has become a replica", how: says("-READONLY You can't write against a read only replica.\r\n"), want: away},
				{row: "429", like: "`-ERR max number of clients reached`", how: says("-ERR max number of clients reached\r\n"), want: away},
			}),
	}
}

func TestFaultMatrixRedis(t *testing.T) { // not beside others: Redis has a tenth of a second
	r, col := statetest.Start(t), redisColumn()
	stage := func(t *testing.T, url string) *matrixStage {
		h := newHost(t, withRedis(url), func(c *hostConfig) {
			was := c.config
			c.config = func(cfg *config.Config) { was(cfg); cfg.Redis.MaxRetries = 1 }
		})
		st := newMatrixStage(h.ready(), 50)
		st.prepare = st.prepared
		return st
	}
	// away has the first request find out: it is refused already, and in time.
	away := func(st *matrixStage, c cell) {
		if c.want[0].status == http.StatusOK {
			return
		}
		if r := st.hold(); r.status != http.StatusServiceUnavailable {
			t.Errorf("the first request of the outage: %s", r)
		}
		st.operator.away()
	}
	back := func(st *matrixStage, pass func()) func() {
		return func() {
			pass()
			st.operator.back()
			st.h.eventually("Redis to be used", func() bool {
				return st.operator.get("/api/v1/agents/approvals").header.Get("X-Redis-Status") == "available"
			})
			st.h.eventually("what could not be approved during the outage", func() bool {
				r := st.operator.approve(st.run)
				return r.status == http.StatusOK || r.status == http.StatusConflict
			})
		}
	}
	t.Run("wire", func(t *testing.T) {
		p := faultnet.New(t, r.Addr)
		st := stage(t, "redis://"+p.Addr())
		st.break_, st.heal = func(c cell) { p.Set(faultOf(t, c)); away(st, c) }, back(st, func() { p.Set(faultnet.Pass()) })
		col.run(t, st, wireRows()...)
		if n, cells := len(st.h.sim.Writes()), len(wireRows()); n != cells {
			t.Errorf("%d writes on the engine for %d approved actions", n, cells)
		}
	})
	t.Run("certificates", func(t *testing.T) {
		certs := newMatrixCerts(t)
		f := faultnet.NewFront(t, r.Addr, false, certs.good)
		st := stage(t, "rediss://"+f.Addr())
		st.break_, st.heal = func(c cell) { f.Show(certs.of(c)); away(st, c) }, back(st, func() { f.Show(certs.good) })
		col.run(t, st, "tls-expired", "tls-unknown")
	})
	t.Run("names", func(t *testing.T) {
		// Nobody can sign in while Redis is away, so the session is made before.
		st := stage(t, "redis://"+r.Addr)
		st.prepared()
		st.prepare = nil
		st.h.stop()
		set := &st.h.opt.Config.Redis
		set.URL, set.FailFast = config.NewSecret("redis://no-such-host.invalid:6379"), false
		again, err := app.New(t.Context(), st.h.opt)
		must(t, err)
		st.h.app = again
		st.h.serve()
		st.h.eventually("the plan to be read", func() bool { return st.operator.get("/api/v1/tws/plan/current/job/count").status == http.StatusOK })
		st.break_, st.heal = func(c cell) { away(st, c) }, func() {}
		col.run(t, st, "dns")
	})
}
