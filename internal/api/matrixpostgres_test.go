package api_test

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for a connection beside the server's

	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

const databasePatience = 800 * time.Millisecond

// postgresColumn is the database: what cannot be recorded is not carried out, and as
// sessions are in it, only what needs none is answered.
func postgresColumn() column {
	const says = "the database of Resync does not answer"
	away := []answer{{503, says, "Retry-After: "}, {503, says, "Retry-After: "}, {503, says, "Retry-After: "}, {503, says, "Retry-After: "}, ok()}
	well := []answer{ok(), {200, `"status":"done"`, ""}, ok(), ok(), ok()}
	return column{
		name: "PostgreSQL", test: "TestFaultMatrixPostgres",
		bounds: "`database.timeout` (10 s) for each silence of the server",
		heals:  "by itself: after three failures in a row the breaker `database` refuses at once for half a minute, and the database is looked at every second and used again when it answers",
		played: "The test has a timeout of 0.8 s, so that a database that is 2 s slower is as good as silent.",
		bound:  2 * databasePatience, probes: []probe{holdProbe(), approveProbe(), pictureProbe(), enginesProbe(), versionProbe()},
		cells: inLongRing(slices.Concat(
			same(away, "refuse", "blackhole", "reset", "slow-2s", "slow-35s", "cut", "cut-reset", "garbage", "tls-expired", "tls-unknown"),
			same(well, "slices"),
			[]cell{
				{row: "slow-0.2s", want: well, bound: time.Minute, also: "With a timeout of 10 s, as a server has; a request calls the database several times one after the other, so that an approval takes some 3 s and a proposal 1 s"},
				{row: "500", like: "FATAL 57P03: the server is starting up", how: says2("57P03", "the database system is starting up"), want: away},
				{row: "429", like: "FATAL 53300: every connection is taken", how: says2("53300", "sorry, too many clients already"), want: away},
				{row: "503", like: "the server takes no writes (25006), as a replica after a failover", want: []answer{{503, "the database is read-only", "Retry-After: "}, {503, "the database is read-only", "Retry-After: "}, ok(), ok(), ok()}},
				{row: "dns", other: "a server that starts ends with exit status 4 and names the host; one that runs goes on with its connections, and when they end it is as if the connection was refused"},
			}), "slow-0.2s", "slow-35s"),
	}
}

// says2 is a server that refuses with a code of PostgreSQL ("Message Formats",
// ErrorResponse) and closes.
func says2(code, text string) func() faultnet.Fault {
	body := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + text + "\x00\x00"
	raw := binary.BigEndian.AppendUint32([]byte("E"), uint32(len(body)+4))
	return says(string(raw) + body)
}

// withPostgres is a host on a database.
func withPostgres(url string) func(*hostConfig) {
	return func(c *hostConfig) {
		c.config = func(cfg *config.Config) {
			cfg.Database = config.Database{URL: config.NewSecret(url), Timeout: databasePatience}
		}
		c.options = func(o *app.Options) { o.LookEvery = 40 * time.Millisecond }
	}
}

// at is a database's URL with another host and parameters.
func at(url, host, params string) string {
	head, rest, _ := strings.Cut(url, "@")
	_, rest, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, "?")
	return head + "@" + host + "/" + name + "?" + params
}

func hostOfURL(url string) string {
	_, rest, _ := strings.Cut(url, "@")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// flush waits until the database is used again, by as many as its pool has
// connections.
func (st *matrixStage) flush() {
	st.h.eventually("the database to be used", func() bool {
		var wrong atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if st.operator.get("/api/v1/tws/engines").status != http.StatusOK {
					wrong.Add(1)
				}
			})
		}
		all.Wait()
		return wrong.Load() == 0
	})
}

// setReadOnly has a database take no writes, or take them again, from new
// connections, and ends those there are.
func setReadOnly(t *testing.T, url, word string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, name, _ := strings.Cut(at(url, "", ""), "@/")
	for _, q := range []string{"set default_transaction_read_only = off", "alter database " + strings.TrimSuffix(name, "?") + " set default_transaction_read_only = " + word,
		"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"} {
		_, err := db.Exec(q)
		must(t, err)
	}
}

