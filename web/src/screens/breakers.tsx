// What Resync does not call for now: its open circuit breakers, why, and when each is tried again.
import { useSignal } from '@preact/signals';
import { api, Failure, serverNow, user } from '../lib/api';
import type { Breaker } from '../lib/contract';
import { clock } from '../lib/format';
import { breakers, loadBreakers, now } from '../lib/live';

const known: Record<string, string> = {
  tws_api: 'The engine', redis: 'Redis', database: 'The database', rag_retrieval: 'The search in the documents',
  rag_embedding: 'The embedding model', siem: 'The SIEM', teams: 'Teams', webhook: 'The webhook', health_check: 'The health checks',
  background_sync: 'The reading of the plan', llm_api: 'The language models',
};

/** called is what a breaker protects, in an operator's words. */
function called(name: string): string {
  const [kind, of] = name.split(':');
  if (of) return `The engine ${of}`;
  return known[kind] ?? (kind.startsWith('llm_') ? `The language model of ${kind.slice(4)}` : name);
}

/** left is the time until a breaker is tried again, as 43 s or 2 min. */
function left(b: Breaker): string {
  const at = Date.parse(b.next_probe_at ?? b.switch?.until ?? '');
  if (!Number.isFinite(at)) return '';
  now.value; // again every second
  const s = Math.max(0, Math.ceil((at - serverNow()) / 1000));
  return s > 120 ? `${Math.round(s / 60)} min` : `${s} s`;
}

function state(b: Breaker): string {
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
  const open = breakers.value.filter(b => b.state !== 'CLOSED');
  if (!open.length) return null;
  const worst = open.find(b => b.is_critical) ?? open[0];
  return (
    <details class="down">
      <summary><strong>{called(worst.name)}</strong> {state(worst)}{open.length > 1 ? <span class="quiet"> and {open.length - 1} more</span> : null}</summary>
      <ul>{open.map(b => <One key={b.name} b={b} />)}</ul>
    </details>
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
      {user.value?.roles?.includes('admin') ? <button type="button" disabled={busy} onClick={reset}>Reset</button> : null}
      {failed.value ? <p class="quiet" role="alert">{failed.value}</p> : null}
    </li>
  );
}
