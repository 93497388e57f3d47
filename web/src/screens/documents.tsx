// The documents answers are cited from: adding them, what waits for a person, corrections, cutting anew, and a search that shows why.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, Failure, upload, user } from '../lib/api';
import type { Correction, Doc, Passage, Reindex, Upload } from '../lib/contract';
import { clock, count, span, words } from '../lib/format';
import { say } from '../lib/live';
import { useLoad, type Loaded } from '../lib/load';
import { param, setParams } from '../lib/route';
import { Empty, ErrorCard, Marked, Skeleton } from '../ui/parts';

const has = (...roles: string[]) => Boolean(user.value?.roles?.some(r => roles.includes(r)));
const admin = () => has('admin');
const operator = () => has('admin', 'approver', 'operator');
const kb = (n: number) => n < 1024 ? `${n} B` : n < 1 << 20 ? `${Math.round(n / 1024)} kB` : `${(n / (1 << 20)).toFixed(1)} MB`;

export function Documents() {
  const docs = useLoad('docs', api.docs);
  useEffect(() => { document.title = 'Documents · Resync'; }, []);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header class="bar-top"><h1>Documents</h1></header>
      <Search />
      {operator() ? <Adding done={docs.reload} /> : null}
      <Waiting docs={docs} />
      <Corrections />
      {operator() ? <Cutting /> : null}
      <List docs={docs} />
    </main>
  );
}

function Search() {
  const q = param('q');
  const found = useLoad(q, () => api.passages(q));
  const submit = (e: Event) => {
    e.preventDefault();
    setParams({ q: new FormData(e.currentTarget as HTMLFormElement).get('q')?.toString().trim() ?? '' });
  };
  const d = q ? found.data.value : undefined;
  return (
    <section aria-labelledby="search-head">
      <h2 id="search-head">Search</h2>
      <form role="search" class="searching" onSubmit={submit}>
        <input name="q" type="search" data-search aria-label="Search the documents" placeholder="A question, a code, a command" defaultValue={q} key={q} />
        <button class="primary">Search</button>
      </form>
      {!q ? null : found.error.value ? <ErrorCard error={found.error.value} title="The search failed" retry={found.reload} /> : !d ? <Skeleton lines={5} />
        : d.results.length ? <>
          {d.ranking_note ? <p class="note warn">{d.ranking_note}</p> : null}
          <ol class="passages">{d.results.map(p => <Found key={p.chunk_id} p={p} q={q} />)}</ol></>
          : <Empty title="No passage fits"><p>Try a message code, a command, or other words.</p></Empty>}
    </section>
  );
}

/** place is where a passage stands: page when there are pages, else lines, and the exact offsets. */
function place(p: Passage): string {
  const at = p.page_start ? (p.page_end && p.page_end !== p.page_start ? `pages ${p.page_start} to ${p.page_end}` : `page ${p.page_start}`) : p.line ? `lines ${p.line} to ${p.end_line}` : '';
  return [at, `characters ${p.start} to ${p.end}`].filter(Boolean).join(', ');
}

function Found({ p, q }: { p: Passage; q: string }) {
  const why = useSignal(false);
  return (
    <li class="card" data-passage={p.chunk_id}>
      <h3>{p.section || p.title}</h3>
      <p class="quiet">{p.document} · {place(p)}</p>
      <div class="text" tabIndex={0} role="region" aria-label={`Passage from ${p.document}`}><Marked text={p.content} codes={p.codes} /></div>
      <p><button type="button" class="small" aria-expanded={why.value} onClick={() => { why.value = !why.value; }}>Why this passage?</button></p>
      {why.value ? <Why q={q} id={p.chunk_id} /> : null}
    </li>
  );
}

function Why({ q, id }: { q: string; id: string }) {
  const said = useLoad(q + id, () => api.explain(q, id));
  if (said.error.value) return <ErrorCard error={said.error.value} title="It cannot be explained" retry={said.reload} />;
  const d = said.data.value;
  if (!d) return <Skeleton lines={2} />;
  const one = d.results[0];
  if (!one) return <p class="quiet">{d.note ?? 'It is not among the first hundred.'}</p>;
  const text = (v: number) => String(Math.round(v * 1000) / 1000);
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="What the score is made of">
      <table class="plain"><caption>Rank {one.rank}, score {text(one.score)}{one.ranking ? `, ordered by ${one.ranking.by}` : ''}</caption>
        <tbody>{one.parts.map((part, i) => <tr key={i}><th scope="row">{words(part.name)}</th><td class="num">{text(part.value)}</td></tr>)}</tbody></table>
    </div>
  );
}

interface Sent { name: string; share: number; result?: Upload; error?: Failure }

