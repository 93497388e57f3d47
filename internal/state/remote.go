package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"resync/breaker"
)

// CallTime is the longest a call of Redis takes.
const CallTime = 250 * time.Millisecond

// The client's own bounds are such that a Redis that accepts connections and
// says nothing costs a tenth of a second; CallTime bounds what they add up to.
const (
	dialTime = 150 * time.Millisecond
	ioTime   = 100 * time.Millisecond
	poolTime = 150 * time.Millisecond
)

// The client stops dialling for up to a second after as many failures as its
// pool is large, which would hide that Redis is back. Connections are made when
// they are needed, so large pools cost nothing.
const (
	clientPool = 1024
	lookerPool = 1 << 16
)

// remote is the state in Redis.
type remote struct {
	client redis.UniversalClient // of the requests
	looker redis.UniversalClient // of the monitor alone: a full pool does not hide that Redis answers
	fresh  redis.UniversalClient // of second attempts: it uses no connection that was idle
	prefix string
	script *redis.Script
	b      *breaker.Breaker
	m      *monitor
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

func options(a Address, pool int) *redis.UniversalOptions {
	o := &redis.UniversalOptions{
		Addrs: a.Hosts, MasterName: a.Master, IsClusterMode: a.Kind == Cluster, DB: a.DB, ClientName: "resync",
		Username: a.User, Password: a.Password, SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword, TLSConfig: a.TLS,
		MaxRetries: -1, DialTimeout: dialTime, DialerRetries: 1, ReadTimeout: ioTime, WriteTimeout: ioTime, PoolTimeout: poolTime,
		ContextTimeoutEnabled: true, PoolSize: pool, PipelinePoolSize: -1, DisableIdentity: true, FailingTimeoutSeconds: 1,
		Protocol:                 2, // see secured
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if a.TLS != nil {
		o.Dialer = dialTLS(a.TLS)
	}
	if a.Kind == Socket {
		path := a.Hosts[0]
		o.Addrs = []string{"socket:0"}
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
	}
	return o
}

// openRemote connects. It returns ErrAuth, or an UnavailableError when failing
// fast; the monitor runs otherwise.
func openRemote(ctx context.Context, s Settings) (*remote, error) {
	a, err := ParseAddress(s.URL)
	if err != nil {
		return nil, err
	}
	logging.Disable() // the client would write to standard error; the monitor reports instead
	r := &remote{
		client: redis.NewUniversalClient(options(a, clientPool)), looker: redis.NewUniversalClient(options(a, lookerPool)),
		fresh: redis.NewUniversalClient(freshOptions(a)), prefix: s.Prefix, script: redis.NewScript(gcraLua), b: s.Breaker,
	}
	if r.prefix == "" {
		r.prefix = "resync:"
	}
	if r.b == nil {
		r.b = breaker.New(breaker.Settings{Name: "redis", Failures: 3, Delay: 30 * time.Second, Critical: true})
	}
	r.m = newMonitor(s.CheckEvery, r.look, explain, s.OnChange)
	if err := r.connect(ctx, s); err != nil {
		return nil, errors.Join(err, r.disconnect())
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.wg.Go(func() { r.m.run(run) })
	return r, nil
}

// connect waits for the first answer as long as the settings say.
func (r *remote) connect(ctx context.Context, s Settings) error {
	wait := s.Backoff
	for attempt := 0; ; attempt++ {
		tryCtx, cancel := context.WithTimeout(ctx, 2*CallTime) // TLS and a first connection take longer than a call
		start := time.Now()
		err := r.looker.Ping(tryCtx).Err()
		cancel()
		switch {
		case err == nil:
			r.m.answer(time.Since(start))
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("connecting to Redis: %w", context.Cause(ctx))
		case s.FailFast && refused(err):
			return fmt.Errorf("connecting to Redis: %w: %w", ErrAuth, err)
		case refused(err) || attempt >= s.Retries:
			if s.FailFast {
				return fmt.Errorf("connecting to Redis, %d attempts: %w", attempt+1, &UnavailableError{Reason: explain(err), Err: err})
			}
			r.m.setAway(err)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// close ends the connections. That one of them was broken already, such as by a
// certificate that was changed, is no failure of the stop.
func (r *remote) close() error {
	r.stop()
	r.wg.Wait()
	err := r.disconnect()
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (r *remote) disconnect() error {
	return errors.Join(r.client.Close(), r.looker.Close(), r.fresh.Close())
}

// look asks whether Redis serves writes. The breaker counts the answer as long
// as it lets calls through; when it is open, an answer closes it.
func (r *remote) look(ctx context.Context) error {
	permit, open := r.b.Acquire()
	err := r.ask(ctx)
	if open == nil {
		permit.Done(r.outcome(context.WithoutCancel(ctx), err)) // the deadline is ours: a look that is late has failed
		return err
	}
	if err == nil && !r.b.Heal("Redis answered", "the look at Redis") {
		return open
	}
	return err
}

// ask writes to Redis. Of a cluster every master is asked: one that is away takes
// its share of the keys with it, and the key that is written here need not be among
// them.
func (r *remote) ask(ctx context.Context) error {
	if c, ok := r.looker.(*redis.ClusterClient); ok {
		if err := c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return m.Ping(ctx).Err() }); err != nil {
			return err
		}
	}
	return r.again(ctx, r.looker, func(ctx context.Context, c redis.UniversalClient) error {
		return c.Set(ctx, r.prefix+"look", time.Now().UnixMilli(), time.Minute).Err()
	})
}

// do makes a call that may run twice, see again.
func (r *remote) do(ctx context.Context, c call) error {
	return r.guard(ctx, func(ctx context.Context) error { return r.again(ctx, r.client, c) })
}

// guard makes one call under the breaker and within its time.
func (r *remote) guard(ctx context.Context, call func(context.Context) error) error {
	if r.m.away.Load() {
		return r.unavailable(nil)
	}
	permit, err := r.b.Acquire()
	if err != nil {
		r.m.suspect()
		return r.unavailable(err)
	}
	callCtx, cancel := context.WithTimeout(ctx, CallTime)
	err = call(callCtx)
	cancel()
	outcome, cause := r.outcome(ctx, err)
	permit.Done(outcome, cause)
	switch outcome {
	case breaker.Success:
		r.m.answered.Store(time.Now().UnixNano())
		if errors.Is(err, redis.Nil) {
			return nil
		}
		return err
	case breaker.Failure:
		r.m.suspect()
		return r.unavailable(err)
	}
	return err
}

// outcome says what a result means for the breaker. A caller that went away
// says nothing about Redis, and a Redis that answers with an error of ours is
// there.
func (r *remote) outcome(ctx context.Context, err error) (breaker.Outcome, error) {
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return breaker.Success, nil
	case ctx.Err() != nil: // the caller's own end, not that of the call
		return breaker.Ignored, err
	}
	if reply, ok := errors.AsType[redis.Error](err); ok && !notServing(reply.Error()) && !refused(err) {
		return breaker.Success, nil
	}
	return breaker.Failure, err
}

// unavailable is the error of a call that got no answer.
func (r *remote) unavailable(err error) error {
	s := r.status()
	u := &UnavailableError{Reason: s.Reason, RetryAfter: s.RetryAfter, Err: err}
	if u.Reason == "" {
		u.Reason = explain(err)
	}
	if u.RetryAfter <= 0 {
		u.RetryAfter = time.Second
	}
	return u
}

func (r *remote) status() Status {
	s := r.m.status()
	if s.Mode == Degraded {
		// Not the delay of the breaker: Redis is looked at all the time and used again with
		// its first answer, unless an operator holds it back.
		s.RetryAfter = time.Second
		if b := r.b.Status(); b.State == breaker.ForcedOpen {
			s.RetryAfter = max(time.Duration(b.RetryAfter*float64(time.Second)), time.Second)
		}
	}
	return s
}

func (r *remote) touch() { r.m.touch() }

func (r *remote) check(ctx context.Context) error {
	return r.do(ctx, func(ctx context.Context, c redis.UniversalClient) error { return c.Ping(ctx).Err() })
}

// get returns a value and how long it still lives; nil when there is none. The
// first eight bytes of what is stored are the time it ends, which spares a
// second question.
func (r *remote) get(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	err = r.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		raw, err := c.Get(ctx, r.prefix+key).Bytes()
		if err != nil {
			return err
		}
		if len(raw) < 8 {
			return nil // not ours
		}
		left = time.Until(time.UnixMilli(int64(binary.BigEndian.Uint64(raw))))
		if left > 0 {
			value = raw[8:]
		}
		return nil
	})
	return value, left, err
}

func (r *remote) set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), uint64(time.Now().Add(ttl).UnixMilli()))
	raw = append(raw, value...)
	return r.do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return c.Set(ctx, r.prefix+key, raw, ttl).Err()
	})
}

