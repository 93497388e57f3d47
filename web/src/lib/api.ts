// Every request of the console goes through here: one place for the error form, the sign-in redirect and the server's clock.
import { signal } from '@preact/signals';
import type * as C from './contract';
import { detail } from './enginejob';

const base = '/api/v1';

/** A refused request in the server's words. */
export class Failure extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string,
    readonly trace: string, readonly retryAfter: number, readonly kind: string) {
    super(detail || title);
  }
}

/** The signed-in user; null means signed out, undefined not known yet. */
export const user = signal<C.User | null | undefined>(undefined);

/** The server's clock minus the browser's, in ms: countdowns must not trust a desk's clock. */
export const skew = signal(0);
export const serverNow = () => Date.now() + skew.value;

function noteClock(res: Response) {
  const date = Date.parse(res.headers.get('Date') ?? '');
  if (!Number.isFinite(date)) return;
  const diff = date + 500 - Date.now();
  if (Math.abs(diff - skew.peek()) > 1500) skew.value = diff;
}

/** failure reads a problem+json answer; any other body is not shown, because it is not ours. */
export async function failure(res: Response): Promise<Failure> {
  let p: C.Problem = {};
  if ((res.headers.get('Content-Type') ?? '').includes('json')) {
    try { p = await res.json() as C.Problem; } catch { /* a cut body; the status still says what happened */ }
  }
  const fields = (p.errors ?? []).map(e => [e.location, e.message].filter(Boolean).join(': ')).filter(Boolean);
  const detail = [p.detail ?? '', ...fields].filter(Boolean).join('; ');
  return new Failure(res.status, p.title ?? `The server answered ${res.status} ${res.statusText}`.trim(), detail,
    p.trace_id ?? res.headers.get('X-Correlation-Id') ?? '', Number(res.headers.get('Retry-After')) || 0, p.type ?? '');
}

/** changes says whether a request changes something and therefore carries a key, under which the server carries it out once. */
const changes = (method: string, path: string) => method !== 'GET' && !path.startsWith('/auth/');

/** newKey is 16 random bytes as a structured-field string. crypto.randomUUID is not there on plain http. */
const newKey = () => `"${Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('')}"`;

/** send asks, and asks once more with the same key when no answer came: the server does the work once. */
async function send(url: string, init: RequestInit, again: boolean): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (e) {
    if (!again || (e as Error).name === 'AbortError') throw e;
    await new Promise(r => setTimeout(r, 1000));
    return fetch(url, init);
  }
}

/** request sends one call. A 401 outside sign-in signs the user out, which shows the sign-in page and keeps the address. */
export async function request(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...(init.headers as Record<string, string>) };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const act = changes(method, path);
  if (act) headers['Idempotency-Key'] = newKey();
  let res: Response;
  try {
    res = await send(base + path, { ...init, method, headers, body: body === undefined ? undefined : JSON.stringify(body) }, act);
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw new Failure(0, 'Resync does not answer', act
      ? 'The connection to the Resync server failed. The request may have arrived: look at the journal before you repeat it.'
      : 'The connection to the Resync server failed. Nothing was changed by this page.', '', 0, '');
  }
  noteClock(res);
  if (res.ok) return res;
  const f = await failure(res);
  if (f.status === 401 && !path.startsWith('/auth/')) user.value = null;
  throw f;
}

async function json<T>(method: string, path: string, body?: unknown, init?: RequestInit): Promise<T> {
  const res = await request(method, path, body, init);
  return (res.status === 204 ? {} : await res.json()) as T;
}

/** finding reads what diagnose_job found; older servers write its names with a capital. */
function finding(result: unknown): C.Finding {
  const r = Object.fromEntries(Object.entries((result ?? {}) as object).map(([k, v]) => [k.replace(/^[A-Z]/, c => c.toLowerCase()), v])) as unknown as Partial<C.Finding>;
  return { gates: r.gates ?? [], hypotheses: r.hypotheses ?? [], evidence: r.evidence ?? [] };
}

const query = (q: Record<string, string | number | boolean | undefined>) => {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(q)) if (v !== undefined && v !== '' && v !== false) p.set(k, String(v));
  const s = p.toString();
  return s ? '?' + s : '';
};
const at = encodeURIComponent;

/** status is one of the engine's words, or LATE or CRITICAL. */
export interface JobQuery { q?: string; status?: string; limit?: number; offset?: number }

