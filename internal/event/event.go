// Package event is the in-process broker between what happens and who watches:
// screens, streams, the monitor. Every subscriber has its own bounded queue.
// Progress is lossy, so that a stalled browser never slows the work; final news
// can be delivered with a bounded wait.
package event

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Message is a published value with its place in the stream.
type Message[T any] struct {
	Seq   uint64 // 1, 2, 3 … in order of publication
	At    time.Time
	Value T
}

// Broker passes values to subscribers and remembers the last ones, so that a
// subscriber can resume where it was cut off.
type Broker[T any] struct {
	queue int

	mu      sync.Mutex
	seq     uint64
	history []Message[T] // a ring, oldest first once unrolled
	keep    int
	subs    map[*subscriber[T]]struct{}
	dropped atomic.Uint64
}

type subscriber[T any] struct {
	ch   chan Message[T]
	done <-chan struct{}
}

// NewBroker returns a broker whose subscribers may lag by queue messages and
// which remembers the last keep messages.
func NewBroker[T any](queue, keep int) *Broker[T] {
	return &Broker[T]{queue: max(queue, 1), keep: max(keep, 0), subs: map[*subscriber[T]]struct{}{}}
}

// Subscribe returns the messages after the sequence number, first the remembered
// ones and then the live ones, until ctx ends; then the channel is closed.
// missed says that some messages after the number are no longer remembered: the
// subscriber must read the state afresh.
func (b *Broker[T]) Subscribe(ctx context.Context, after uint64) (ch <-chan Message[T], missed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var replay []Message[T]
	for _, m := range b.history {
		if m.Seq > after {
			replay = append(replay, m)
		}
	}
	missed = after > b.seq || (after < b.seq && uint64(len(replay)) < b.seq-after)
	s := &subscriber[T]{ch: make(chan Message[T], b.queue+len(replay)), done: ctx.Done()}
	for _, m := range replay {
		s.ch <- m
	}
	b.subs[s] = struct{}{}
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, s)
		close(s.ch)
	})
	return s.ch, missed
}

// Seq is the number of the last message.
func (b *Broker[T]) Seq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}

// Dropped counts messages that some subscriber did not get because it lagged.
func (b *Broker[T]) Dropped() uint64 { return b.dropped.Load() }

// Publish hands the value to every subscriber that has room and never waits.
func (b *Broker[T]) Publish(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.next(v)
	for s := range b.subs {
		select {
		case s.ch <- m:
		default:
			b.dropped.Add(1)
		}
	}
}

// PublishMustDeliver waits up to the given time in all for subscribers that
// lag. A subscriber that has no room even then loses the message.
func (b *Broker[T]) PublishMustDeliver(v T, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.next(v)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	late := false
	for s := range b.subs {
		select {
		case s.ch <- m:
			continue
		default:
		}
		if late {
			b.dropped.Add(1)
			continue
		}
		select {
		case s.ch <- m:
		case <-s.done:
		case <-timer.C:
			late = true
			b.dropped.Add(1)
		}
	}
}

func (b *Broker[T]) next(v T) Message[T] {
	b.seq++
	m := Message[T]{b.seq, time.Now().UTC(), v}
	if b.keep > 0 {
		if len(b.history) == b.keep {
			b.history = append(b.history[:0], b.history[1:]...)
		}
		b.history = append(b.history, m)
	}
	return m
}
