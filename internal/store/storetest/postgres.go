package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for the bare connections

	"resync/internal/store"
)

// Server is a PostgreSQL server that a test started for itself.
type Server struct {
	port int
	next atomic.Int64 // :: databases made so far
}

// Postgres starts a server on a free port with its data in a temporary
// directory and stops it when the test ends. Without PostgreSQL's programs
// (in /usr/lib/postgresql/*/bin or the PATH) it skips the test.
//
// The server runs with fsync=off: the suite asks whether the SQL is right, and
// no test pulls the plug on PostgreSQL.
func Postgres(t testing.TB) *Server {
	t.Helper()
	bin := findPostgres()
	if bin == "" {
		t.Skip("SKIPPED: the whole store conformance suite on PostgreSQL was not run: no initdb in /usr/lib/postgresql/*/bin or PATH")
	}
	dir, cred := dataDir(t)
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var err error
	for range 3 { // another process may take the free port before the server does
		var s *Server
		if s, err = start(t, bin, dir, cred); err == nil {
			return s
		}
	}
	t.Fatalf("start PostgreSQL: %v", err)
	return nil
}

// findPostgres is the directory of the newest server programs, or "".
// RESYNC_POSTGRES_BIN names another one, such as that of a server with extensions.
func findPostgres() string {
	if dir := os.Getenv("RESYNC_POSTGRES_BIN"); dir != "" {
		return dir
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.Sort(dirs)
	if len(dirs) > 0 {
		return filepath.Dir(dirs[len(dirs)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// dataDir makes a directory for the server. PostgreSQL refuses to run as root,
// so root gives it to the user postgres, or else to nobody.
func dataDir(t testing.TB) (string, *syscall.Credential) {
	t.Helper()
	dir, err := os.MkdirTemp("", "resync-pg-") // not t.TempDir: its parents are root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() != 0 {
		return dir, nil
	}
	uid, gid := 65534, 65534
	if u, err := user.Lookup("postgres"); err == nil {
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// start runs the server until the test ends and waits until it answers.
func start(t testing.TB, bin, dir string, cred *syscall.Credential) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port),
		"-h", "127.0.0.1", "-k", dir, "-c", "fsync=off", "-c", "max_connections=200")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGTERM}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s := &Server{port: port}
	if err := s.await(ended); err != nil {
		cmd.Process.Kill()
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	})
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await waits until the server answers a query, ends, or half a minute is over.
func (s *Server) await(ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case end := <-ended:
			return fmt.Errorf("the server ended: %v", end)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// NewDatabase creates an empty database and returns its URL.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprint("t", s.next.Add(1))
	if _, err := db.ExecContext(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

// Open is an [OpenFunc]: a store on a new database.
func (s *Server) Open(t *testing.T, opts ...store.Option) (*store.Store, *sql.DB) {
	t.Helper()
	url := s.NewDatabase(t)
	return openBoth(t, url, url, opts)
}

// openBoth opens a store at one URL, and the database itself at another.
func openBoth(t *testing.T, url, direct string, opts []store.Option) (*store.Store, *sql.DB) {
	t.Helper()
	st, err := store.Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("pgx", direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		raw.Close()
		st.Close()
	})
	return st, raw
}