func TestFaultMatrixPostgres(t *testing.T) {
	t.Parallel()
	pg, col := storetest.Postgres(t), postgresColumn()
	server := hostOfURL(pg.NewDatabase(t))
	back := func(st *matrixStage, pass func()) func() {
		return func() {
			pass()
			st.flush()
			if r := st.operator.approve(st.run); r.status != http.StatusOK && r.status != http.StatusConflict {
				t.Errorf("what could not be approved during the outage: %s", r)
			}
		}
	}
	t.Run("wire", func(t *testing.T) {
		url := pg.NewDatabase(t)
		p := faultnet.New(t, server)
		st := newMatrixStage(newHost(t, withPostgres(at(url, p.Addr(), "sslmode=disable"))).ready(), 40)
		st.prepare = st.prepared
		lastRow := ""
		readOnly := func(word string) { setReadOnly(t, url, word) }
		st.break_ = func(c cell) {
			if lastRow = c.row; c.row == "503" {
				readOnly("on")
				st.flush()
				return
			}
			p.Set(faultOf(t, c))
		}
		st.heal = back(st, func() {
			p.Set(faultnet.Pass())
			if lastRow == "503" {
				readOnly("off")
			}
		})
		col.run(t, st, slices.DeleteFunc(wireRows(), func(row string) bool { return row == "slow-0.2s" })...)
	})
	if longRing() {
		t.Run("slowness", func(t *testing.T) {
			p := faultnet.New(t, server)
			st := newMatrixStage(newHost(t, withPostgres(at(pg.NewDatabase(t), p.Addr(), "sslmode=disable")), func(c *hostConfig) {
				was := c.config
				c.config = func(cfg *config.Config) { was(cfg); cfg.Database.Timeout = store.Patience }
			}).ready(), 40)
			st.prepare = st.prepared
			st.break_, st.heal = func(c cell) { p.Set(faultOf(t, c)) }, back(st, func() { p.Set(faultnet.Pass()) })
			col.run(t, st, "slow-0.2s")
		})
	}
	t.Run("certificates", func(t *testing.T) {
		certs := newMatrixCerts(t)
		f := faultnet.NewFront(t, server, true, certs.good)
		st := newMatrixStage(newHost(t, withPostgres(at(pg.NewDatabase(t), f.Addr(), "sslmode=verify-full"))).ready(), 40)
		st.prepare = st.prepared
		st.break_, st.heal = func(c cell) { f.Show(certs.of(c)) }, back(st, func() { f.Show(certs.good) })
		col.run(t, st, "tls-expired", "tls-unknown")
	})
	t.Run("names", func(t *testing.T) {
		st := newHost(t)
		set := *st.opt.Config
		set.Database.URL = config.NewSecret("postgres://resync@no-such-host.invalid/resync")
		opt := st.opt
		opt.Config = &set
		_, err := app.New(t.Context(), opt)
		var start *app.StartError
		if !errors.As(err, &start) || start.ExitCode() != app.ExitConnection || !strings.Contains(err.Error(), "no-such-host.invalid") {
			t.Errorf("%v", err)
		}
	})
}

// TestDatabaseGoneDuringAnAction: the engine has the action, and then its outcome
// cannot be written down. Nobody is told that it is done, it is found out when the
// database is back, and it is never sent a second time.
func TestDatabaseGoneDuringAnAction(t *testing.T) {
	pg := storetest.Postgres(t)
	url := pg.NewDatabase(t)
	p := faultnet.New(t, hostOfURL(url))
	h := newHost(t, withPostgres(at(url, p.Addr(), "sslmode=disable")), func(c *hostConfig) {
		was := c.config
		c.config = func(cfg *config.Config) { was(cfg); cfg.Reconcile.Grace = 50 * time.Millisecond }
	}).ready()
	operator := h.as("operator")
	jobs := h.heldJobs(3)
	for i, f := range []faultnet.Fault{faultnet.Refuse(), faultnet.Blackhole(), faultnet.Reset()} {
		t.Run(f.String(), func(t *testing.T) {
			run := operator.propose("hold_job", map[string]any{"job": jobs[i]})
			h.beforeWrite(func(http.ResponseWriter, *http.Request) bool { p.Set(f); return false })
			began := time.Now()
			r := operator.approve(run)
			t.Logf("answered after %s: %.300s", time.Since(began), r)
			if r.status == http.StatusOK && (r.object()["status"] == "done" || strings.Contains(string(r.body), `"success":true`)) {
				t.Errorf("said to be done before it was recorded: %s", r)
			}
			p.Set(faultnet.Pass())
			var got map[string]any
			h.eventually("the outcome to be found out", func() bool {
				r := operator.get(runsPath + "/" + run)
				if r.status != http.StatusOK {
					return false
				}
				got = r.object()
				return got["status"] == "done"
			})
			if again := operator.approve(run); again.status == http.StatusOK {
				t.Errorf("approved a second time: %s", again)
			}
			if n := len(h.sim.Writes()); n != i+1 {
				t.Errorf("%d writes on the engine for %d actions", n, i+1)
			}
		})
	}
}
