package hwasim

// vsec is a point in virtual time: seconds after Sim.epoch. Zero means "not set".
type vsec int32

type eventKind uint8

const (
	evTime      eventKind = iota + 1 // start time of a job has come
	evStream                         // start time of a job stream has come
	evUntil                          // latest start time of a job
	evDeadline                       // deadline of a job
	evCritical                       // critical start of a job in a critical network
	evBegin                          // an introduced job begins to execute
	evEnd                            // a run ends
	evMaxDur                         // a run reaches its maximum duration
	evFile                           // a file arrives
	evRecover                        // a recovery rerun is due
	evApply                          // an accepted write with a virtual delay is due
	evStreamDue                      // deadline of a job stream
)

// event is something due at a virtual time. run guards against events of a run
// that ended otherwise in the meantime.
type event struct {
	at   vsec
	seq  uint32 // insertion order: equal times stay in order
	obj  int32
	run  int16
	kind eventKind
}

func (e event) before(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	return e.seq < o.seq
}

// eventHeap is a binary min-heap; hand-written because container/heap boxes each
// element.
type eventHeap struct {
	items []event
	seq   uint32
}

func (h *eventHeap) push(e event) {
	h.seq++
	e.seq = h.seq
	h.items = append(h.items, e)
	i := len(h.items) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h.items[i].before(h.items[up]) {
			break
		}
		h.items[i], h.items[up] = h.items[up], h.items[i]
		i = up
	}
}

func (h *eventHeap) pop() event {
	top := h.items[0]
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	h.items = h.items[:last]
	h.sink(0)
	return top
}

func (h *eventHeap) sink(i int) {
	n := len(h.items)
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h.items[c].before(h.items[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.items[i], h.items[least] = h.items[least], h.items[i]
		i = least
	}
}
