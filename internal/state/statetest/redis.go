// Package statetest starts real Redis servers and sentinels for tests, on free
// ports of this machine, and stops, freezes and kills them. RESYNC_REDIS_SERVER
// names another program to start instead, Valkey's for example.
package statetest

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one redis-server, or sentinel, of a test.
type Server struct {
	t    testing.TB
	Addr string // host:port
	dir  string
	args []string

	mu  sync.Mutex
	cmd *exec.Cmd
}

// serverProgram is what is started: the redis-server that is installed, or the
// program RESYNC_REDIS_SERVER names.
func serverProgram() string { return cmp.Or(os.Getenv("RESYNC_REDIS_SERVER"), "redis-server") }

// Need skips the test, loudly, where the programs are not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: %s is not installed; make setup installs it", p)
		}
	}
}

// Start runs a redis-server with further arguments until the test ends.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t, serverProgram())
	s := &Server{t: t, Addr: freeAddr(t), dir: t.TempDir(), args: args}
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

// URL is the server's address for REDIS_URL.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Run starts the server, again after Kill, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	args := append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir, "--logfile", filepath.Join(s.dir, "redis.log")}, s.args...)
	s.start(exec.Command(serverProgram(), args...))
}

func (s *Server) start(cmd *exec.Cmd) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("starting %s: %v", serverProgram(), err)
	}
	s.cmd = cmd
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if got := s.Say("PING"); strings.HasPrefix(got, "+PONG") || strings.HasPrefix(got, "-NOAUTH") {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "redis.log"))
			s.t.Fatalf("%s at %s does not answer: %s", serverProgram(), s.Addr, log)
		}
	}
}

// Say sends one line and returns the first line of the reply, "" when there is
// none within half a second.
func (s *Server) Say(line string) string {
	conn, err := net.DialTimeout("tcp", s.Addr, 500*time.Millisecond)
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond)) // a deadline that is not set only makes the test slower
	if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
		return ""
	}
	reply, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(reply)
}

// Freeze stops the process as it is (SIGSTOP): connections are accepted and
// nothing is answered.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on (SIGCONT).
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// Kill ends the process at once (SIGKILL). A second call does nothing.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	_ = s.cmd.Wait()         // the error is "killed"
	s.cmd = nil
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		s.t.Fatal("the server does not run")
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("sending %v: %v", sig, err)
	}
}

func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