func (r *remote) del(ctx context.Context, key string) error {
	return r.do(ctx, func(ctx context.Context, c redis.UniversalClient) error { return c.Del(ctx, r.prefix+key).Err() })
}

// allow may count a request twice, when the connection broke after Redis had
// counted it: the limit is then reached sooner, and never passed.
func (r *remote) allow(ctx context.Context, qs []Quota) (Decision, error) {
	keys := make([]string, len(qs))
	args := make([]any, 0, 4*len(qs))
	for i, q := range qs {
		keys[i] = r.prefix + "limit:" + q.Key
		debt := 0
		if q.Debt {
			debt = 1
		}
		args = append(args, q.Limit.interval(), q.Limit.burst(), q.N, debt)
	}
	var got []int64
	err := r.do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		got, err = r.script.Run(ctx, c, keys, args...).Int64Slice()
		return err
	})
	if err != nil {
		return Decision{}, err
	}
	if len(got) != 1+4*len(qs) {
		return Decision{}, fmt.Errorf("rate limit: Redis answered with %d numbers for %d windows", len(got), len(qs))
	}
	rs := make([]reading, len(qs))
	for i := range rs {
		g := got[1+4*i:]
		rs[i] = reading{refused: g[0] == 1, wait: g[1], remaining: g[2], reset: g[3]}
	}
	return decide(qs, rs), nil
}

