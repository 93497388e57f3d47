// The approval card. Every word about what would happen, how risky it is and who may decide comes from the server; the browser
// adds only the countdown and the two buttons, and shows no result before the server has answered.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, serverNow } from '../lib/api';
import type { Approval, Decision, Preview, RiskFact } from '../lib/contract';
import { clock, countdown, title, value } from '../lib/format';
import { approvalsTick, now, say } from '../lib/live';
import { PhaseMark, Risk } from '../ui/marks';
import { ErrorCard, Time } from '../ui/parts';
import { Args } from './args';
import { RunStatus } from './runstatus';
import { wanted } from './turns';

const open = (status: string) => /^(pending|blocked_on_user|waiting|open)$/i.test(status || 'pending');

/** level is the heading's place on the page: 2 where the card stands by itself, 3 under a question or in a dialog. */
export function ApprovalCard({ approval, bare, level = 3 }: { approval: Approval; bare?: boolean; level?: 2 | 3 }) {
  const current = useSignal(approval);
  const decision = useSignal<Decision | null>(null);
  const error = useSignal<Error | null>(null);
  const busy = useSignal<'' | 'approve' | 'reject'>('');
  const reason = useSignal('');
  const ticket = useSignal('');
  const needReason = useSignal(false);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (wanted.peek() !== approval.trace_id) return;
    wanted.value = '';
    box.current!.scrollIntoView({ block: 'nearest' });
    box.current!.focus({ preventScroll: true });
  }, []);
  const a = current.value;

  // Somebody else may decide first, or the plan may move: the server's list is asked again on every event.
  const refresh = async () => {
    try {
      current.value = await api.approval(a.trace_id);
    } catch { /* the card keeps what it has; a decision will meet the failure and show it */ }
  };
  const tick = useSignal(approvalsTick.peek());
  useSignalEffect(() => {
    if (approvalsTick.value !== tick.peek()) { tick.value = approvalsTick.value; void refresh(); }
  });

  const decide = async (action: 'approve' | 'reject') => {
    if (action === 'reject' && !reason.value.trim()) { needReason.value = true; return; }
    busy.value = action;
    error.value = null;
    try {
      decision.value = await api.decide(a.trace_id, action, [ticket.value.trim(), reason.value.trim()].filter(Boolean).join(': '));
      say(action === 'approve' ? 'Approved. Following the run.' : 'Declined.');
      await refresh();
    } catch (e) {
      error.value = e as Error;
      await refresh();
    } finally {
      busy.value = '';
    }
  };

  const d = decision.value;
  const stillOpen = open(a.status);
  const decided = /^(approved|used)$/.test(a.status);
  return (
    <section ref={box} tabIndex={-1} class={`approval ${bare ? 'bare' : 'card'} ${a.risk_level.toLowerCase()}`} aria-label={`Approval: ${a.action_summary}`}>
      <header>
        <p class="line"><Risk level={a.risk_level} /><span class="quiet"><code>{a.tool_name}</code>{a.engine ? <> on <strong>{a.engine}</strong></> : null}</span>
          <span class="push" />{stillOpen ? <Countdown at={a.expires_at} onEnd={refresh} /> : <PhaseMark phase={a.status} />}</p>
        {level === 2 ? <h2>{a.action_summary}</h2> : <h3>{a.action_summary}</h3>}
        <p class="quiet small">Asked by {a.user_id}, <Time t={a.requested_at} seconds />{a.ticket ? <>, ticket {a.ticket}</> : null}{a.reason ? <>: “{a.reason}”</> : null}</p>
      </header>
      <RiskFacts facts={a.risk_facts} />
      {a.preview ? <PreviewPart p={a.preview} /> : null}
      <details class="args"><summary>Arguments</summary><Args args={a.input_params} /></details>
      {stillOpen ? <Who a={a} /> : null}
      {error.value ? <ErrorCard error={error.value} title="The decision was not accepted" /> : null}
      {stillOpen ? (
        <div class="decide">
          <div class="pair">
            <label>Reason<textarea rows={2} maxlength={400} value={reason.value} aria-invalid={needReason.value} aria-describedby={needReason.value ? `nr-${a.trace_id}` : undefined}
              onInput={e => { reason.value = e.currentTarget.value; needReason.value = false; }} placeholder="For the journal" /></label>
            <label>Ticket<input maxlength={64} value={ticket.value} onInput={e => { ticket.value = e.currentTarget.value; }} placeholder="INC…" spellcheck={false} /></label>
          </div>
          {needReason.value ? <p class="note bad" id={`nr-${a.trace_id}`} role="alert">Say why you decline: the person who asked will read it.</p> : null}
          <div class="row-end">
            <button type="button" disabled={busy.value !== ''} onClick={() => decide('reject')}>{busy.value === 'reject' ? 'Declining…' : 'Decline'}</button>
            <button type="button" class={a.risk_level.toLowerCase() === 'critical' ? 'danger' : 'primary'} disabled={busy.value !== '' || a.can_approve === false}
              onClick={() => decide('approve')}>{busy.value === 'approve' ? 'Approving…' : 'Approve'}</button>
          </div>
        </div>
      ) : null}
      {d && d.action === 'reject' ? <p class="note">Declined by {d.approved_by ?? 'you'}{d.reason ? <>: “{d.reason}”</> : null}. Nothing was sent to the engine.</p> : null}
      {decided || a.status === 'void' ? <RunStatus id={a.trace_id} follow={d !== null} /> : null}
    </section>
  );
}