export const api = {
  verify: () => json<{ user: C.User }>('GET', '/auth/verify'),
  login: (cred: { token: string } | { username: string; password: string }) => json<{ user: C.User }>('POST', '/auth/login', cred),
  logout: () => request('POST', '/auth/logout'),

  engines: () => json<{ engines: C.Engine[] }>('GET', '/tws/engines'),
  engineInfo: () => json<C.EngineInfo>('GET', '/tws/engine/info'),
  jobs: (q: JobQuery, signal?: AbortSignal) => json<C.JobPage>('GET', '/tws/plan/current/job' + query({ ...q }), undefined, { signal }),
  jobCount: () => json<C.JobCount>('GET', '/tws/plan/current/job/count'),
  job: async (id: string) => detail(await json<C.EngineJob>('GET', `/tws/plan/current/job/${at(id)}`)),
  why: async (id: string) => {
    const r = await json<C.Execution>('POST', '/agents/tools/execute', { tool_name: 'diagnose_job', parameters: { job: id } });
    if (!r.success) throw new Failure(0, 'Not examined', r.error ?? '', r.trace_id ?? '', 0, '');
    return finding(r.result);
  },
  successors: (id: string) => json<C.Neighbours>('GET', `/tws/plan/current/job/${at(id)}/successors` + query({ depth: 5 })),
  predecessors: (id: string) => json<C.Neighbours>('GET', `/tws/plan/current/job/${at(id)}/predecessors` + query({ depth: 2 })),
  jobLog: (id: string) => json<C.JobLog>('GET', '/tws/plan/current/job/joblog' + query({ job_id: id })),

  breakers: () => json<C.Breakers>('GET', '/admin/resilience/breakers'),
  resetBreaker: (name: string, reason: string) => request('POST', `/admin/resilience/breakers/${at(name)}/reset`, { reason }),

  breaker: (name: string) => json<C.Breaker>('GET', `/admin/resilience/breakers/${at(name)}`),
  switchBreaker: (name: string, verb: 'reset' | 'force-open' | 'disable' | 'enable', reason: string, ttl_seconds = 0) =>
    request('POST', `/admin/resilience/breakers/${at(name)}/${verb}`, { reason, ttl_seconds }),
  steering: () => json<C.Steering>('GET', '/admin/resilience/config'),
  setNumbers: (name: string, numbers: { threshold?: number; recovery_timeout?: number }, reason: string) =>
    json<{ message: string }>('POST', '/admin/resilience/config', { reason, breakers: { [name]: numbers } }),

  tokens: () => json<{ tokens: C.Token[]; total: number }>('GET', '/tokens'),
  newToken: (t: { name: string; scope: string; user?: string; ttl_days: number }) => json<C.NewToken>('POST', '/tokens', t),
  revokeToken: (id: string) => request('DELETE', `/tokens/${at(id)}`),

  receivers: () => json<C.Receivers>('GET', '/admin/webhooks'),
  addReceiver: (f: C.ReceiverForm) => json<C.Receiver>('POST', '/admin/webhooks', f),
  changeReceiver: (name: string, f: C.ReceiverForm) => json<C.Receiver>('PUT', `/admin/webhooks/${at(name)}`, f),
  removeReceiver: (name: string, reason: string) => json<{ ended_messages: number }>('DELETE', `/admin/webhooks/${at(name)}` + query({ reason })),
  switchReceiver: (name: string, verb: 'on' | 'off', reason: string) => json<C.Receiver>('POST', `/admin/webhooks/${at(name)}/${verb}`, { reason }),
  tryReceiver: (name: string) => json<C.Trial>('POST', `/admin/webhooks/${at(name)}/test`, {}),
  deliveries: (target: string, state: 'failed' | 'all') => json<{ deliveries: C.Delivery[]; total: number }>('GET', '/admin/webhooks/deliveries' + query({ target, state, limit: 100 })),
  redeliver: (q: { id?: string; target?: string }) => json<{ messages: number }>('POST', '/admin/webhooks/redeliver', q),

  away: () => json<{ degraded: boolean; parts: C.Away[] }>('GET', '/admin/resilience/degraded'),
  redis: () => json<C.RedisHealth>('GET', '/health/redis'),
  models: () => json<C.Models>('GET', '/llm/status'),

  docs: () => json<{ files: C.Doc[]; total: number }>('GET', '/rag/files' + query({ limit: 500 })),
  reviewDoc: (id: string, action: 'release' | 'reject') => request('POST', `/rag/files/${at(id)}/review`, { action }),
  deleteDoc: (id: string) => request('DELETE', `/rag/files/${at(id)}`),
  corrections: () => json<{ corrections: C.Correction[] }>('GET', '/rag/corrections' + query({ status: 'pending' })),
  decideCorrection: (id: string, action: 'accept' | 'reject', reason: string) => request('POST', `/rag/corrections/${at(id)}`, { action, reason: reason || undefined }),
  reindexes: () => json<{ jobs: C.Reindex[] }>('GET', '/admin/rag/reindex'),
  startReindex: (dry_run: boolean) => json<{ job_id: string; message: string }>('POST', '/admin/rag/reindex', { dry_run }),
  cancelReindex: (id: string) => request('DELETE', `/admin/rag/reindex/${at(id)}`),
  passages: (q: string) => json<{ results: C.Passage[]; total: number; ranked_by?: string; ranking_note?: string }>('GET', '/rag/search' + query({ query: q, top_k: 10 })),
  explain: (q: string, chunk: string) => json<{ results: C.Explained[]; note?: string }>('GET', '/rag/explain' + query({ query: q, chunk_id: chunk })),

  sessions: () => json<{ sessions: C.Session[] }>('GET', '/chat/sessions'),
  history: (id: string) => json<C.History>('GET', '/chat/history' + query({ session_id: id, limit: 200 })),
  forget: (id: string) => request('DELETE', '/chat/history' + query({ session_id: id })),

  catalog: () => json<C.Catalog>('GET', '/agents/tools/catalog'),
  execute: (tool_name: string, parameters: Record<string, unknown>, more: { reason?: string; ticket?: string; session_id?: string } = {}) =>
    json<C.Execution>('POST', '/agents/tools/execute', {
      tool_name, parameters, reason: more.reason || undefined, ticket: more.ticket || undefined, session_id: more.session_id || undefined,
    }),
  assess: (tool: string, parameters: Record<string, unknown>) =>
    json<C.Assessment>('POST', '/agents/tools/assess-risk' + query({ tool_name: tool }), parameters),

  approvals: (status: 'pending' | 'all') => json<C.Approvals>('GET', '/agents/approvals' + query({ status, limit: 200 })),
  approval: (id: string) => json<C.Approval>('GET', `/agents/approvals/${at(id)}`),
  decide: (id: string, action: 'approve' | 'reject', reason: string) =>
    json<C.Decision>('POST', `/agents/approvals/${at(id)}`, { action, reason: reason || undefined }),

  runs: (limit = 200) => json<{ runs: C.Run[]; total: number }>('GET', '/agents/runs' + query({ limit })),
  run: (id: string) => json<C.Run>('GET', `/agents/runs/${at(id)}`),
  cancelRun: (id: string) => json<{ message?: string }>('POST', `/agents/runs/${at(id)}/cancel`),
  undoable: () => json<{ undoable: C.Undoable[]; total: number }>('GET', '/agents/undo/available'),
  undo: (id: string, reason: string) => json<C.UndoReply>('POST', `/agents/undo/${at(id)}`, { reason: reason || undefined }),
};

/** upload sends one document and tells how much of it has left. fetch cannot tell, so it is the older way. */
export function upload(file: File, progress: (share: number) => void): Promise<C.Upload> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open('POST', base + '/rag/upload');
    x.setRequestHeader('Accept', 'application/json');
    x.upload.onprogress = e => { if (e.lengthComputable) progress(e.loaded / e.total); };
    x.onerror = () => reject(new Failure(0, 'Resync does not answer', 'The connection failed while the document was sent. It is not in the list unless it shows there.', '', 0, ''));
    x.onload = () => {
      if (x.status === 401) user.value = null;
      if (x.status >= 200 && x.status < 300) { resolve(JSON.parse(x.responseText) as C.Upload); return; }
      let p: C.Problem = {};
      try { p = JSON.parse(x.responseText) as C.Problem; } catch { /* not ours; the status still says what happened */ }
      reject(new Failure(x.status, p.title ?? `The server answered ${x.status}`, p.detail ?? '', p.trace_id ?? '', 0, p.type ?? ''));
    };
    const form = new FormData();
    form.append('file', file, file.name);
    x.send(form);
  });
}
