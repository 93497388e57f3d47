// The life of one action as the journal tells it, followed until the engine has confirmed it.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../lib/api';
import type { RunDetail } from '../lib/contract';
import { title, value } from '../lib/format';
import { runs, say } from '../lib/live';
import { PhaseMark } from '../ui/marks';
import { ErrorCard, Skeleton, Time } from '../ui/parts';

const ended = (r: RunDetail) => /^(error|cancelled|rejected|expired|void|verified|unverified|reconciled|undone)$/.test(r.phase ?? r.status) || r.verified === true;

export function RunStatus({ id, quiet }: { id: string; quiet?: boolean }) {
  const run = useSignal<RunDetail | null>(null);
  const error = useSignal<Error | null>(null);
  const asked = useSignal(0);

  useEffect(() => {
    let stop = false;
    let timer = 0;
    let tries = 0;
    const look = async () => {
      try {
        const r = await api.run(id);
        if (stop) return;
        const was = run.peek()?.phase;
        run.value = r;
        error.value = null;
        if (!quiet && was !== r.phase && was !== undefined) say(r.message || r.phase || r.status);
        if (ended(r)) return;
      } catch (e) {
        if (stop) return;
        // The row may be a moment behind the approval; after that the failure is shown and the asking goes on.
        if (++tries > 3) error.value = e as Error;
      }
      timer = window.setTimeout(look, Math.min(1000 * 1.15 ** tries++, 10_000));
    };
    void look();
    return () => { stop = true; clearTimeout(timer); };
  }, [id, asked.value]);
  const last = useSignal('');
  useSignalEffect(() => {
    const r = runs.value.get(id);
    const key = r ? `${r.status}/${r.phase}/${r.progress}/${r.verified}` : '';
    if (key && key !== last.peek()) { last.value = key; asked.value++; }
  });

  const r = run.value;
  if (!r) return error.value ? <ErrorCard error={error.value} title="The run cannot be read" retry={() => { asked.value++; }} /> : <Skeleton lines={2} />;
  return (
    <div class="runstatus" data-run={r.run_id}>
      <p class="line">
        <PhaseMark phase={r.verified ? 'verified' : r.phase ?? r.status} />
        <span>{r.outcome || r.message || r.progress_message}</span><span class="push" />
        {quiet ? null : <a href={`/journal/${encodeURIComponent(r.run_id)}`}>Open in journal</a>}
      </p>
      {r.error ? <p class="note bad">{r.error}</p> : null}
      {(r.phase ?? r.status) === 'outcome_unknown' ? <p class="note warn"><strong>Do not repeat this by hand yet.</strong> {r.message || 'The engine may or may not have acted; the plan is being read to find out.'}</p> : null}
      {r.progress !== undefined && r.progress > 0 && r.progress < 1 ? <progress value={r.progress} max={1} aria-label="Progress" /> : null}
      <Journal entries={r.journal} />
      {r.undo?.note && !quiet ? <p class="quiet small">{r.undo.can ? 'Can be undone' : 'Cannot be undone'}: {r.undo.note}</p> : null}
    </div>
  );
}

export function Journal({ entries }: { entries?: RunDetail['journal'] }) {
  if (!entries?.length) return null;
  return (
    <ol class="trail" aria-label="Journal of this action">
      {entries.map(e => (
        <li key={e.seq}><Time t={e.at} seconds /><strong>{title(e.event)}</strong>{e.actor ? <span class="quiet">{e.actor}</span> : null}
          {e.detail !== undefined && e.detail !== null && e.detail !== '' ? <span class="detail">{detail(e.detail)}</span> : null}</li>
      ))}
    </ol>
  );
}

/** detail writes a journal entry's object as "name value" pairs; a string is shown as it is. */
function detail(d: unknown): string {
  if (typeof d !== 'object' || d === null || Array.isArray(d)) return value(d);
  const sentence = /^(note|reason|error|message)$/;
  return Object.entries(d).filter(([, v]) => v !== '' && v !== null)
    .map(([k, v]) => sentence.test(k) ? value(v) : `${k.replace(/_/g, ' ')} ${value(v)}`).join(' · ');
}
