package state

import (
	"container/list"
	"sync"
	"time"
)

// memory is a cache in this process: entries end at their time, and the least
// used go first when there is no room.
type memory struct {
	mu      sync.Mutex
	room    int // bytes of keys and values
	used    int
	entries map[string]*list.Element // :: key → *entry, newest use first
	order   *list.List
}

type entry struct {
	key   string
	value []byte
	ends  time.Time
}

// overhead is what an entry costs beside its key and value, in bytes.
const overhead = 160

func (e *entry) size() int { return len(e.key) + len(e.value) + overhead }

func newMemory(room int) *memory {
	return &memory{room: room, entries: map[string]*list.Element{}, order: list.New()}
}

// get returns a value that has not ended. The value must not be changed.
func (m *memory) get(key string, now time.Time) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	el := m.entries[key]
	if el == nil {
		return nil, false
	}
	e := el.Value.(*entry)
	if !e.ends.After(now) {
		m.remove(el)
		return nil, false
	}
	m.order.MoveToFront(el)
	return e.value, true
}

// set keeps a value. One that is larger than the whole room is not kept.
func (m *memory) set(key string, value []byte, ttl time.Duration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el := m.entries[key]; el != nil {
		m.remove(el)
	}
	e := &entry{key, value, now.Add(ttl)}
	if e.size() > m.room || ttl <= 0 {
		return
	}
	m.entries[key] = m.order.PushFront(e)
	m.used += e.size()
	for m.used > m.room {
		m.remove(m.order.Back())
	}
}

func (m *memory) drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el := m.entries[key]; el != nil {
		m.remove(el)
	}
}

func (m *memory) remove(el *list.Element) {
	e := el.Value.(*entry)
	delete(m.entries, e.key)
	m.order.Remove(el)
	m.used -= e.size()
}

// usage returns the number of entries and their bytes.
func (m *memory) usage() (entries, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries), m.used
}
