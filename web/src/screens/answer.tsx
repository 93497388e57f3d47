// An answer: sentences with their citations, hypotheses, gates, what is blocked, what was not examined, what could be done.
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { api } from '../lib/api';
import type { Answer, Blocked, Evidence, Fix, Gate, Hypothesis, ProposedAction, Sentence } from '../lib/contract';
import { plural, title, value, words } from '../lib/format';
import { say } from '../lib/live';
import { setParams } from '../lib/route';
import { Critical, GateMark, Risk, StateMark } from '../ui/marks';
import { AsOf, ErrorCard, Time } from '../ui/parts';
import { addApproval, sessionID } from './turns';
import { ask } from './ask';

/** number is what an evidence is cited as: the n of "e<n>", else its place in the list. */
export const number = (id: string, all: Evidence[]) => {
  const own = /^e(\d+)$/.exec(id);
  return own ? Number(own[1]) : all.findIndex(e => e.id === id) + 1;
};
export const byNumber = (n: number, all: Evidence[]) => all.find(e => e.id === 'e' + n) ?? all[n - 1];

function Cite({ id, evidence, turn }: { id: string; evidence: Evidence[]; turn?: number }) {
  const e = evidence.find(x => x.id === id);
  if (!e) return null;
  const n = number(id, evidence);
  return (
    <button type="button" class="cite" data-cite={id} title={`${e.title} (${e.source})`} aria-label={`Source ${n}: ${e.title}`}
      onClick={() => setParams({ src: id, turn: turn === undefined ? '' : String(turn + 1) })}>{n}</button>
  );
}

export function Cites({ ids, evidence, turn }: { ids?: string[]; evidence: Evidence[]; turn?: number }) {
  if (!ids?.length) return null;
  return <span class="cites">{[...new Set(ids)].map(id => <Cite key={id} id={id} evidence={evidence} turn={turn} />)}</span>;
}

/** inline turns "[3]" into a citation and `code` into code; everything else is text and stays text. */
function inline(text: string, evidence: Evidence[], turn?: number): ComponentChildren[] {
  return text.split(/(\[\d+\]|`[^`\n]+`)/).map((part, i) => {
    if (i % 2 === 0) return part;
    if (part.startsWith('`')) return <code key={i}>{part.slice(1, -1)}</code>;
    const e = byNumber(Number(part.slice(1, -1)), evidence);
    return e ? <Cite key={i} id={e.id} evidence={evidence} turn={turn} /> : part;
  });
}

const strip = (s: string) => s.replace(/\s*\[\d+\]/g, '').trim();

/** doubted finds where the sentences that the checker could not confirm stand in the text. */
export function doubted(text: string, sentences: Sentence[]): [number, number][] {
  const out: [number, number][] = [];
  let from = 0;
  for (const s of sentences) {
    const bare = strip(s.text);
    const at = bare ? text.indexOf(bare, from) : -1;
    if (at < 0) continue;
    from = at + bare.length;
    if (!s.confirmed) out.push([at, from]);
  }
  return out;
}

/** Prose draws text as paragraphs and lists. It understands blank lines, "- " and "1. ", and nothing that could be markup. */
export function Prose({ text, evidence, turn, sentences }: { text: string; evidence: Evidence[]; turn?: number; sentences?: Sentence[] }) {
  const marks = doubted(text, sentences ?? []);
  const piece = (from: number, to: number): ComponentChildren[] => {
    const out: ComponentChildren[] = [];
    let at = from;
    for (const [a, b] of marks) {
      if (b <= from || a >= to) continue;
      out.push(...inline(text.slice(at, Math.max(a, at)), evidence, turn));
      out.push(<span class="doubt" key={a}>{inline(text.slice(Math.max(a, from), Math.min(b, to)), evidence, turn)}<span class="doubt-mark" title="The checker found no evidence for this sentence"> not confirmed</span></span>);
      at = Math.min(b, to);
    }
    out.push(...inline(text.slice(at, to), evidence, turn));
    return out;
  };
  const blocks: ComponentChildren[] = [];
  let items: ComponentChildren[] = [];
  let numbered = false;
  const flush = () => {
    if (items.length) blocks.push(numbered ? <ol key={blocks.length}>{items}</ol> : <ul key={blocks.length}>{items}</ul>);
    items = [];
  };
  let at = 0;
  for (const line of text.split('\n')) {
    const start = at;
    at += line.length + 1;
    const bullet = /^\s*([-*•]|\d{1,3}[.)])\s+/.exec(line);
    if (bullet) {
      const isNumber = /\d/.test(bullet[1]!);
      if (items.length && isNumber !== numbered) flush();
      numbered = isNumber;
      items.push(<li key={start}>{piece(start + bullet[0].length, start + line.length)}</li>);
      continue;
    }
    flush();
    if (line.trim()) blocks.push(<p key={start}>{piece(start, start + line.length)}</p>);
  }
  flush();
  return <div class="prose">{blocks}</div>;
}

