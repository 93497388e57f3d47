// The chat: conversations, the transcript, the composer, and the source pane beside them.
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { Session, ToolEvent } from '../lib/contract';
import { clock, millis, plural, title, value } from '../lib/format';
import { useLoad } from '../lib/load';
import { go, param, segment } from '../lib/route';
import { PhaseMark, Risk } from '../ui/marks';
import { Dialog, ErrorCard, Part, Skeleton, Time } from '../ui/parts';
import { AnswerView } from './answer';
import { ApprovalCard } from './approvalcard';
import { Args } from './args';
import { question } from './ask';
import { whyQuestion } from './job';
import { SourcePane } from './source';
import * as talk from './turns';

export function Chat() {
  const id = segment(1);
  useEffect(() => {
    document.title = 'Chat · Resync';
    const q = question.peek();
    if (q) {
      question.value = null;
      talk.fresh();
      void talk.send(q.text, q.jobs);
    } else if (id) void talk.open(id);
    else if (!talk.asking.peek()) talk.fresh();
  }, [id, question.value]);

  const src = param('src');
  const turn = Number(param('turn')) || talk.turns.value.length;
  const shown = talk.turns.value[turn - 1];
  const evidence = shown?.answer?.evidence ?? shown?.evidence ?? [];
  const open = src !== '' && evidence.some(e => e.id === src);
  return (
    <main class={`chat${open ? ' with-source' : ''}`} id="main" tabIndex={-1}>
      <Sessions current={id} />
      <Transcript />
      {open ? <SourcePane evidence={evidence} id={src} answer={shown?.answer} /> : null}
    </main>
  );
}

function Sessions({ current }: { current: string }) {
  const list = useLoad('sessions', api.sessions);
  const doomed = useSignal<Session | null>(null);
  const error = useSignal<Error | null>(null);
  const open = useSignal(false);
  useEffect(() => { if (talk.sessionsTick.value) list.reload(); }, [talk.sessionsTick.value]);
  const rows = list.data.value?.sessions ?? [];
  const forget = async () => {
    const s = doomed.value!;
    try {
      await api.forget(s.id);
      doomed.value = null;
      if (s.id === current) go('/ask');
      list.reload();
    } catch (e) { error.value = e as Error; }
  };
  return (
    <nav class={`sessions${open.value ? ' open' : ''}`} aria-label="Conversations">
      <div class="sessions-top">
        <button type="button" class="small only-narrow" aria-expanded={open.value} onClick={() => { open.value = !open.value; }}>Conversations</button>
        <a class="button small" href="/ask" onClick={() => { talk.fresh(); open.value = false; }}>New question</a>
      </div>
      <div class="sessions-list">
        {list.error.value ? <ErrorCard error={list.error.value} retry={list.reload} /> : null}
        {list.data.value && !rows.length ? <p class="quiet small pad">No conversation yet. Each question you ask is kept here.</p> : null}
        <ul>{rows.map(s => (
          <li key={s.id}>
            <a href={'/ask/' + encodeURIComponent(s.id)} aria-current={s.id === current ? 'page' : undefined} onClick={() => { open.value = false; }}>
              <span class="t">{s.title || 'Untitled'}</span><span class="quiet small">{clock(s.updated_at)}</span></a>
            <button type="button" class="ghost icon" aria-label={`Delete conversation ${s.title ?? ''}`} onClick={() => { error.value = null; doomed.value = s; }}>×</button>
          </li>))}
        </ul>
      </div>
      {doomed.value ? (
        <Dialog title="Delete this conversation?" onClose={() => { doomed.value = null; }}>
          <p>“{doomed.value.title || 'Untitled'}” will be gone. What was done stays in the journal.</p>
          {error.value ? <ErrorCard error={error.value} /> : null}
          <div class="row-end"><button type="button" onClick={() => { doomed.value = null; }}>Keep</button><button type="button" class="danger" onClick={forget}>Delete</button></div>
        </Dialog>) : null}
    </nav>
  );
}

function Transcript() {
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const below = useSignal(false);
  const turns = talk.turns.value;
  const count = turns.length;
  const end = () => { const el = box.current!; el.scrollTop = el.scrollHeight; };
  const lastTop = () => box.current!.querySelector('.turn:last-of-type')?.scrollIntoView({ block: 'start' });
  // A new question is brought into view; afterwards the page follows the answer only while its reader stays at the end.
  useLayoutEffect(() => {
    stuck.current = true;
    if (turns[count - 1]?.state === 'asking') end(); else lastTop();
  }, [count]);
  useLayoutEffect(() => {
    const last = turns[count - 1];
    if (last?.state === 'asking' && stuck.current) end();
    else if (last?.state === 'asking') below.value = true;
  }, [turns]);
  // When the answer is there, its beginning is what one wants to read, not its end.
  const state = turns[count - 1]?.state;
  const had = useRef(state);
  useLayoutEffect(() => {
    if (had.current === 'asking' && state === 'done' && stuck.current) lastTop();
    had.current = state;
  }, [state]);
  const onScroll = () => {
    const el = box.current;
    if (!el) return; // the last scroll of a transcript that is gone
    stuck.current = el.scrollHeight - el.scrollTop - el.clientHeight < 60;
    if (stuck.current) below.value = false;
  };
  return (
    <section class="talk">
      <h1 class="sr">Chat</h1>
      <div class="transcript" role="log" aria-live="off" aria-label="Conversation" ref={box} onScroll={onScroll} tabIndex={0}>
        {talk.loading.value ? <div class="column"><Skeleton lines={6} /></div> : null}
        {talk.loadError.value ? <div class="column"><ErrorCard error={talk.loadError.value} title="This conversation cannot be shown" /></div> : null}
        {!count && !talk.loading.value && !talk.loadError.value ? <Start /> : null}
        {turns.map((t, i) => <TurnView key={i} t={t} i={i} />)}
      </div>
      {below.value ? <button type="button" class="small more" onClick={() => { end(); below.value = false; }}>Paused · new text below ↓</button> : null}
      <Composer />
    </section>
  );
}

