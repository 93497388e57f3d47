package breaker

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzRestore reads histories that are not ours: whatever they hold, the breaker
// works afterwards, and what it exports can be restored again.
func FuzzRestore(f *testing.F) {
	b := New(Settings{Name: "x", Failures: 1})
	p, err := b.Acquire()
	if err != nil {
		f.Fatal(err)
	}
	p.Done(Failure, errDown)
	raw, err := json.Marshal(b.Export())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"name":"x","state":"forced_open","switch":{"until":"9999-12-31T23:59:59Z","by":"ana","reason":"r"}}`))
	f.Add([]byte(`{"name":"x","state":"disabled","open_ns":-5,"opened":-1,"transitions":[{"seq":18446744073709551615}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h History
		if json.Unmarshal(raw, &h) != nil {
			return
		}
		h.Name = "x"
		b := New(Settings{Name: "x", Failures: 1, Delay: time.Hour})
		if err := b.Restore(h); err != nil {
			t.Fatal(err)
		}
		if s := b.State(); (s == ForcedOpen) == b.Ready() {
			t.Fatalf("ready %v in %s", b.Ready(), s)
		}
		again, err := json.Marshal(b.Export())
		if err != nil {
			t.Skip("a time JSON cannot hold")
		}
		var back History
		if err := json.Unmarshal(again, &back); err != nil {
			t.Fatal(err)
		}
		if err := New(Settings{Name: "x"}).Restore(back); err != nil {
			t.Fatal(err)
		}
		if err := b.Reset("test", "ana"); err != nil {
			t.Fatal(err)
		}
		if !end(t, b, Failure) || b.State() != Open {
			t.Fatalf("%s after a reset and a failure", b.State())
		}
	})
}
