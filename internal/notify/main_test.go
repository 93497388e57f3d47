package notify

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/breaker"
	"resync/internal/store"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is a message as a receiver saw it.
type got struct {
	id, stamp, signature string
	body                 []byte
	at                   time.Time
}

func (g got) title() string {
	var b standardBody
	if json.Unmarshal(g.body, &b) != nil {
		return "not JSON"
	}
	return b.Data.Title
}

// receiver is a real HTTP server that answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []got
	answer func(n int, w http.ResponseWriter, r *http.Request) // n counts from 1; nil answers 204
}

func newReceiver(t testing.TB, answer func(int, http.ResponseWriter, *http.Request)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.seen = append(r.seen, got{req.Header.Get(headerID), req.Header.Get(headerTimestamp), req.Header.Get(headerSignature), body, time.Now()})
		n := len(r.seen)
		r.mu.Unlock()
		if r.answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		r.answer(n, w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got{}, r.seen...)
}

// clientOf reaches receivers of this machine, as internal/app's does but without
// its dial: package app tests that one.
func clientOf(t testing.TB, g *Guard, b *breaker.Breaker) *http.Client {
	tr := &http.Transport{MaxResponseHeaderBytes: 64 << 10, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		d := net.Dialer{ControlContext: g.Control(host)}
		return d.DialContext(ctx, network, addr)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: breaker.Transport(b, tr, nil), CheckRedirect: g.Redirects}
}

func localGuard(t testing.TB) *Guard {
	t.Helper()
	g, err := NewGuard([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// targetAt is a receiver's target with a breaker of the contract's numbers.
func targetAt(t testing.TB, name, url string, change ...func(*Target)) Target {
	b := breaker.New(breaker.Settings{Name: "webhook:" + name, Failures: 5, Delay: 2 * time.Minute})
	out := Target{Name: name, URL: url, Format: Standard, Secret: testSecret, Breaker: b, Client: clientOf(t, localGuard(t), b)}
	for _, f := range change {
		f(&out)
	}
	return out
}

// post is an outbox at work on a database.
type post struct {
	t   testing.TB
	db  *store.Store
	box *Outbox
	log *lockedBuilder
	end func()
}

type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openDB(t testing.TB, path string) *store.Store {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "resync.db")
	}
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it may be closed already
	return db
}

func newPost(t testing.TB, db *store.Store, o Options) *post {
	t.Helper()
	if db == nil {
		db = openDB(t, "")
	}
	p := &post{t: t, db: db, log: &lockedBuilder{}}
	o.Store, o.Owner, o.Log = db, store.NewID("hooks"), newLogger(p.log)
	if o.Guard == nil {
		o.Guard = localGuard(t)
	}
	if o.poll == 0 {
		o.poll = 5 * time.Millisecond
	}
	var err error
	p.box, err = New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.box.Run(ctx) }()
	p.end = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(p.end)
	return p
}

func (p *post) eventually(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain for %s; log:\n%s", what, p.log)
		}
	}
}

// soonAgain makes what waits for its next attempt due now: the waits themselves are
// tested by what is written down.
func (p *post) soonAgain(path string) {
	p.t.Helper()
	raw := openRaw(p.t, path)
	if _, err := raw.Exec(`update jobs set run_after = 0 where state = 'pending'`); err != nil {
		p.t.Fatal(err)
	}
}

func tmpDB(t testing.TB) string { return filepath.Join(t.TempDir(), "resync.db") }

func envOf(name string) string { return os.Getenv(name) }
