// The inbox of decisions.
import { useEffect, useRef } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import { api } from '../lib/api';
import { approvalsTick } from '../lib/live';
import { useLoad } from '../lib/load';
import { param, segment } from '../lib/route';
import { Empty, ErrorCard, Skeleton } from '../ui/parts';
import { ApprovalCard } from './approvalcard';

export function Approvals() {
  const one = segment(1);
  const all = one !== '' || param('status') === 'all';
  const list = useLoad('approvals:' + all, () => api.approvals(all ? 'all' : 'pending'));
  const seen = useRef(approvalsTick.peek());
  useEffect(() => { document.title = 'Approvals · Resync'; }, []);
  useSignalEffect(() => {
    if (approvalsTick.value === seen.current) return;
    seen.current = approvalsTick.value;
    // What is being read must not move: a decided card stays until the page is opened again, new ones are added.
    api.approvals(all ? 'all' : 'pending').then(next => {
      const have = list.data.peek();
      if (!have) { list.data.value = next; return; }
      const known = new Set(have.pending.map(a => a.trace_id));
      list.data.value = { ...next, pending: [...next.pending.filter(a => !known.has(a.trace_id)), ...have.pending] };
    }, () => { /* the next event asks again */ });
  });
  const rows = (list.data.value?.pending ?? []).filter(a => !one || a.trace_id === one);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header class="bar-top"><h1>Approvals</h1>
        {one ? <a href="/approvals">All approvals</a> : (
          <nav class="filters" aria-label="Which approvals">
            <a class="filter" href="/approvals" aria-current={all ? undefined : 'true'}>Waiting</a>
            <a class="filter" href="/approvals?status=all" aria-current={all ? 'true' : undefined}>All</a>
          </nav>)}
      </header>
      {list.error.value ? <ErrorCard error={list.error.value} title="The approvals cannot be read" retry={list.reload} /> : null}
      {!list.data.value && !list.error.value ? <Skeleton lines={6} /> : null}
      {list.data.value && !rows.length ? (one
        ? <Empty title="No such approval"><p>It may have been asked on another server, or its record has been removed.</p></Empty>
        : <Empty title={all ? 'No approval yet' : 'Nothing waits for a decision'}><p>When somebody asks for a change to the plan, the card to decide on appears here and beside the question.</p></Empty>) : null}
      <div class="cards">{rows.map(a => <ApprovalCard key={a.trace_id} approval={a} level={2} />)}</div>
    </main>
  );
}
