// A table that draws only the rows on the screen, with the keyboard of a grid. Rows may not have arrived yet.
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

export interface Column<T> { id: string; head: string; cell: (row: T) => ComponentChildren; class?: string; label?: string }

export interface GridProps<T> {
  label: string; columns: Column<T>[]; total: number; version: number; at: (i: number) => T | undefined;
  idOf: (row: T) => string; selected: string; onOpen: (row: T) => void; show: (first: number, last: number) => void;
}

const extra = 8;

export function Grid<T>(p: GridProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const narrow = useSignal(false);
  const active = useSignal(0);
  const rowHeight = narrow.value ? 54 : 32;

  useLayoutEffect(() => {
    const el = box.current!;
    const see = () => { height.value = el.clientHeight; narrow.value = el.clientWidth < 560; };
    const watch = new ResizeObserver(see);
    watch.observe(el);
    see();
    return () => watch.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(top.value / rowHeight) - extra);
  const last = Math.min(p.total - 1, Math.ceil((top.value + height.value) / rowHeight) + extra);
  useEffect(() => { if (p.total > 0) p.show(first, last); }, [first, last, p.total, p.show]);

  const move = (to: number) => {
    const i = Math.max(0, Math.min(p.total - 1, to));
    active.value = i;
    const el = box.current!;
    const y = i * rowHeight;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + rowHeight > el.scrollTop + el.clientHeight) el.scrollTop = y + rowHeight - el.clientHeight;
    requestAnimationFrame(() => el.querySelector<HTMLElement>(`[data-row="${i}"]`)?.focus({ preventScroll: true }));
  };
  const onKey = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height.value / rowHeight) - 1);
    const to: Record<string, number> = {
      ArrowDown: active.value + 1, ArrowUp: active.value - 1, PageDown: active.value + page, PageUp: active.value - page,
      Home: 0, End: p.total - 1,
    };
    if (e.key in to) { e.preventDefault(); move(to[e.key]!); return; }
    const row = p.at(active.value);
    if (e.key === 'Enter' && row) { e.preventDefault(); p.onOpen(row); }
  };

  const rows = [];
  for (let i = first; i <= last; i++) {
    const row = p.at(i);
    const chosen = row !== undefined && p.idOf(row) === p.selected;
    rows.push(
      <div key={i} role="row" class={`row${chosen ? ' chosen' : ''}${row ? '' : ' empty-row'}`} aria-rowindex={i + 2} aria-selected={chosen}
        data-row={i} tabIndex={i === active.value ? 0 : -1} style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }}
        onFocus={() => { active.value = i; }} onClick={() => { if (row) { active.value = i; p.onOpen(row); } }}>
        {p.columns.map(c => (
          <span key={c.id} role="gridcell" class={`cell c-${c.id} ${c.class ?? ''}`}>
            {row ? c.cell(row) : c.id === 'name' ? <span class="bar" /> : null}
          </span>
        ))}
      </div>);
  }
  // Without the row that has the focus stop, Tab would skip the grid after scrolling away from it.
  const lost = active.value < first || active.value > last;
  return (
    <div class={`grid${narrow.value ? ' narrow' : ''}`} role="grid" aria-label={p.label} aria-rowcount={p.total + 1} aria-colcount={p.columns.length}>
      <div role="rowgroup" class="heads">
        <div role="row" class="row head" aria-rowindex={1}>
          {p.columns.map(c => <span key={c.id} role="columnheader" class={`cell c-${c.id} ${c.class ?? ''}`} title={c.label}>{c.head || <span class="sr">{c.label}</span>}</span>)}
        </div>
      </div>
      <div role="rowgroup" class="scroll" ref={box} tabIndex={lost ? 0 : -1} onKeyDown={onKey} onScroll={e => { top.value = e.currentTarget.scrollTop; }}>
        <div class="spacer" role="presentation" style={{ height: `${p.total * rowHeight}px` }}>{rows}</div>
      </div>
    </div>
  );
}
