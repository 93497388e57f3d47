// The safety nets: what is away and what still works, circuit breakers, Redis, language models, and long work.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, Failure, serverNow, user } from '../lib/api';
import type { Breaker, Numbers } from '../lib/contract';
import { clock, count, span, words } from '../lib/format';
import { away, breakers, breakersTick, loadBreakers, now } from '../lib/live';
import { useLoad } from '../lib/load';
import { Dialog, Empty, ErrorCard, Skeleton } from '../ui/parts';
import { Menu } from '../ui/doing';
import { called, Means, state } from './breakers';
import { Changes, choices, Numbers as NumbersDialog, Switching, type Verb } from './numbers';

const admin = () => Boolean(user.value?.roles?.includes('admin'));
const money = (n?: number | null) => n === undefined || n === null ? 'price unknown' : `$${n.toFixed(n < 0.1 ? 4 : 2)}`;

export function Resilience() {
  useEffect(() => { document.title = 'Resilience · Resync'; void loadBreakers(); }, []);
  const list = [...breakers.value].sort((a, b) => Number(a.state === 'CLOSED') - Number(b.state === 'CLOSED') || Number(b.is_critical) - Number(a.is_critical) || a.name.localeCompare(b.name));
  const down = away.value;
  const steering = useLoad('steering', api.steering);
  useTold(steering.reload);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header class="bar-top"><h1>Resilience</h1></header>
      <section aria-labelledby="away-head">
        <h2 id="away-head">What is away</h2>
        {down.length ? <ul class="held">{down.map(p => (
          <li key={p.part} class={`note ${p.critical ? 'bad' : 'warn'}`}>
            <p><strong>{p.title}</strong> since {clock(p.since, true)}{p.next_probe_at ? <Countdown at={p.next_probe_at} /> : null}{p.by ? ` · switched off by ${p.by}` : ''}</p>
            {p.reason ? <p>{p.reason}</p> : null}
            <Means p={p} />
          </li>))}</ul> : <p class="note good">Nothing is away. Everything works.</p>}
      </section>
      <section aria-labelledby="breakers-head">
        <h2 id="breakers-head">Circuit breakers</h2>
        {list.length ? <div class="nets">{list.map(b => <Net key={b.name} b={b} numbers={steering.data.value?.breakers[b.name]} />)}</div> : <Skeleton lines={4} />}
      </section>
      <Redis />
      <Models />
      <Work />
      <Changes steering={steering} />
    </main>
  );
}

function Countdown({ at }: { at: string }) {
  now.value; // again every second
  const s = Math.max(0, Math.ceil((Date.parse(at) - serverNow()) / 1000));
  return Number.isFinite(s) ? <> · {s ? `tried again in ${span(s)} at the latest` : 'is being tried'}</> : null;
}

function Net({ b, numbers }: { b: Breaker; numbers?: Numbers }) {
  const dialog = useSignal<'' | 'history' | 'numbers' | Verb>('');
  const off = b.state === 'FORCED_OPEN' || b.state === 'DISABLED';
  const close = () => { dialog.value = ''; };
  return (
    <article class={`card net ${b.state === 'CLOSED' ? '' : b.is_critical ? 'bad' : 'warn'}`} data-breaker={b.name} aria-label={called(b.name)}>
      <header><h3>{called(b.name)}</h3><span class={`chip ${b.state === 'CLOSED' ? '' : 'warn'}`}>{words(b.state.toLowerCase())}</span></header>
      {b.state === 'CLOSED'
        ? <p class="quiet">{b.failure_count ?? 0} of {b.threshold ?? 0} failures in a row{b.total_calls ? `; ${count(b.total_calls)} calls` : ''}</p>
        : <p>{state(b).replace(/^is /, 'Is ')}</p>}
      {b.state !== 'CLOSED' && (b.switch?.reason || b.last_error) ? <p class="quiet">{off ? b.switch?.reason : b.last_error}</p> : null}
      <p class="quiet small">{b.name}{b.is_critical ? ' · critical' : ''}{b.recovery_timeout ? ` · tried again after ${span(b.recovery_timeout)} at most` : ''}</p>
      {numbers?.source === 'set' ? <p class="small">Numbers set by {numbers.changed_by}, {clock(numbers.changed_at)} <span class="quiet">(default {numbers.default_threshold} failures, {span(numbers.default_recovery_timeout)})</span></p> : null}
      <div class="foot">
        <button type="button" class="small" onClick={() => { dialog.value = 'history'; }}>History<span class="sr"> of {called(b.name)}</span></button>
        {admin() ? <Menu label="Change" of={called(b.name)} items={choices(off, what => { dialog.value = what; })} /> : null}
      </div>
      {dialog.value === 'history' ? <History name={b.name} onClose={close} /> : dialog.value === 'numbers' ? <NumbersDialog name={b.name} onClose={close} />
        : dialog.value ? <Switching name={b.name} verb={dialog.value} onClose={close} /> : null}
    </article>
  );
}

