// Package failover drives language model faults through the chain and says
// whether its caller got what it should: a whole answer from whoever was well,
// or an explicit error, never silence and never a part that looks whole.
//
// Each scenario starts two providers of llm/llmtest on loopback, puts a chain
// and its endpoint (openai.Server) before them, which asks the providers with the
// client the product asks with ([Options.Client]), makes one request over HTTP as
// any other program would, and judges what came back. Most scenarios need
// nothing but two upstream addresses, so another gateway can be asked the same
// ([Options.URL]).
package failover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"resync/llm/llmtest"
)

// Options of a run.
type Options struct {
	// Patience is how long the chain waits for the first piece of an answer and
	// for each further one; 1 s. A gateway under URL should be set to the same.
	Patience time.Duration
	// Client makes the client by which the chain asks its providers: the product's,
	// so that its faults are found too. Required unless URL is given.
	Client func() (Client, error)
	// URL asks another gateway instead of our chain: the address of its chat
	// completions. Its two upstreams are AddrA and AddrB, in this order. Scenarios
	// that look inside the chain are left out.
	URL          string
	Header       http.Header // sent to it
	AddrA, AddrB string      // "127.0.0.1:0" when empty
	// Only names the scenarios to run; all when empty.
	Only []string
	// Progress hears of each result; may be nil.
	Progress func(Result)
}

// Client is a client of language models.
type Client interface {
	http.RoundTripper
	CloseIdleConnections()
}

// Result is one scenario's.
type Result struct {
	Name    string  `json:"name"`
	Summary string  `json:"summary"`
	Want    string  `json:"want"`
	Got     string  `json:"got"`
	OK      bool    `json:"ok"`
	MS      float64 `json:"ms"`
}

// Report is a whole run's.
type Report struct {
	N         int      `json:"n"`
	Passed    int      `json:"passed"`
	Scenarios []Result `json:"scenarios"`
}

// Run plays the scenarios one after the other.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Patience <= 0 {
		o.Patience = time.Second
	}
	if o.Client == nil && o.URL == "" {
		return Report{}, errors.New("failover: Client or URL is required")
	}
	rep := Report{Scenarios: []Result{}}
	for _, sc := range selected(o) {
		if err := ctx.Err(); err != nil {
			return rep, err
		}
		res, err := play(ctx, sc, o)
		if err != nil {
			return rep, fmt.Errorf("scenario %s: %w", sc.Name, err)
		}
		rep.N++
		if res.OK {
			rep.Passed++
		}
		rep.Scenarios = append(rep.Scenarios, res)
		if o.Progress != nil {
			o.Progress(res)
		}
	}
	return rep, nil
}

func selected(o Options) []Scenario {
	var out []Scenario
	for _, sc := range Scenarios() {
		wanted := len(o.Only) == 0
		for _, name := range o.Only {
			wanted = wanted || name == sc.Name
		}
		if wanted && (o.URL == "" || !sc.Inside) {
			out = append(out, sc)
		}
	}
	return out
}

// provider is a faulty provider behind a listener.
type provider struct {
	*llmtest.Server
	addr string
	srv  *http.Server
}

func listen(name, addr string) (*provider, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("opening a port for provider %s: %w", name, err)
	}
	s := llmtest.New(llmtest.Options{Name: name})
	p := &provider{Server: s, addr: ln.Addr().String(), srv: &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}}
	go p.srv.Serve(ln) //nolint:errcheck // ends with Close
	return p, nil
}

func (p *provider) close() {
	p.Server.Close()
	_ = p.srv.Close() // nothing is lost with it
}

// play runs one scenario against our chain, or against another gateway.
func play(ctx context.Context, sc Scenario, o Options) (Result, error) {
	res := Result{Name: sc.Name, Summary: sc.Summary, Want: sc.Want.String()}
	st, err := newStage(sc, o)
	if err != nil {
		return res, err
	}
	defer st.close()
	started := time.Now()
	if sc.Do != nil {
		res.Got = sc.Do(ctx, st)
		res.OK = res.Got == ""
		if res.OK {
			res.Got = res.Want
		}
	} else {
		s := st.ask(ctx, sc)
		res.Got = st.judge(sc, s)
		res.OK = res.Got == res.Want
	}
	res.MS = float64(time.Since(started).Microseconds()) / 1000
	return res, nil
}