function Adding({ done }: { done: () => void }) {
  const sent = useSignal<Sent[]>([]);
  const over = useSignal(false);
  const change = (i: number, part: Partial<Sent>) => { sent.value = sent.value.map((s, n) => n === i ? { ...s, ...part } : s); };
  // One after the other: the server cuts and indexes each, and a list that grows in order can be followed.
  const add = async (files: FileList | null) => {
    const list = Array.from(files ?? []);
    const first = sent.value.length;
    sent.value = [...sent.value, ...list.map(f => ({ name: f.name, share: 0 }))];
    for (const [n, f] of list.entries()) {
      try { change(first + n, { share: 1, result: await upload(f, share => change(first + n, { share })) }); } catch (e) { change(first + n, { error: e as Failure }); }
      done();
    }
    say(`${list.length} documents sent`);
  };
  return (
    <section aria-labelledby="add-head">
      <h2 id="add-head">Add</h2>
      <div class={`drop${over.value ? ' over' : ''}`} onDragOver={e => { e.preventDefault(); over.value = true; }} onDragLeave={() => { over.value = false; }}
        onDrop={e => { e.preventDefault(); over.value = false; void add(e.dataTransfer?.files ?? null); }}>
        <label>Drop documents here, or choose them<input type="file" multiple onChange={e => { void add(e.currentTarget.files); e.currentTarget.value = ''; }} /></label>
        <p class="quiet">Markdown, HTML, plain text, PDF with text, Word, OpenAPI. What looks like an order to a language model waits for an administrator.</p>
        {sent.value.length ? <ul class="sent">{sent.value.map((s, i) => (
          <li key={i}><span>{s.name}</span>
            {s.error ? <span class="chip warn">not added</span> : s.result ? <span class={`chip ${s.result.status === 'quarantined' ? 'warn' : ''}`}>{words(s.result.status)}{s.result.chunks_count ? `, ${s.result.chunks_count} passages` : ''}</span>
              : s.share < 1 ? <progress value={s.share} max={1} aria-label={`Sending ${s.name}`} /> : <span class="quiet">being read…</span>}
            {s.error ? <span class="quiet" role="alert">{s.error.message}</span> : s.result?.reason ? <span class="quiet">{s.result.reason}</span> : null}
          </li>))}</ul> : null}
      </div>
    </section>
  );
}

/** useDoing runs one request at a time and keeps its failure. */
function useDoing(after: () => void) {
  const busy = useSignal('');
  const failed = useSignal<Error | null>(null);
  const run = async (key: string, what: () => Promise<unknown>, told: string) => {
    busy.value = key;
    failed.value = null;
    try { await what(); say(told); after(); } catch (e) { failed.value = e as Error; } finally { busy.value = ''; }
  };
  return { busy, failed, run };
}

type Docs = Loaded<{ files: Doc[]; total: number }>;

function Waiting({ docs }: { docs: Docs }) {
  const doing = useDoing(docs.reload);
  const held = (docs.data.value?.files ?? []).filter(d => d.status === 'quarantined');
  if (!held.length) return null;
  return (
    <section class="note warn big" aria-labelledby="held-head">
      <h2 id="held-head">{held.length === 1 ? 'One document waits for a person' : `${held.length} documents wait for a person`}</h2>
      <p>They are not searched. Read why, then release or reject them.</p>
      {doing.failed.value ? <ErrorCard error={doing.failed.value} /> : null}
      <ul class="held">{held.map(d => (
        <li key={d.file_id} data-held={d.file_id}><p><strong>{d.filename}</strong> <span class="quiet">{kb(d.bytes)} · {clock(d.processed_at)}</span></p>
          {(d.held ?? []).map((h, i) => <div key={i}><p>{h.line ? `Line ${h.line}: ` : ''}{h.why}</p>{h.quote ? <blockquote>{h.quote}</blockquote> : null}</div>)}
          {admin() ? <p class="row-end">
            <button type="button" disabled={doing.busy.value !== ''} onClick={() => doing.run(d.file_id, () => api.reviewDoc(d.file_id, 'reject'), 'Rejected')}>Reject<span class="sr"> {d.filename}</span></button>
            <button type="button" class="primary" disabled={doing.busy.value !== ''} onClick={() => doing.run(d.file_id, () => api.reviewDoc(d.file_id, 'release'), 'Released')}>Release<span class="sr"> {d.filename}</span></button>
          </p> : <p class="quiet">An administrator decides.</p>}
        </li>))}</ul>
    </section>
  );
}

