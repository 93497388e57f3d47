package telemetry

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// found remembers the series of label values, so that a request looks each of
// them up once instead of once per metric and label. Keys come from the same
// closed sets as labels, so there are few.
type found[K comparable, S any] struct {
	mu   sync.RWMutex
	have map[K]S
}

// get returns the series of a key; make finds them the first time.
func (f *found[K, S]) get(key K, make func(K) S) S {
	f.mu.RLock()
	s, ok := f.have[key]
	f.mu.RUnlock()
	if ok {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok = f.have[key]; ok {
		return s
	}
	if f.have == nil {
		f.have = map[K]S{}
	}
	s = make(key)
	f.have[key] = s
	return s
}

// httpLabels are the labels of an answered request.
type httpLabels struct {
	method, route string
	code          int
}

// httpSeries are what an answered request is counted in.
type httpSeries struct {
	requests prometheus.Counter
	duration prometheus.Observer
}

// attemptLabels are the labels of one call of a language model.
type attemptLabels struct{ target, outcome string }

// targetSeries are what an answer of a language model is counted in.
type targetSeries struct{ input, output, cost prometheus.Counter }