function History({ name, onClose }: { name: string; onClose: () => void }) {
  const one = useLoad(name, () => api.breaker(name));
  const list = [...(one.data.value?.transitions ?? [])].reverse();
  return (
    <Dialog title={`History: ${called(name)}`} onClose={onClose} wide>
      {one.error.value ? <ErrorCard error={one.error.value} retry={one.reload} /> : !one.data.value ? <Skeleton lines={4} />
        : list.length ? <div class="table-box" tabIndex={0} role="region" aria-label="Changes of state"><table class="plain"><thead><tr><th>When</th><th>To</th><th>Why</th></tr></thead>
          <tbody>{list.map(t => <tr key={t.seq}><td>{clock(t.at, true)}</td><td>{words(t.to)}</td><td>{t.cause}{t.by ? ` (${t.by})` : ''}{t.trace_id ? <> <code class="small">{t.trace_id}</code></> : null}</td></tr>)}</tbody></table></div>
          : <Empty title="It has never changed its state" />}
    </Dialog>
  );
}

/** useTold fetches again when the server says that something moved. */
function useTold(reload: () => void) {
  const seen = useRef(breakersTick.peek());
  useSignalEffect(() => {
    if (breakersTick.value === seen.current) return;
    seen.current = breakersTick.value;
    reload();
  });
}

function Redis() {
  const redis = useLoad('redis', api.redis);
  useTold(redis.reload);
  const r = redis.data.value?.redis;
  return (
    <section aria-labelledby="redis-head">
      <h2 id="redis-head">Redis</h2>
      {redis.error.value ? <ErrorCard error={redis.error.value} title="How Redis is cannot be read" retry={redis.reload} /> : !r ? <Skeleton lines={2} /> : (
        <div class={`card net ${r.healthy ? '' : 'bad'}`}>
          <p><strong>{r.mode === 'embedded' ? 'No Redis is set up: the memory of this server serves' : r.healthy ? 'Redis answers' : 'Redis is away'}</strong> <span class="quiet">since {clock(r.since, true)}</span></p>
          {redis.data.value?.warning ? <p>{redis.data.value.warning}</p> : null}
          <p class="quiet">{r.mode === 'embedded' ? '' : `${r.latency_ms.toFixed(1)} ms · ${r.outages} outages, ${span(r.unavailable_seconds)} in all since the start · ${r.degraded_percent.toFixed(1)} % of the last minute's requests had less · `}
            {r.tiers.critical ?? 0} addresses refuse without it, {r.tiers.best_effort ?? 0} work with less, {r.tiers.read_only ?? 0} do not need it</p>
        </div>)}
    </section>
  );
}

function Models() {
  const models = useLoad('models', api.models);
  useTold(models.reload);
  const m = models.data.value;
  return (
    <section aria-labelledby="models-head">
      <h2 id="models-head">Language models</h2>
      {models.error.value ? <ErrorCard error={models.error.value} title="The language models cannot be read" retry={models.reload} /> : !m ? <Skeleton lines={3} />
        : !m.configured ? <p class="note">No language model is set up. Answers come from plan, rules and documents; they are complete and cited.</p> : (
          <div class="card net">
            <p>Asked in this order within {m.budget_seconds} s: <span class="quiet">spent today {money(m.spent_today_usd)}{m.limit_day_usd ? ` of ${money(m.limit_day_usd)}` : ''}, by you {money(m.your_spent_today_usd)}</span></p>
            <div class="table-box" tabIndex={0} role="region" aria-label="Language models in order"><table class="plain"><thead><tr><th>#</th><th>Name</th><th>Model</th><th>Breaker</th><th class="num">Keys</th><th class="num">In / out, per million</th></tr></thead>
              <tbody>{m.targets.map((t, i) => <tr key={t.name}><td>{i + 1}</td><th scope="row">{t.name}</th><td>{t.provider} {t.model}</td><td>{words((breakers.value.find(b => b.name === t.breaker)?.state ?? 'none').toLowerCase())}</td><td class="num">{t.usable_keys} of {t.keys}</td><td class="num">{money(t.input_usd_per_million)} / {money(t.output_usd_per_million)}</td></tr>)}</tbody></table></div>
            {m.metrics?.last_fallback ? <p>The last fallback: {m.metrics.last_fallback.target} answered at {clock(m.metrics.last_fallback.at, true)}, because of {words(m.metrics.last_fallback.reason)}.</p> : <p class="quiet">The first model has answered every request since the start.</p>}
          </div>)}
    </section>
  );
}

function Work() {
  const jobs = useLoad('work', api.reindexes);
  useTold(jobs.reload);
  if (jobs.error.value instanceof Failure && jobs.error.value.status === 403) return null; // operators see long work
  const running = (jobs.data.value?.jobs ?? []).filter(j => j.status === 'running' || j.status === 'pending');
  return (
    <section aria-labelledby="work-head">
      <h2 id="work-head">Long work</h2>
      {jobs.error.value ? <ErrorCard error={jobs.error.value} title="Long work cannot be read" retry={jobs.reload} /> : !jobs.data.value ? <Skeleton lines={1} />
        : running.length ? <ul class="held">{running.map(j => <li key={j.job_id}><a href="/documents">Cutting the documents anew</a>: {Math.round(j.progress)} %</li>)}</ul> : <p class="quiet">Nothing is under way.</p>}
    </section>
  );
}
