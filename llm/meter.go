package llm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"time"
)

// Limits bound what is spent, in US dollars; 0 is no limit.
type Limits struct {
	Request  float64 // one request
	UserDay  float64 // one user's day (UTC)
	Day      float64 // everybody's day
	Unpriced bool    // ask models whose price is not known although a limit is set
}

// any reports whether some limit is set.
func (l Limits) any() bool { return l.Request > 0 || l.UserDay > 0 || l.Day > 0 }

// Ledger keeps what was spent. Amounts are in billionths of a dollar. Keys are
// user names, and "" for everybody together.
type Ledger interface {
	// LLMSpent returns the totals of a day (2006-01-02, UTC).
	LLMSpent(ctx context.Context, day string) (map[string]int64, error)
	// AddLLMSpent adds to the totals of a day.
	AddLLMSpent(ctx context.Context, day string, amounts map[string]int64) error
}

// nano is the number of the ledger's units in a dollar.
const nano = 1e9

// Meter knows what was spent today. Amounts are added in memory at once and
// written to the ledger by Flush, so that a request does not wait for a disk: a
// process that is killed loses what it spent since the last Flush. It is safe
// for concurrent use.
type Meter struct {
	ledger Ledger
	limits Limits
	now    func() time.Time

	mu       sync.Mutex
	number   int64  // of the day word is for, since 1970
	word     string // that day; see today
	day      string
	loaded   bool
	spent    map[string]int64 // :: user, "" for all → today's total as far as known
	reserved map[string]int64 // :: the same → promised to requests under way
	unsaved  map[string]int64 // :: the same → not in the ledger yet
	late     map[string]map[string]int64
}

// NewMeter returns a meter over a ledger; nil keeps the totals in memory only.
// now is the clock, [time.Now] when nil.
func NewMeter(l Ledger, limits Limits, now func() time.Time) *Meter {
	if now == nil {
		now = time.Now
	}
	m := &Meter{ledger: l, limits: limits, now: now, late: map[string]map[string]int64{}}
	m.reset(m.today())
	return m
}

// today is the present day. It is called with the lock held, by every request: the
// day is put into words once.
func (m *Meter) today() string {
	now := m.now()
	if n := now.Unix() / (24 * 60 * 60); n != m.number || m.word == "" {
		m.number, m.word = n, now.UTC().Format(time.DateOnly)
	}
	return m.word
}

func (m *Meter) reset(day string) {
	if len(m.unsaved) > 0 { // yesterday's rest waits for the next Flush
		m.late[m.day] = m.unsaved
	}
	m.day, m.loaded = day, m.ledger == nil
	m.spent, m.unsaved = map[string]int64{}, map[string]int64{}
	if m.reserved == nil {
		m.reserved = map[string]int64{}
	}
}

// turn starts a new day when there is one, and reads its totals.
func (m *Meter) turn(ctx context.Context) error {
	if day := m.today(); day != m.day {
		m.reset(day)
	}
	if m.loaded {
		return nil
	}
	totals, err := m.ledger.LLMSpent(ctx, m.day)
	if err != nil {
		return fmt.Errorf("read what language models cost today: %w", err)
	}
	for k, v := range totals {
		m.spent[k] += v
	}
	m.loaded = true
	return nil
}

// BudgetError refuses a request because it would, or could, cost more than is
// allowed.
type BudgetError struct {
	Limit string  // request, user_day or day
	Max   float64 // US dollars
	Spent float64 // so far, with what is under way; 0 for a request
	Needs float64 // what the request could cost
}

// Error says which limit is reached.
func (e *BudgetError) Error() string {
	if e.Limit == "request" {
		return fmt.Sprintf("the answer could cost $%.4f and a request may cost $%.4f (llm.limits.request)", e.Needs, e.Max)
	}
	whose := map[string]string{"user_day": "your", "day": "everybody's"}[e.Limit]
	return fmt.Sprintf("%s money for language models is used up for today: $%.4f of $%.4f are spent and the answer could cost $%.4f (llm.limits.%s)",
		whose, e.Spent, e.Max, e.Needs, e.Limit)
}

