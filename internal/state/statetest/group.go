package statetest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Group is a master with a replica, watched by three sentinels.
type Group struct {
	t         testing.TB
	Servers   []*Server // the first is the master at the start
	Sentinels []*Server

	master *Server // as it was last found
}

// groupName is the name the sentinels know the master by.
const groupName = "resynctest"

// StartGroup runs a group until the test ends. A master that is away for half a
// second is replaced.
func StartGroup(t testing.TB) *Group {
	t.Helper()
	Need(t, serverProgram())
	master := Start(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	g := &Group{t: t, Servers: []*Server{master, replica}, master: master}
	g.eventually("the replica to follow", func() bool { return strings.HasPrefix(replica.Say("ROLE"), "*") && g.linked(replica) })
	for range 3 {
		s := &Server{t: t, Addr: freeAddr(t), dir: t.TempDir()}
		_, own, _ := net.SplitHostPort(s.Addr)
		conf := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nlogfile %s\nsentinel monitor %s %s %s 2\nsentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 3000\n",
			own, s.dir, filepath.Join(s.dir, "redis.log"), groupName, host, port, groupName, groupName)
		file := filepath.Join(s.dir, "sentinel.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start(exec.Command(serverProgram(), file, "--sentinel")) // redis-sentinel is the same program
		t.Cleanup(s.Kill)
		g.Sentinels = append(g.Sentinels, s)
	}
	g.eventually("the sentinels to find each other", func() bool {
		for _, s := range g.Sentinels {
			if s.ask("SENTINEL ckquorum "+groupName, "OK 3 usable") == "" || s.ask("INFO sentinel", "slaves=1,sentinels=3") == "" {
				return false
			}
		}
		return true
	})
	return g
}

// URL is the group's address for REDIS_URL.
func (g *Group) URL() string {
	addrs := make([]string, len(g.Sentinels))
	for i, s := range g.Sentinels {
		addrs[i] = s.Addr
	}
	return "redis+sentinel://" + strings.Join(addrs, ",") + "/" + groupName
}

// Master is the server that is the master now, by its own word.
func (g *Group) Master() *Server {
	for _, s := range g.Servers {
		if s.ask("INFO replication", "role:master") != "" {
			return s
		}
	}
	return nil
}

// Failover kills the master at once, without asking first who it is; the sentinels
// then make the replica the master.
func (g *Group) Failover() { g.master.Kill() }

// Heal waits for a master and starts the other server again as its replica.
func (g *Group) Heal() {
	g.t.Helper()
	var m *Server
	g.eventually("a new master", func() bool { m = g.Master(); return m != nil })
	g.master = m
	host, port, _ := net.SplitHostPort(m.Addr)
	for _, s := range g.Servers {
		if s != m {
			s.Kill()
			s.args = []string{"--replicaof", host + " " + port, "--repl-diskless-sync-delay", "0"}
			s.Run()
			g.eventually("the replica to follow", func() bool { return g.linked(s) })
		}
	}
	for _, s := range g.Sentinels { // a client may be told by any of them
		g.eventually("the sentinels to know the replica", func() bool {
			return s.ask("INFO sentinel", "status=ok,address="+m.Addr+",slaves=1") != ""
		})
	}
}

func (g *Group) linked(s *Server) bool {
	return s.ask("INFO replication", "master_link_status:up") != ""
}

func (g *Group) eventually(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// ask sends a line and returns the reply when it holds the text.
func (s *Server) ask(line, want string) string {
	conn, err := net.DialTimeout("tcp", s.Addr, 500*time.Millisecond)
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(300 * time.Millisecond)) // without it the test would only be slower
	if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
		return ""
	}
	var got []byte
	buf := make([]byte, 16<<10)
	for !strings.Contains(string(got), want) {
		n, err := conn.Read(buf)
		if got = append(got, buf[:n]...); err != nil {
			break
		}
	}
	if !strings.Contains(string(got), want) {
		return ""
	}
	return string(got)
}
