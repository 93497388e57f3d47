package event

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func values(msgs []Message[int]) []int {
	var out []int
	for _, m := range msgs {
		out = append(out, m.Value)
	}
	return out
}

func take(ch <-chan Message[int], n int) []Message[int] {
	var out []Message[int]
	for range n {
		out = append(out, <-ch)
	}
	return out
}

func TestSubscriberGetsEverythingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := NewBroker[int](8, 4)
		ch, missed := b.Subscribe(ctx, 0)
		if missed {
			t.Error("a fresh broker says that messages were missed")
		}
		for i := range 5 {
			b.Publish(i)
		}
		got := take(ch, 5)
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, values(got)); diff != "" {
			t.Error(diff)
		}
		if got[4].Seq != 5 || b.Seq() != 5 {
			t.Errorf("seq = %d, broker %d; want 5", got[4].Seq, b.Seq())
		}
		cancel()
		synctest.Wait()
		if _, open := <-ch; open {
			t.Error("the channel stays open after the context ended")
		}
		b.Publish(9) // must not panic on the closed channel
	})
}

func TestResume(t *testing.T) {
	tests := []struct {
		name   string
		after  uint64
		want   []int
		missed bool
	}{
		{"all remembered", 3, []int{3, 4, 5}, false},
		{"nothing new", 6, nil, false},
		{"older than the memory", 1, []int{2, 3, 4, 5}, true},
		{"from the future", 99, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer func() { cancel(); synctest.Wait() }()
				b := NewBroker[int](1, 4)
				for i := range 6 {
					b.Publish(i)
				}
				ch, missed := b.Subscribe(ctx, tt.after)
				if missed != tt.missed {
					t.Errorf("missed = %v, want %v", missed, tt.missed)
				}
				if diff := cmp.Diff(tt.want, values(take(ch, len(tt.want)))); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestStalledSubscriberLosesOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		b := NewBroker[int](2, 0)
		stalled, _ := b.Subscribe(ctx, 0)
		var got []Message[int]
		live, _ := b.Subscribe(ctx, 0)
		for i := range 6 {
			b.Publish(i)
			got = append(got, <-live)
		}
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5}, values(got)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]int{0, 1}, values(take(stalled, 2))); diff != "" {
			t.Error(diff)
		}
		if b.Dropped() != 4 {
			t.Errorf("dropped = %d, want 4", b.Dropped())
		}
	})
}

func TestMustDeliverWaitsButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		b := NewBroker[int](1, 0)
		ch, _ := b.Subscribe(ctx, 0)
		b.Publish(1)
		go func() {
			time.Sleep(time.Second)
			<-ch
		}()
		start := time.Now()
		b.PublishMustDeliver(2, 5*time.Second) // room comes after a second
		if waited := time.Since(start); waited != time.Second || b.Dropped() != 0 {
			t.Errorf("waited %v, dropped %d; want 1s, 0", waited, b.Dropped())
		}
		start = time.Now()
		b.PublishMustDeliver(3, 5*time.Second) // room never comes
		if waited := time.Since(start); waited != 5*time.Second || b.Dropped() != 1 {
			t.Errorf("waited %v, dropped %d; want 5s, 1", waited, b.Dropped())
		}
	})
}
