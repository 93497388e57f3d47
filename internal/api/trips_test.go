package api_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/config"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

// trips stands before a PostgreSQL server and notes what is asked of it, one line
// for each time somebody has to wait for an answer: that is what a distant database
// costs, whatever the number of statements that travel together.
type trips struct {
	addr string
	mu   sync.Mutex
	list []string
}

// newTrips listens until the test ends.
func newTrips(t *testing.T, upstream string) *trips {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &trips{addr: ln.Addr().String()}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = c.Close()
				continue
			}
			all.Go(func() { defer c.Close(); _, _ = io.Copy(c, s) })
			all.Go(func() { defer s.Close(); p.carry(s, c) })
		}
	})
	return p
}

// carry passes a client's messages on and reads them on the way ("Message Formats"
// of the PostgreSQL documentation).
func (p *trips) carry(s io.Writer, c io.Reader) {
	var in, head []byte
	named, buf := map[string]string{}, make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		in = append(in, buf[:n]...)
		if head == nil && len(in) >= 8 { // the start of a session has no type
			if size := int(binary.BigEndian.Uint32(in)); len(in) >= size {
				head, in = in[:size], in[size:]
				p.note("(start of a session)")
			}
		}
		var said []string
		for head != nil && len(in) >= 5 {
			size := 1 + int(binary.BigEndian.Uint32(in[1:]))
			if len(in) < size {
				break
			}
			if text := message(in[0], in[5:size], named); text != "" {
				said = append(said, text)
			}
			in = in[size:]
		}
		if len(said) > 0 {
			p.note(strings.Join(said, " ; "))
		}
		if _, err := s.Write(buf[:n]); err != nil {
			return
		}
	}
}

// message is what a message asks for, "" when it is only the way of asking.
func message(kind byte, body []byte, named map[string]string) string {
	word := func() string {
		w, rest, _ := bytes.Cut(body, []byte{0})
		body = rest
		return string(w)
	}
	switch kind {
	case 'Q':
		return word()
	case 'p':
		return "(login)"
	case 'P':
		name := word()
		if named[name] = word(); name != "" {
			return "(prepare) " + named[name]
		}
	case 'B':
		word()
		return named[word()]
	}
	return ""
}

func (p *trips) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, strings.Join(strings.Fields(text), " "))
}

// besides is what the server does on its own all the while, and the end of a
// transaction that was only looked through, for which nobody waits.
var besides = regexp.MustCompile(`^rollback$|j\.kind = |order by seq desc limit 1\) =|group by a\.tool|limit \$3 offset|\b(breakers|jobs|documents|settings|deliveries|outbox)\b`)

// during lists what do asked for.
func (p *trips) during(do func()) []string {
	p.mu.Lock()
	p.list = nil
	p.mu.Unlock()
	do()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.list), besides.MatchString)
}

// longColumns are lists of columns, which say little.
var longColumns = regexp.MustCompile(`(select|insert into \w+ \() ?[a-z_, .]{60,}`)

// TestRoundTrips counts how often one request has to wait for PostgreSQL. The
// bounds are what was reached, with room for what the server does beside it.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	pg := storetest.Postgres(t)
	url := pg.NewDatabase(t)
	slow := faultnet.New(t, hostOfURL(url))
	p := newTrips(t, slow.Addr())
	h := newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) {
			cfg.Database = config.Database{URL: config.NewSecret(at(url, p.addr, "sslmode=disable")), Timeout: store.Patience}
		}
	}).ready()
	operator := h.as("operator")
	jobs := h.heldJobs(8)
	next := 0
	var run string
	requests := []struct {
		name string
		most int
		ask  func() reply
	}{
		{"proposal", 8, func() reply {
			next++
			r := operator.post(executePath, map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": jobs[next-1]}, "reason": "count"})
			run, _ = r.object()["approval_id"].(string)
			return r
		}},
		{"approval", 24, func() reply { return operator.approve(run) }},
		{"question", 14, func() reply { return operator.post("/api/v1/chat", map[string]string{"message": question}) }},
	}
	fewest := map[string][]string{}
	for range 4 { // what a busy server does beside it makes some of them longer
		for _, q := range requests {
			list := p.during(func() {
				if r := q.ask(); r.status != http.StatusOK {
					t.Fatalf("%s: %s", q.name, r)
				}
			})
			if was, known := fewest[q.name]; !known || len(list) < len(was) {
				fewest[q.name] = list
			}
		}
	}
	for _, q := range requests {
		list := fewest[q.name]
		var all strings.Builder
		for i, text := range list {
			fmt.Fprintf(&all, "\n%3d %s", i+1, longColumns.ReplaceAllString(text, "$1 …"))
		}
		t.Logf("%s: %d times%s", q.name, len(list), all.String())
		if len(list) > q.most {
			t.Errorf("%s waits %d times for the database, want at most %d", q.name, len(list), q.most)
		}
	}
	if !longRing() {
		return
	}
	slow.Set(faultnet.Delay(200 * time.Millisecond))
	for _, q := range requests {
		began := time.Now()
		if r := q.ask(); r.status != http.StatusOK {
			t.Errorf("%s: %s", q.name, r)
		}
		t.Logf("%s with a database that is 0.2 s away: %.1f s", q.name, time.Since(began).Seconds())
	}
}

// TestDatabaseDropsItsConnections: a failover, or a pooler that is started anew, ends
// all connections at once. Nobody is refused for that, whatever they ask for next, and
// what was approved is carried out once.
func TestDatabaseDropsItsConnections(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t).NewDatabase(t)
	h := newHost(t, withPostgres(url), func(c *hostConfig) {
		was := c.config
		c.config = func(cfg *config.Config) { was(cfg); cfg.Database.Timeout = store.Patience }
	}).ready()
	raw, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { _ = raw.Close() })
	raw.SetMaxOpenConns(1)
	operator := h.as("operator")
	jobs := h.heldJobs(3)
	drop := func() {
		var n int
		must(t, raw.QueryRow(`select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&n))
		if n == 0 {
			t.Error("no connection was dropped: this proves nothing")
		}
	}
	var side sync.WaitGroup
	for range 8 { // more than one connection
		side.Go(func() { operator.get("/api/v1/tws/engines").ok() })
	}
	side.Wait()
	for i, job := range jobs {
		drop()
		operator.get("/api/v1/tws/engines").ok()
		drop()
		run := operator.propose("hold_job", map[string]any{"job": job})
		drop()
		if r := operator.approve(run); r.status != http.StatusOK || r.object()["status"] != "done" {
			t.Errorf("approval after all connections were dropped: %s", r)
		}
		drop()
		if r := operator.approve(run); r.status != http.StatusConflict {
			t.Errorf("approved a second time: %s", r)
		}
		if n := len(h.sim.Writes()); n != i+1 {
			t.Errorf("%d writes on the engine for %d actions", n, i+1)
		}
	}
}
