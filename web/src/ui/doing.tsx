// Doing something on purpose: a dialog that says what will happen and sends it, a menu of such things, and text to copy.
import type { ComponentChildren } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Failure } from '../lib/api';
import { say } from '../lib/live';
import { Dialog, ErrorCard } from './parts';

/** refused reports whether the server's refusal names the field, as "threshold: …" or "breakers.redis.threshold: …". */
export const refused = (e: Error | null, field: string) =>
  e instanceof Failure && new RegExp(`(^|[\\s.;])${field}(\\[\\d+\\])?:`).test(e.detail);

export interface DoingProps {
  title: string; verb: string; leave?: string; danger?: boolean; wide?: boolean; blocked?: boolean;
  /** why asks for a reason, which act gets. */
  why?: boolean; act: (reason: string) => Promise<unknown>; told: string;
  onClose: () => void; done?: () => void; children?: ComponentChildren; failed?: Signal<Error | null>; more?: ComponentChildren;
}

/** Doing is a dialog that does one thing. What the server refuses stays on screen, in its words. */
export function Doing(p: DoingProps) {
  const reason = useSignal('');
  const busy = useSignal(false);
  const own = useSignal<Error | null>(null);
  const failed = p.failed ?? own;
  const send = async (e: Event) => {
    e.preventDefault();
    busy.value = true;
    failed.value = null;
    try {
      await p.act(reason.value.trim());
      say(p.told);
      p.done?.();
      p.onClose();
    } catch (err) { failed.value = err as Error; } finally { busy.value = false; }
  };
  return (
    <Dialog title={p.title} onClose={p.onClose} wide={p.wide}>
      <form class="stack" onSubmit={send}>
        {p.children}
        {p.why ? <label>Reason, kept in the audit<input name="reason" required maxLength={400} value={reason.value} aria-invalid={refused(failed.value, 'reason')} onInput={e => { reason.value = e.currentTarget.value; }} /></label> : null}
        {failed.value ? <ErrorCard error={failed.value} title="The server refused" /> : null}
        <p class="row-end">{p.more}<button type="button" onClick={p.onClose}>{p.leave ?? 'Leave it'}</button>
          <button class={p.danger ? 'danger' : 'primary'} disabled={busy.value || p.blocked || (p.why && !reason.value.trim())}>{busy.value ? 'Being done…' : p.verb}</button></p>
      </form>
    </Dialog>
  );
}

/** Menu opens a short list of things to do; Escape, a choice or a click elsewhere closes it. */
export function Menu({ label, of, items }: { label: string; of: string; items: [string, string, () => void][] }) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const onClick = (e: MouseEvent) => { if (box.current?.open && !box.current.contains(e.target as Node)) box.current.open = false; };
    addEventListener('click', onClick);
    return () => removeEventListener('click', onClick);
  }, []);
  const close = () => { box.current!.open = false; };
  return (
    <details class="menu" ref={box} onToggle={() => { if (box.current!.open) box.current!.querySelector('.pop')!.scrollIntoView({ block: 'nearest' }); }} onKeyDown={e => {
      if (e.key !== 'Escape' || !box.current!.open) return;
      e.stopPropagation();
      close();
      box.current!.querySelector('summary')!.focus();
    }}>
      <summary class="button small">{label}<span class="sr"> {of}</span></summary>
      <div class="pop">{items.map(([name, hint, act]) => (
        <button key={name} type="button" class="plain" onClick={() => { close(); box.current!.querySelector('summary')!.focus(); act(); }}><strong>{name}</strong><span class="quiet">{hint}</span></button>))}</div>
    </details>
  );
}

/** Secret shows a text once, to be copied. */
export function Secret({ text, label }: { text: string; label: string }) {
  const field = useRef<HTMLInputElement>(null);
  const told = useSignal('');
  const copy = async () => {
    field.current!.select();
    // The clipboard is there on https and on this machine only; the older way works on plain http.
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else if (!document.execCommand('copy')) throw new Error('refused');
      told.value = 'Copied.';
    } catch { told.value = 'The browser does not let this page copy. The text is selected: press Ctrl C.'; }
  };
  return (
    <div class="secret">
      <label>{label}<input ref={field} readOnly value={text} spellcheck={false} autocomplete="off" onFocus={e => e.currentTarget.select()} /></label>
      <button type="button" onClick={copy}>Copy</button>
      <p class="quiet small" role="status">{told}</p>
    </div>
  );
}
