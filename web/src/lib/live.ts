// What the server tells on its own: runs, approvals, plan changes. One stream for the whole page.
import { effect, signal } from '@preact/signals';
import { api, user } from './api';
import type { Away, Breaker } from './contract';

/** link says whether the page is being told of changes. */
export const link = signal<'live' | 'lost' | 'paused'>('live');
/** planAsOf changes with every plan event; screens that show the plan fetch again when it does. */
export const planAsOf = signal('');
/** steps holds the newest step of each run the page was told about, as "phase at time". */
export const steps = signal<ReadonlyMap<string, string>>(new Map());
/** approvalsTick counts approval events. */
export const approvalsTick = signal(0);
/** waiting is the number of approvals that are pending. */
export const waiting = signal(0);
/** breakers are the circuit breakers as last read. */
export const breakers = signal<Breaker[]>([]);
/** away are the parts that are away, as last read; breakersTick counts what moved them. */
export const away = signal<Away[]>([]);
export const breakersTick = signal(0);
/** paused stops the plan from moving under the reader's eyes; runs and approvals keep coming. */
export const paused = signal(false);
/** said is the line a screen reader hears. One line at a time, never a stream of tokens. */
export const said = signal('');
/** now ticks every second while the page is visible. */
export const now = signal(Date.now());

setInterval(() => { if (!document.hidden) now.value = Date.now(); }, 1000);

export function say(text: string) {
  said.value = '';
  setTimeout(() => { said.value = text; }, 40);
}

export async function countWaiting() {
  try { waiting.value = (await api.approvals('pending')).pending.length; } catch { /* the screens report failures; the badge only keeps its last number */ }
}

export async function loadBreakers() {
  breakersTick.value = breakersTick.peek() + 1;
  const [list, parts] = await Promise.allSettled([api.breakers(), api.away()]);
  // What cannot be read stays as it is shown; the screens report failures.
  if (list.status === 'fulfilled') breakers.value = list.value.breakers;
  if (parts.status === 'fulfilled') away.value = parts.value.parts;
}

function parse<T>(e: MessageEvent): T | null {
  try { return JSON.parse(e.data as string) as T; } catch { return null; }
}

/** start follows the stream while somebody is signed in and the page is in view. A hidden tab holds no connection, because a
 * browser opens six to a host and a seventh tab would wait for ever; when it comes into view again it fetches what it missed. */
export function start() {
  let source: EventSource | null = null;
  let opened = 0;
  const shown = signal(!document.hidden);
  addEventListener('pagehide', () => { shown.value = false; });
  addEventListener('pageshow', () => { shown.value = !document.hidden; });
  document.addEventListener('visibilitychange', () => { shown.value = !document.hidden; });
  effect(() => {
    source?.close();
    source = null;
    if (!user.value || !shown.value) return;
    source = open();
    if (opened++) missed();
    void countWaiting();
    void loadBreakers();
  });
}

/** missed makes every screen fetch again what events would have told it. */
function missed() {
  void loadBreakers();
  approvalsTick.value = approvalsTick.peek() + 1;
  steps.value = new Map([...steps.peek()].map(([id, step]) => [id, step + ' again']));
  if (!paused.peek()) planAsOf.value = 'again at ' + Date.now();
}

function open(): EventSource {
  const s = new EventSource('/api/v1/events');
  s.onopen = () => { link.value = 'live'; };
  s.onerror = () => { link.value = 'lost'; };
  s.addEventListener('run', e => {
    const run = parse<{ run_id: string; phase: string; at: string }>(e);
    if (run) steps.value = new Map(steps.peek()).set(run.run_id, `${run.phase} ${run.at}`);
  });
  s.addEventListener('approval', () => { approvalsTick.value++; void countWaiting(); });
  s.addEventListener('breaker', () => { void loadBreakers(); });
  for (const name of ['degraded', 'healed']) {
    s.addEventListener(name, e => {
      void loadBreakers();
      const p = parse<{ part?: string; reason?: string }>(e);
      if (p?.part) say(name === 'healed' ? `${p.part} is back` : `${p.part} is away: ${p.reason ?? ''}`);
    });
  }
  s.addEventListener('redis', () => { void loadBreakers(); });
  s.addEventListener('resilience', () => { void loadBreakers(); });
  s.addEventListener('reset', missed);
  s.addEventListener('plan', e => {
    const p = parse<{ as_of: string }>(e);
    if (p && !paused.peek()) planAsOf.value = p.as_of;
  });
  return s;
}
