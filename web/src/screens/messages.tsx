// What became of the messages to one receiver, and sending one again.
import { useSignal } from '@preact/signals';
import { api } from '../lib/api';
import type { Delivery, Receiver } from '../lib/contract';
import { say } from '../lib/live';
import { useLoad } from '../lib/load';
import { Dialog, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';
import { fate } from './webhooks';

export function Messages({ r, done, onClose }: { r: Receiver; done: () => void; onClose: () => void }) {
  const state = useSignal<'failed' | 'all'>(r.failed ? 'failed' : 'all');
  const list = useLoad(state.value, () => api.deliveries(r.name, state.value));
  const busy = useSignal('');
  const failed = useSignal<Error | null>(null);
  const again = async (m: Delivery) => {
    busy.value = m.id;
    failed.value = null;
    try { await api.redeliver({ id: m.id }); say('It is sent again'); list.reload(); done(); } catch (e) { failed.value = e as Error; } finally { busy.value = ''; }
  };
  const rows = list.data.value?.deliveries;
  return (
    <Dialog title={`Messages to ${r.name}`} onClose={onClose} wide>
      <fieldset class="filters"><legend class="sr">Which</legend>
        {([['failed', `Put aside (${r.failed})`], ['all', 'The last hundred']] as const).map(([id, label]) => (
          <label key={id} class="check"><input type="radio" name="which" checked={state.value === id} onChange={() => { state.value = id; }} />{label}</label>))}</fieldset>
      {failed.value ? <ErrorCard error={failed.value} title="Not sent again" /> : null}
      {list.error.value ? <ErrorCard error={list.error.value} title="The messages cannot be read" retry={list.reload} /> : !rows ? <Skeleton lines={4} />
        : rows.length ? <div class="table-box" tabIndex={0} role="region" aria-label="List of messages"><table class="plain stacked"><thead><tr><th>When</th><th>What</th><th>State</th><th class="num">Tries</th><th><span class="sr">Actions</span></th></tr></thead>
          <tbody>{rows.map(m => <tr key={m.id} data-message={m.id}><td data-l="When"><Time t={m.at} seconds /></td><th scope="row" data-l="What">{m.title} <span class="quiet small">{m.type}</span></th>
            <td data-l="State">{fate(m)}{m.next_attempt && m.state === 'pending' ? <>, next <Time t={m.next_attempt} seconds /></> : m.ended_at ? <> <Time t={m.ended_at} seconds /></> : null}{m.error && m.state !== 'completed' ? <span class="quiet">: {m.error}</span> : null}</td>
            <td class="num" data-l="Tries">{m.attempts}</td>
            <td class="acts">{m.state === 'failed' || m.state === 'completed' ? <button type="button" class="small" disabled={busy.value !== ''} onClick={() => again(m)}>Send again<span class="sr"> {m.title}</span></button> : null}</td></tr>)}</tbody></table></div>
          : <Empty title={state.value === 'failed' ? 'Nothing was put aside' : 'Nothing was told yet'} />}
    </Dialog>
  );
}
