// Tokens that let programs in: whose, for what, whether they are used; making one, whose text is shown once; ending one.
import { useSignal } from '@preact/signals';
import { api, user } from '../lib/api';
import type { NewToken, Token } from '../lib/contract';
import { plural, words } from '../lib/format';
import { useLoad } from '../lib/load';
import { Doing, refused, Secret } from '../ui/doing';
import { Dialog, Empty, ErrorCard, Skeleton, Time } from '../ui/parts';

export function Tokens({ admin }: { admin: boolean }) {
  const list = useLoad('tokens', api.tokens);
  const making = useSignal(false);
  const ending = useSignal<Token | null>(null);
  const ended = useSignal(false);
  const all = list.data.value?.tokens ?? [];
  const shown = ended.value ? all : all.filter(t => t.state === 'good');
  return (
    <section aria-label="API tokens">
      <p class="quiet wide-text">With a token a program uses the language models below <code>/llm/v1</code> as the person it is for, with their budget and limits. It opens nothing else.{admin ? ' You see those of everybody.' : ''}</p>
      <p class="filters"><button type="button" class="primary" onClick={() => { making.value = true; }}>New token</button>
        {all.length > shown.length || ended.value ? <label class="check"><input type="checkbox" checked={ended.value} onChange={e => { ended.value = e.currentTarget.checked; }} />Show those that have ended</label> : null}</p>
      {list.error.value ? <ErrorCard error={list.error.value} title="The tokens cannot be read" retry={list.reload} /> : !list.data.value ? <Skeleton lines={4} />
        : shown.length ? <div class="table-box" tabIndex={0} role="region" aria-label="List of tokens"><table class="plain stacked"><thead><tr><th>Name</th><th>For</th><th>Scope</th><th>State</th><th>Made</th><th>Last used</th><th>Good until</th><th><span class="sr">Actions</span></th></tr></thead>
          <tbody>{shown.map(t => <Row key={t.id} t={t} end={() => { ending.value = t; }} />)}</tbody></table></div>
          : <Empty title={all.length ? 'No token is good any more' : 'There is no token yet'}><p>Make one for each program, so that one can be ended without the others.</p></Empty>}
      {making.value ? <Making admin={admin} done={list.reload} onClose={() => { making.value = false; }} /> : null}
      {ending.value ? <Ending t={ending.value} done={list.reload} onClose={() => { ending.value = null; }} /> : null}
    </section>
  );
}

function Row({ t, end }: { t: Token; end: () => void }) {
  const soon = t.state === 'good' && Date.parse(t.expires_at) - Date.now() < 7 * 86_400_000;
  return (
    <tr data-token={t.id}><th scope="row" data-l="Name">{t.name || <span class="quiet">no name</span>} <code class="quiet small">{t.id}</code></th><td data-l="For">{t.user}</td><td data-l="Scope">{t.scope}</td>
      <td data-l="State"><span class={`chip ${t.state === 'good' && !soon ? '' : 'warn'}`}>{soon ? 'ends soon' : words(t.state)}</span></td><td data-l="Made"><Time t={t.created_at} /></td>
      <td data-l="Last used">{t.last_used_at ? <Time t={t.last_used_at} /> : <span class="quiet">never</span>}</td><td data-l="Good until"><Time t={t.revoked_at ?? t.expires_at} /></td>
      <td class="acts">{t.state === 'good' ? <button type="button" class="small" onClick={end}>Revoke<span class="sr"> {t.name}</span></button> : null}</td></tr>
  );
}

function Making({ admin, done, onClose }: { admin: boolean; done: () => void; onClose: () => void }) {
  const made = useSignal<NewToken | null>(null);
  const failed = useSignal<Error | null>(null);
  const name = useSignal('');
  const of = useSignal('');
  const days = useSignal(90);
  const m = made.value;
  if (m) {
    return (
      <Dialog key="made" title="The token" onClose={onClose} hold>
        {m.token ? <><p class="note warn">It is shown this once and cannot be read again. Put it where the program reads its secrets.</p><Secret text={m.token} label={`Token of ${m.name}`} /></>
          : <p class="note bad" role="alert">The connection was lost while the token was made, and its text with it. Revoke {m.id} and make another.</p>}
        <p class="quiet">For {m.user}, good until <Time t={m.expires_at} />. The program sends it as <code>Authorization: Bearer …</code></p>
        <p class="row-end"><button type="button" class="primary" onClick={onClose}>Done</button></p>
      </Dialog>);
  }
  return (
    <Doing title="New token" verb="Make the token" told="The token was made" onClose={() => { if (!made.peek()) onClose(); }} done={done} failed={failed} blocked={!name.value.trim()}
      act={async () => { made.value = await api.newToken({ name: name.value.trim(), scope: 'llm', user: of.value.trim() || undefined, ttl_days: days.value }); }}>
      <label>What it is for<input name="name" required maxLength={100} value={name.value} placeholder="Nightly report" aria-invalid={refused(failed.value, 'name')} onInput={e => { name.value = e.currentTarget.value; }} /></label>
      <div class="twin">
        <label>Scope<select name="scope" aria-invalid={refused(failed.value, 'scope')}><option value="llm">llm: the language models</option></select></label>
        <label>Good for how many days<input type="number" name="days" required min={1} max={366} value={days.value} onInput={e => { days.value = e.currentTarget.valueAsNumber; }} /></label>
      </div>
      {admin ? <label>For whom<input name="user" maxLength={200} value={of.value} placeholder={`${user.value?.name} (you)`} spellcheck={false} autocapitalize="off" aria-invalid={refused(failed.value, 'user')} onInput={e => { of.value = e.currentTarget.value; }} /></label> : null}
    </Doing>
  );
}

function Ending({ t, done, onClose }: { t: Token; done: () => void; onClose: () => void }) {
  const left = Math.max(0, Math.ceil((Date.parse(t.expires_at) - Date.now()) / 86_400_000));
  return (
    <Doing title={`Revoke: ${t.name || t.id}`} verb="Revoke" leave="Keep it" danger told={`${t.name} is revoked`} onClose={onClose} done={done} act={() => api.revokeToken(t.id)}>
      <p>Whoever uses it is refused within five seconds. It cannot be taken back: a new token would have to be made.</p>
      <p class="quiet">Of {t.user}, {t.last_used_at ? <>last used <Time t={t.last_used_at} /></> : 'never used'}, good for {plural(left, 'more day', 'more days')}.</p>
    </Doing>
  );
}
