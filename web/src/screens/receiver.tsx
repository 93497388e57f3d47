// Adding a receiver, or changing one that was added here. What is allowed is decided by the server and shown in its words.
import { useSignal } from '@preact/signals';
import { api } from '../lib/api';
import type { Receiver, Receivers, ReceiverForm as Form } from '../lib/contract';
import { Doing, refused } from '../ui/doing';

export function ReceiverForm({ d, r, done, onClose }: { d: Receivers; r?: Receiver; done: () => void; onClose: () => void }) {
  const failed = useSignal<Error | null>(null);
  const name = useSignal('');
  const url = useSignal(r?.url_reference ?? '');
  const format = useSignal(r?.format ?? 'standard');
  const secret = useSignal(r?.secret_reference ?? '');
  const events = useSignal<string[]>(r?.events ?? []);
  const seconds = useSignal(r?.timeout_seconds ?? 5);
  const bad = (field: string) => refused(failed.value, field);
  const act = (reason: string) => {
    const f: Form = { format: format.value, secret: format.value === 'teams' ? '' : secret.value.trim(), events: events.value, timeout: `${seconds.value}s`, reason };
    // An address that is not written again stays as it is: it is never shown.
    if (url.value.trim()) f.url = url.value.trim();
    return r ? api.changeReceiver(r.name, f) : api.addReceiver({ ...f, name: name.value.trim(), url: url.value.trim() });
  };
  const toggle = (e: string, on: boolean) => { events.value = on ? [...events.value, e] : events.value.filter(x => x !== e); };
  return (
    <Doing title={r ? `Edit: ${r.name}` : 'New receiver'} verb={r ? 'Save' : 'Add'} why wide told={r ? `${r.name} is changed` : 'The receiver is added'} onClose={onClose} done={done} failed={failed}
      blocked={r ? false : !name.value.trim() || !url.value.trim()} act={act}>
      {r ? null : <label>Name<input name="name" required maxLength={64} value={name.value} placeholder="oncall" spellcheck={false} autocapitalize="off" aria-invalid={bad('name')} onInput={e => { name.value = e.currentTarget.value; }} /></label>}
      <label>Address<input name="url" required={!r} maxLength={2000} value={url.value} placeholder={r ? `as it is: ${r.url_reference ?? `${r.host}/…`}` : 'The https address it gave you'} spellcheck={false} autocapitalize="off" aria-invalid={bad('url')} onInput={e => { url.value = e.currentTarget.value; }} />
        <span class="quiet small">It is not shown again. One with a ? in it, as Teams has, is a secret: set it in a variable where Resync runs and write env:NAME.</span></label>
      <div class="twin">
        <label>Format<select name="format" value={format.value} aria-invalid={bad('format')} onChange={e => { format.value = e.currentTarget.value; }}><option value="standard">Standard Webhooks (JSON)</option><option value="teams">Microsoft Teams card</option></select></label>
        <label>Seconds it may take<input type="number" name="timeout" required min={0.1} max={120} step="any" value={seconds.value} aria-invalid={bad('timeout')} onInput={e => { seconds.value = e.currentTarget.valueAsNumber; }} /></label>
      </div>
      {format.value === 'teams' ? null : <label>Key that signs the messages<input name="secret" maxLength={200} value={secret.value} placeholder="env:ONCALL_KEY" spellcheck={false} autocapitalize="off" aria-invalid={bad('secret')} onInput={e => { secret.value = e.currentTarget.value; }} />
        <span class="quiet small">The name of a variable where Resync runs. Without it messages are not signed.</span></label>}
      <fieldset class="events" aria-invalid={bad('events')}><legend>What it is told</legend>
        <label class="check"><input type="checkbox" name="everything" checked={!events.value.length} disabled={!events.value.length} onChange={() => { events.value = []; }} />Everything</label>
        {d.events.map(e => <label key={e} class="check"><input type="checkbox" name={e} checked={events.value.includes(e)} onChange={x => toggle(e, x.currentTarget.checked)} />{e}</label>)}
      </fieldset>
    </Doing>
  );
}
