// Names and values of a call, as they were given.
import { value } from '../lib/format';

export function Args({ args }: { args?: Record<string, unknown> }) {
  const rows = Object.entries(args ?? {});
  if (!rows.length) return <p class="quiet">none</p>;
  return <dl class="argslist">{rows.map(([k, v]) => <div key={k}><dt>{k}</dt><dd><code>{value(v)}</code></dd></div>)}</dl>;
}
