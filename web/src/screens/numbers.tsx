// The numbers of circuit breakers: as they hold, as they were made, who changed them, and changing them.
import { useSignal } from '@preact/signals';
import { api } from '../lib/api';
import type { Numbers as N, Steering } from '../lib/contract';
import { clock, span } from '../lib/format';
import { loadBreakers } from '../lib/live';
import { useLoad, type Loaded } from '../lib/load';
import { Doing, refused } from '../ui/doing';
import { Dialog, Empty, ErrorCard, Skeleton } from '../ui/parts';
import { called } from './breakers';

const failures = (n: number) => n === 1 ? '1 failure' : n ? `${n} failures` : 'not counted';

/** Numbers is the dialog in which an administrator changes one breaker. */
export function Numbers({ name, onClose }: { name: string; onClose: () => void }) {
  const steering = useLoad('steering', api.steering);
  const n = steering.data.value?.breakers[name];
  if (!n) {
    return <Dialog title={`Numbers: ${called(name)}`} onClose={onClose}>
      {steering.error.value ? <ErrorCard error={steering.error.value} title="The numbers cannot be read" retry={steering.reload} /> : steering.data.value ? <p class="note">There are no numbers of it.</p> : <Skeleton lines={4} />}
    </Dialog>;
  }
  return <Form name={name} n={n} onClose={onClose} />;
}

function Form({ name, n, onClose }: { name: string; n: N; onClose: () => void }) {
  const threshold = useSignal(n.threshold);
  const seconds = useSignal(n.recovery_timeout);
  const failed = useSignal<Error | null>(null);
  const back = useSignal(false);
  const changed = threshold.value !== n.threshold || seconds.value !== n.recovery_timeout;
  return (
    <Doing title={`Numbers: ${called(name)}`} verb={back.value ? 'Go back to the defaults' : 'Save'} why told={`${called(name)}: the numbers hold from now on`} onClose={onClose} failed={failed}
      blocked={!back.value && !changed} done={() => { void loadBreakers(); }}
      act={reason => api.setNumbers(name, back.value ? {} : { threshold: n.threshold ? threshold.value : undefined, recovery_timeout: seconds.value }, reason)}>
      <p>It refuses calls after so many failures in a row, and tries again after so many seconds at most. What is changed holds at once on all servers, also after a restart.</p>
      <table class="plain"><thead><tr><th><span class="sr">Number</span></th><th>Now</th><th>Default</th></tr></thead><tbody>
        <tr><th scope="row">Opens after</th><td>{failures(n.threshold)}</td><td>{failures(n.default_threshold)}</td></tr>
        <tr><th scope="row">Tried again after</th><td>{span(n.recovery_timeout)}</td><td>{span(n.default_recovery_timeout)}</td></tr></tbody></table>
      <p class="quiet">{n.changed_by ? `Last changed by ${n.changed_by}, ${clock(n.changed_at)}: “${n.reason}”` : 'Nobody has changed them.'}</p>
      {n.source === 'set' ? <label class="check"><input type="checkbox" name="back" checked={back.value} onChange={e => { back.value = e.currentTarget.checked; }} />Back to the defaults</label> : null}
      {back.value ? null : <div class="twin">
        {n.threshold ? <label>Failures in a row<input type="number" name="threshold" min={1} max={1000} required value={threshold.value} aria-invalid={refused(failed.value, 'threshold')} onInput={e => { threshold.value = e.currentTarget.valueAsNumber; }} /></label> : null}
        <label>Seconds until it is tried again<input type="number" name="recovery" min={0.1} max={3600} step="any" required value={seconds.value} aria-invalid={refused(failed.value, 'recovery_timeout')} onInput={e => { seconds.value = e.currentTarget.valueAsNumber; }} /></label>
      </div>}
    </Doing>
  );
}

const asks = {
  reset: ['Reset', 'It closes and counts from nothing. Calls go through again at once.'],
  'force-open': ['Force open', 'Every call is refused at once until the time is over. Use it for maintenance.'],
  disable: ['Disable', 'Every call goes through until the time is over, however many fail; it only notes when it would have opened. What it protects is not spared.'],
  enable: ['Switch on', 'It closes and counts again.'],
} as const;
export type Verb = keyof typeof asks;

/** Switching resets a breaker, holds it open or lets everything through, with a reason and an end. */
export function Switching({ name, verb, onClose }: { name: string; verb: Verb; onClose: () => void }) {
  const minutes = useSignal(60);
  const timed = verb === 'force-open' || verb === 'disable';
  return (
    <Doing title={`${asks[verb][0]}: ${called(name)}`} verb={asks[verb][0]} danger={timed} why told={`${called(name)}: done`} onClose={onClose}
      done={() => { void loadBreakers(); }} act={reason => api.switchBreaker(name, verb, reason, timed ? Math.round(minutes.value * 60) : 0)}>
      <p>{asks[verb][1]}</p>
      {timed ? <label>For how many minutes (0 has no end)<input type="number" name="minutes" min={0} max={10080} required value={minutes.value} onInput={e => { minutes.value = e.currentTarget.valueAsNumber; }} /></label> : null}
    </Doing>
  );
}

const menuOf: [Verb, string, string][] = [
  ['reset', 'Reset…', 'Closes, and counts from nothing'], ['force-open', 'Force open…', 'Refuses every call for a while'], ['disable', 'Disable…', 'Lets every call through for a while'],
];

/** choices are what an administrator may do to a breaker now. */
export function choices(off: boolean, open: (what: Verb | 'numbers') => void): [string, string, () => void][] {
  const numbers: [string, string, () => void] = ['Numbers…', 'When it opens, and for how long', () => open('numbers')];
  if (off) return [['Switch on…', 'Closes, and counts again', () => open('enable')], numbers];
  return [numbers, ...menuOf.map(([verb, name, hint]): [string, string, () => void] => [name, hint, () => open(verb)])];
}

/** Changes lists what administrators have changed, the newest first. */
export function Changes({ steering }: { steering: Loaded<Steering> }) {
  const d = steering.data.value;
  const list = d?.history ?? [];
  return (
    <section aria-labelledby="changes-head">
      <h2 id="changes-head">Changes by administrators</h2>
      {steering.error.value ? <ErrorCard error={steering.error.value} title="The changes cannot be read" retry={steering.reload} /> : !d ? <Skeleton lines={2} />
        : d.history_error ? <p class="note warn">They cannot be shown: {d.history_error}. What holds is not affected.</p>
        : list.length ? <div class="table-box" tabIndex={0} role="region" aria-label="Changes by administrators"><table class="plain stacked"><thead><tr><th>When</th><th>Who</th><th>What</th><th>Why</th></tr></thead>
          <tbody>{list.map(a => <tr key={a.seq}><td data-l="When">{clock(a.at)}</td><td data-l="Who">{a.actor}</td><td data-l="What">{a.target.replace(/breakers\./g, '')}</td><td data-l="Why">{a.reason}</td></tr>)}</tbody></table></div>
          : <Empty title="Everything is as it was made"><p>Numbers, tiers and limits that an administrator changes are listed here, with the reason.</p></Empty>}
    </section>
  );
}