/** spaced gives each sentence of a long answer that came as one paragraph a line of its own: it is read in a hurry. */
function spaced(a: Answer): string {
  const list = a.sentences ?? [];
  if (a.answer.includes('\n') || list.length < 4) return a.answer;
  let out = a.answer;
  let from = 0;
  for (const s of list) {
    const at = out.indexOf(strip(s.text), from);
    if (at < 0) continue;
    if (at > 0) out = out.slice(0, at).trimEnd() + '\n' + out.slice(at);
    from = at + 1;
  }
  return out;
}

export function AnswerView({ a, turn, cards }: { a: Answer; turn: number; cards?: ComponentChildren }) {
  const evidence = a.evidence ?? [];
  // Where the text carries no markers, the sentences' own evidence is set behind it, so that a source is never lost.
  const unmarked = !/\[\d+\]/.test(a.answer);
  return (
    <div class="answer">
      <Prose text={spaced(a)} evidence={evidence} turn={turn} sentences={a.sentences} />
      {unmarked ? <Cites ids={(a.sentences ?? []).flatMap(s => s.evidence ?? [])} evidence={evidence} turn={turn} /> : null}
      <Candidates a={a} />
      <Hypotheses list={a.hypotheses ?? []} evidence={evidence} turn={turn} actions={a.actions ?? []} />
      <Proposed list={a.actions ?? []} turn={turn} />
      {cards}
      <BlockedList list={a.blocked ?? []} />
      <Gates gates={a.gates ?? []} evidence={evidence} turn={turn} />
      {a.not_examined?.length ? <section class="part not-examined"><h3>Not examined</h3><ul>{a.not_examined.map((t, i) => <li key={i}>{t}</li>)}</ul></section> : null}
      <p class="answer-foot quiet small">
        {evidence.length ? <button type="button" class="linkish" onClick={() => setParams({ src: evidence[0]!.id, turn: String(turn + 1) })}>{plural(evidence.length, 'source')}</button> : null}
        {a.mode === 'offline' ? <span title="Every fact comes from the engine, the job log and the manuals. No language model took part.">worked out without a language model</span> : a.mode ? <span>{words(a.mode)}</span> : null}
        {a.asked_as ? <span title="The same question was asked before in other words, of the same documents. The words of that answer serve again.">made for “{a.asked_as}”</span> : null}
        <AsOf at={a.as_of} />
      </p>
    </div>
  );
}

function Candidates({ a }: { a: Answer }) {
  if (!a.candidates?.length) return null;
  return (
    <section class="part"><h3>Which job do you mean?</h3>
      <ul class="candidates">{a.candidates.map(c => (
        <li key={c.job}><button type="button" onClick={() => ask(a.question, [c.job])}><StateMark status={c.status} short />{c.job}</button></li>))}
      </ul></section>
  );
}

/** A long text repeats what the answer's sentences say, so it is folded away under its fixes. */
const long = (text: string) => text.length > 420;
const percent = (c: number) => `${Math.round(c * 100)}%`;

function Hypotheses({ list, evidence, turn, actions }: { list: Hypothesis[]; evidence: Evidence[]; turn: number; actions: ProposedAction[] }) {
  if (!list.length) return null;
  return (
    <section class="part"><h3>{list.length > 1 ? 'Likely causes' : 'Cause'}</h3>
      <ol class="hypotheses">{list.map((h, i) => (
        <li key={h.rank}>
          <details open={i === 0}>
            <summary>
              <span class="rank">{h.rank}</span><span class="title">{h.title}</span>
              <span class="confidence" title={`Confidence ${percent(h.confidence)}`}><svg class="conf" viewBox="0 0 60 6" width="60" height="6" aria-hidden="true"><rect width="60" height="6" rx="3" /><rect class="on" width={60 * Math.max(0, Math.min(1, h.confidence))} height="6" rx="3" /></svg><span class="sr">Confidence </span><span class="num">{percent(h.confidence)}</span></span>
            </summary>
            <div class="hyp">
              {long(h.text) ? null : <Prose text={h.text} evidence={evidence} turn={turn} />}
              <p class="line">{(h.codes ?? []).map(c => <code class="code" key={c}>{c}</code>)}<Cites ids={[...(h.evidence ?? []), ...(h.citations ?? [])]} evidence={evidence} turn={turn} /></p>
              <Fixes list={h.fix ?? []} turn={turn} proposed={actions} />
              {long(h.text) ? <details class="whole"><summary>The whole reasoning</summary><Prose text={h.text} evidence={evidence} turn={turn} /></details> : null}
            </div>
          </details>
        </li>))}
      </ol></section>
  );
}

function Fixes({ list, turn, proposed }: { list: Fix[]; turn: number; proposed: ProposedAction[] }) {
  if (!list.length) return null;
  const offered = (f: Fix) => proposed.some(p => p.tool === f.tool && value(p.args) === value(f.args));
  return (
    <><p class="label">Documented fix</p>
      <ul class="fixes">{list.map((f, i) => (
        <li key={i}><span>{f.action}</span><Risk level={f.risk} />
          {f.tool && f.args && !/^read/.test(f.risk) && !offered(f) ? <ActionButton tool={f.tool} args={f.args} turn={turn} reason={f.action} /> : null}</li>))}
      </ul></>
  );
}

