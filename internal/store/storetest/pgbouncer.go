package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"resync/internal/store"
)

// Pooler is a PgBouncer before a PostgreSQL server: connections to it are given one to
// the server for each transaction, another each time.
type Pooler struct {
	server *Server
	port   int
}

// PgBouncer starts a pooler before a server on a free port and stops it when the test
// ends. It pools by transaction, as sites that have one do. Without the program it skips
// the test.
func PgBouncer(t testing.TB, s *Server) *Pooler {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("SKIPPED: nothing was tested behind a pooler: no pgbouncer in PATH")
	}
	dir, cred := dataDir(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d user=postgres\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%d\nunix_socket_dir=\nauth_type=any\npool_mode=transaction\ndefault_pool_size=4\nmax_client_conn=200\n",
		s.port, port)
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil { //nolint:gosec // read by another user; no secret is in it
		t.Fatal(err)
	}
	cmd := exec.Command(bin, path)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGTERM}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("the pooler said:\n%s", said.String())
		}
	})
	p := &Pooler{server: s, port: port}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", p.through(s.url("postgres")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for err = db.PingContext(ctx); err != nil; err = db.PingContext(ctx) {
		if ctx.Err() != nil {
			t.Fatal(errors.Join(err, ctx.Err()))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return p
}

// through is the URL of a database behind the pooler.
func (p *Pooler) through(url string) string {
	return strings.Replace(url, fmt.Sprint(":", p.server.port, "/"), fmt.Sprint(":", p.port, "/"), 1)
}

// NewDatabase creates an empty database and returns its URL behind the pooler.
func (p *Pooler) NewDatabase(t testing.TB) string { return p.through(p.server.NewDatabase(t)) }

// Open is an [OpenFunc]: a store on a new database behind the pooler, and the database
// past it.
func (p *Pooler) Open(t *testing.T, opts ...store.Option) (*store.Store, *sql.DB) {
	t.Helper()
	direct := p.server.NewDatabase(t)
	return openBoth(t, p.through(direct), direct, opts)
}