/** Start offers questions about what is really in the plan. */
function Start() {
  const bad = useLoad('start', () => api.jobs({ status: 'ABEND', limit: 2 }));
  const offers: { text: string; jobs: string[] }[] = [
    ...(bad.data.value?.items ?? []).map(j => ({ text: whyQuestion(j), jobs: [j.name] })),
    ...['What is late tonight?', 'Which workstations are not running jobs?', 'What does READY_WAITING_FOR_LIMIT mean?'].map(text => ({ text, jobs: [] })),
  ];
  return (
    <div class="start column">
      <h2>What is wrong tonight?</h2>
      <p class="quiet">Name a job, a stream or a workstation. Every sentence of the answer points to the status, log line or manual passage it rests on. Nothing is changed without an approval.</p>
      <ul>{offers.map(o => <li key={o.text + o.jobs}><button type="button" onClick={() => talk.send(o.text, o.jobs)}>{o.text}</button></li>)}</ul>
    </div>
  );
}

function TurnView({ t, i }: { t: talk.Turn; i: number }) {
  const busy = t.state === 'asking' || t.state === 'lost';
  const cards = t.approvals.map(a => <ApprovalCard key={a.trace_id} approval={a} />);
  return (
    <article class="turn column" aria-busy={busy}>
      {t.question ? <div class="question"><h2>{t.question}</h2><Time t={t.at} /></div> : null}
      <ToolCards tools={t.tools} />
      {busy && !t.answer ? <Progress t={t} /> : null}
      {t.answer ? <Part><AnswerView a={t.answer} turn={i} cards={cards} /></Part> : t.text ? <p class="prose">{t.text}</p> : null}
      {t.state === 'stopped' ? <p class="note">No longer following. The answer will be in this conversation when it is opened again.</p> : null}
      {t.state === 'lost' ? <p class="note warn">The connection broke. Looking for the stored answer…</p> : null}
      {t.error ? <ErrorCard error={t.error} title="The question could not be answered" retry={() => talk.send(t.question)} /> : null}
      {t.answer ? null : cards}
    </article>
  );
}

/** Progress shows evidence as it arrives, so that a slow engine is seen to be slow and not silent. */
function Progress({ t }: { t: talk.Turn }) {
  return (
    <div class="progress">
      <p class="line"><span class="pulse" aria-hidden="true" />{t.evidence.length ? `${plural(t.evidence.length, 'fact')} so far` : 'Looking at the plan'}</p>
      <ul>{t.evidence.slice(-6).map(e => <li key={e.id}><span class="kind">{title(e.kind)}</span>{e.title}</li>)}</ul>
    </div>
  );
}

function ToolCards({ tools }: { tools: ToolEvent[] }) {
  if (!tools.length) return null;
  const failed = tools.filter(t => t.status === 'error').length;
  const total = tools.reduce((n, t) => n + (t.duration_ms ?? 0), 0);
  return (
    <details class="tools">
      <summary>{plural(tools.length, 'tool')}{total ? `, ${millis(total)}` : ''}{failed ? <span class="bad-text">, {failed} failed</span> : null}
        <span class="names">{tools.map(t => <code key={t.run_id} class={t.status === 'error' ? 'bad-text' : ''}>{t.tool}</code>)}</span></summary>
      <ul>{tools.map(t => (
        <li key={t.run_id} class="tool">
          <p class="line"><PhaseMark phase={t.status} /><code>{t.tool}</code>{t.risk_level ? <Risk level={t.risk_level} /> : null}<span class="push" /><span class="num quiet">{millis(t.duration_ms)}</span></p>
          <Args args={t.args} />
          {t.error ? <p class="note bad">{t.error}</p> : null}
          {t.result !== undefined && t.result !== null ? <details><summary>Result</summary><pre>{typeof t.result === 'string' ? t.result : value(t.result)}</pre></details> : null}
        </li>))}
      </ul>
    </details>
  );
}

function Composer() {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(param('q'));
  useEffect(() => { if (!matchMedia('(pointer: coarse)').matches) field.current?.focus(); }, []);
  useLayoutEffect(() => {
    const el = field.current!;
    el.style.height = 'auto';
    el.style.height = Math.min(el.scrollHeight + 2, 200) + 'px';
  }, [text.value]);
  const submit = () => {
    if (talk.asking.value || !text.value.trim()) return;
    void talk.send(text.value.trim());
    text.value = '';
  };
  return (
    <form class="composer column" onSubmit={e => { e.preventDefault(); submit(); }}>
      <label class="sr" for="ask">Your question</label>
      <textarea id="ask" data-search ref={field} rows={1} value={text.value} placeholder="Ask about a job, stream or code" maxlength={4000}
        onInput={e => { text.value = e.currentTarget.value; }}
        onKeyDown={e => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); submit(); } }} />
      {talk.asking.value ? <button type="button" class="stop" onClick={talk.stop}>Stop</button>
        : <button class="primary" disabled={!text.value.trim()}>Ask</button>}
    </form>
  );
}

