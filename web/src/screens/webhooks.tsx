// Who else is told what happens: receivers and how they are, adding and changing them, trying them, and what became of messages.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../lib/api';
import type { Delivery, Receiver, Receivers, Trial } from '../lib/contract';
import { clock, plural, words } from '../lib/format';
import { say } from '../lib/live';
import { useLoad } from '../lib/load';
import { param, setParams } from '../lib/route';
import { Doing, Menu } from '../ui/doing';
import { Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { Messages } from './messages';
import { ReceiverForm } from './receiver';

const every = 5000; // ms between looks: what waits and what was put aside moves by itself

export function Webhooks() {
  const list = useLoad('webhooks', api.receivers);
  const adding = useSignal(false);
  useEffect(() => {
    const t = setInterval(() => { if (!document.hidden) list.reload(); }, every);
    return () => clearInterval(t);
  }, []);
  const d = list.data.value;
  const open = d?.targets.find(r => r.name === param('messages'));
  return (
    <section aria-label="Receivers">
      <p class="quiet wide-text">Receivers are told what happens while nobody looks at this console: actions that wait or fail, jobs in error, parts that are away. A message is tried again until it is taken or a day has passed.</p>
      <p class="filters"><button type="button" class="primary" disabled={!d} onClick={() => { adding.value = true; }}>New receiver</button></p>
      {list.error.value ? <ErrorCard error={list.error.value} title="The receivers cannot be read" retry={list.reload} /> : null}
      {d && d.lost ? <p class="note bad">{plural(d.lost, 'event')} since the start could not even be kept, because the database did not take them.</p> : null}
      {!d ? list.error.value ? null : <Skeleton lines={4} />
        : d.targets.length ? <div class="nets">{d.targets.map(r => <Card key={r.name} r={r} d={d} reload={list.reload} />)}</div>
          : <Empty title="Nobody else is told anything"><p>Add a receiver here, or below <code>webhooks.targets</code> in the settings file.</p></Empty>}
      {adding.value && d ? <ReceiverForm d={d} done={list.reload} onClose={() => { adding.value = false; }} /> : null}
      {open ? <Messages r={open} done={list.reload} onClose={() => setParams({ messages: '' })} /> : null}
    </section>
  );
}

/** how is a receiver in one word, and whether it needs somebody. */
function how(r: Receiver): [string, '' | 'warn' | 'bad'] {
  if (r.problem) return ['cannot be reached', 'bad'];
  if (r.off) return ['paused', 'warn'];
  if (/open/.test(r.breaker_state)) return [`breaker ${words(r.breaker_state)}`, 'bad'];
  return r.failed ? ['messages put aside', 'warn'] : ['works', ''];
}

/** fate is what became of a message, in words. */
export function fate(m: Delivery): string {
  switch (m.state) {
    case 'completed': return 'delivered';
    case 'failed': return 'put aside';
    case 'running': return 'being sent';
    case 'pending': return m.attempts ? 'waits for another try' : 'waits';
  }
  return words(m.state);
}

function Card({ r, d, reload }: { r: Receiver; d: Receivers; reload: () => void }) {
  const dialog = useSignal<'' | 'edit' | 'off' | 'on' | 'again' | 'remove'>('');
  const trial = useTrial(r.name);
  const t = trial.got.value;
  const [word, tone] = how(r);
  const close = () => { dialog.value = ''; };
  const open = (what: typeof dialog.value) => () => { dialog.value = what; };
  const items: [string, string, () => void][] = [];
  if (r.source === 'console') items.push(['Edit…', 'Address, events, key', open('edit')]);
  items.push(r.off ? ['Resume…', 'Sends it messages again', open('on')] : ['Pause…', 'Sends it nothing', open('off')]);
  if (r.failed) items.push(['Send again…', 'All that was put aside', open('again')]);
  if (r.source === 'console') items.push(['Remove…', 'For good', open('remove')]);
  return (
    <article class={`card net ${tone}`} data-receiver={r.name} aria-label={`Receiver ${r.name}`}>
      <header><h2>{r.name}</h2><span class={`chip ${tone ? 'warn' : ''}`}>{word}</span></header>
      <p>{r.url_reference ?? r.host}</p>
      <p class="quiet small">{r.format === 'teams' ? 'Teams card' : r.signed ? 'Signed' : 'Not signed: it cannot tell our messages from others'} · {r.events.length ? r.events.join(', ') : 'everything'}</p>
      {r.problem ? <p class="bad-text">{r.problem}. Its messages wait.</p> : null}
      {r.off ? <p>Paused by {r.off.by}, {clock(r.off.at)}: “{r.off.reason}”</p> : null}
      <p>{r.last_delivery ? <>Last: {r.last_delivery.title}, <span class={r.last_delivery.state === 'completed' ? '' : 'warn-text'}>{fate(r.last_delivery)}</span> <Time t={r.last_delivery.ended_at ?? r.last_delivery.at} /></> : <span class="quiet">Nothing was told yet.</span>}</p>
      {r.last_delivery?.error && r.last_delivery.state !== 'completed' ? <p class="quiet">{r.last_delivery.error}</p> : null}
      <p class="quiet small">{r.waiting} waiting · {r.failed} put aside · {r.source === 'settings' ? 'stands in the settings file and is changed there' : <>set up here by {r.changed_by}, {clock(r.changed_at)}</>}</p>
      {t ? t.ok ? <p class="note good">It took the message: {t.status}, in {t.seconds.toFixed(2)} s.</p> : <p class="note bad">It did not take the message: {t.error}</p> : null}
      {trial.failed.value ? <ErrorCard error={trial.failed.value} title="Not sent" /> : null}
      <div class="foot">
        <button type="button" class="small" disabled={trial.busy.value} onClick={trial.send}>{trial.busy.value ? 'Sending…' : 'Send a test'}<span class="sr"> to {r.name}</span></button>
        <button type="button" class="small" onClick={() => setParams({ messages: r.name })}>Messages<span class="sr"> to {r.name}</span></button>
        <Menu label="Change" of={r.name} items={items} />
      </div>
      {dialog.value === 'edit' ? <ReceiverForm d={d} r={r} done={reload} onClose={close} /> : dialog.value ? <Steps r={r} step={dialog.value} done={reload} onClose={close} /> : null}
    </article>
  );
}

/** useTrial sends a receiver a test and keeps what became of it. */
function useTrial(name: string) {
  const busy = useSignal(false);
  const got = useSignal<Trial | null>(null);
  const failed = useSignal<Error | null>(null);
  const send = async () => {
    busy.value = true;
    got.value = failed.value = null;
    try { got.value = await api.tryReceiver(name); say(got.value.ok ? 'It took the message' : 'It did not take the message'); } catch (e) { failed.value = e as Error; } finally { busy.value = false; }
  };
  return { busy, got, failed, send };
}

const steps = {
  off: ['Pause', 'It gets nothing until somebody resumes it. What happens meanwhile is not told later; what waits is put aside.'],
  on: ['Resume', 'It gets messages again from now on. What was put aside is sent only when somebody has it sent again.'],
  again: ['Send again', 'Everything that was put aside is sent again, with its id: a receiver that took a message knows it by that.'],
  remove: ['Remove', 'It is forgotten, and what waits for it is not sent. It cannot be taken back: a new receiver would have to be added.'],
} as const;

function Steps({ r, step, done, onClose }: { r: Receiver; step: keyof typeof steps; done: () => void; onClose: () => void }) {
  const act = (reason: string): Promise<unknown> => step === 'again' ? api.redeliver({ target: r.name }) : step === 'remove' ? api.removeReceiver(r.name, reason) : api.switchReceiver(r.name, step, reason);
  return (
    <Doing title={`${steps[step][0]}: ${r.name}`} verb={steps[step][0]} danger={step === 'remove'} leave={step === 'remove' ? 'Keep it' : undefined} why={step !== 'again'} told={`${r.name}: done`} onClose={onClose} done={done} act={act}>
      <p>{steps[step][1]}</p>
      {step === 'again' ? <p>{plural(r.failed, 'message')}.</p> : null}
    </Doing>
  );
}
