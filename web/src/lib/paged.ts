// A long list fetched in pages as it is scrolled, so that a plan of 500,000 jobs costs what is on the screen.
import { signal } from '@preact/signals';
import type { Job, JobPage } from './contract';

const size = 100;

export type Fetch = (offset: number, limit: number, signal: AbortSignal) => Promise<JobPage>;

export class Paged {
  readonly total = signal<number | null>(null);
  readonly asOf = signal('');
  readonly freshness = signal('');
  readonly error = signal<Error | null>(null);
  /** version changes when any row changed; rows are read with at(). */
  readonly version = signal(0);
  private pages = new Map<number, Job[]>();
  private asked = new Map<number, AbortController>();
  private wanted: [number, number] = [0, 0];

  constructor(private fetch: Fetch) {}

  at(i: number): Job | undefined { return this.pages.get(Math.floor(i / size))?.[i % size]; }

  /** show tells which rows are on the screen; missing pages are fetched, requests for others are given up. */
  show(first: number, last: number) {
    this.wanted = [Math.floor(first / size), Math.floor(Math.max(first, last) / size)];
    for (const [page, c] of this.asked) if (!this.near(page)) { c.abort(); this.asked.delete(page); }
    for (let p = this.wanted[0]; p <= this.wanted[1]; p++) if (!this.pages.has(p)) void this.get(p);
  }

  /** refresh fetches what is on the screen again and forgets the rest; the old rows stay until the new ones are there. */
  refresh() {
    for (const page of [...this.pages.keys()]) if (!this.near(page)) this.pages.delete(page);
    for (let p = this.wanted[0]; p <= this.wanted[1]; p++) void this.get(p);
  }

  stop() { for (const c of this.asked.values()) c.abort(); }

  private near(page: number) { return page >= this.wanted[0] - 1 && page <= this.wanted[1] + 1; }

  private async get(page: number) {
    if (this.asked.has(page)) return;
    const c = new AbortController();
    this.asked.set(page, c);
    try {
      const res = await this.fetch(page * size, size, c.signal);
      this.pages.set(page, res.items ?? []);
      this.total.value = res.total;
      this.asOf.value = res.as_of;
      this.freshness.value = res.freshness;
      this.error.value = null;
      this.version.value++;
    } catch (e) {
      if ((e as Error).name !== 'AbortError') this.error.value = e as Error;
    } finally {
      if (this.asked.get(page) === c) this.asked.delete(page);
    }
  }
}
