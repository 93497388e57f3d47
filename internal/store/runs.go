package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Run is one proposed use of a tool: facts fixed when it was proposed. What
// became of it is read from its journal entries ([RunStatus]).
type Run struct {
	ID             string          `json:"id"`     // run id and trace id, from [NewID]("run")
	Engine         string          `json:"engine"` // name of the configured engine
	Tool           string          `json:"tool"`
	Args           json.RawMessage `json:"args"`      // canonical JSON (RFC 8785); kept byte for byte
	ArgsHash       string          `json:"args_hash"` // SHA-256 of Args in hex
	Target         string          `json:"target"`    // name of the object acted on, for people
	TargetID       string          `json:"target_id"` // its id on the engine
	User           string          `json:"user"`
	ConversationID string          `json:"conversation_id"` // empty when not from a chat
	ParentID       string          `json:"parent_id"`       // the run this one undoes or retries
	Risk           json.RawMessage `json:"risk"`
	Preview        json.RawMessage `json:"preview"`
	PreImage       json.RawMessage `json:"pre_image"` // the object's state read before the proposal
	Digest         string          `json:"digest"`    // what an approval is bound to
	Reason         string          `json:"reason"`
	Ticket         string          `json:"ticket"`
	Permission     string          `json:"permission"`
	CreatedAt      time.Time       `json:"created_at"`
}

// RunStatus is a run with what the journal says about it.
type RunStatus struct {
	Run
	Phase   string  `json:"phase"`   // event of the last journal entry
	Outcome string  `json:"outcome"` // event that ended it (done, error, …) or empty
	Claimed bool    `json:"claimed"` // it was handed to the engine, or about to be
	Entries []Entry `json:"entries"` // in order
}

// facts is the SHA-256 over the run's fields; its first journal entry carries
// it, so the hash chain covers the proposal too.
func (r Run) facts() string {
	r.CreatedAt = at(ms(r.CreatedAt))
	h := sha256.New()
	for _, f := range []string{r.ID, r.Engine, r.Tool, string(r.Args), r.ArgsHash, r.Target, r.TargetID, r.User,
		r.ConversationID, r.ParentID, string(r.Risk), string(r.Preview), string(r.PreImage), r.Digest, r.Reason,
		r.Ticket, r.Permission, r.CreatedAt.Format(time.RFC3339Nano)} {
		fmt.Fprintf(h, "%d:%s,", len(f), f) // netstrings: no two lists of fields read alike
	}
	return hex.EncodeToString(h.Sum(nil))
}

const runColumns = `id, engine, tool, args, args_hash, target, target_id, user_name, conversation_id,
	parent_id, risk, preview, pre_image, digest, reason, ticket, permission, created_at`

// runSelect reads them from runs r.
func runSelect(where string) string {
	return `select r.` + strings.ReplaceAll(runColumns, ", ", ", r.") + ` from runs r ` + where
}

// values lists the fields in the order of runColumns.
func (r Run) values() []any {
	return []any{r.ID, r.Engine, r.Tool, string(r.Args), r.ArgsHash, r.Target, r.TargetID, r.User,
		r.ConversationID, r.ParentID, string(r.Risk), string(r.Preview), string(r.PreImage), r.Digest,
		r.Reason, r.Ticket, r.Permission, ms(r.CreatedAt)}
}

// scanInto reads the columns of runColumns, after those of extra.
func (r *Run) scanInto(scan scanner, extra ...any) error {
	var args, risk, preview, pre string
	var created int64
	err := scan(append(extra, &r.ID, &r.Engine, &r.Tool, &args, &r.ArgsHash, &r.Target, &r.TargetID, &r.User,
		&r.ConversationID, &r.ParentID, &risk, &preview, &pre, &r.Digest, &r.Reason, &r.Ticket, &r.Permission, &created)...)
	r.Args, r.Risk, r.Preview, r.PreImage = raw(args), raw(risk), raw(preview), raw(pre)
	r.CreatedAt = at(created)
	return err
}

// raw is JSON text as read from a column; nil when the column is empty.
func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// checkJSON refuses a field that is neither empty nor one JSON value.
func checkJSON(field string, v json.RawMessage) error {
	if len(v) > 0 && !json.Valid(v) {
		return fmt.Errorf("%w: %s is not JSON", ErrInvalid, field)
	}
	return nil
}

func (r Run) check() error {
	if r.ID == "" || r.Tool == "" || r.User == "" {
		return fmt.Errorf("%w: a run needs an ID, a tool and a user", ErrInvalid)
	}
	return errors.Join(checkJSON("args", r.Args), checkJSON("risk", r.Risk),
		checkJSON("preview", r.Preview), checkJSON("pre_image", r.PreImage))
}

