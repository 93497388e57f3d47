// The life of one action as the journal tells it, followed until the engine has confirmed it.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../lib/api';
import type { JournalEntry, Run } from '../lib/contract';
import { title, value } from '../lib/format';
import { say, steps } from '../lib/live';
import { PhaseMark } from '../ui/marks';
import { ErrorCard, Skeleton, Time } from '../ui/parts';
import { Args } from './args';

const ended = (r: Run) => /^(error|cancelled|rejected|void|verified|unverified|reconciled|undone)$/.test(r.phase);

/** follow keeps the newest step in view, for the person who has just approved. */
export function RunStatus({ id, quiet, follow }: { id: string; quiet?: boolean; follow?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const run = useSignal<Run | null>(null);
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
        if (!quiet && was !== r.phase && was !== undefined) say(r.message || r.phase);
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
  const last = useSignal(steps.peek().get(id) ?? '');
  useSignalEffect(() => {
    const step = steps.value.get(id) ?? '';
    if (step && step !== last.peek()) { last.value = step; asked.value = asked.peek() + 1; }
  });

  const r = run.value;
  useEffect(() => { if (follow) box.current?.scrollIntoView({ block: 'nearest' }); }, [r, follow]);
  if (!r) return error.value ? <ErrorCard error={error.value} title="The run cannot be read" retry={() => { asked.value++; }} /> : <Skeleton lines={2} />;
  return (
    <div class="runstatus" ref={box} data-run={r.run_id}>
      <p class="line">
        <PhaseMark phase={r.phase} />
        <span>{r.message}</span><span class="push" />
        {quiet ? null : <a href={`/journal/${encodeURIComponent(r.run_id)}`}>Open in journal</a>}
      </p>
      {r.phase === 'outcome_unknown' ? <p class="note warn"><strong>Do not repeat this by hand yet.</strong> {r.message || 'The engine may or may not have acted; the plan is being read to find out.'}</p> : null}
      {r.progress !== undefined && r.progress > 0 && r.progress < 1 ? <progress value={r.progress} max={1} aria-label="Progress" /> : null}
      <Journal entries={r.journal} />
    </div>
  );
}

export function Journal({ entries }: { entries?: JournalEntry[] }) {
  if (!entries?.length) return null;
  return (
    <ol class="trail" aria-label="Journal of this action">
      {entries.map(e => (
        <li key={e.seq}><Time t={e.at} seconds /><strong>{title(e.event)}</strong>{e.actor ? <span class="quiet">{e.actor}</span> : null}<Detail d={e.detail} /></li>
      ))}
    </ol>
  );
}

const sentence = /^(note|reason|error|message)$/;

/** Detail shows an entry's sentences and keeps its digests and states folded away. */
function Detail({ d }: { d?: Record<string, unknown> | null }) {
  if (!d) return null;
  const entries = Object.entries(d).filter(([, v]) => v !== '' && v !== null);
  const said = entries.filter(([k]) => sentence.test(k)).map(([, v]) => value(v)).join(' · ');
  const rest = entries.filter(([k]) => !sentence.test(k));
  return (
    <>
      {said ? <span class="detail">{said}</span> : null}
      {rest.length ? <details class="detail"><summary>{rest.map(([k]) => k.replace(/_/g, ' ')).join(', ')}</summary><Args args={Object.fromEntries(rest)} /></details> : null}
    </>
  );
}
