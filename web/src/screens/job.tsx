// One job beside the plan: why it stands where it stands, its runs, its log, what it blocks, and what can be done.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { JobDetail, Neighbours, Tool } from '../lib/contract';
import { plural, span, title, words } from '../lib/format';
import { planAsOf } from '../lib/live';
import { useLoad, type Loaded } from '../lib/load';
import { go, param, setParams, withParams } from '../lib/route';
import { AtRisk, Chip, Critical, Late, lookOf, StateMark } from '../ui/marks';
import { Empty, ErrorCard, Part, Lines, Skeleton, Tabs, Time } from '../ui/parts';
import { ActionDialog, jobTools } from './action';
import { ask } from './ask';
import { Gates, Prose } from './answer';

const tabs = [
  { id: 'why', label: 'Why' }, { id: 'runs', label: 'Runs' }, { id: 'log', label: 'Log' },
  { id: 'blocks', label: 'Blocks' }, { id: 'needs', label: 'Waits for' },
];

export const whyQuestion = (j: { job: string; status: string }) => {
  const l = lookOf(j.status);
  if (l.tone === 'bad') return `Why did ${j.job} ${j.status === 'ABEND' ? 'abend' : 'fail'} and what does it block?`;
  return l.tone === 'good' ? `How did ${j.job} run?` : l.tone === 'busy' ? `How is ${j.job} doing?` : `Why is ${j.job} not running?`;
};

