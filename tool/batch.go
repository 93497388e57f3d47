package tool

import (
	"context"
	"sync"
)

// Batch runs requests in their order: runs of reads go side by side, at most
// Config.Parallel at once; each write is a barrier, so that a read placed after
// a write sees its proposal, never the state before it. The results stand in
// the order of the requests, and one failure stops no other. A write in a batch
// is proposed exactly as it is alone: nothing here can skip the approval.
func (x *Executor) Batch(ctx context.Context, who Identity, reqs []Request) []Result {
	out := make([]Result, len(reqs))
	slots := make(chan struct{}, x.cfg.Parallel)
	var wg sync.WaitGroup
	for i, r := range reqs {
		if t, ok := x.tools[r.Tool]; ok && t.write != nil {
			wg.Wait()
			out[i], _ = x.Call(ctx, who, r) // the error is in the result
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], _ = x.Call(ctx, who, r)
		})
	}
	wg.Wait()
	return out
}
