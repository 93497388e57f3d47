package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"resync/hwa"
	"resync/internal/plan"
)

// BlocksResult is what waits for a job.
type BlocksResult struct {
	Job         string     `json:"job"`
	Blocked     []Blocked  `json:"blocked"` // nearest first, at most 200
	Total       int        `json:"total"`
	AtRisk      int        `json:"at_risk"` // deadlines that cannot be met even if the cause is repaired now
	Critical    int        `json:"critical"`
	Evidence    []Evidence `json:"evidence"`
	NotExamined []string   `json:"not_examined"`
}

const maxBlocked = 200

// Blocks lists the open jobs that wait for the job with the given plan id.
func (e *Engine) Blocks(ctx context.Context, jobID string) (*BlocksResult, error) {
	in := e.inquire(ctx, Question{Text: "what does it block"})
	f, err := in.readJob(jobID)
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", jobID, err)
	}
	in.noteJob(f)
	b := in.blocks(f)
	b.Evidence, b.NotExamined = in.ans.Evidence, in.ans.NotExamined
	return b, nil
}

// blocks fills Answer.Blocked and returns the sums.
func (in *inquiry) blocks(f *jobFacts) *BlocksResult {
	r := &BlocksResult{Job: f.name}
	if in.snap != nil && in.snap.EdgesKnown() {
		if i, ok := in.snap.ByID(f.job.ID); ok {
			in.blocksFromPlan(r, i)
			return r
		}
	}
	in.blocksFromEngine(r, f)
	return r
}

func (in *inquiry) blocksFromPlan(r *BlocksResult, i int) {
	s := in.snap
	for _, a := range s.Successors(i, 0, true) {
		j := s.Job(a.Index)
		r.add(Blocked{Job: j.FullName(), ID: j.ID, Level: a.Level, Status: j.Status, Deadline: rfc(s.DeadlineOf(a.Index)),
			AtRisk: s.AtRisk(a.Index), Critical: j.Flags.Has(plan.FlagCritical)})
	}
	in.keepBlocked(r, fmt.Sprintf("the plan as of %s", stamp(s.AsOf())), s.AsOf())
}

// blockDepth is how many steps behind the job the engine is asked for.
const blockDepth = 20

// blocksFromEngine asks the engine for the successors. They come as a flat
// list, so the steps between are worked out from their dependencies.
func (in *inquiry) blocksFromEngine(r *BlocksResult, f *jobFacts) {
	if in.e.deps.Client == nil {
		in.skipped("what waits for "+f.name, errNoEngine)
		return
	}
	ctx, cancel := in.reading()
	defer cancel()
	nodes, asOf, err := in.e.edges.Successors(ctx, f.job.ID, blockDepth)
	if err != nil {
		in.skipped("the successors of "+f.name, err)
		return
	}
	flow := newFlow(nodes)
	finish := in.remaining(f)
	for _, n := range flow.levels(f.job.ID) {
		b := n.blocked()
		if n.done {
			continue
		}
		fin := finish + flow.work(n)
		b.AtRisk = !n.deadline.IsZero() && in.now.Add(fin).After(n.deadline)
		r.add(b)
	}
	in.keepBlocked(r, "GET /plan/job/"+f.job.ID+"/successors", asOf)
}

// remaining is how long the job itself still needs if it (re)starts now.
func (in *inquiry) remaining(f *jobFacts) time.Duration {
	if f.run != nil {
		return f.run.TimeInfo.EstimatedDuration.Duration()
	}
	if f.job.JobDefinition != nil {
		return f.job.JobDefinition.EstimatedDuration.Duration()
	}
	return 0
}

func (r *BlocksResult) add(b Blocked) {
	r.Total++
	if b.AtRisk {
		r.AtRisk++
	}
	if b.Critical {
		r.Critical++
	}
	r.Blocked = append(r.Blocked, b)
}

// keepBlocked records the list as evidence and keeps the nearest of it.
func (in *inquiry) keepBlocked(r *BlocksResult, source string, asOf time.Time) {
	slices.SortStableFunc(r.Blocked, func(a, b Blocked) int { return a.Level - b.Level })
	var shown []string
	for _, b := range r.Blocked[:min(len(r.Blocked), 40)] {
		shown = append(shown, line("level", b.Level, "job", b.Job, "status", b.Status, "deadline", b.Deadline, "at risk", yes(b.AtRisk), "critical", yes(b.Critical)))
	}
	text := fmt.Sprintf("%s behind %s; %d directly; %s at risk; %s\n%s", waitFor(r.Total), r.Job, r.direct(),
		plural(r.AtRisk, "deadline", "deadlines"), plural(r.Critical, "critical job", "critical jobs"), strings.Join(shown, "\n"))
	in.note(Evidence{Kind: "plan", Title: "What waits for " + r.Job, Text: text, Source: source, AsOf: asOf})
	if len(r.Blocked) > maxBlocked {
		in.skipped(fmt.Sprintf("%d further jobs that wait for %s are counted but not listed", len(r.Blocked)-maxBlocked, r.Job), nil)
		r.Blocked = r.Blocked[:maxBlocked]
	}
	in.ans.Blocked = append(in.ans.Blocked, r.Blocked...)
}