function Countdown({ at, onEnd }: { at?: string; onEnd: () => void }) {
  const ended = useSignal(false);
  const left = at ? new Date(at).getTime() - (now.value, serverNow()) : 0;
  useSignalEffect(() => {
    if (at && now.value && new Date(at).getTime() <= serverNow() && !ended.peek()) { ended.value = true; onEnd(); }
  });
  if (!at) return null;
  if (left <= 0) return <span class="countdown warn">expired at {clock(at, true)}</span>;
  return <span class={`countdown ${left < 60_000 ? 'warn' : ''}`} title={`Expires at ${clock(at, true)}`}>{countdown(left)} left</span>;
}

/** Who says who has approved, how many are missing, and why this person may not. */
function Who({ a }: { a: Approval }) {
  const have = a.approvers?.length ?? 0;
  return (
    <div class="who-needed">
      {(a.needed ?? 1) > 1 ? <p><strong>Two-person rule:</strong> {have} of {a.needed} approved{have ? <> ({a.approvers!.join(', ')})</> : null}{a.missing ? <>, {a.missing} missing</> : null}</p> : null}
      {a.can_approve === false ? <p class="note warn">{a.cannot_reason || 'You cannot approve this.'}</p> : null}
    </div>
  );
}

export function RiskFacts({ facts }: { facts?: RiskFact[] }) {
  if (!facts?.length) return null;
  return <ul class="riskfacts" aria-label="Why this risk">{facts.map((f, i) => <li key={i}><Risk level={f.level} /><span>{f.text}</span><span class="quiet">{f.source}</span></li>)}</ul>;
}

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** PreviewPart sets before and after side by side, a row for each field. */
function PreviewPart({ p }: { p: Preview }) {
  const before = isObject(p.before) ? p.before : p.before === undefined || p.before === null ? {} : { state: p.before };
  const after = isObject(p.after) ? p.after : p.after === undefined || p.after === null ? {} : { state: p.after };
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const undoable = p.reversible ?? (p.undo_class !== undefined && p.undo_class !== 'none');
  return (
    <div class="preview">
      {keys.length ? (
        <table class="plain diff"><thead><tr><th><span class="sr">Field</span></th><th>Now</th><th>After</th></tr></thead>
          <tbody>{keys.map(k => {
            const same = value(before[k]) === value(after[k]);
            return <tr key={k} class={same ? 'same' : ''}><th scope="row">{title(k)}</th><td>{value(before[k])}</td><td>{same ? <span class="quiet">unchanged</span> : value(after[k])}</td></tr>;
          })}</tbody></table>
      ) : null}
      {p.effects?.length ? <><p class="label">Effects</p><ul class="effects">{p.effects.map((e, i) => <li key={i}>{e}</li>)}</ul></> : null}
      <p class={`undo-note ${undoable ? '' : 'warn'}`}><span aria-hidden="true">{undoable ? '↺' : '⚠'}</span> <span><strong>{undoable ? 'Can be undone' : 'Cannot be undone'}</strong>{p.undo_note ? <>: {p.undo_note}</> : null}</span></p>
    </div>
  );
}