export function Gates({ gates, evidence, turn }: { gates: Gate[]; evidence: Evidence[]; turn?: number }) {
  if (!gates.length) return null;
  const weight = (g: Gate) => ['fail', 'unknown', 'pass', 'not_applicable'].indexOf(g.state);
  const open = gates.filter(g => g.state !== 'not_applicable').sort((a, b) => weight(a) - weight(b));
  const passed = open.filter(g => g.state === 'pass');
  // Many gates that pass would hide the one that does not.
  const fold = passed.length > 6;
  const told = fold ? open.filter(g => g.state !== 'pass') : open;
  const rest = gates.filter(g => g.state === 'not_applicable');
  return (
    <section class="part"><h3>Gates</h3>
      {told.length ? <GateTable list={told} evidence={evidence} turn={turn} /> : null}
      {fold ? <details class="whole" open={!told.length && passed.length < 10}><summary>{told.length ? `The other ${passed.length} gates pass` : `All ${passed.length} gates that apply pass`}</summary><GateTable list={passed} evidence={evidence} turn={turn} /></details> : null}
      {rest.length ? <p class="quiet small">Do not apply to this job: {rest.map(g => words(g.gate)).join(', ')}.</p> : null}
    </section>
  );
}

function GateTable({ list, evidence, turn }: { list: Gate[]; evidence: Evidence[]; turn?: number }) {
  return (
    <table class="plain gates"><thead><tr><th>Gate</th><th>State</th><th>What was found</th></tr></thead>
      <tbody>{list.map(g => (
        <tr key={g.gate} class={g.state}><th scope="row">{title(g.gate)}</th><td><GateMark state={g.state} /></td>
          <td>{g.text} <Cites ids={g.evidence} evidence={evidence} turn={turn} /></td></tr>))}
      </tbody></table>
  );
}

function BlockedList({ list }: { list: Blocked[] }) {
  const all = useSignal(false);
  if (!list.length) return null;
  const shown = all.value ? list : list.slice(0, 12);
  const risky = list.filter(b => b.at_risk).length;
  return (
    <section class="part"><h3>Blocks {plural(list.length, 'job')}{risky ? <span class="warn-text"> · {plural(risky, 'deadline')} at risk</span> : null}</h3>
      <table class="plain blocked narrow-rows"><thead><tr><th class="num">Level</th><th>Job</th><th>State</th><th class="num">Deadline</th><th>Marks</th></tr></thead>
        <tbody>{shown.map(b => (
          <tr key={b.job + b.level} class={b.at_risk ? 'at-risk' : ''}><td class="num">{b.level}</td><td class="jobname">{b.id ? <a href={`/?job=${encodeURIComponent(b.id)}`}>{b.job}</a> : b.job}</td><td><StateMark status={b.status} /></td>
            <td class="num"><Time t={b.deadline} /></td><td>{b.at_risk ? <span class="risk warn">at risk</span> : null} {b.critical ? <Critical /> : null}</td></tr>))}
        </tbody></table>
      {list.length > shown.length ? <button type="button" class="small" onClick={() => { all.value = true; }}>Show all {list.length}</button> : null}
    </section>
  );
}

function Proposed({ list, turn }: { list: ProposedAction[]; turn: number }) {
  if (!list.length) return null;
  return (
    <section class="part proposed"><h3>What can be done</h3>
      <ul>{list.map((p, i) => <li key={i}><ActionButton tool={p.tool} args={p.args} turn={turn} reason={p.reason} strong={i === 0} label={p.title} /><Risk level={p.risk} />{p.reason ? <span class="quiet">{p.reason}</span> : null}</li>)}</ul>
    </section>
  );
}

/** ActionButton asks for the action; the server answers with the approval that it needs, and that card decides. */
function ActionButton({ tool, args, turn, reason, strong, label }: { tool: string; args: Record<string, unknown>; turn: number; reason?: string; strong?: boolean; label?: string }) {
  const busy = useSignal(false);
  const error = useSignal<Error | null>(null);
  const note = useSignal('');
  const request = async () => {
    busy.value = true;
    error.value = null;
    try {
      const r = await api.execute(tool, args, { reason, session_id: sessionID.peek() });
      if (r.approval) { addApproval(turn, r.approval); say('Approval needed. The card shows what would happen.'); }
      else if (r.success) note.value = value(r.result ?? r.status ?? 'Done');
      else error.value = new Error(r.error ?? 'Refused without a reason.');
    } catch (e) {
      error.value = e as Error;
    } finally {
      busy.value = false;
    }
  };
  // An id says nothing to a person; a name does.
  const named = [args.job, args.job_name, args.workstation].find(v => typeof v === 'string' && v.length < 40 && /[A-Z]{2}/.test(v));
  return (
    <>
      <button type="button" class={strong ? 'primary' : ''} disabled={busy.value} onClick={request} data-tool={tool} title={value(args)}>
        {busy.value ? 'Asking…' : `${label || [title(tool), named].filter(Boolean).join(' ')}…`}</button>
      {note.value ? <span class="quiet">{note.value}</span> : null}
      {error.value ? <ErrorCard error={error.value} title="Not requested" retry={request} /> : null}
    </>
  );
}