func (r *BlocksResult) direct() int {
	n := 0
	for _, b := range r.Blocked {
		if b.Level == 1 {
			n++
		}
	}
	return n
}

func rfc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// flow is the part of the plan behind a job, as the engine listed it.
type flow struct {
	nodes map[string]*flowNode
	order []*flowNode
	jobs  map[string][]*flowNode // stream id → its jobs in the list
}

type flowNode struct {
	id, name, status string
	level            int
	preds            []plan.Ref
	stream           string
	done, critical   bool
	isStream         bool
	visited          bool
	deadline         time.Time
	estimate, path   time.Duration
}

func newFlow(nodes []hwa.FlowNode) *flow {
	fl := &flow{nodes: map[string]*flowNode{}, jobs: map[string][]*flowNode{}}
	for _, n := range nodes {
		var fn *flowNode
		switch {
		case n.Job != nil:
			fn = jobNode(n.Job)
			fl.jobs[fn.stream] = append(fl.jobs[fn.stream], fn)
		case n.JobStream != nil:
			fn = streamNode(n.JobStream)
		default:
			continue
		}
		if fl.nodes[fn.id] == nil {
			fl.nodes[fn.id] = fn
			fl.order = append(fl.order, fn)
		}
	}
	return fl
}

func jobNode(j *hwa.JobInPlan) *flowNode {
	p, preds := plan.FromJob(j)
	return &flowNode{id: j.ID, name: plan.NameOf(j), status: status(j), preds: preds, stream: j.JobStreamID, done: over(j),
		critical: j.JobOptions.Critical, deadline: j.TimeRestrictions.DeadlineTime, estimate: p.Estimated}
}

func streamNode(s *hwa.JobStreamInPlan) *flowNode {
	st, preds := plan.FromStream(s)
	return &flowNode{id: s.ID, name: plan.FullName(s.Folder, st.Workstation, s.Name, "@"), status: st.Status, preds: preds, stream: s.ID, isStream: true,
		done: s.CommonStatus == hwa.CommonStatusSuccessful || s.CompositeStatus.Canceled, deadline: st.Deadline,
		estimate: s.TimeInfo.EstimatedDuration.Duration()}
}

// over reports whether nothing more is expected of the job.
func over(j *hwa.JobInPlan) bool {
	if j.LastRunCompositeStatus.Canceled {
		return true
	}
	switch j.LastRunCommonStatus {
	case hwa.CommonStatusSuccessful, hwa.CommonStatusCanceled, hwa.CommonStatusSuppress, hwa.CommonStatusSuppressByCond, hwa.CommonStatusCompleted, hwa.CommonStatusDummyCompleted:
		return true
	}
	return false
}

// levels works out how many steps each listed node is behind the job asked
// about, and the estimated time between. Where the list carries no
// dependencies, all count as direct.
func (fl *flow) levels(root string) []*flowNode {
	after := map[string][]*flowNode{}
	for _, n := range fl.order {
		for _, p := range n.preds {
			after[p.JobID+p.StreamID] = append(after[p.JobID+p.StreamID], n)
		}
	}
	fl.spread(after, []*flowNode{{id: root}}, root)
	// What waits through its stream's own dependencies is listed without the
	// link: it enters one step behind.
	var entries []*flowNode
	for _, n := range fl.order {
		if n.level == 0 && !slices.ContainsFunc(n.preds, func(p plan.Ref) bool { return len(fl.endsOf(p)) > 0 }) {
			n.level = 1
			entries = append(entries, n)
		}
	}
	fl.spread(after, entries, root)
	for _, n := range fl.order {
		n.level = max(n.level, 1)
		fl.longest(n)
	}
	return fl.order
}

// spread numbers what follows the nodes of the queue, breadth first.
func (fl *flow) spread(after map[string][]*flowNode, queue []*flowNode, root string) {
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		next := after[at.id]
		if at.stream != at.id {
			next = append(next[:len(next):len(next)], after[at.stream]...)
		}
		if at.isStream {
			next = append(next[:len(next):len(next)], fl.jobs[at.id]...)
		}
		for _, n := range next {
			if n.level == 0 && n.id != root {
				n.level = at.level + 1
				queue = append(queue, n)
			}
		}
	}
}

// longest is the estimated time from the end of the job asked about to the
// start of n, along the longest chain of listed nodes.
func (fl *flow) longest(n *flowNode) time.Duration {
	if n.visited {
		return n.path
	}
	n.visited = true // before the predecessors: a cycle ends here
	for _, p := range n.preds {
		for _, before := range fl.endsOf(p) {
			n.path = max(n.path, fl.longest(before)+before.work())
		}
	}
	return n.path
}

func (fl *flow) endsOf(p plan.Ref) []*flowNode {
	if n := fl.nodes[p.JobID+p.StreamID]; n != nil {
		return []*flowNode{n}
	}
	return fl.jobs[p.StreamID]
}

func (n *flowNode) work() time.Duration {
	if n.done {
		return 0
	}
	return n.estimate
}

// work is the estimated time from the end of the job asked about to the end of n.
func (fl *flow) work(n *flowNode) time.Duration { return n.path + n.work() }

func (n *flowNode) blocked() Blocked {
	return Blocked{Job: n.name, ID: n.id, Level: n.level, Status: n.status, Deadline: rfc(n.deadline), Critical: n.critical}
}
