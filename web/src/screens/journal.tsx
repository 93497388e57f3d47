// The journal: everything that was done or tried, how it ended, and what can be taken back.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { Run, Undoable, UndoReply } from '../lib/contract';
import { clock, count, title, words } from '../lib/format';
import { say, steps } from '../lib/live';
import { useLoad } from '../lib/load';
import { go, param, segment, withParams } from '../lib/route';
import { PhaseMark, Risk } from '../ui/marks';
import { Dialog, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { ApprovalCard } from './approvalcard';
import { RunStatus } from './runstatus';

export function Journal() {
  const id = segment(1);
  const view = param('view') === 'undo' ? 'undo' : 'runs';
  const list = useLoad('runs', () => api.runs());
  const undo = useLoad('undo', api.undoable);
  const seen = useRef(steps.peek());
  useEffect(() => { document.title = 'Journal · Resync'; }, []);
  useSignalEffect(() => {
    if (steps.value === seen.current) return;
    seen.current = steps.value;
    list.reload();
    undo.reload();
  });
  const unknown = (list.data.value?.runs ?? []).filter(r => r.phase === 'outcome_unknown');
  return (
    <main class={`journal${id ? ' with-panel' : ''}`} id="main" tabIndex={-1}>
      <div class="page">
        <header class="bar-top"><h1>Journal</h1>
          <nav class="filters" aria-label="View">
            <a class="filter" href={withParams({ view: '' })} aria-current={view === 'runs' ? 'true' : undefined}>Runs{list.data.value ? <span class="n">{count(list.data.value.total ?? list.data.value.runs.length)}</span> : null}</a>
            <a class="filter" href={withParams({ view: 'undo' })} aria-current={view === 'undo' ? 'true' : undefined}>Undo{undo.data.value ? <span class="n">{count(undo.data.value.total ?? undo.data.value.undoable.length)}</span> : null}</a>
          </nav></header>
        {unknown.length ? <Unknown runs={unknown} /> : null}
        {view === 'runs' ? <RunList loaded={list} current={id} /> : <UndoList loaded={undo} runs={list.data.value?.runs ?? []} />}
      </div>
      {id ? <RunPanel key={id} id={id} undoable={undo.data.value?.undoable ?? []} /> : null}
    </main>
  );
}

function Unknown({ runs }: { runs: Run[] }) {
  return (
    <section class="note warn big" aria-label="Actions with an unknown outcome">
      <strong>{runs.length === 1 ? 'The outcome of one action is not known' : `The outcome of ${runs.length} actions is not known`}</strong>
      <span>The engine may or may not have acted. Do not repeat these by hand before the plan has been read again.</span>
      <ul>{runs.map(r => <li key={r.run_id}><a href={`/journal/${encodeURIComponent(r.run_id)}`}>{r.action_summary || title(r.tool_name)}</a> <span class="quiet">{clock(r.started_at)}{r.message ? `: ${r.message}` : ''}</span></li>)}</ul>
    </section>
  );
}

const runPath = (id: string) => '/journal/' + encodeURIComponent(id) + location.search;

function RunList({ loaded, current }: { loaded: ReturnType<typeof useLoad<{ runs: Run[]; total: number }>>; current: string }) {
  if (loaded.error.value) return <ErrorCard error={loaded.error.value} title="The journal cannot be read" retry={loaded.reload} />;
  const d = loaded.data.value;
  if (!d) return <Skeleton lines={8} />;
  if (!d.runs.length) return <Empty title="Nothing has been done yet"><p>Each action that was asked for, approved, declined or carried out is written here before it happens and stays.</p></Empty>;
  return (
    <div class="table-box">
      <table class="plain runs narrow-rows">
        <thead><tr><th>State</th><th>Action</th><th>On</th><th class="wide-only">Risk</th><th class="wide-only">Asked by</th><th class="num">Started</th><th class="wide-only">Outcome</th></tr></thead>
        <tbody>{d.runs.map(r => (
          <tr key={r.run_id} class={`${r.run_id === current ? 'chosen' : ''} ${r.phase}`} onClick={() => go(runPath(r.run_id))}>
            <td><PhaseMark phase={r.phase} /></td><td><a href={runPath(r.run_id)}>{title(r.tool_name)}</a></td><td class="jobname">{r.target}</td>
            <td class="wide-only">{r.risk_level ? <Risk level={r.risk_level} /> : null}</td><td class="wide-only">{r.user}</td><td class="num"><Time t={r.started_at} /></td>
            <td class="wide-only outcome">{r.message}</td>
          </tr>))}
        </tbody></table>
    </div>
  );
}

function RunPanel({ id, undoable }: { id: string; undoable: Undoable[] }) {
  const run = useLoad('run:' + id, () => api.run(id));
  const undoing = useSignal<Undoable | null>(null);
  const error = useSignal<Error | null>(null);
  const r = run.data.value;
  const close = () => go('/journal' + location.search);
  useSignalEffect(() => { if (steps.value.get(id)) run.reload(); });
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => { if (e.key === 'Escape' && !document.querySelector('dialog[open]')) close(); };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const mine = undoable.find(u => u.trace_id === id);
  return (
    <aside class="panel" aria-labelledby="run-name">
      <header>
        <p class="line">{r ? <><PhaseMark phase={r.phase} />{r.risk_level ? <Risk level={r.risk_level} /> : null}</> : null}<span class="push" />
          <button type="button" class="ghost icon" aria-label="Close run" onClick={close}>×</button></p>
        <h2 id="run-name">{r ? r.action_summary || title(r.tool_name) : 'Run'}</h2>
        {r ? <p class="quiet small">{r.user}, <Time t={r.started_at} seconds />{r.completed_at ? <> to <Time t={r.completed_at} seconds /></> : null} · run <code>{r.run_id}</code></p> : null}
      </header>
      {run.error.value && !r ? <ErrorCard error={run.error.value} title="This run cannot be read" retry={run.reload} /> : null}
      {!r && !run.error.value ? <Skeleton lines={6} /> : null}
      {r ? <>
        <RunStatus id={id} quiet />
        <UndoPart r={r} mine={mine} onUndo={u => { undoing.value = u; }} />
        {/^(queued|in_progress|blocked_on_user)$/.test(r.status) ? (
          <p><button type="button" onClick={async () => {
            try { say((await api.cancelRun(id)).message ?? 'Cancel asked'); run.reload(); } catch (e) { error.value = e as Error; }
          }}>Cancel this run</button></p>) : null}
        {error.value ? <ErrorCard error={error.value} title="Not cancelled" /> : null}
      </> : null}
      {undoing.value ? <UndoDialog u={undoing.value} onClose={() => { undoing.value = null; }} /> : null}
    </aside>
  );
}

const acted = (r: Run) => /^(done|verified|unverified|reconciled)$/.test(r.phase) && r.outcome !== 'error';

/** UndoPart says until when this run can be undone, or why it cannot. */
function UndoPart({ r, mine, onUndo }: { r: Run; mine?: Undoable; onUndo: (u: Undoable) => void }) {
  if (mine) {
    return (
      <div class="undo-part">
        <p><strong>Can be undone</strong>{mine.expires_at ? <> until <Time t={mine.expires_at} /></> : null}: {mine.note || mine.summary}</p>
        <button type="button" onClick={() => onUndo(mine)}>Undo…</button>
      </div>);
  }
  if (!acted(r)) return null;
  if (r.approval?.preview?.reversible === false) return <p class="undo-part"><span><strong>Cannot be undone</strong>: {r.undo_note}</span></p>;
  return <p class="undo-part"><span><strong>Cannot be undone any more</strong>: it was undone already, or the time for it has passed.</span></p>;
}

function UndoList({ loaded, runs }: { loaded: ReturnType<typeof useLoad<{ undoable: Undoable[]; total: number }>>; runs: Run[] }) {
  const chosen = useSignal<Undoable | null>(null);
  const catalog = useLoad('catalog', api.catalog);
  if (loaded.error.value) return <ErrorCard error={loaded.error.value} title="The undo list cannot be read" retry={loaded.reload} />;
  const d = loaded.data.value;
  if (!d) return <Skeleton lines={5} />;
  const never = new Map((catalog.data.value?.tools ?? []).filter(t => t.undo_class === 'none').map(t => [t.name, t.undo_note ?? '']));
  const fixed = runs.filter(r => acted(r) && never.has(r.tool_name)).slice(0, 20);
  return (
    <>
      {!d.undoable.length ? <Empty title="Nothing can be undone now"><p>Holds, releases, priorities and limits can be taken back for a while. What cannot be taken back says so on its approval card, before it is done.</p></Empty> : null}
      <ul class="undo-list">{d.undoable.map(u => (
        <li key={u.trace_id} class="card">
          <div><p class="head">{upper(u.summary || `${title(u.tool_name)} ${u.target ?? ''}`)}</p>
            <p class="quiet small">{title(u.tool_name)}, <Time t={u.timestamp} seconds />{u.undo_class ? <> · {words(u.undo_class)}</> : null}{u.expires_at ? <> · can be undone until <Time t={u.expires_at} /></> : null}</p>
            {u.note ? <p class="quiet">{u.note}</p> : null}</div>
          <Risk level={u.risk_level} />
          <button type="button" onClick={() => { chosen.value = u; }}>Undo…</button>
        </li>))}
        {fixed.map(r => (
          <li key={r.run_id} class="card">
            <div><p class="head">{r.action_summary || `${title(r.tool_name)} ${r.target ?? ''}`}</p>
              <p class="quiet small"><Time t={r.started_at} seconds /> · {r.user}</p>
              <p><strong>Cannot be undone</strong>: {never.get(r.tool_name)}</p></div>
            <a href={`/journal/${encodeURIComponent(r.run_id)}?view=undo`}>Open</a>
          </li>))}
      </ul>
      {chosen.value ? <UndoDialog u={chosen.value} onClose={() => { chosen.value = null; loaded.reload(); }} /> : null}
    </>
  );
}

const upper = (s: string) => s.replace(/^./, c => c.toUpperCase());

function UndoDialog({ u, onClose }: { u: Undoable; onClose: () => void }) {
  const reply = useSignal<UndoReply | null>(null);
  const error = useSignal<Error | null>(null);
  const busy = useSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    busy.value = true;
    error.value = null;
    try {
      reply.value = await api.undo(u.trace_id, [form.get('ticket'), form.get('reason')].map(x => String(x).trim()).filter(Boolean).join(': '));
      say(reply.value.message ?? reply.value.status);
    } catch (err) { error.value = err as Error; } finally { busy.value = false; }
  };
  const r = reply.value;
  return (
    <Dialog title={`Undo: ${u.summary || words(u.tool_name)}`} onClose={onClose} wide>
      {r?.approval ? <ApprovalCard approval={r.approval} bare /> : r ? (
        <div class="stack">
          <p class="note good"><PhaseMark phase={r.status} /> {r.message}</p>
          {r.run_id ? <RunStatus id={r.run_id} /> : null}
          <div class="row-end"><button type="button" onClick={onClose}>Close</button></div>
        </div>
      ) : (
        <form class="stack" onSubmit={submit}>
          <p>{u.note || 'The stored opposite of the action will be sent to the engine, if the job has not moved since.'}</p>
          <dl class="facts"><div><dt>On</dt><dd>{u.target ?? '–'}</dd></div><div><dt>Done at</dt><dd><Time t={u.timestamp} seconds /></dd></div><div><dt>Undo until</dt><dd><Time t={u.expires_at} seconds /></dd></div></dl>
          <p><Risk level={u.risk_level} /></p>
          <div class="pair"><label>Reason<textarea name="reason" rows={2} maxlength={400} placeholder="For the journal" /></label><label>Ticket<input name="ticket" maxlength={64} placeholder="INC…" spellcheck={false} /></label></div>
          {error.value ? <ErrorCard error={error.value} title="Not undone" /> : null}
          <div class="row-end"><button type="button" onClick={onClose}>Keep it</button><button class="primary" disabled={busy.value}>{busy.value ? 'Undoing…' : 'Undo'}</button></div>
        </form>
      )}
    </Dialog>
  );
}