// publish is not tried again: news would be heard twice.
func (r *remote) publish(ctx context.Context, channel string, data []byte) error {
	return r.guard(ctx, func(ctx context.Context) error { return r.client.Publish(ctx, r.prefix+channel, data).Err() })
}

// idleTime is how long a subscription may be silent before it is asked whether
// it lives.
const idleTime = 5 * time.Second

// listen follows a channel over outages: the subscription is made again as soon
// as Redis is back.
func (r *remote) listen(ctx context.Context, channel string, fn func([]byte)) {
	for ctx.Err() == nil {
		sub := r.client.Subscribe(ctx, r.prefix+channel)
		unhook := context.AfterFunc(ctx, func() { _ = sub.Close() }) // a read that waits does not see ctx
		follow(ctx, sub, fn)
		if unhook() {
			_ = sub.Close() // it is broken
		}
		select {
		case <-ctx.Done():
		case <-time.After(awayEvery):
		}
	}
}

// follow passes messages on until the subscription breaks.
func follow(ctx context.Context, sub *redis.PubSub, fn func([]byte)) {
	asked := false
	for {
		got, err := sub.ReceiveTimeout(ctx, idleTime)
		var late net.Error
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &late) && late.Timeout() && !asked && ctx.Err() == nil:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return
			}
		default:
			return
		}
		if msg, ok := got.(*redis.Message); ok {
			fn([]byte(msg.Payload))
		}
	}
}

// refused reports an error of user or password.
func refused(err error) bool {
	return err != nil && hasPrefix(err.Error(), "WRONGPASS", "NOAUTH", "NOPERM", "ERR invalid password", "ERR Client sent AUTH", "ERR AUTH")
}

// notServing reports a reply of a Redis that is there but cannot do its work.
func notServing(reply string) bool {
	return hasPrefix(reply, "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "OOM", "NOREPLICAS", "BUSY", "ERR max number of clients")
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) || strings.Contains(s, ": "+p) {
			return true
		}
	}
	return false
}

// explain says why Redis does not serve, for operators.
func explain(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return "Redis does not answer"
	case errors.As(err, new(*breaker.OpenError)):
		return "Redis failed several times; its circuit breaker is open"
	case refused(err):
		return "Redis refuses the user name or the password"
	case errors.As(err, &dns):
		return "the name " + dns.Name + " of Redis is not known"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at the address of Redis"
	case distrust(err) != "":
		return distrust(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "Redis does not answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "Redis closed the connection"
	case notServing(err.Error()):
		return "Redis cannot serve: " + err.Error()
	}
	return "Redis cannot be used: " + err.Error()
}
