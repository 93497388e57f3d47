// Small parts that every screen uses: times, errors, empty states, skeletons, dialogs, tabs.
import { Component, type ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Failure } from '../lib/api';
import type { LogLine } from '../lib/contract';
import { clock, full, zone } from '../lib/format';

export function Time({ t, seconds }: { t?: string; seconds?: boolean }) {
  const text = clock(t, seconds);
  return text === '–' ? <span class="none">–</span> : <time dateTime={t} title={full(t)}>{text}</time>;
}

/** AsOf says how old what is shown is, in the server's word. */
export function AsOf({ at, freshness }: { at?: string; freshness?: string }) {
  if (!at) return null;
  return (
    <span class="asof">
      as of <Time t={at} seconds />{zone.value === 'utc' ? ' UTC' : ''}
      {freshness ? <span class={`fresh ${freshness === 'live' ? 'good' : freshness === 'recent' ? '' : 'warn'}`}>{freshness}</span> : null}
    </span>
  );
}

// Words of HTTP that say no more than the detail that follows them.
const plainStatus = /^(Bad Request|Forbidden|Not Found|Conflict|Unprocessable Entity)$/;

/** ErrorCard shows a failure in the server's words, with the trace id to quote and a way to try again. */
export function ErrorCard({ error, retry, title }: { error: Error; retry?: () => void; title?: string }) {
  const f = error instanceof Failure ? error : null;
  const head = title ?? f?.title ?? 'This part of the page failed';
  const body = f ? f.detail : error.message;
  return (
    <div class="card error" role="alert">
      <p class="head">{head}</p>
      {title && f && f.title !== title && !(body && plainStatus.test(f.title)) ? <p>{f.title}</p> : null}
      {body ? <p>{body}</p> : null}
      <p class="foot">
        {retry ? <button type="button" class="small" onClick={retry}>Try again</button> : null}
        {f?.trace ? <span class="quiet">trace <code>{f.trace}</code></span> : null}
      </p>
    </div>
  );
}

/** Empty says why there is nothing and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="head">{title}</p>{children}</div>;
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="sr">Loading</span>
      {Array.from({ length: lines }, (_, i) => <span key={i} class={`bar w${i % 4}`} />)}
    </div>
  );
}

/** Dialog is the browser's own modal dialog: focus is kept inside, Escape closes, focus returns. With hold a click beside it closes nothing. */
export function Dialog({ title, onClose, children, wide, hold }:
  { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean; hold?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = ref.current!;
    const before = document.activeElement as HTMLElement | null;
    d.showModal();
    // The browser would choose the close button; a field is what one came for, unless it calls up a phone's keyboard.
    const field = d.querySelector<HTMLElement>('[autofocus]') ?? (matchMedia('(pointer: coarse)').matches ? null : d.querySelector<HTMLElement>('form input, form textarea, form select, .decide textarea'));
    (field ?? d).focus();
    return () => { d.close(); before?.focus?.(); };
  }, []);
  return (
    <dialog ref={ref} tabIndex={-1} class={wide ? 'wide' : ''} aria-label={title}
      onCancel={(e: Event) => { e.preventDefault(); onClose(); }}
      onClick={(e: MouseEvent) => { if (e.target === ref.current && !hold) onClose(); }}>
      <div class="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" class="ghost icon" aria-label="Close" onClick={onClose}>×</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

export interface TabItem { id: string; label: string; count?: number }

/** Tabs with the keyboard behaviour of the ARIA pattern: arrows move and select. */
export function Tabs({ items, current, onSelect, label }:
  { items: TabItem[]; current: string; onSelect: (id: string) => void; label: string }) {
  const bar = useRef<HTMLDivElement>(null);
  const onKey = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    const i = (items.findIndex(t => t.id === current) + step + items.length) % items.length;
    onSelect(items[i]!.id);
    (bar.current!.children[i] as HTMLElement).focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={bar} onKeyDown={onKey}>
      {items.map(t => (
        <button key={t.id} type="button" role="tab" id={`tab-${t.id}`} aria-selected={t.id === current}
          aria-controls={`panel-${t.id}`} tabIndex={t.id === current ? 0 : -1} onClick={() => onSelect(t.id)}>
          {t.label}{t.count === undefined ? null : <span class="n">{t.count}</span>}
        </button>
      ))}
    </div>
  );
}

/** Boundary keeps one broken screen from blanking the console, Part one broken part from blanking the screen. */
export class Boundary extends Component<{ children: ComponentChildren; resetOn?: string }, { error: Error | null; at?: string }> {
  override state: { error: Error | null; at?: string } = { error: null };
  static override getDerivedStateFromError(error: Error) { return { error }; }
  override componentDidUpdate(prev: { resetOn?: string }) {
    if (this.state.error && prev.resetOn !== this.props.resetOn) this.setState({ error: null });
  }
  override render() {
    if (!this.state.error) return this.props.children;
    return <main class="page"><h1>Console</h1><ErrorCard error={this.state.error} title="This screen failed to draw" retry={() => this.setState({ error: null })} /></main>;
  }
}

export class Part extends Boundary {
  override render() {
    return this.state.error ? <ErrorCard error={this.state.error} title="This part failed to draw" retry={() => this.setState({ error: null })} /> : this.props.children;
  }
}

/** Marked shows text with every occurrence of the given codes set off. */
export function Marked({ text, codes }: { text: string; codes?: string[] }) {
  const list = (codes ?? []).filter(Boolean);
  if (!list.length) return <>{text}</>;
  const pattern = new RegExp(`(${list.map(c => c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
  return <>{text.split(pattern).map((part, i) => i % 2 ? <mark key={i}>{part}</mark> : part)}</>;
}

/** Lines shows a piece of a log with its line numbers; a line without a number is a remark on the others. */
export function Lines({ lines, codes, label }: { lines: LogLine[]; codes?: string[]; label: string }) {
  return (
    <div class="lines" role="region" aria-label={label} tabIndex={0}>
      <ol>
        {lines.map((l, i) => (
          <li key={i} value={l.line || undefined} class={/^[=*_-]{20,}$/.test(l.text) ? 'ruler' : ''}>
            <span class="no" aria-hidden="true">{l.line || ''}</span><code><Marked text={l.text || ' '} codes={codes} /></code></li>
        ))}
      </ol>
    </div>
  );
}
