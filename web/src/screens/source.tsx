// The source pane: the very text a sentence rests on, with the part that was used set off, and where to find it again.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Answer, Evidence, LogLine } from '../lib/contract';
import { byteSlice, title } from '../lib/format';
import { setParams } from '../lib/route';
import { AsOf, Lines, Marked } from '../ui/parts';
import { number } from './answer';

export function SourcePane({ evidence, id, answer }: { evidence: Evidence[]; id: string; answer?: Answer }) {
  const at = evidence.findIndex(e => e.id === id);
  const e = evidence[at];
  const body = useRef<HTMLDivElement>(null);
  const close = () => setParams({ src: '', turn: '' });
  useEffect(() => {
    body.current?.querySelector('mark, .hit')?.scrollIntoView({ block: 'center' });
    const onKey = (ev: KeyboardEvent) => { if (ev.key === 'Escape' && !document.querySelector('dialog[open]')) close(); };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [id]);
  if (!e) return null;
  const step = (n: number) => setParams({ src: evidence[(at + n + evidence.length) % evidence.length]!.id }, true);
  return (
    <aside class="source" aria-labelledby="source-title">
      <header>
        <p class="line"><span class="cite still">{number(e.id, evidence)}</span><span class="kind">{title(e.kind)}</span><span class="push" />
          <button type="button" class="ghost icon" aria-label="Previous source" onClick={() => step(-1)}>‹</button>
          <span class="num quiet">{at + 1} / {evidence.length}</span>
          <button type="button" class="ghost icon" aria-label="Next source" onClick={() => step(1)}>›</button>
          <button type="button" class="ghost icon" aria-label="Close sources" onClick={close}>×</button></p>
        <h2 id="source-title">{e.title}</h2>
        {e.path ? <p class="quiet path">{e.path}</p> : null}
      </header>
      <div class="source-body" ref={body}><Body e={e} terms={used(e, answer)} /></div>
      <footer><code class="where">{e.source}</code><AsOf at={e.as_of} /></footer>
      <nav class="source-list" aria-label="Sources of this answer">
        <ol>{evidence.map(x => (
          <li key={x.id}><button type="button" class="plain" aria-current={x.id === id ? 'true' : undefined} onClick={() => setParams({ src: x.id }, true)}>
            <span class="cite still">{number(x.id, evidence)}</span><span class="kind">{title(x.kind)}</span><span class="t">{x.title}</span></button></li>))}
        </ol>
      </nav>
    </aside>
  );
}

function Body({ e, terms }: { e: Evidence; terms: string[] }) {
  if (e.kind === 'log') {
    return <Lines lines={logLines(e)} label={e.title} codes={terms} />;
  }
  const body = e.highlights?.length ? ranges(e.text, e.highlights) : <Marked text={e.text} codes={terms} />;
  if (e.highlights?.length || e.kind === 'passage' || e.kind === 'code' || e.kind === 'gate') return <div class="passage">{body}</div>;
  // Facts are written as "name value; name value", a line for each object.
  return <ul class="fact">{e.text.split('\n').map((line, i) => <li key={i}>{line.split('; ').map((f, k) => <span key={k}><Marked text={f} codes={terms} /></span>)}</li>)}</ul>;
}

/** logLines reads "line 18: text" with its own number; text without numbers is counted from the evidence's first line. */
function logLines(e: Evidence): LogLine[] {
  const lines = e.text.replace(/\n$/, '').split('\n');
  const numbered = lines.map(l => /^line (\d+): ?(.*)$/.exec(l));
  return numbered.some(Boolean)
    ? lines.map((l, i) => numbered[i] ? { line: Number(numbered[i]![1]), text: numbered[i]![2]! } : { line: 0, text: l })
    : lines.map((text, i) => ({ line: (e.line || 1) + i, text }));
}

/** ranges sets off the byte ranges that the server names. */
function ranges(text: string, list: [number, number][]): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let at = 0;
  for (const [start, end] of [...list].sort((a, b) => a[0] - b[0])) {
    if (start < at || end <= start) continue;
    const [before, inside] = byteSlice(text, start, end);
    out.push(before.slice(byteSlice(text, 0, at)[1].length), <mark key={start}>{inside}</mark>);
    at = end;
  }
  out.push(byteSlice(text, at, at)[2]);
  return out;
}

/** used are the names, codes and numbers of the sentences that cite this evidence and that stand in its text. They are what the
 * checker compared, so setting them off shows why the sentence may be believed. */
export function used(e: Evidence, a?: Answer): string[] {
  const said = (a?.sentences ?? []).filter(s => s.evidence?.includes(e.id)).map(s => s.text)
    .concat((a?.hypotheses ?? []).filter(h => h.evidence?.includes(e.id)).map(h => h.title), a?.hypotheses?.flatMap(h => h.codes ?? []) ?? []);
  const found = new Set<string>();
  for (const s of said) {
    for (const m of s.matchAll(/[“"]([^”"]{4,})[”"]/g)) if (e.text.includes(m[1]!)) found.add(m[1]!);
    for (const m of s.replace(/\[\d+\]/g, '').matchAll(/[A-Z][A-Z0-9_#./-]*[A-Z0-9_]|\d{1,2}:\d{2}(?::\d{2})?|\b\d{2,}\b/g)) {
      if (m[0].length > 1 && e.text.includes(m[0])) found.add(m[0]);
    }
  }
  return [...found].sort((x, y) => y.length - x.length).slice(0, 12);
}
