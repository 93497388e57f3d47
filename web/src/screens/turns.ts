// The conversation on the screen: what was asked, what the server has told so far, and how the stream ended.
import { signal } from '@preact/signals';
import { api, Failure, failure, request } from '../lib/api';
import type { Answer, Approval, Evidence, History, ToolEvent } from '../lib/contract';
import { say } from '../lib/live';
import { read } from '../lib/sse';
import { go } from '../lib/route';

export interface Turn {
  question: string; at: string; tools: ToolEvent[]; evidence: Evidence[]; answer?: Answer; text?: string;
  approvals: Approval[]; error?: Error; state: 'asking' | 'done' | 'stopped' | 'lost' | 'failed';
}

export const sessionID = signal('');
export const turns = signal<Turn[]>([]);
export const loading = signal(false);
export const loadError = signal<Error | null>(null);
/** sessionsTick changes when the list of conversations should be fetched again. */
export const sessionsTick = signal(0);

let stream: AbortController | null = null;
/** where is how far the present turn's stream was read, so that a broken one goes on from there. */
let where = { turn: '', event: '' };
export const asking = signal(false);

/** patch replaces the last turn; turns are values, so that only what changed is drawn again. */
function patch(change: Partial<Turn> | ((t: Turn) => Partial<Turn>)) {
  const all = turns.peek();
  const last = all[all.length - 1];
  if (!last) return;
  turns.value = [...all.slice(0, -1), { ...last, ...(typeof change === 'function' ? change(last) : change) }];
}

export function fresh() {
  stop();
  sessionID.value = '';
  turns.value = [];
  loadError.value = null;
}

/** open shows a stored conversation. */
export async function open(id: string) {
  if (id === sessionID.peek()) return;
  fresh();
  sessionID.value = id;
  loading.value = true;
  try {
    const [h, all] = await Promise.all([api.history(id), api.approvals('all').then(r => r.pending, () => [])]);
    if (sessionID.peek() === id) turns.value = withApprovals(fromHistory(h), all.filter(a => a.session_id === id));
  } catch (e) {
    if (sessionID.peek() === id) loadError.value = e as Error;
  } finally {
    loading.value = false;
  }
}

export function fromHistory(h: History): Turn[] {
  const out: Turn[] = [];
  for (const m of h.history ?? []) {
    if (m.role === 'user' || !out.length) {
      out.push({ question: m.role === 'user' ? m.content : '', at: m.at, tools: [], evidence: [], approvals: [], state: 'done' });
      if (m.role === 'user') continue;
    }
    const t = out[out.length - 1]!;
    t.answer = m.answer;
    t.text = m.content;
  }
  return out;
}

/** withApprovals puts the cards of a conversation under the question after which they were asked for. */
function withApprovals(list: Turn[], cards: Approval[]): Turn[] {
  return list.map((t, i) => {
    const next = list[i + 1];
    const mine = cards.filter(a => (i === 0 || a.requested_at >= t.at) && (!next || a.requested_at < next.at));
    return { ...t, approvals: mine.sort((a, b) => a.requested_at.localeCompare(b.requested_at)) };
  });
}

export function stop() {
  stream?.abort();
}

/** send asks a question and follows the answer. Stopping ends the request, which the server sees as the reader being gone. */
export async function send(message: string, jobs: string[] = []) {
  if (asking.peek() || !message.trim()) return;
  const mine = new AbortController();
  stream = mine;
  asking.value = true;
  where = { turn: '', event: '' };
  const at = new Date().toISOString();
  turns.value = [...turns.peek(), { question: message, at, tools: [], evidence: [], approvals: [], state: 'asking' }];
  say('Asked. Looking.');
  try {
    const res = await request('POST', '/chat', { message, session_id: sessionID.peek() || undefined, jobs: jobs.length ? jobs : undefined },
      { headers: { Accept: 'text/event-stream' }, signal: mine.signal });
    if (!res.ok) throw await failure(res);
    if ((res.headers.get('Content-Type') ?? '').includes('text/event-stream')) await follow(res, mine.signal);
    else whole(await res.json());
  } catch (e) {
    if (mine.signal.aborted) patch({ state: 'stopped' });
    else if (e instanceof Failure && e.status !== 0) patch({ state: 'failed', error: e });
    else await recover(message, e as Error, mine.signal);
  } finally {
    if (stream === mine) { stream = null; asking.value = false; }
    sessionsTick.value++;
  }
}

