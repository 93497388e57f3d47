package diagnose

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/knowledge"
	"resync/internal/plan"
	"resync/internal/retrieve"
)

// testData is the folder of manuals and scenarios; the test is skipped when it
// is not there.
func testData(t testing.TB, what string) string {
	t.Helper()
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for at != "/" {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(at, "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NOT RUN: %s: no data at %s (set RESYNC_TESTDATA)", what, dir)
	}
	return dir
}

var manuals struct {
	once                sync.Once
	index, withHandbook *retrieve.Index
	err                 error
}

// ingested is the index of the eight manuals, made once for all tests.
func ingested(t testing.TB, what string) *retrieve.Index {
	t.Helper()
	dir := testData(t, what)
	manuals.once.Do(func() {
		files, err := filepath.Glob(filepath.Join(dir, "manuals", "*.md"))
		var segs []*retrieve.Segment
		for _, f := range files {
			text, e := os.ReadFile(f)
			if err == nil {
				err = e
			}
			segs = append(segs, retrieve.Analyse(retrieve.Document{Name: filepath.Base(f), Text: string(text)}))
		}
		manuals.index, manuals.err = retrieve.New(segs...), err
		book, e := knowledge.Handbook()
		if err == nil {
			manuals.err = e
		}
		for _, d := range book {
			segs = append(segs, retrieve.Analyse(d))
		}
		manuals.withHandbook = retrieve.New(segs...)
	})
	if manuals.err != nil {
		t.Fatal(manuals.err)
	}
	return manuals.index
}

// lab is a simulated engine with a client, a synced plan and a diagnostician.
type lab struct {
	sim    *hwasim.Sim
	client *hwa.Client
	live   *plan.Live
	engine *Engine
}

func newLab(t testing.TB, cfg hwasim.Config, ps Passages) *lab {
	t.Helper()
	if cfg.Speed == 0 {
		cfg.Speed = -1
	}
	sim, err := hwasim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	client, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: sim.DefaultUser(), Password: sim.DefaultPassword(), Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l := &lab{sim: sim, client: client, live: &plan.Live{Now: sim.Now}}
	l.engine = New(Deps{Client: client, Plan: l.live.Snapshot, Passages: ps, Now: sim.Now})
	return l
}

func (l *lab) sync(t testing.TB) {
	t.Helper()
	if _, err := l.live.Sync(context.Background(), l.client); err != nil {
		t.Logf("sync: %v", err) // some situations are an engine that does not answer
	}
}

func (l *lab) inject(t testing.TB, fault string) hwasim.Situation {
	t.Helper()
	sit, err := l.sim.Inject(fault)
	if err != nil {
		t.Fatal(err)
	}
	l.sync(t)
	return sit
}

func (l *lab) ask(t testing.TB, question string) *Answer {
	t.Helper()
	a, err := l.engine.Answer(context.Background(), Question{Text: question})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
