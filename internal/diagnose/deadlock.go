package diagnose

import (
	"fmt"

	"resync/hwa"
)

// deadlock recognises two owners that each hold what the other needs.
func (in *inquiry) deadlock(f *jobFacts, fd *finding, deps []hwa.Dependency) {
	mine := map[string]bool{}
	for key, r := range f.resources {
		for _, h := range r.Holders {
			mine[key] = mine[key] || h.JobID == f.job.ID || (h.JobID == "" && h.JobStreamID == f.job.JobStreamID)
		}
	}
	for _, d := range deps {
		res := f.resources[resourceKey(d.Workstation, d.Name)]
		if d.DependencyType != hwa.DependencyTypeResource || met(d) || res == nil {
			continue
		}
		for _, h := range res.Holders {
			if other, key := in.wantsOf(h, mine); other != nil {
				fd.cause, fd.title = "resource_deadlock", "A deadlock: two owners hold each other's resource"
				fd.weight = 0.93
				fd.claims = append(fd.claims, because(fmt.Sprintf("%s in turn waits for %s, which %s holds: neither can go on.", other.name, key, f.job.JobStreamName),
					other.jobEv, f.jobEv, in.noteResource(f, d, resourceKey(d.Workstation, d.Name), res), in.seenTitle("Held resource "+key)))
				fd.remedy = "Somebody has to give way: hold or cancel one of the two, or raise the quantity of one resource (conman resource) until it has passed."
				return
			}
		}
	}
}

// wantsOf finds a waiting job of a holder that needs one of the resources in
// mine.
func (in *inquiry) wantsOf(h hwa.ResourceHolder, mine map[string]bool) (*jobFacts, string) {
	ids := []string{h.JobID}
	if h.JobID == "" {
		ids = in.waitingJobs(h.JobStreamID)
	}
	for _, id := range ids {
		other, err := in.readJob(id)
		if err != nil {
			in.skipped("the holder "+h.JobStream, err)
			continue
		}
		for _, d := range openDeps(other.job.Dependencies, hwa.DependencyTypeResource) {
			key := resourceKey(d.Workstation, d.Name)
			if !mine[key] {
				continue
			}
			in.noteJob(other)
			in.note(Evidence{Kind: "resource", Title: "Held resource " + key, Source: "GET /plan/job/" + id,
				Text: line("resource", key, "needed by", other.name, "needs", plural(d.Quantity, "unit", "units"))})
			return other, key
		}
	}
	return nil, ""
}

// waitingJobs lists jobs of a stream that wait, by plan id, at most three.
func (in *inquiry) waitingJobs(streamID string) []string {
	if in.snap == nil {
		return nil
	}
	var out []string
	for k, st := range in.snap.Streams() {
		if st.ID != streamID {
			continue
		}
		for _, i := range in.snap.JobsOf(k) {
			if j := in.snap.Job(i); j.SubStatus == string(hwa.JobSubStatusReadyWaitingForResources) && len(out) < 3 {
				out = append(out, j.ID)
			}
		}
	}
	return out
}
