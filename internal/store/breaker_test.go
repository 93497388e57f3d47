package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

// PostgreSQL away, in every way a network can take it away: three failures open
// the breaker, refusals take no time and say that nothing happened, and the
// first probe after the delay heals it. No call outlives its deadline.
func TestPostgresBreaker(t *testing.T) {
	pg := storetest.Postgres(t)
	url := pg.NewDatabase(t)
	for _, fault := range []faultnet.Fault{
		faultnet.Refuse(), faultnet.Blackhole(), faultnet.Reset(), faultnet.Delay(35 * time.Second), faultnet.Cut(5),
		faultnet.Delay(200 * time.Millisecond), faultnet.CutReset(5), faultnet.Answer("garbage", []byte("\x00\x01 this is not PostgreSQL \xff")), faultnet.HTTP(200, "<html>"),
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			proxy := faultnet.New(t, hostOf(url))
			b := breaker.New(breaker.Settings{Name: "database", Failures: 3, Delay: 300 * time.Millisecond})
			s, err := store.Open(t.Context(), strings.Replace(url, hostOf(url), proxy.Addr(), 1), store.WithBreaker(b))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, mild := range []faultnet.Fault{faultnet.Slice(7, 0), faultnet.Delay(5 * time.Millisecond)} {
				proxy.Set(mild)
				if err := s.SaveBreaker(t.Context(), "x", []byte("{}")); err != nil {
					t.Errorf("%s: %v", mild, err)
				}
			}
			proxy.Set(fault)
			opened := false
			for i := range 10 {
				const patience = 150 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				began := time.Now()
				err := s.SaveBreaker(ctx, "x", []byte("{}"))
				took := time.Since(began)
				cancel()
				var open *breaker.OpenError
				switch {
				case err == nil:
					t.Fatalf("call %d succeeded", i)
				case took > patience+time.Second: // 100 ms is the goal; a busy machine needs slack
					t.Errorf("call %d outlived its deadline by %s", i, took-patience)
				}
				opened = opened || errors.As(err, &open)
			}
			if !opened {
				t.Errorf("never refused; the breaker is %s: %+v", b.State(), b.Status())
			}
			proxy.Set(faultnet.Pass())
			var last error
			for range 40 {
				if last = s.SaveBreaker(t.Context(), "x", []byte("{}")); last == nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if last != nil || b.State() != breaker.Closed {
				t.Errorf("%s after the fault: %v", b.State(), last)
			}
		})
	}
}

// hostOf is host:port of a database's URL.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "@")
	host, _, _ := strings.Cut(rest, "/")
	return host
}
