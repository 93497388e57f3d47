package api

import (
	"log/slog"
	"sync"
	"time"

	"resync/internal/config"
)

// load counts how many requests of the last minute were degraded or refused,
// and warns when they are too many. A degraded system that nobody hears of is
// found at the end of the month.
type load struct {
	log     *slog.Logger
	percent float64 // from this share on; 0 never warns
	now     func() time.Time

	mu     sync.Mutex
	window [60]second
	warned bool
}

type second struct {
	at                    int64
	total, less, rejected int
}

func newLoad(s *config.Strategy, log *slog.Logger) *load {
	l := &load{log: log, percent: 5, now: time.Now}
	if s != nil {
		if l.percent = s.AlertPercent; !s.AlertOnDegraded {
			l.percent = 0
		}
	}
	return l
}

func (l *load) request() { l.add(func(s *second) { s.total++ }) }
func (l *load) less()    { l.add(func(s *second) { s.less++ }) }
func (l *load) refused() { l.add(func(s *second) { s.rejected++ }) }

func (l *load) add(count func(*second)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now().Unix()
	s := &l.window[at%60]
	if s.at != at {
		*s = second{at: at}
	}
	count(s)
	if s.total%64 == 0 || s.less+s.rejected > 0 {
		l.warn(at)
	}
}

// minLoad is the number of requests below which a share says nothing.
const minLoad = 20

// warn says it once when the share is passed, and once when it is over.
func (l *load) warn(at int64) {
	total, bad := l.sum(at)
	share := 0.0
	if total > 0 {
		share = 100 * float64(bad) / float64(total)
	}
	over := l.percent > 0 && total >= minLoad && share > l.percent
	if over == l.warned || l.log == nil {
		return
	}
	l.warned = over
	if over {
		l.log.Warn("many requests are degraded or refused because Redis is away", "percent", int(share), "requests", total, "threshold_percent", l.percent)
		return
	}
	l.log.Info("few requests are degraded again", "percent", int(share), "requests", total)
}

func (l *load) sum(at int64) (total, bad int) {
	for _, s := range l.window {
		if at-s.at < 60 {
			total += s.total
			bad += s.less + s.rejected
		}
	}
	return total, bad
}

// share is the part of the requests of the last minute that were degraded or
// refused, in percent, and whether that is too much.
func (l *load) share() (percent float64, alert bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	total, bad := l.sum(l.now().Unix())
	if total == 0 {
		return 0, false
	}
	return 100 * float64(bad) / float64(total), l.warned
}
