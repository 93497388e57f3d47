package api_test

import (
	"crypto/tls"
	"net/http"
	"slices"
	"testing"
	"time"

	"resync/internal/api"
	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
)

const enginePatience = 600 * time.Millisecond

// engineColumn is the engine: what is in the last picture stays readable, a live
// read ends with its cause, and an action is refused before anything is sent.
func engineColumn() column {
	live := probe{api.BestEffort, "a live read, of a job's log: `GET /api/v1/tws/plan/current/job/joblog`", func(st *matrixStage) reply {
		return st.operator.get("/api/v1/tws/plan/current/job/joblog?job_id=" + st.logOf())
	}}
	away := func(status int, says string) []answer {
		return []answer{{status, says, ""}, {status, "nothing was sent, and the approval is void", ""}, ok(), {status, says, ""}, ok()}
	}
	well := []answer{ok(), {200, `"status":"done"`, ""}, ok(), ok(), ok()}
	return column{
		name: "engine (HWA)", test: "TestFaultMatrixEngine",
		bounds: "`engines.*.timeout` for each attempt, 3 attempts at most and only for reads, 30 s for a request that reads",
		heals:  "by itself: after five failures in a row the breaker `tws_api` refuses at once for a minute, and the engine is looked at every 5 s and used again when it answers",
		played: "The test has a timeout of 0.6 s, so that an engine that is 2 s slower is as good as silent.",
		bound:  3*enginePatience + 2*time.Second, probes: []probe{holdProbe(), approveProbe(), pictureProbe(), live, enginesProbe()},
		cells: inLongRing(slices.Concat(
			[]cell{{row: "refuse", want: away(502, "connection was refused")}},
			same(away(504, "did not answer in time"), "blackhole", "slow-2s", "slow-35s"),
			same(away(502, "connection broke"), "reset", "cut", "cut-reset"),
			same(well, "slow-0.2s", "slices"),
			[]cell{
				{row: "500", want: away(502, "HTTP 500")}, {row: "503", want: away(502, "HTTP 503")}, {row: "429", want: away(502, "asked too often")},
				{row: "garbage", want: away(502, "not what the API promises")},
				{row: "tls-expired", want: away(502, "certificate expired")}, {row: "tls-unknown", want: away(502, "certificate")},
				{row: "dns", want: []answer{{502, "cannot be resolved", ""}, {404, "", ""}, {503, "has not been read yet", ""}, {502, "cannot be resolved", ""}, ok()}, also: "Seen from the start, so that there is no last picture and no action that could be approved"},
			}), "slow-35s"),
	}
}

// logOf is a job whose log no cell has read.
func (st *matrixStage) logOf() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.logs++
	return st.ended[st.logs%len(st.ended)]
}

func TestFaultMatrixEngine(t *testing.T) {
	t.Parallel()
	col := engineColumn()
	stage := func(t *testing.T, change ...func(*hostConfig)) *matrixStage {
		h := newHost(t, append(change, func(c *hostConfig) {
			was := c.config
			c.config = func(cfg *config.Config) { was(cfg); cfg.Engines[0].Timeout = enginePatience }
			c.options = func(o *app.Options) { o.LookEvery = 20 * time.Millisecond }
		})...)
		return newMatrixStage(h, 0)
	}
	fill := func(st *matrixStage) {
		st.h.ready()
		st.jobs, st.prepare = st.h.heldJobs(40), st.prepared
		for _, it := range st.operator.get("/api/v1/tws/plan/current/job?status=SUCC&limit=100").ok()["items"].([]any) {
			st.ended = append(st.ended, dig(it, "id").(string))
		}
	}
	back := func(st *matrixStage, pass func()) func() {
		return func() { // the breaker is open after most cells: the engine is found again without anybody's help
			pass()
			st.h.eventually("the engine to be asked again", func() bool { return st.operator.get(infoPath+"?nocache=1").status == http.StatusOK })
		}
	}
	t.Run("wire", func(t *testing.T) {
		var proxy *faultnet.Proxy
		st := stage(t, func(c *hostConfig) {
			c.through = func(addr string) string { proxy = faultnet.New(t, addr); return proxy.Addr() }
		})
		fill(st)
		// It would remember one cell's fault in the next; TestEngineAwayOpensItsBreaker is about it.
		st.admin.post(breakersPath+"/tws_api/disable", map[string]any{"reason": "fault matrix"}).ok()
		st.break_, st.heal = func(c cell) { proxy.Set(faultOf(t, c)) }, back(st, func() { proxy.Set(faultnet.Pass()) })
		col.run(t, st, wireRows()...)
		if n := len(st.h.sim.Writes()); n != 2 {
			t.Errorf("%d writes on the engine, want those of the two faults that an engine can live with", n)
		}
	})
	t.Run("certificates", func(t *testing.T) {
		certs := newMatrixCerts(t)
		var front *faultnet.Front
		st := stage(t, func(c *hostConfig) {
			c.through = func(addr string) string { front = faultnet.NewFront(t, addr, false, certs.good); return front.Addr() }
			c.config = func(cfg *config.Config) { cfg.Engines[0].URLs = []string{"https://" + front.Addr()} }
		})
		fill(st)
		st.break_, st.heal = func(c cell) { front.Show(certs.of(c)) }, back(st, func() { front.Show(certs.good) })
		col.run(t, st, "tls-expired", "tls-unknown")
	})
	t.Run("names", func(t *testing.T) {
		st := stage(t, func(c *hostConfig) { c.engine = "https://no-such-host.invalid" })
		st.jobs, st.ended = []string{"PAYROLL_NET"}, []string{"x"}
		st.break_, st.heal = func(cell) {}, func() {}
		col.run(t, st, "dns")
	})
}

// matrixCerts are certificates of an authority that this process trusts, and one of
// another.
type matrixCerts struct{ good, expired, unknown tls.Certificate }

func newMatrixCerts(t *testing.T) matrixCerts {
	t.Helper()
	now := time.Now()
	other, err := faultnet.NewAuthority()
	must(t, err)
	return matrixCerts{good: authority.Issue(t, now.Add(-time.Hour), now.Add(time.Hour)), expired: authority.Issue(t, now.Add(-48*time.Hour), now.Add(-24*time.Hour)),
		unknown: other.Issue(t, now.Add(-time.Hour), now.Add(time.Hour))}
}

func (m matrixCerts) of(c cell) tls.Certificate {
	if c.row == "tls-expired" {
		return m.expired
	}
	return m.unknown
}
