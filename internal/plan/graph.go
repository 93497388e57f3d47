package plan

import (
	"slices"
	"sync"
	"time"
)

// graph is the dependency graph in compressed rows. Nodes are the jobs, then
// for each stream a start gate (what the stream itself follows; all its jobs
// come after it) and an end gate (what follows the whole stream; it comes
// after all jobs of it). Edges between a gate and the jobs of its own stream
// are implied and not stored.
type graph struct {
	n, streams int
	fwd, back  csr
	known      bool
	dangling   int // edges to predecessors that are not in this plan

	once   sync.Once
	finish []uint32 // earliest finish per node, Unix seconds; built on first use
}

func (g *graph) startGate(stream uint32) uint32 { return uint32(g.n) + stream }
func (g *graph) endGate(stream uint32) uint32   { return uint32(g.n+g.streams) + stream }

func (g *graph) bytes() int { return g.fwd.bytes() + g.back.bytes() + 4*cap(g.finish) }

func newGraph(s *Snapshot, edges []rawEdge, streamEdges [][2]int32) *graph {
	g := &graph{n: s.Len(), streams: len(s.streams)}
	node := func(succ int32) uint32 {
		if succ < 0 {
			return g.startGate(uint32(^succ))
		}
		return uint32(succ)
	}
	from, to := make([]uint32, 0, len(edges)+len(streamEdges)), make([]uint32, 0, len(edges)+len(streamEdges))
	for _, e := range edges {
		p, ok := s.byUUID(e.pred)
		if !ok {
			g.dangling++
			continue
		}
		from, to = append(from, uint32(p)), append(to, node(e.succ))
	}
	for _, e := range streamEdges {
		from, to = append(from, g.endGate(uint32(e[0]))), append(to, node(e[1]))
	}
	g.fwd = rows(g.n+2*g.streams, from, to)
	g.back = rows(g.n+2*g.streams, to, from)
	return g
}

// rows builds adjacency rows: from[k] → to[k].
func rows(n int, from, to []uint32) csr {
	c := group(n, from)
	for i, k := range c.item {
		c.item[i] = to[k]
	}
	return c
}

// Affected is a job reached in the graph and its distance in steps from the
// job asked about (1 = direct).
type Affected struct{ Index, Level int }

// Successors lists what follows the job, nearest first, down to depth levels
// (0 = all). With openOnly it leaves out jobs that are already done and does
// not look behind them: what remains is what the job blocks.
func (s *Snapshot) Successors(job, depth int, openOnly bool) []Affected {
	return s.walk(job, depth, openOnly, s.afterOf)
}

// Predecessors lists what the job follows, nearest first, as Successors does.
func (s *Snapshot) Predecessors(job, depth int, openOnly bool) []Affected {
	return s.walk(job, depth, openOnly, s.beforeOf)
}

// walk is a breadth-first search by levels; expand calls visit for each
// neighbour of a job.
func (s *Snapshot) walk(job, depth int, openOnly bool, expand func(job uint32, gates bitset, visit func(uint32))) []Affected {
	g := s.graph
	if g == nil || job < 0 || job >= g.n {
		return nil
	}
	seen, gates := newBitset(g.n), newBitset(2*g.streams)
	seen.add(job)
	queue := append(make([]uint32, 0, 1024), uint32(job))
	visit := func(k uint32) {
		if seen.has(int(k)) {
			return
		}
		seen.add(int(k))
		if !openOnly || !s.Done(int(k)) {
			queue = append(queue, k)
		}
	}
	ends := []int{1} // where each level ends in the queue
	for at := 0; at < len(queue) && (depth <= 0 || len(ends) <= depth); {
		for end := ends[len(ends)-1]; at < end; at++ {
			expand(queue[at], gates, visit)
		}
		ends = append(ends, len(queue))
	}
	return byLevel(queue, ends)
}

// byLevel turns the queue of a breadth-first search into results; the first
// entry is the job searched from.
func byLevel(queue []uint32, ends []int) []Affected {
	if len(queue) == 1 {
		return nil
	}
	out := make([]Affected, 0, len(queue)-1)
	for l := 1; l < len(ends); l++ {
		for _, k := range queue[ends[l-1]:ends[l]] {
			out = append(out, Affected{int(k), l})
		}
	}
	return out
}

// afterOf visits the jobs that directly follow a job, through stream gates too.
func (s *Snapshot) afterOf(job uint32, gates bitset, visit func(uint32)) {
	g := s.graph
	s.visitAfter(job, gates, visit)
	if end := s.stream[job]; !gates.has(g.streams + int(end)) {
		gates.add(g.streams + int(end))
		s.visitAfter(g.endGate(end), gates, visit)
	}
}

func (s *Snapshot) visitAfter(node uint32, gates bitset, visit func(uint32)) {
	g := s.graph
	for _, k := range g.fwd.of(int(node)) {
		if int(k) < g.n {
			visit(k)
			continue
		}
		st := int(k) - g.n
		if !gates.has(st) {
			gates.add(st)
			for _, j := range s.byStream.of(st) {
				visit(j)
			}
		}
	}
}

