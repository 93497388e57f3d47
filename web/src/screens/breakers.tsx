// What Resync does not call for now: its open circuit breakers, why, and when each is tried again.
import { useSignal } from '@preact/signals';
import { api, Failure, serverNow, user } from '../lib/api';
import type { Away, Breaker } from '../lib/contract';
import { clock } from '../lib/format';
import { away, breakers, loadBreakers, now } from '../lib/live';

const known: Record<string, string> = {
  tws_api: 'The engine', redis: 'Redis', database: 'The database', rag_retrieval: 'The search in the documents',
  rag_embedding: 'The embedding model', siem: 'The SIEM', teams: 'Teams', webhook: 'The webhook', health_check: 'The health checks',
  background_sync: 'The reading of the plan', llm_api: 'The language models',
};

/** called is what a breaker protects, in an operator's words. */
export function called(name: string): string {
  const [kind = '', of] = name.split(':');
  if (of) return `The engine ${of}`;
  return known[kind] ?? (kind.startsWith('llm_') ? `The language model of ${kind.slice(4)}` : name);
}

/** left is the time until a breaker is tried again, as 43 s or 2 min. */
export function left(b: Breaker): string {
  const at = Date.parse(b.next_probe_at ?? b.switch?.until ?? '');
  if (!Number.isFinite(at)) return '';
  now.value; // again every second
  const s = Math.max(0, Math.ceil((at - serverNow()) / 1000));
  return s > 120 ? `${Math.round(s / 60)} min` : `${s} s`;
}

export function state(b: Breaker): string {
  const wait = left(b);
  switch (b.state) {
    case 'OPEN': return wait && wait !== '0 s' ? `is not called; next try in ${wait}` : 'is not called; the next call is a try';
    case 'HALF_OPEN': return 'is being tried';
    case 'FORCED_OPEN': return `is switched off by ${b.switch?.by ?? 'an administrator'}` + (wait ? ` for ${wait}` : '');
    case 'DISABLED': return `is called whatever happens: its breaker is switched off by ${b.switch?.by ?? 'an administrator'}` + (wait ? ` for ${wait}` : '');
  }
  return '';
}

/** Breakers is the bar above every screen; it is not there while all is well. */
export function Breakers() {
  const redis = away.value.find(p => p.part === 'redis');
  const open = breakers.value.filter(b => b.state !== 'CLOSED' && !(redis && b.name === 'redis'));
  const worst = open.find(b => b.is_critical) ?? (redis ? undefined : open[0]);
  const total = open.length + (redis ? 1 : 0);
  if (!total) return null;
  return (
    <details class="down">
      <summary><strong>{worst ? called(worst.name) : 'Redis'}</strong> {worst ? state(worst) : 'is away; changes are refused, reading goes on with less'}{total > 1 ? <span class="quiet"> and {total - 1} more</span> : null}</summary>
      <ul>
        {redis ? <li><p><strong>Redis</strong> is away <span class="quiet">since {clock(redis.since, true)}</span></p><p class="quiet">{redis.reason}</p><Means p={redis} /></li> : null}
        {open.map(b => <One key={b.name} b={b} />)}
      </ul>
      <p><a href="/resilience">All safety nets</a></p>
    </details>
  );
}

/** Means says what it means that a part is away: what works, what does not, and which addresses suffer. */
export function Means({ p }: { p?: Away }) {
  if (!p) return null;
  const ends = [...p.refused_endpoints.map(e => `${e} (refused)`), ...p.degraded_endpoints.map(e => `${e} (with less)`)];
  return (
    <>
      <p><b>Still works:</b> {p.works}.</p>
      <p><b>Missing:</b> {p.missing}.</p>
      {ends.length ? <details><summary>{ends.length} addresses of the API are affected</summary><ul class="ends">{ends.map(e => <li key={e}><code>{e}</code></li>)}</ul></details> : null}
    </>
  );
}

function One({ b }: { b: Breaker }) {
  const failed = useSignal('');
  const busy = useSignal(false);
  const reset = async () => {
    busy.value = true;
    failed.value = '';
    try { await api.resetBreaker(b.name, 'reset from the console'); await loadBreakers(); } catch (e) { failed.value = (e as Failure).message; } finally { busy.value = false; }
  };
  const why = b.state === 'FORCED_OPEN' || b.state === 'DISABLED' ? b.switch?.reason : b.last_error;
  return (
    <li>
      <p><strong>{called(b.name)}</strong> {state(b)} <span class="quiet">since {clock(b.outage?.since ?? b.since, true)}
        {b.outage?.rejected_calls ? `; ${b.outage.rejected_calls} calls refused` : ''} · {b.name}</span></p>
      {why ? <p class="quiet">{why}</p> : null}
      <Means p={away.value.find(p => p.part === b.name)} />
      {user.value?.roles?.includes('admin') ? <button type="button" disabled={busy} onClick={reset}>Reset</button> : null}
      {failed.value ? <p class="quiet" role="alert">{failed.value}</p> : null}
    </li>
  );
}