// reserve sets aside what a request could cost, or refuses it. The amount is
// given back by settle.
func (m *Meter) reserve(ctx context.Context, user string, usd float64) (int64, error) {
	if m.limits.Request > 0 && usd > m.limits.Request {
		return 0, &BudgetError{Limit: "request", Max: m.limits.Request, Needs: usd}
	}
	amount := int64(math.Ceil(usd * nano))
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.turn(ctx); err != nil {
		return 0, err
	}
	for _, c := range []struct {
		name, key string
		limit     float64
		applies   bool
	}{{"user_day", user, m.limits.UserDay, user != ""}, {"day", "", m.limits.Day, true}} {
		have := m.spent[c.key] + m.reserved[c.key]
		if c.applies && c.limit > 0 && have+amount > int64(c.limit*nano) {
			return 0, &BudgetError{Limit: c.name, Max: c.limit, Spent: float64(have) / nano, Needs: usd}
		}
	}
	m.each(user, func(k string) { m.reserved[k] += amount })
	return amount, nil
}

// settle gives back what was reserved and books what the request really cost.
func (m *Meter) settle(user string, reserved int64, usd float64) {
	cost := int64(math.Round(usd * nano))
	m.mu.Lock()
	defer m.mu.Unlock()
	if day := m.today(); day != m.day {
		m.reset(day)
	}
	m.each(user, func(k string) {
		if m.reserved[k] -= reserved; m.reserved[k] <= 0 {
			delete(m.reserved, k)
		}
		if cost > 0 {
			m.spent[k] += cost
			m.unsaved[k] += cost
		}
	})
}

// each calls fn for the user's account, if there is one, and for everybody's.
func (m *Meter) each(user string, fn func(key string)) {
	if user != "" {
		fn(user)
	}
	fn("")
}

// Spent is what the user ("" for everybody) has spent today in US dollars.
func (m *Meter) Spent(ctx context.Context, user string) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.turn(ctx); err != nil {
		return 0, err
	}
	return float64(m.spent[user]) / nano, nil
}

// Flush writes what was spent since the last Flush to the ledger and reads the
// day's totals anew, so that several processes on one ledger learn of each
// other. What could not be written is kept for the next time.
func (m *Meter) Flush(ctx context.Context) error {
	if m.ledger == nil {
		return nil
	}
	m.mu.Lock()
	batches := m.late
	m.late = map[string]map[string]int64{}
	if len(m.unsaved) > 0 {
		batches[m.day] = m.unsaved
		m.unsaved = map[string]int64{}
	}
	m.mu.Unlock()
	var errs []error
	for day, amounts := range batches {
		if err := m.ledger.AddLLMSpent(ctx, day, amounts); err != nil {
			errs = append(errs, fmt.Errorf("write what language models cost: %w", err))
			m.keep(day, amounts)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, m.refresh(ctx))
	}
	return errors.Join(errs...)
}

// keep puts back what could not be written.
func (m *Meter) keep(day string, amounts map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	into := m.unsaved
	if day != m.day {
		if m.late[day] == nil {
			m.late[day] = map[string]int64{}
		}
		into = m.late[day]
	}
	for k, v := range amounts {
		into[k] += v
	}
}

// refresh takes over the totals other processes have written.
func (m *Meter) refresh(ctx context.Context) error {
	m.mu.Lock()
	day := m.day
	m.mu.Unlock()
	totals, err := m.ledger.LLMSpent(ctx, day)
	if err != nil {
		return fmt.Errorf("read what language models cost today: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if day != m.day {
		return nil // midnight has passed in between
	}
	m.spent, m.loaded = maps.Clone(totals), true
	if m.spent == nil {
		m.spent = map[string]int64{}
	}
	for k, v := range m.unsaved {
		m.spent[k] += v
	}
	return nil
}