// CreateRun stores a proposal together with its first journal entry, whose
// RunID is set to the run's. A zero CreatedAt becomes the present time, an
// empty event "proposed"; "executing" is refused, a claim needs AppendClaim.
// ErrExists when the ID is taken.
func (s *Store) CreateRun(ctx context.Context, r Run, first Entry) (Entry, error) {
	list := []Entry{first}
	if err := s.Propose(ctx, r, list, nil); err != nil {
		return Entry{}, err
	}
	return list[0], nil
}

// Propose stores a proposal with its first journal entries and its request for
// approval, if there is one: all of it or nothing. The first entry is as
// [Store.CreateRun] wants it; the entries are completed as they are stored.
func (s *Store) Propose(ctx context.Context, r Run, entries []Entry, a *Approval) error {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = s.now()
	}
	err := r.check()
	if a != nil && err == nil {
		err = a.check()
	}
	if len(entries) == 0 && err == nil {
		err = fmt.Errorf("%w: a run is proposed with its first journal entry", ErrInvalid)
	}
	for i := range entries {
		entries[i].RunID = r.ID
		if kindOf(entries[i].Event) != kindNote && err == nil {
			err = fmt.Errorf("%w: a run is not proposed with %s; it is claimed with AppendClaim and ends with Append", ErrInvalid, entries[i].Event)
		}
	}
	if err == nil {
		entries[0].Event = cmp.Or(entries[0].Event, EventProposed)
		err = s.update(ctx, func(c conn) error { return s.propose(ctx, c, r, entries, a) })
	}
	if err != nil {
		return fmt.Errorf("create run %s: %w", r.ID, err)
	}
	return nil
}

