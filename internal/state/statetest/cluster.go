package statetest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Fleet is a Redis Cluster of three masters without replicas.
type Fleet struct {
	Servers []*Server
}

// clusterSlots is how many slots a cluster shares out.
const clusterSlots = 16384

// StartCluster runs a cluster until the test ends. A node that is away for half a
// second counts as failed, and with it, for want of a replica, the cluster.
func StartCluster(t testing.TB) *Fleet {
	t.Helper()
	Need(t, serverProgram())
	f := &Fleet{}
	const nodes = 3
	for range nodes {
		_, bus, _ := net.SplitHostPort(freeAddr(t))
		f.Servers = append(f.Servers, Start(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "500", "--cluster-port", bus))
	}
	_, first, _ := net.SplitHostPort(f.Servers[0].Addr)
	for i, s := range f.Servers {
		from, to := i*clusterSlots/nodes, (i+1)*clusterSlots/nodes-1
		said := []string{s.Say(fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", from, to))}
		if i > 0 {
			said = append(said, s.Say(fmt.Sprintf("CLUSTER MEET 127.0.0.1 %s %s", first, f.Servers[0].args[len(f.Servers[0].args)-1])))
		}
		for _, reply := range said {
			if reply != "+OK" {
				t.Fatalf("making a cluster: %s", reply)
			}
		}
	}
	for end := time.Now().Add(20 * time.Second); !f.Well(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the cluster does not come up: %s", f.Servers[0].ask("CLUSTER INFO", "cluster_state"))
		}
	}
	return f
}

// Well reports whether every node says that the cluster serves.
func (f *Fleet) Well() bool {
	for _, s := range f.Servers {
		if s.ask("CLUSTER INFO", "cluster_state:ok") == "" || s.ask("CLUSTER INFO", "cluster_known_nodes:3") == "" {
			return false
		}
	}
	return true
}

// URL is the cluster's address for REDIS_URL.
func (f *Fleet) URL() string {
	addrs := make([]string, len(f.Servers))
	for i, s := range f.Servers {
		addrs[i] = s.Addr
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}
