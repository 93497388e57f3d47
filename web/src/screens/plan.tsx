// The plan: what runs tonight, what is wrong, and one job beside it.
import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { Engine, Job, JobCount } from '../lib/contract';
import { clock, count, plural, span } from '../lib/format';
import { link, paused, planAsOf } from '../lib/live';
import { useLoad } from '../lib/load';
import { Paged } from '../lib/paged';
import { param, setParams, withParams } from '../lib/route';
import { Grid, type Column } from '../ui/grid';
import { Chip, Critical, Late, lookOf, StateMark } from '../ui/marks';
import { AsOf, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { JobPanel } from './job';

const columns: Column<Job>[] = [
  { id: 'state', head: 'State', cell: j => <StateMark status={j.status} substatus={j.substatus} /> },
  { id: 'name', head: 'Job', cell: j => <span class="jobname" title={j.name}>{j.name}</span> },
  { id: 'marks', head: '', label: 'Late and critical', cell: j => <>{j.late ? <Late /> : null}{j.critical ? <Critical /> : null}</> },
  { id: 'stream', head: 'Stream', cell: j => <span title={j.stream}>{j.stream}</span> },
  { id: 'ws', head: 'Workstation', cell: j => <span title={j.workstation}>{j.workstation}</span> },
  { id: 'sched', head: 'Scheduled', class: 'num', cell: j => <Time t={j.sched_time} /> },
  { id: 'start', head: 'Started', class: 'num', cell: j => <Time t={j.start_time} /> },
  { id: 'est', head: 'Estimate', class: 'num', cell: j => j.estimated_s ? span(j.estimated_s) : '–' },
  { id: 'prio', head: 'Prio', label: 'Priority', class: 'num', cell: j => j.priority ?? '–' },
  { id: 'rc', head: 'RC', label: 'Return code', class: 'num', cell: j => j.return_code ?? '–' },
  { id: 'succ', head: 'Blocks', label: 'Jobs that wait for it', class: 'num', cell: j => j.successors ?? '–' },
];

const idOf = (j: Job) => j.id;
const openJob = (j: Job) => setParams({ job: j.id });

export function Plan() {
  const q = param('q');
  const status = param('status');
  const mark = param('mark');
  const jobID = param('job');
  const key = `${q}\n${status}\n${mark}`;
  const list = useMemo(() => new Paged((offset, limit, signal) =>
    api.jobs({ q, status, late: mark === 'late', critical: mark === 'critical', offset, limit }, signal)), [key]);
  const show = useMemo(() => (a: number, b: number) => list.show(a, b), [list]);
  const counts = useLoad('count:' + q, () => api.jobCount(q));

  useEffect(() => { document.title = 'Plan · Resync'; }, []);
  useEffect(() => { list.show(0, 40); return () => list.stop(); }, [list]);
  // Every plan event fetches what is on the screen again; the first value is the one the screen already shows.
  const first = useRef(planAsOf.peek());
  useSignalEffect(() => {
    if (planAsOf.value === first.current) return;
    first.current = planAsOf.value;
    list.refresh();
    counts.reload();
  });

  const total = list.total.value;
  return (
    <main class={`plan${jobID ? ' with-panel' : ''}`} id="main" tabIndex={-1}>
      <div class="plan-list">
        <header class="bar-top">
          <h1>Plan</h1>
          <EngineStrip />
        </header>
        <StatusTabs counts={counts.data.value} status={status} mark={mark} />
        <div class="plan-tools">
          <Search />
          <span class="result" role="status">{total === null ? '' : plural(total, 'job')}</span>
          <AsOf at={list.asOf.value || counts.data.value?.as_of} freshness={list.freshness.value} />
          <LiveSwitch />
        </div>
        {list.error.value ? <ErrorCard error={list.error.value} title="The plan could not be read" retry={() => { list.refresh(); list.show(0, 40); counts.reload(); }} /> : null}
        {total === null && !list.error.value ? <Skeleton lines={10} /> : null}
        {total === 0 ? <NoJobs q={q} status={status} mark={mark} all={counts.data.value?.total} /> : null}
        {total ? (
          <Grid label="Jobs in the plan" columns={columns} total={total} version={list.version.value} at={i => list.at(i)}
            idOf={idOf} selected={jobID} onOpen={openJob} show={show} />
        ) : null}
      </div>
      {jobID ? <JobPanel key={jobID} id={jobID} /> : null}
    </main>
  );
}

function NoJobs({ q, status, mark, all }: { q: string; status: string; mark: string; all?: number }) {
  const filters = [q && `“${q}”`, status && lookOf(status).word.toLowerCase(), mark].filter(Boolean);
  if (!filters.length) {
    return <Empty title="The plan has no jobs"><p>The engine answered, and its current plan is empty. That is normal before the plan is first created and wrong on any other night.</p></Empty>;
  }
  return (
    <Empty title={`No job is ${filters.join(' and ')}`}>
      <p>{all ? `The plan has ${plural(all, 'job')} without this filter.` : 'Nothing in the plan matches.'} <a href={withParams({ q: '', status: '', mark: '' })}>Show all jobs</a></p>
    </Empty>
  );
}

function StatusTabs({ counts, status, mark }: { counts?: JobCount; status: string; mark: string }) {
  if (!counts) return <div class="filters"><Skeleton lines={1} /></div>;
  const states = Object.entries(counts.by_status ?? {}).sort((a, b) => lookOf(a[0]).rank - lookOf(b[0]).rank);
  const item = (id: string, to: Record<string, string>, here: boolean, body: preact.ComponentChildren, n: number, cls = '') => (
    <a key={id} class={`filter ${cls}`} href={withParams({ status: '', mark: '', ...to })} aria-current={here ? 'true' : undefined}>
      {body}<span class="n">{count(n)}</span>
    </a>);
  return (
    <nav class="filters" aria-label="Filter by state">
      {item('all', {}, !status && !mark, <span class="word">All</span>, counts.total)}
      {counts.late === undefined ? null : item('late', { mark: 'late' }, mark === 'late', <Late long />, counts.late)}
      {counts.critical === undefined ? null : item('critical', { mark: 'critical' }, mark === 'critical', <Critical long />, counts.critical)}
      <span class="rule" aria-hidden="true" />
      {states.map(([s, n]) => item(s, { status: s }, status === s, <StateMark status={s} />, n))}
    </nav>
  );
}

function Search() {
  const wait = useRef(0);
  return (
    <search>
      <label class="sr" for="plan-q">Search jobs</label>
      <input id="plan-q" type="search" data-search placeholder="Job name; @ any text, ? one letter" value={param('q')} spellcheck={false} autocomplete="off"
        onInput={e => {
          const text = e.currentTarget.value;
          clearTimeout(wait.current);
          wait.current = window.setTimeout(() => setParams({ q: text.trim() }, true), 250);
        }} />
    </search>
  );
}

function LiveSwitch() {
  const word = useComputed(() => link.value === 'lost' ? 'Reconnecting' : paused.value ? 'Paused' : 'Live');
  return (
    <button type="button" class={`small live ${word.value.toLowerCase()}`} aria-pressed={!paused.value}
      title={paused.value ? 'The list stands still. Press to follow the plan again.' : 'The list follows the plan. Press to make it stand still.'}
      onClick={() => { paused.value = !paused.value; }}>
      <span class="dot" aria-hidden="true" />{word}
    </button>
  );
}

const engineTone = (e: Engine) => e.status === 'unreachable' ? 'bad' : e.status && e.status !== 'ok' ? 'warn' : 'good';

function EngineStrip() {
  const e = useLoad('engine', api.engine);
  useSignalEffect(() => { if (planAsOf.value) e.reload(); });
  if (e.error.value) return <p class="engine bad" role="alert">Engine: {(e.error.value as Error).message}</p>;
  const d = e.data.value;
  if (!d) return <p class="engine quiet">Asking the engine…</p>;
  const tone = engineTone(d);
  return (
    <p class={`engine ${tone}`}>
      <span class="pip" aria-hidden="true">{tone === 'good' ? '●' : tone === 'warn' ? '◐' : '○'}</span>
      <strong>{d.name ?? 'Engine'}</strong>
      {d.environment ? <Chip tone={/prod/i.test(d.environment) ? 'warn' : undefined}>{d.environment}</Chip> : null}
      {d.read_only ? <Chip>read only</Chip> : null}
      {d.status && d.status !== 'ok' ? <span>{d.message || d.status}</span> : null}
      {d.latency_ms !== undefined ? <span class="num">{Math.round(d.latency_ms)} ms</span> : null}
      {d.version ? <span class="quiet">v{d.version}</span> : null}
      {d.run_number ? <span class="quiet">plan run {d.run_number}</span> : null}
      {d.plan_end ? <span class="quiet">ends {clock(d.plan_end)}</span> : null}
    </p>
  );
}