func (s *Store) propose(ctx context.Context, c conn, r Run, entries []Entry, a *Approval) error {
	key := linkKey(ctx, r.ID)
	chain, lock := s.chainEnd(c)
	if err := c.all(ctx, append(key.asks, lock)...); err != nil {
		return err
	}
	key.done()
	list := []ask{{query: `insert into runs (` + runColumns + `)
		values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, args: r.values(), failed: whenTaken}}
	if a != nil {
		list = append(list, a.insert())
	}
	if err := c.later(ctx, list...); err != nil {
		return err
	}
	facts := r.facts()
	for i := range entries {
		if err := chain.link(ctx, c, &entries[i], facts); err != nil {
			return err
		}
		facts = "" // the first entry alone carries them
	}
	return chain.close(ctx, c)
}

// Run reads one run with its journal. ErrNotFound when there is none.
func (s *Store) Run(ctx context.Context, id string) (RunStatus, error) {
	var r runRead
	err := s.atOnce(ctx, r.asks(id)...)
	if err == nil {
		err = r.missing()
	}
	if err != nil {
		return RunStatus{}, fmt.Errorf("read run %q: %w", id, err)
	}
	return r.list[0], nil
}

// RunApproval reads a run with its journal and its approval, at one moment.
// ErrNotFound when one of them is missing.
func (s *Store) RunApproval(ctx context.Context, id string) (RunStatus, Tally, error) {
	var r runRead
	var a tallyRead
	var t Tally
	err := s.atOnce(ctx, append(r.asks(id), a.asks(id, "")...)...)
	if err == nil {
		err = r.missing()
	}
	if err == nil {
		t, err = a.tally(s.now())
	}
	if err != nil {
		return RunStatus{}, Tally{}, fmt.Errorf("read run %q and its approval: %w", id, err)
	}
	return r.list[0], t, nil
}

// runRead is one run with its journal while it is read.
type runRead struct{ list []RunStatus }

func (r *runRead) asks(id string) []ask {
	return []ask{
		{query: runSelect(`where r.id = ?`), args: []any{id}, row: func(scan scanner) error {
			var st RunStatus
			err := st.scanInto(scan)
			r.list = append(r.list, st)
			return err
		}},
		{query: `select ` + entryColumns + ` from journal where run_id = ? order by seq`, args: []any{id}, row: func(scan scanner) error {
			e, err := scanEntry(scan)
			switch {
			case err != nil:
				return err
			case len(r.list) == 0 || e.RunID != id:
				return strayEntry(e)
			}
			r.list[0].add(e)
			return nil
		}},
	}
}

func (r *runRead) missing() error {
	if len(r.list) == 0 {
		return ErrNotFound
	}
	return nil
}

// strayEntry: only a damaged index answers with rows nobody asked for.
func strayEntry(e Entry) error {
	return fmt.Errorf("%w: journal entry %d is indexed under another run", ErrCorrupt, e.Seq)
}

// RunFilter selects runs; a zero field does not restrict.
type RunFilter struct {
	Phase          string    // last journal event
	Active         bool      // no outcome yet
	User           string    // who proposed it
	Tool           string    // tool name
	Engine         string    // engine name
	ConversationID string    // chat it came from
	ParentID       string    // run it undoes or retries
	Since          time.Time // proposed at or after
	Before         string    // run ID: only older ones (cursor for the next page)
	Limit          int       // at most so many; 0 means 50, the most is 1000
}

// Runs lists runs, newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]RunStatus, error) {
	where, args := f.where()
	var out []RunStatus
	err := s.view(ctx, func(c conn) (err error) {
		out, err = selectRuns(ctx, c, where, args)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return out, nil
}

func (f RunFilter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg ...any) { conds, args = append(conds, cond), append(args, arg...) }
	for _, eq := range [][2]string{{"r.user_name", f.User}, {"r.tool", f.Tool}, {"r.engine", f.Engine},
		{"r.conversation_id", f.ConversationID}, {"r.parent_id", f.ParentID}} {
		if eq[1] != "" {
			add(eq[0]+" = ?", eq[1])
		}
	}
	if f.Phase != "" {
		add("(select event from journal where run_id = r.id order by seq desc limit 1) = ?", f.Phase)
	}
	if f.Active {
		add("not exists (select 1 from journal where run_id = r.id and kind = 'outcome')")
	}
	if !f.Since.IsZero() {
		add("r.created_at >= ?", ms(f.Since))
	}
	if f.Before != "" {
		add("(r.created_at, r.id) < (select created_at, id from runs where id = ?)", f.Before)
	}
	where := ""
	if len(conds) > 0 {
		where = "where " + strings.Join(conds, " and ")
	}
	return where + " order by r.created_at desc, r.id desc limit ?", append(args, pageSize(f.Limit))
}

// pageSize is the number of rows a list returns: 50 unless told, 1000 at most.
func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 1000)
}

// OpenExecuting lists, oldest first, the runs that were claimed and have no
// outcome: after a crash nobody knows whether the engine acted on them.
func (s *Store) OpenExecuting(ctx context.Context) ([]RunStatus, error) {
	return s.runsWhere(ctx, "list runs without outcome", `where r.id in (
		select j.run_id from journal j where j.kind = 'claim'
		and not exists (select 1 from journal o where o.run_id = j.run_id and o.kind = 'outcome'))
		order by r.created_at, r.id`)
}

// Unreconciled lists, oldest first, the runs whose outcome is unknown and that
// nobody has reconciled with the engine.
func (s *Store) Unreconciled(ctx context.Context) ([]RunStatus, error) {
	return s.runsWhere(ctx, "list runs to reconcile", `where r.id in (
		select j.run_id from journal j where j.kind = 'outcome' and j.event = 'outcome_unknown'
		and not exists (select 1 from journal o where o.run_id = j.run_id and o.kind = 'reconcile'))
		order by r.created_at, r.id`)
}

func (s *Store) runsWhere(ctx context.Context, what, where string) ([]RunStatus, error) {
	var out []RunStatus
	err := s.view(ctx, func(c conn) (err error) {
		out, err = selectRuns(ctx, c, where, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// selectRuns reads runs and, in a second query per hundred, their journals.
func selectRuns(ctx context.Context, c conn, where string, args []any) ([]RunStatus, error) {
	var out []RunStatus
	err := c.rows(ctx, runSelect(where), args,
		func(scan scanner) error {
			var st RunStatus
			err := st.Run.scanInto(scan)
			out = append(out, st)
			return err
		})
	for i := 0; err == nil && i < len(out); i += 100 {
		err = addEntries(ctx, c, out[i:min(i+100, len(out))])
	}
	return out, err
}

// addEntries fills in the journals of some runs.
func addEntries(ctx context.Context, c conn, runs []RunStatus) error {
	byID := make(map[string]*RunStatus, len(runs))
	args := make([]any, 0, len(runs))
	for i := range runs {
		byID[runs[i].ID] = &runs[i]
		args = append(args, runs[i].ID)
	}
	return c.rows(ctx, `select `+entryColumns+` from journal where run_id in (`+marksFor(len(args))+`) order by seq`, args,
		func(scan scanner) error {
			e, err := scanEntry(scan)
			if err != nil {
				return err
			}
			st := byID[e.RunID]
			if st == nil {
				return strayEntry(e)
			}
			st.add(e)
			return nil
		})
}

// add takes in the next journal entry of the run.
func (st *RunStatus) add(e Entry) {
	st.Entries = append(st.Entries, e)
	st.Phase = e.Event
	switch kindOf(e.Event) {
	case kindClaim:
		st.Claimed = true
	case kindOutcome:
		st.Outcome = e.Event
	}
}