// beforeOf visits the jobs a job directly follows, through stream gates too.
func (s *Snapshot) beforeOf(job uint32, gates bitset, visit func(uint32)) {
	g := s.graph
	s.visitBefore(job, gates, visit)
	if st := s.stream[job]; !gates.has(int(st)) {
		gates.add(int(st))
		s.visitBefore(g.startGate(st), gates, visit)
	}
}

func (s *Snapshot) visitBefore(node uint32, gates bitset, visit func(uint32)) {
	g := s.graph
	for _, k := range g.back.of(int(node)) {
		if int(k) < g.n {
			visit(k)
			continue
		}
		end := int(k) - g.n
		if !gates.has(end) {
			gates.add(end)
			for _, j := range s.byStream.of(end - g.streams) {
				visit(j)
			}
		}
	}
}

// Done reports whether nothing more is expected of the job: it succeeded, was
// cancelled, or was suppressed.
func (s *Snapshot) Done(i int) bool {
	if s.flags[i].Has(FlagCanceled) {
		return true
	}
	switch s.words.get(textID(s.common[i])) {
	case "SUCCESSFUL", "SUCCEED", "COMPLETED", "DUMMY_COMPLETED", "CANCELED", "SUPPRESS", "SUPPRESS_BY_COND":
		return true
	case "":
		st := s.words.get(textID(s.status[i]))
		return st == "SUCC" || st == "CANCL" || st == "SUPPR"
	}
	return false
}

// EarliestFinish is when the job can end at the earliest, taking estimated
// durations and the moment of the snapshot, and assuming that whatever holds
// or has failed starts (again) now. Zero for a job that is done.
func (s *Snapshot) EarliestFinish(i int) time.Time {
	return fromUnix(s.finishes()[i])
}

// AtRisk reports whether the job has a deadline it cannot meet any more even
// if everything before it starts now.
func (s *Snapshot) AtRisk(i int) bool {
	d := s.DeadlineOf(i)
	return !d.IsZero() && !s.Done(i) && s.EarliestFinish(i).After(d)
}

// DeadlineOf is the job's own deadline, or its stream's.
func (s *Snapshot) DeadlineOf(i int) time.Time {
	if s.deadline[i] != 0 {
		return fromUnix(s.deadline[i])
	}
	return s.streams[s.stream[i]].Deadline
}

// DeadlinesAtRisk lists open jobs that cannot meet their deadline, earliest
// deadline first, at most limit (0 = all).
func (s *Snapshot) DeadlinesAtRisk(limit int) []int {
	var out []int
	for i := range s.Len() {
		if s.AtRisk(i) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return s.DeadlineOf(a).Compare(s.DeadlineOf(b)) })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// CriticalPath is the chain of open jobs that decides when the job can finish,
// first job of the chain first, the job itself last.
func (s *Snapshot) CriticalPath(job int) []int {
	fin := s.finishes()
	path, seen := []int{job}, map[int]bool{job: true}
	for at := job; ; {
		best, bestFin := -1, uint32(0)
		s.beforeOf(uint32(at), newBitset(2*s.graph.streams), func(k uint32) {
			if !s.Done(int(k)) && fin[k] > bestFin && !seen[int(k)] {
				best, bestFin = int(k), fin[k]
			}
		})
		if best < 0 {
			slices.Reverse(path)
			return path
		}
		path, at, seen[best] = append(path, best), best, true
	}
}

func (s *Snapshot) finishes() []uint32 {
	s.graph.once.Do(func() { s.graph.finish = s.computeFinishes() })
	return s.graph.finish
}

// computeFinishes is a depth-first pass over all nodes with an explicit stack.
// A node on the stack again is a cycle; that edge is ignored, the engine
// itself would never resolve it.
func (s *Snapshot) computeFinishes() []uint32 {
	g := s.graph
	total := g.n + 2*g.streams
	fin, state := make([]uint32, total), make([]uint8, total) // 0 new, 1 open, 2 done
	now := toUnix(s.asOf)
	var stack []uint32
	for root := range total {
		stack = append(stack[:0], uint32(root))
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			switch state[v] {
			case 0:
				state[v] = 1
				s.eachBefore(v, func(p uint32) {
					if state[p] == 0 {
						stack = append(stack, p)
					}
				})
			case 1:
				fin[v] = s.finishOf(v, now, fin)
				state[v] = 2
				stack = stack[:len(stack)-1]
			default:
				stack = stack[:len(stack)-1]
			}
		}
	}
	return fin
}

// eachBefore visits the nodes directly before a node, implied gate edges included.
func (s *Snapshot) eachBefore(v uint32, visit func(uint32)) {
	g := s.graph
	for _, p := range g.back.of(int(v)) {
		visit(p)
	}
	switch {
	case int(v) < g.n:
		visit(g.startGate(s.stream[v]))
	case int(v) >= g.n+g.streams:
		for _, j := range s.byStream.of(int(v) - g.n - g.streams) {
			visit(j)
		}
	}
}

func (s *Snapshot) finishOf(v, now uint32, fin []uint32) uint32 {
	var before uint32
	s.eachBefore(v, func(p uint32) { before = max(before, fin[p]) })
	if int(v) >= s.graph.n {
		return before
	}
	if s.Done(int(v)) {
		return 0
	}
	if s.start[v] != 0 && s.end[v] == 0 {
		return max(now, s.start[v]+s.estimated[v])
	}
	return max(before, now, s.notBefore[v]) + s.estimated[v]
}
