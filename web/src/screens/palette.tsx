// Ctrl-K: type a page or a part of a job's name.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../lib/api';
import type { Job } from '../lib/contract';
import { go } from '../lib/route';
import { Dialog } from '../ui/parts';
import { StateMark } from '../ui/marks';
import { ask } from './ask';

interface Entry { id: string; label: string; hint: string; job?: Job; run: () => void }

const places: [string, string][] = [['Plan', '/'], ['Chat', '/ask'], ['Approvals', '/approvals'], ['Journal', '/journal'], ['Undo', '/journal?view=undo'], ['Documents', '/documents'],
  ['Resilience', '/resilience'], ['API tokens', '/settings/tokens'], ['Webhooks', '/settings/webhooks']];

export function Palette({ onClose }: { onClose: () => void }) {
  const text = useSignal('');
  const jobs = useSignal<Job[]>([]);
  const pick = useSignal(0);
  const pending = useSignal(false);

  useEffect(() => {
    const q = text.value.trim();
    pick.value = 0;
    if (!q) { jobs.value = []; return; }
    pending.value = true;
    const c = new AbortController();
    const wait = setTimeout(() => {
      api.jobs({ q, limit: 8 }, c.signal).then(r => r.items ?? [], () => []).then(found => {
        if (!c.signal.aborted) { jobs.value = found; pending.value = false; }
      });
    }, 150);
    return () => { clearTimeout(wait); c.abort(); };
  }, [text.value]);

  const q = text.value.trim().toLowerCase();
  const entries: Entry[] = [
    ...places.filter(([l]) => l.toLowerCase().includes(q)).map(([label, to]) => ({ id: to, label, hint: 'page', run: () => go(to) })),
    ...jobs.value.map(j => ({ id: j.id, label: j.job, hint: `${j.stream} · ${j.workstation}`, job: j, run: () => go('/?job=' + encodeURIComponent(j.id)) })),
    // Enter must not ask a question while the job that was meant is still being looked for.
    ...(q && !pending.value ? [{ id: 'ask', label: `Ask: ${text.value.trim()}`, hint: 'chat', run: () => ask(text.value.trim()) }] : []),
  ];
  const at = Math.min(pick.value, entries.length - 1);
  const choose = (e?: Entry) => { if (e) { onClose(); e.run(); } };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') { e.preventDefault(); pick.value = Math.min(at + 1, entries.length - 1); }
    else if (e.key === 'ArrowUp') { e.preventDefault(); pick.value = Math.max(at - 1, 0); }
    else if (e.key === 'Enter') { e.preventDefault(); choose(entries[at]); }
  };
  return (
    <Dialog title="Find" onClose={onClose}>
      <input class="find-field" type="text" autofocus role="combobox" aria-expanded="true" aria-controls="found" aria-label="Find a job or a page"
        aria-activedescendant={entries[at] ? `found-${at}` : undefined} placeholder="A page, a part of a job name, or a question"
        value={text.value} onInput={e => { text.value = e.currentTarget.value; }} onKeyDown={onKey} spellcheck={false} autocomplete="off" />
      <ul class="found" id="found" role="listbox" aria-label="Results">
        {entries.map((e, i) => (
          <li key={e.id} id={`found-${i}`} role="option" aria-selected={i === at} onClick={() => choose(e)} onPointerMove={() => { pick.value = i; }}>
            {e.job ? <StateMark status={e.job.status} short /> : <span class="pip" aria-hidden="true" />}
            <span class="label">{e.label}</span><span class="quiet">{e.hint}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