/** whole takes an answer that came in one piece. */
function whole(reply: { message?: string; answer?: Answer; metadata?: { session_id?: string } }) {
  const id = reply.metadata?.session_id;
  if (id) adopt(id);
  patch({ answer: reply.answer, text: reply.message, state: 'done' });
}

function adopt(id: string) {
  if (sessionID.peek() === id) return;
  sessionID.value = id;
  go('/ask/' + encodeURIComponent(id), true);
}

async function follow(res: Response, signal: AbortSignal) {
  let ended = false;
  for await (const ev of read(res)) {
    if (signal.aborted) return;
    if (ev.id) where.event = ev.id;
    if (ev.name === 'done') ended = true;
    else apply(ev.name, ev.data);
  }
  if (!ended && turns.peek().at(-1)?.state === 'asking' && !turns.peek().at(-1)?.answer) throw new Error('The stream ended early.');
  patch(t => ({ state: t.state === 'asking' ? 'done' : t.state }));
  const a = turns.peek().at(-1)?.answer;
  if (a) say('Answer ready. ' + a.answer.split('\n')[0]!.replace(/\[\d+\]/g, '').slice(0, 200));
}

function apply(name: string, data: string) {
  const d = JSON.parse(data) as Record<string, unknown>;
  switch (name) {
    case 'turn': where.turn = String(d.turn_id); adopt(String(d.session_id)); break;
    case 'tool': patch(t => ({ tools: upsert(t.tools, d as unknown as ToolEvent) })); break;
    case 'evidence': patch(t => ({ evidence: [...t.evidence.filter(e => e.id !== d.id), d as unknown as Evidence] })); break;
    case 'answer': patch({ answer: d as unknown as Answer }); break;
    case 'approval': patch(t => ({ approvals: [...t.approvals.filter(a => a.trace_id !== d.trace_id), d as unknown as Approval] })); break;
    case 'error':
      patch({ state: 'failed', error: new Failure(0, 'The question could not be answered', String(d.message ?? ''), String(d.trace_id ?? ''), 0, '') });
      break;
  }
}

function upsert(list: ToolEvent[], ev: ToolEvent): ToolEvent[] {
  const i = list.findIndex(t => t.run_id === ev.run_id);
  return i < 0 ? [...list, ev] : list.map((t, k) => k === i ? { ...t, ...ev } : t);
}

/** recover goes on after the connection broke: the server answers without us, so the stream is taken up where it was left, and
 * if that is no longer possible the stored answer is fetched. */
async function recover(question: string, cause: Error, signal: AbortSignal) {
  const { turn } = where;
  const session = sessionID.peek();
  for (let i = 0; turn && i < 5 && !signal.aborted; i++) {
    patch({ state: 'lost' });
    await new Promise(r => setTimeout(r, 500 * 2 ** i));
    if (sessionID.peek() !== session) return;
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (where.event) headers['Last-Event-ID'] = where.event;
      patch({ state: 'asking' });
      await follow(await request('GET', `/chat/turns/${encodeURIComponent(turn)}/events`, undefined, { headers, signal }), signal);
      return;
    } catch (e) {
      if (e instanceof Failure && e.status === 404 && await stored(question, session)) return;
    }
  }
  patch(signal.aborted ? { state: 'stopped' } : { state: 'failed', error: cause });
}

/** stored shows the answer as it was kept, if it is there. */
async function stored(question: string, session: string): Promise<boolean> {
  try {
    const last = fromHistory(await api.history(session)).at(-1);
    if (last?.question !== question || !last.answer) return false;
    patch({ ...last, state: 'done' });
    return true;
  } catch {
    return false; // still unreachable: the next round asks again
  }
}

/** wanted is the card that was just asked for; it brings itself into view. */
export const wanted = signal('');

/** addApproval keeps an approval that the user asked for from a button beside its turn. */
export function addApproval(turn: number, a: Approval) {
  wanted.value = a.trace_id;
  turns.value = turns.peek().map((t, i) => i === turn ? { ...t, approvals: [...t.approvals.filter(x => x.trace_id !== a.trace_id), a] } : t);
}