export function JobPanel({ id }: { id: string }) {
  const job = useLoad('job:' + id, () => api.job(id));
  const head = useRef<HTMLHeadingElement>(null);
  const seen = useRef(planAsOf.peek());
  useSignalEffect(() => {
    if (planAsOf.value !== seen.current) { seen.current = planAsOf.value; job.reload(); }
  });
  const close = () => go(withParams({ job: '', tab: '' }));
  useEffect(() => {
    if (matchMedia('(max-width: 1000px)').matches) head.current?.focus();
    const onKey = (e: KeyboardEvent) => { if (e.key === 'Escape' && !document.querySelector('dialog[open]')) close(); };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const d = job.data.value;
  const tab = tabs.some(t => t.id === param('tab')) ? param('tab') : 'why';
  return (
    <aside class="panel" aria-labelledby="job-name">
      <header>
        <div class="line">
          {d ? <StateMark status={d.status} substatus={d.substatus} /> : <span />}
          {d?.substatus ? <span class="quiet">{words(d.substatus.replace(d.status + '_', ''))}</span> : null}
          <span class="push" />
          {d?.canceled ? <Chip>cancelled</Chip> : null}{d?.late ? <Late long /> : null}{d?.critical ? <Critical long /> : null}
          <button type="button" class="ghost icon" aria-label="Close job" onClick={close}>×</button>
        </div>
        <h2 id="job-name" ref={head} tabIndex={-1}>{d?.job ?? 'Job'}</h2>
        {d ? <p class="quiet where">{[d.workstation, d.stream, d.folder === '/' ? '' : d.folder].filter(Boolean).join(' · ')}</p> : null}
        {d?.description ? <p class="small">{d.description}</p> : null}
      </header>
      {job.error.value && !d ? <ErrorCard error={job.error.value} title="This job could not be read" retry={job.reload} /> : null}
      {!d && !job.error.value ? <Skeleton lines={6} /> : null}
      {d ? <>
        <Facts d={d} />
        <Actions d={d} />
        <Tabs items={tabs} current={tab} label="About this job" onSelect={t => setParams({ tab: t }, true)} />
        <div class="tabpanel" role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`} tabIndex={-1}>
          <Part resetOn={tab}>{tab === 'why' ? <Why d={d} /> : tab === 'runs' ? <Runs d={d} /> : tab === 'log' ? <Log id={id} runID={d.run_id} />
            : <Around key={tab} id={id} way={tab === 'blocks' ? 'successors' : 'predecessors'} />}</Part>
        </div>
      </> : null}
    </aside>
  );
}

function Facts({ d }: { d: JobDetail }) {
  const rows: [string, preact.ComponentChildren][] = [
    ['Scheduled', <Time t={d.sched_time} />], ['Started', <Time t={d.start_time} />],
    d.end_time ? ['Ended', <Time t={d.end_time} />] : ['Estimate', d.estimated_s ? span(d.estimated_s) : '–'],
    ['Deadline', <Time t={d.deadline} />], ['Return code', d.return_code ?? '–'], ['Priority', d.priority ?? '–'],
  ];
  return (
    <>
      <dl class="facts">{rows.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
      {d.recovery ? <p class="quiet recovery">Recovery: {d.recovery}</p> : null}
    </>
  );
}

function Actions({ d }: { d: JobDetail }) {
  const catalog = useLoad('catalog', api.catalog);
  const chosen = useSignal<Tool | null>(null);
  const menu = useRef<HTMLDetailsElement>(null);
  const tools = jobTools(catalog.data.value?.tools ?? []);
  return (
    <div class="actions">
      <button type="button" class="primary" onClick={() => ask(whyQuestion(d), [d.name])}>Ask why</button>
      <details class="menu" ref={menu} onKeyDown={e => { if (e.key === 'Escape') { e.stopPropagation(); menu.current!.open = false; } }}>
        <summary class="button">Actions</summary>
        <div class="pop">
          {catalog.error.value ? <p class="quiet">{catalog.error.value.message}</p> : null}
          {catalog.data.value && !tools.length ? <p class="quiet">Your role ({catalog.data.value.user_role}) can read this job and not change it.</p> : null}
          {tools.map(t => (
            <button key={t.name} type="button" class="plain" onClick={() => { menu.current!.open = false; chosen.value = t; }}>
              <strong>{title(t.name)}</strong><span class="quiet">{t.description}</span>
            </button>
          ))}
        </div>
      </details>
      {chosen.value ? <ActionDialog tool={chosen.value} job={d} onClose={() => { chosen.value = null; }} /> : null}
    </div>
  );
}

function Why({ d }: { d: JobDetail }) {
  const why = useLoad('why:' + d.id + d.status, () => api.why(d.id));
  const e = why.error.value;
  if (e) return <ErrorCard error={e} retry={why.reload} />;
  const a = why.data.value;
  if (!a) return <Skeleton lines={5} />;
  const top = a.hypotheses[0];
  return (
    <>
      {top ? <div class="cause"><p class="head">{top.title}</p><Prose text={top.text} evidence={[]} /></div> : null}
      {!top && lookOf(d.status).tone === 'bad' ? <p class="note">It was started and then failed. <strong>Ask why</strong> reads its log and the handbook; below is what stands between it and a new start.</p> : null}
      <Gates gates={a.gates} evidence={[]} />
    </>
  );
}

function Runs({ d }: { d: JobDetail }) {
  if (!d.runs.length) return <Empty title="No run yet"><p>The engine has not launched this job in the current plan, so there is no run and no log.</p></Empty>;
  return (
    <table class="plain">
      <thead><tr><th>Run</th><th>State</th><th class="num">Started</th><th class="num">Took</th><th class="num">RC</th></tr></thead>
      <tbody>{d.runs.map(r => (
        <tr key={r.run_id}><td>{r.number}{r.type && r.type !== 'REGULAR' ? <span class="quiet"> {words(r.type)}</span> : null}</td><td><StateMark status={r.status} /></td><td class="num"><Time t={r.start_time} /></td>
          <td class="num">{span(r.elapsed_s)}</td><td class="num">{r.return_code ?? '–'}</td></tr>))}
      </tbody>
    </table>
  );
}

function Log({ id, runID }: { id: string; runID?: string }) {
  const log = useLoad('log:' + id + runID, () => api.jobLog(id));
  const box = useRef<HTMLDivElement>(null);
  const l = log.data.value;
  // A log is read from its end: that is where the exit status stands.
  useEffect(() => {
    const el = box.current?.querySelector('.lines');
    if (el) el.scrollTop = el.scrollHeight;
  }, [l]);
  if (log.error.value) return <ErrorCard error={log.error.value} title="No log to show" retry={log.reload} />;
  if (!l) return <Skeleton lines={8} />;
  const lines = l.lines ?? [];
  if (!lines.length) return <Empty title="The log is empty"><p>The engine returned no line for this run.</p></Empty>;
  return (
    <div ref={box} class="log">
      <p class="quiet small">
        {l.truncated ? `Last ${plural(lines.length, 'line')}` : plural(lines.length, 'line')}
        {l.exit_status !== undefined && l.exit_status !== null ? <> · exit status <strong>{l.exit_status}</strong></> : null}
        {l.codes?.length ? <> · {l.codes.map(c => <code key={c} class="code">{c}</code>)}</> : null}
      </p>
      <Lines lines={lines} codes={l.codes ?? []} label="Job log" />
    </div>
  );
}

function Around({ id, way }: { id: string; way: 'successors' | 'predecessors' }) {
  const near: Loaded<Neighbours> = useLoad(way + ':' + id, () => way === 'successors' ? api.successors(id) : api.predecessors(id));
  if (near.error.value) return <ErrorCard error={near.error.value} retry={near.reload} />;
  const n = near.data.value;
  if (!n) return <Skeleton lines={5} />;
  if (!n.results?.length) {
    return way === 'successors'
      ? <Empty title="Nothing waits for this job"><p>No job in the plan depends on it, directly or through others.</p></Empty>
      : <Empty title="It waits for no other job"><p>Its gates, if any, are time, resources, files or prompts: see Why.</p></Empty>;
  }
  return (
    <table class="plain">
      <caption class="quiet">{way === 'successors' ? `${plural(n.count, 'job')} wait for it` : `${plural(n.count, 'job')} before it`}</caption>
      <thead><tr><th class="num">Level</th><th>Job</th><th>State</th><th class="num">Deadline</th></tr></thead>
      <tbody>{n.results.map(r => (
        <tr key={r.id + r.level}><td class="num">{r.level}</td><td><a href={`/?job=${encodeURIComponent(r.id)}`}>{r.name}</a> {r.at_risk ? <AtRisk /> : null}{r.critical ? <Critical /> : null}</td>
          <td><StateMark status={r.status} /></td><td class="num"><Time t={r.deadline} /></td></tr>))}
      </tbody>
    </table>
  );
}
