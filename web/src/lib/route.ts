// The address is the state: what is open, filtered and selected can be sent to a colleague as a link.
import { computed, signal } from '@preact/signals';

const address = signal(location.pathname + location.search);
addEventListener('popstate', () => { address.value = location.pathname + location.search; });

export const path = computed(() => address.value.split('?')[0] ?? '/');
export const params = computed(() => new URLSearchParams(address.value.split('?')[1] ?? ''));
export const param = (name: string) => params.value.get(name) ?? '';
/** segment returns the n-th part of the path: /chat/42 has segment(0) "chat" and segment(1) "42". */
export const segment = (n: number) => decodeURIComponent(path.value.split('/')[n + 1] ?? '');

/** go opens an address of the console. */
export function go(to: string, replace = false) {
  if (to === address.peek()) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  address.value = location.pathname + location.search;
}

/** withParams is the present address with some parameters changed; an empty value removes one. */
export function withParams(changes: Record<string, string>): string {
  const p = new URLSearchParams(params.peek());
  for (const [k, v] of Object.entries(changes)) if (v) p.set(k, v); else p.delete(k);
  const s = p.toString();
  return path.peek() + (s ? '?' + s : '');
}

export const setParams = (changes: Record<string, string>, replace = false) => go(withParams(changes), replace);

/** inside reports whether an address given from outside (?next=) stays in this console. */
export const inside = (to: string) => to.startsWith('/') && !to.startsWith('//') && !to.includes('\\');

/** follow makes ordinary links navigate in place and leaves clicks that ask for a new tab to the browser. */
export function follow(e: MouseEvent) {
  const a = (e.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
  if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a.origin !== location.origin || a.target || a.hasAttribute('download') || a.hash) return;
  e.preventDefault();
  go(a.pathname + a.search);
}