function Corrections() {
  const list = useLoad('corrections', api.corrections);
  const doing = useDoing(list.reload);
  if (list.error.value) return <ErrorCard error={list.error.value} title="Corrections cannot be read" retry={list.reload} />;
  const open = (list.data.value?.corrections ?? []).filter(c => c.state === 'pending');
  if (!open.length) return null;
  const why = (c: Correction) => c.created_by === user.value?.name ? 'Somebody else decides over your correction.' : admin() ? '' : 'An administrator decides.';
  return (
    <section aria-labelledby="corrections-head">
      <h2 id="corrections-head">Corrections to review</h2>
      {doing.failed.value ? <ErrorCard error={doing.failed.value} /> : null}
      <ul class="held">{open.map(c => (
        <li key={c.id} class="card" data-correction={c.id}>
          <p><strong>{c.title || c.source}</strong> <span class="quiet">by {c.created_by}, {clock(c.created_at)} · {c.source}</span></p>
          <p>The passage says:</p><blockquote>{c.quote}</blockquote><p>It should say:</p><blockquote>{c.correction}</blockquote>
          <p class="quiet">Because: {c.reason}</p>
          {why(c) ? <p class="quiet">{why(c)}</p> : <p class="row-end">
            <button type="button" disabled={doing.busy.value !== ''} onClick={() => doing.run(c.id, () => api.decideCorrection(c.id, 'reject', ''), 'Rejected')}>Reject<span class="sr"> the correction of {c.source}</span></button>
            <button type="button" class="primary" disabled={doing.busy.value !== ''} onClick={() => doing.run(c.id, () => api.decideCorrection(c.id, 'accept', ''), 'Accepted')}>Accept<span class="sr"> the correction of {c.source}</span></button></p>}
        </li>))}</ul>
    </section>
  );
}

const going = (j?: Reindex) => j?.status === 'running' || j?.status === 'pending';

function Cutting() {
  const jobs = useLoad('reindex', api.reindexes);
  const doing = useDoing(jobs.reload);
  const last = jobs.data.value?.jobs[0];
  useEffect(() => {
    if (!going(last)) return;
    const t = setInterval(jobs.reload, 1000);
    return () => clearInterval(t);
  }, [last?.job_id, last?.status]);
  return (
    <section aria-labelledby="cut-head">
      <h2 id="cut-head">Cut the documents anew</h2>
      {jobs.error.value ? <ErrorCard error={jobs.error.value} title="What is under way cannot be read" retry={jobs.reload} /> : null}
      {doing.failed.value ? <ErrorCard error={doing.failed.value} /> : null}
      {last ? <p><span class="chip">{words(last.status)}</span>{last.dry_run ? ' trial' : ''} · {last.documents_processed} of {last.documents_total} documents
        {going(last) ? <> · <progress value={last.progress} max={100} aria-label="Cutting the documents anew" /> {Math.round(last.progress)} %{last.eta_seconds ? `, about ${span(last.eta_seconds)} more` : ''}{last.document ? <span class="quiet"> · {last.document}</span> : null}</> : last.completed_at ? <span class="quiet"> · {clock(last.completed_at)}</span> : null}
        {last.error ? <span class="quiet"> · {last.error}</span> : null}</p> : null}
      <p class="quiet">The old passages are searched until the new ones are ready.</p>
      {admin() ? <p class="filters">
        {going(last) ? <button type="button" class="small" disabled={doing.busy.value !== ''} onClick={() => doing.run('x', () => api.cancelReindex(last!.job_id), 'Cancelled')}>Cancel</button>
          : <><button type="button" class="small" disabled={doing.busy.value !== ''} onClick={() => doing.run('x', () => api.startReindex(true), 'A trial has begun')}>Try without changing anything</button>
            <button type="button" class="small" disabled={doing.busy.value !== ''} onClick={() => doing.run('x', () => api.startReindex(false), 'It has begun')}>Cut all anew</button></>}</p> : null}
    </section>
  );
}

function List({ docs }: { docs: Docs }) {
  const d = docs.data.value;
  return (
    <section aria-labelledby="list-head">
      <h2 id="list-head">All documents{d ? <span class="quiet"> {count(d.total)}</span> : null}</h2>
      {docs.error.value ? <ErrorCard error={docs.error.value} title="The documents cannot be read" retry={docs.reload} /> : !d ? <Skeleton lines={4} />
        : d.files.length ? <div class="table-box" tabIndex={0} role="region" aria-label="Documents"><table class="plain"><thead><tr><th>Document</th><th>State</th><th class="num">Passages</th><th class="num">Size</th><th>Read</th></tr></thead>
          <tbody>{d.files.map(f => <tr key={f.file_id}><th scope="row">{f.filename}{f.title && f.title !== f.filename ? <span class="quiet"> {f.title}</span> : null}</th>
            <td>{words(f.status)}{f.near_duplicates?.length ? <span class="quiet">, much like another</span> : null}</td><td class="num">{count(f.chunks_count)}</td><td class="num">{kb(f.bytes)}</td><td>{clock(f.processed_at)}</td></tr>)}</tbody></table></div>
          : <Empty title="There are no documents yet"><p>The built-in handbook is searched all the same. Add your manuals and runbooks above, or with: resync ingest DIR</p></Empty>}
    </section>
  );
}
