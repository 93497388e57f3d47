// How numbers, times and names are written. Times are shown in the browser's zone or in UTC, never in a guessed one.
import { signal } from '@preact/signals';

export const zone = signal<'local' | 'utc'>(localStorage.getItem('resync.zone') === 'utc' ? 'utc' : 'local');
export function setZone(z: 'local' | 'utc') {
  zone.value = z;
  localStorage.setItem('resync.zone', z);
}

const valid = (t?: string) => {
  const d = t ? new Date(t) : null;
  return d && !Number.isNaN(d.getTime()) && d.getUTCFullYear() > 1 ? d : null;
};

const formats = new Map<string, Intl.DateTimeFormat>();
function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const full = key + zone.value;
  let f = formats.get(full);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { hourCycle: 'h23', timeZone: zone.value === 'utc' ? 'UTC' : undefined, ...options });
    formats.set(full, f);
  }
  return f;
}

/** clock is 02:14, with the day in front when it is not today: Sat 23:50, or 14 Nov 23:50 when that is a week away. */
export function clock(t?: string, seconds = false): string {
  const d = valid(t);
  if (!d) return '–';
  const day = format('day', { day: 'numeric', month: 'short' });
  const time = format(seconds ? 'hms' : 'hm', { hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined }).format(d);
  const today = new Date();
  if (day.format(d) === day.format(today)) return time;
  const near = Math.abs(d.getTime() - today.getTime()) < 6 * 86_400_000;
  return `${near ? format('weekday', { weekday: 'short' }).format(d) : day.format(d)} ${time}`;
}

/** full is the complete time with its zone, for a tooltip. */
export function full(t?: string): string {
  const d = valid(t);
  if (!d) return '';
  return format('full', { dateStyle: 'medium', timeStyle: 'long' } as Intl.DateTimeFormatOptions).format(d);
}

/** span writes seconds as 42 s, 2 min 9 s, 12 min, 1 h 05 min. */
export function span(seconds?: number): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '–';
  const s = Math.round(Math.abs(seconds));
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${s % 60} s` : ''}`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  const h = Math.floor(s / 3600);
  return h < 48 ? `${h} h ${String(Math.floor(s % 3600 / 60)).padStart(2, '0')} min` : `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** countdown writes ms as 4:51. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${String(Math.floor(s % 3600 / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`
    : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

export const millis = (ms?: number) => ms === undefined ? '' : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

const grouped = new Intl.NumberFormat('en-US');
export const count = (n: number) => grouped.format(n);
export const plural = (n: number, one: string, many = one + 's') => `${count(n)} ${n === 1 ? one : many}`;

/** words makes a contract name readable: HOLD_WAITING_FOR_TIME becomes "hold waiting for time". */
export const words = (s: string) => s.replace(/[_-]+/g, ' ').toLowerCase();

/** title is words() with a capital: update_priority becomes "Update priority". */
export const title = (s: string) => words(s).replace(/^./, c => c.toUpperCase());

/** value writes any JSON value on one line, for arguments and previews. */
export function value(v: unknown): string {
  if (v === null || v === undefined) return '–';
  if (typeof v === 'string') return v;
  return typeof v === 'object' ? JSON.stringify(v) : String(v);
}

/** byteSlice cuts a text by UTF-8 offsets, which is how the server counts, into before, inside and after. */
export function byteSlice(text: string, start: number, end: number): [string, string, string] {
  const bytes = new TextEncoder().encode(text);
  const decode = (a: number, b: number) => new TextDecoder().decode(bytes.subarray(a, b));
  const s = Math.max(0, Math.min(start, bytes.length));
  const e = Math.max(s, Math.min(end, bytes.length));
  return [decode(0, s), decode(s, e), decode(e, bytes.length)];
}
