// The plan: what runs tonight, what is wrong, and one job beside it.
import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { Job, JobCount } from '../lib/contract';
import { count, plural, span } from '../lib/format';
import { link, paused, planAsOf } from '../lib/live';
import { useLoad } from '../lib/load';
import { Paged } from '../lib/paged';
import { param, setParams, withParams } from '../lib/route';
import { Grid, type Column } from '../ui/grid';
import { AtRisk, Chip, Critical, Late, lookOf, StateMark } from '../ui/marks';
import { AsOf, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { JobPanel } from './job';

const columns: Column<Job>[] = [
  { id: 'state', head: 'State', cell: j => <StateMark status={j.status} substatus={j.substatus} /> },
  { id: 'name', head: 'Job', cell: j => <span class="jobname" title={j.name}>{j.job}</span> },
  { id: 'marks', head: '', label: 'Late, at risk, critical', cell: j => <>{j.late ? <Late /> : null}{j.at_risk ? <AtRisk /> : null}{j.critical ? <Critical /> : null}</> },
  { id: 'stream', head: 'Stream', cell: j => <span title={j.stream}>{j.stream}</span> },
  { id: 'ws', head: 'Workstation', cell: j => <span title={j.workstation}>{j.workstation}</span> },
  { id: 'sched', head: 'Scheduled', class: 'num', cell: j => <Time t={j.sched_time} /> },
  { id: 'start', head: 'Started', class: 'num', cell: j => <Time t={j.start_time} /> },
  { id: 'due', head: 'Deadline', class: 'num', cell: j => <Time t={j.deadline} /> },
  { id: 'est', head: 'Estimate', class: 'num', cell: j => j.estimated_s ? span(j.estimated_s) : '–' },
  { id: 'prio', head: 'Prio', label: 'Priority', class: 'num', cell: j => j.priority ?? '–' },
  { id: 'rc', head: 'RC', label: 'Return code', class: 'num', cell: j => j.return_code ?? '–' },
  { id: 'wait', head: 'Waits', label: 'Dependencies that are not met', class: 'num', cell: j => j.unresolved || '–' },
];

const idOf = (j: Job) => j.id;
const openJob = (j: Job) => setParams({ job: j.id });

export function Plan() {
  const q = param('q');
  const status = param('status');
  const jobID = param('job');
  const key = `${q}\n${status}`;
  const list = useMemo(() => new Paged((offset, limit, signal) =>
    api.jobs({ q, status, offset, limit }, signal)), [key]);
  const show = useMemo(() => (a: number, b: number) => list.show(a, b), [list]);
  const counts = useLoad('count', api.jobCount);

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
        <StatusTabs counts={counts.data.value} status={status} />
        <div class="plan-tools">
          <Search />
          <span class="result" role="status">{total === null ? '' : plural(total, 'job')}</span>
          <AsOf at={list.asOf.value || counts.data.value?.as_of} freshness={list.freshness.value} />
          <LiveSwitch />
        </div>
        {list.error.value ? <ErrorCard error={list.error.value} title="The plan could not be read" retry={() => { list.refresh(); list.show(0, 40); counts.reload(); }} /> : null}
        {total === null && !list.error.value ? <Skeleton lines={10} /> : null}
        {total === 0 ? <NoJobs q={q} status={status} all={counts.data.value?.total} /> : null}
        {total ? (
          <Grid label="Jobs in the plan" columns={columns} total={total} version={list.version.value} at={i => list.at(i)}
            idOf={idOf} selected={jobID} onOpen={openJob} show={show} />
        ) : null}
      </div>
      {jobID ? <JobPanel key={jobID} id={jobID} /> : null}
    </main>
  );
}

function NoJobs({ q, status, all }: { q: string; status: string; all?: number }) {
  const filters = [q && `“${q}”`, status && lookOf(status).word.toLowerCase()].filter(Boolean);
  if (!filters.length) {
    return <Empty title="The plan has no jobs"><p>The engine answered, and its current plan is empty. That is normal before the plan is first created and wrong on any other night.</p></Empty>;
  }
  return (
    <Empty title={`No job is ${filters.join(' and ')}`}>
      <p>{all ? `The plan has ${plural(all, 'job')} without this filter.` : 'Nothing in the plan matches.'} <a href={withParams({ q: '', status: '' })}>Show all jobs</a></p>
    </Empty>
  );
}

function StatusTabs({ counts, status }: { counts?: JobCount; status: string }) {
  if (!counts) return <div class="filters"><Skeleton lines={1} /></div>;
  const states = Object.entries(counts.by_status ?? {}).sort((a, b) => lookOf(a[0]).rank - lookOf(b[0]).rank);
  const item = (to: string, body: preact.ComponentChildren, n: number) => (
    <a key={to} class="filter" href={withParams({ status: to })} aria-current={status === to ? 'true' : undefined}>
      {body}<span class="n">{count(n)}</span>
    </a>);
  return (
    <nav class="filters" aria-label="Filter by state">
      {item('', <span class="word">All</span>, counts.total)}
      {counts.late === undefined ? null : item('LATE', <Late long />, counts.late)}
      {counts.critical === undefined ? null : item('CRITICAL', <Critical long />, counts.critical)}
      <span class="rule" aria-hidden="true" />
      {states.map(([s, n]) => item(s, <StateMark status={s} />, n))}
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

/** EngineStrip names the engine, so that nobody acts on production believing it is a test. */
function EngineStrip() {
  const list = useLoad('engines', api.engines);
  const info = useLoad('engine-info', api.engineInfo);
  const failed = info.error.value ?? list.error.value;
  const e = list.data.value?.engines.find(x => x.default) ?? list.data.value?.engines[0];
  const i = info.data.value;
  if (!e && !failed) return <p class="engine quiet">Asking the engine…</p>;
  return (
    <p class={`engine ${failed ? 'bad' : i ? 'good' : ''}`} role={failed ? 'alert' : undefined}>
      <span class="pip" aria-hidden="true">{failed ? '○' : i ? '●' : '◌'}</span>
      <strong>{e?.name ?? 'Engine'}</strong>
      {e?.environment ? <Chip tone={/prod/i.test(e.environment) ? 'warn' : undefined}>{e.environment}</Chip> : null}
      {e?.read_only ? <Chip>read only</Chip> : null}
      {failed ? <span>{failed.message} <button type="button" class="linkish" onClick={() => { info.reload(); list.reload(); }}>Try again</button></span> : null}
      {i?.displayVersion ? <span class="quiet">version {i.displayVersion}</span> : null}
      {i?.capabilities?.plan?.runNumber ? <span class="quiet">plan run {i.capabilities.plan.runNumber}</span> : null}
    </p>
  );
}
