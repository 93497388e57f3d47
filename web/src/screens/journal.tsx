// The journal: everything that was done or tried, how it ended, and what can be taken back.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { Run, RunDetail, Undoable, UndoReply } from '../lib/contract';
import { clock, count, title, words } from '../lib/format';
import { runs as liveRuns, say } from '../lib/live';
import { useLoad } from '../lib/load';
import { go, param, segment, withParams } from '../lib/route';
import { PhaseMark, Risk } from '../ui/marks';
import { Dialog, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { ApprovalCard } from './approvalcard';
import { RunStatus } from './runstatus';

const phaseOf = (r: Run) => r.verified ? 'verified' : r.phase ?? r.status;

export function Journal() {
  const id = segment(1);
  const view = param('view') === 'undo' ? 'undo' : 'runs';
  const list = useLoad('runs', () => api.runs());
  const undo = useLoad('undo', api.undoable);
  const seen = useRef(liveRuns.peek());
  useEffect(() => { document.title = 'Journal · Resync'; }, []);
  useSignalEffect(() => {
    if (liveRuns.value === seen.current) return;
    seen.current = liveRuns.value;
    list.reload();
    undo.reload();
  });
  const unknown = (list.data.value?.runs ?? []).filter(r => phaseOf(r) === 'outcome_unknown');
  return (
    <main class={`journal${id ? ' with-panel' : ''}`} id="main" tabIndex={-1}>
      <div class="page">
        <header class="bar-top"><h1>Journal</h1>
          <nav class="filters" aria-label="View">
            <a class="filter" href={withParams({ view: '' })} aria-current={view === 'runs' ? 'true' : undefined}>Runs{list.data.value ? <span class="n">{count(list.data.value.total ?? list.data.value.runs.length)}</span> : null}</a>
            <a class="filter" href={withParams({ view: 'undo' })} aria-current={view === 'undo' ? 'true' : undefined}>Undo{undo.data.value ? <span class="n">{count(undo.data.value.total ?? undo.data.value.undoable.length)}</span> : null}</a>
          </nav></header>
        {unknown.length ? <Unknown runs={unknown} /> : null}
        {view === 'runs' ? <RunList loaded={list} current={id} /> : <UndoList loaded={undo} />}
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
      <ul>{runs.map(r => <li key={r.run_id}><a href={`/journal/${encodeURIComponent(r.run_id)}`}>{title(r.tool_name)} {r.target}</a> <span class="quiet">{clock(r.started_at)}{r.message ? `: ${r.message}` : ''}</span></li>)}</ul>
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
          <tr key={r.run_id} class={`${r.run_id === current ? 'chosen' : ''} ${phaseOf(r)}`} onClick={() => go(runPath(r.run_id))}>
            <td><PhaseMark phase={phaseOf(r)} /></td><td><a href={runPath(r.run_id)}>{title(r.tool_name)}</a></td><td class="jobname">{r.target}</td>
            <td class="wide-only">{r.risk_level ? <Risk level={r.risk_level} /> : null}</td><td class="wide-only">{r.user}</td><td class="num"><Time t={r.started_at} /></td>
            <td class="wide-only outcome">{r.error || r.outcome || r.message}</td>
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
  useSignalEffect(() => { if (liveRuns.value.get(id)) run.reload(); });
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => { if (e.key === 'Escape' && !document.querySelector('dialog[open]')) close(); };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const mine = undoable.find(u => u.trace_id === id || u.trace_id === r?.trace_id);
  return (
    <aside class="panel" aria-labelledby="run-name">
      <header>
        <p class="line">{r ? <><PhaseMark phase={phaseOf(r)} />{r.risk_level ? <Risk level={r.risk_level} /> : null}</> : null}<span class="push" />
          <button type="button" class="ghost icon" aria-label="Close run" onClick={close}>×</button></p>
        <h2 id="run-name">{r ? <>{title(r.tool_name)} {r.target}</> : 'Run'}</h2>
        {r ? <p class="quiet small">{r.user}, <Time t={r.started_at} seconds />{r.completed_at ? <> to <Time t={r.completed_at} seconds /></> : null} · run <code>{r.run_id}</code></p> : null}
      </header>
      {run.error.value && !r ? <ErrorCard error={run.error.value} title="This run cannot be read" retry={run.reload} /> : null}
      {!r && !run.error.value ? <Skeleton lines={6} /> : null}
      {r ? <>
        <RunStatus id={id} quiet />
        <UndoPart r={r} mine={mine} onUndo={u => { undoing.value = u; }} />
        {/^(queued|executing|in_progress|blocked_on_user|approved)$/.test(phaseOf(r)) ? (
          <p><button type="button" onClick={async () => {
            try { say((await api.cancelRun(id)).message ?? 'Cancel asked'); run.reload(); } catch (e) { error.value = e as Error; }
          }}>Cancel this run</button></p>) : null}
        {error.value ? <ErrorCard error={error.value} title="Not cancelled" /> : null}
      </> : null}
      {undoing.value ? <UndoDialog u={undoing.value} onClose={() => { undoing.value = null; }} /> : null}
    </aside>
  );
}

/** UndoPart says until when this run can be undone, or why it cannot. */
function UndoPart({ r, mine, onUndo }: { r: RunDetail; mine?: Undoable; onUndo: (u: Undoable) => void }) {
  if (mine && mine.can_undo !== false && mine.undo_class !== 'none') {
    return (
      <div class="undo-part">
        <p><strong>Can be undone</strong>{mine.expires_at ? <> until <Time t={mine.expires_at} seconds /></> : null}{mine.note ? <>: {mine.note}</> : null}</p>
        <button type="button" onClick={() => onUndo(mine)}>Undo…</button>
      </div>);
  }
  const why = mine?.note ?? r.undo?.note;
  return why ? <p class="undo-part"><strong>{r.undo?.can ? 'Can be undone' : 'Cannot be undone'}</strong>: {why}</p> : null;
}

function UndoList({ loaded }: { loaded: ReturnType<typeof useLoad<{ undoable: Undoable[]; total: number }>> }) {
  const chosen = useSignal<Undoable | null>(null);
  if (loaded.error.value) return <ErrorCard error={loaded.error.value} title="The undo list cannot be read" retry={loaded.reload} />;
  const d = loaded.data.value;
  if (!d) return <Skeleton lines={5} />;
  return (
    <>
      {!d.undoable.length ? <Empty title="Nothing can be undone now"><p>Holds, releases, priorities and limits can be taken back for a while. A rerun, a cancel or a kill cannot: the engine has no way back from them, and the approval card says so before.</p></Empty> : null}
      <ul class="undo-list">{d.undoable.map(u => {
        const can = u.can_undo !== false && u.undo_class !== 'none';
        return (
          <li key={u.trace_id} class="card">
            <div><p class="head">{u.summary || `${title(u.tool_name)} ${u.target ?? ''}`}</p>
              <p class="quiet small"><Time t={u.timestamp} seconds />{u.undo_class ? <> · {words(u.undo_class)}</> : null}{can && u.expires_at ? <> · can be undone until <Time t={u.expires_at} /></> : null}</p>
              {u.note ? <p class={can ? 'quiet' : ''}>{can ? u.note : <><strong>Cannot be undone</strong>: {u.note}</>}</p> : null}</div>
            <Risk level={u.risk_level} />
            {can ? <button type="button" onClick={() => { chosen.value = u; }}>Undo…</button> : null}
          </li>);
      })}</ul>
      {chosen.value ? <UndoDialog u={chosen.value} onClose={() => { chosen.value = null; loaded.reload(); }} /> : null}
    </>
  );
}

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
      reply.value = await api.undo(u.trace_id, String(form.get('reason')).trim(), String(form.get('ticket')).trim());
      say(reply.value.message ?? reply.value.status);
    } catch (err) { error.value = err as Error; } finally { busy.value = false; }
  };
  const r = reply.value;
  return (
    <Dialog title={`Undo: ${u.summary || title(u.tool_name)}`} onClose={onClose} wide>
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
          <div class="pair"><label>Reason<textarea name="reason" rows={2} maxlength={500} placeholder="For the journal" /></label><label>Ticket<input name="ticket" maxlength={64} placeholder="INC…" spellcheck={false} /></label></div>
          {error.value ? <ErrorCard error={error.value} title="Not undone" /> : null}
          <div class="row-end"><button type="button" onClick={onClose}>Keep it</button><button class="primary" disabled={busy.value}>{busy.value ? 'Undoing…' : 'Undo'}</button></div>
        </form>
      )}
    </Dialog>
  );
}
