// Marks for states and risks. Each is a shape, a letter and a word; colour only repeats what these say.
import type { ComponentChildren } from 'preact';
import { words } from '../lib/format';

type Tone = 'bad' | 'warn' | 'good' | 'busy' | 'idle';
type Shape = 'triangle' | 'disc' | 'ring' | 'square' | 'dashed' | 'check' | 'diamond' | 'cross';

interface Look { tone: Tone; shape: Shape; letter: string; word: string; rank: number }

const look = (tone: Tone, shape: Shape, letter: string, word: string, rank: number): Look => ({ tone, shape, letter, word, rank });

// Job states of the engine and of its REST "common" vocabulary, in the order an operator wants to meet them.
const states = new Map<string, Look>([
  ['ABEND', look('bad', 'triangle', 'A', 'Abended', 0)],
  ['FAIL', look('bad', 'triangle', 'F', 'Failed', 1)],
  ['ERROR', look('bad', 'triangle', 'E', 'Error', 2)],
  ['ABENP', look('bad', 'triangle', 'A', 'Abend pending', 3)],
  ['STUCK', look('bad', 'triangle', 'K', 'Stuck', 4)],
  ['BLOCKED', look('bad', 'triangle', 'B', 'Blocked', 4)],
  ['SUSP', look('bad', 'triangle', 'B', 'Blocked', 4)],
  ['EXEC', look('busy', 'disc', 'E', 'Running', 10)],
  ['RUNNING', look('busy', 'disc', 'E', 'Running', 10)],
  ['STARTED', look('busy', 'disc', 'E', 'Started', 11)],
  ['INTRO', look('busy', 'disc', 'I', 'Launching', 12)],
  ['SUCCP', look('busy', 'disc', 'P', 'Success pending', 13)],
  ['PEND', look('warn', 'diamond', 'P', 'Needs confirmation', 14)],
  ['UNDECIDED', look('warn', 'diamond', 'U', 'Undecided', 15)],
  ['UNDCDED', look('warn', 'diamond', 'U', 'Undecided', 15)],
  ['EXTRN', look('warn', 'diamond', 'X', 'External, unresolved', 16)],
  ['FENCE', look('warn', 'square', 'N', 'Behind the fence', 19)],
  ['READY', look('idle', 'ring', 'R', 'Ready', 20)],
  ['WAIT', look('idle', 'dashed', 'W', 'Waiting', 21)],
  ['WAITING', look('idle', 'dashed', 'W', 'Waiting', 21)],
  ['HOLD', look('idle', 'square', 'H', 'On hold', 22)],
  ['HELD', look('idle', 'square', 'H', 'Held', 22)],
  ['SCHED', look('idle', 'dashed', 'T', 'Time not reached', 23)],
  ['ADD', look('idle', 'dashed', 'D', 'Being added', 24)],
  ['SUPPR', look('idle', 'cross', 'X', 'Suppressed', 30)],
  ['SUPPRESS', look('idle', 'cross', 'X', 'Suppressed', 30)],
  ['CANCL', look('idle', 'cross', 'C', 'Cancelled', 31)],
  ['CANCELED', look('idle', 'cross', 'C', 'Cancelled', 31)],
  ['CANCLP', look('idle', 'cross', 'C', 'Cancel pending', 31)],
  ['LATE', look('warn', 'diamond', 'L', 'Late', 60)],
  ['CRITICAL', look('idle', 'ring', 'C', 'Critical', 61)],
  ['SUCC', look('good', 'check', 'S', 'Successful', 40)],
  ['SUCCESSFUL', look('good', 'check', 'S', 'Successful', 40)],
]);

const unknown = (s: string): Look => look('idle', 'dashed', '?', s ? words(s) : 'unknown', 50);
export const lookOf = (status: string) => states.get(status.toUpperCase()) ?? unknown(status);

function Outline({ shape }: { shape: Shape }) {
  switch (shape) {
    case 'triangle': return <path d="M9 1.6 17.2 16H.8Z" class="solid" stroke-linejoin="round" />;
    case 'disc': return <circle cx="9" cy="9" r="7.6" class="solid" />;
    case 'ring': return <circle cx="9" cy="9" r="7.2" class="line" />;
    case 'square': return <rect x="2" y="2" width="14" height="14" rx="2.5" class="line" />;
    case 'dashed': return <circle cx="9" cy="9" r="7.2" class="line" stroke-dasharray="2.4 2.1" />;
    case 'check': return <rect x="1.6" y="1.6" width="14.8" height="14.8" rx="7.4" class="line" />;
    case 'diamond': return <path d="M9 .9 17.1 9 9 17.1.9 9Z" class="solid" stroke-linejoin="round" />;
    case 'cross': return <path d="M5.6 1.8h6.8l3.8 3.8v6.8l-3.8 3.8H5.6l-3.8-3.8V5.6Z" class="line" stroke-linejoin="round" />;
  }
}

function Glyph({ tone, shape, letter }: { tone: Tone; shape: Shape; letter: string }) {
  return (
    <svg class={`glyph ${tone}`} viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">
      <Outline shape={shape} />
      <text x="9" y={shape === 'triangle' ? 14.2 : 12.6} text-anchor="middle">{letter}</text>
    </svg>
  );
}

/** StateMark shows a job state; the engine's own word stays readable as its title. */
export function StateMark({ status, substatus, short }: { status: string; substatus?: string; short?: boolean }) {
  const l = lookOf(status);
  const title = [status, substatus && words(substatus)].filter(Boolean).join(': ');
  return (
    <span class={`state ${l.tone}`} title={title}>
      <Glyph {...l} />
      <span class={short ? 'sr' : 'word'}>{l.word}</span>
    </span>
  );
}

export function Late({ long }: { long?: boolean }) {
  return <span class="mark warn" title="Late"><Glyph tone="warn" shape="diamond" letter="L" /><span class={long ? 'word' : 'sr'}>Late</span></span>;
}

export function AtRisk({ long }: { long?: boolean }) {
  return <span class="mark warn" title="Deadline at risk"><Glyph tone="warn" shape="square" letter="!" /><span class={long ? 'word' : 'sr'}>Deadline at risk</span></span>;
}

export function Critical({ long }: { long?: boolean }) {
  return (
    <span class="mark crit" title="Critical job">
      <svg class="glyph crit" viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">
        <path d="M9 .9 16 3.5v5.1c0 4-2.9 6.9-7 8.6-4.1-1.7-7-4.6-7-8.6V3.5Z" class="solid" />
        <text x="9" y="12.4" text-anchor="middle">C</text>
      </svg>
      <span class={long ? 'word' : 'sr'}>Critical</span>
    </span>
  );
}

const risks = new Map<string, [number, Tone, string]>([
  ['read_only', [0, 'idle', 'Read only']], ['low', [1, 'idle', 'Low risk']], ['medium', [2, 'idle', 'Medium risk']],
  ['mutating', [2, 'idle', 'Changes the plan']], ['credential_sensitive', [3, 'warn', 'Touches credentials']],
  ['high', [3, 'warn', 'High risk']], ['destructive', [4, 'bad', 'Destructive']], ['critical', [4, 'bad', 'Critical risk']],
]);

/** Risk shows a level as filled bars and its word. */
export function Risk({ level }: { level: string }) {
  const [bars, tone, word] = risks.get((level ?? '').toLowerCase()) ?? [0, 'idle', words(level ?? 'unknown risk')];
  return (
    <span class={`risk ${tone}`}>
      <svg viewBox="0 0 16 12" width="16" height="12" aria-hidden="true">
        {[1, 2, 3, 4].map(i => <rect key={i} x={(i - 1) * 4} y={12 - i * 3} width="3" height={i * 3} class={i <= bars ? 'on' : 'off'} />)}
      </svg>
      {word}
    </span>
  );
}

const phases = new Map<string, Look>([
  ['proposed', look('idle', 'dashed', 'P', 'Proposed', 0)],
  ['assessed', look('idle', 'dashed', 'P', 'Assessed', 0)],
  ['queued', look('idle', 'dashed', 'Q', 'Queued', 0)],
  ['blocked_on_user', look('warn', 'diamond', '?', 'Waiting for approval', 1)],
  ['pending', look('warn', 'diamond', '?', 'Waiting for approval', 1)],
  ['approved', look('busy', 'ring', 'A', 'Approved', 2)],
  ['used', look('busy', 'ring', 'A', 'Approved', 2)],
  ['in_progress', look('busy', 'disc', 'E', 'Running', 3)],
  ['running', look('busy', 'disc', 'E', 'Running', 3)],
  ['executing', look('busy', 'disc', 'E', 'Executing', 3)],
  ['done', look('good', 'check', 'D', 'Done', 4)],
  ['success', look('good', 'check', 'D', 'Done', 4)],
  ['verified', look('good', 'check', 'V', 'Verified', 5)],
  ['unverified', look('warn', 'diamond', '?', 'Done, not confirmed', 5)],
  ['reconciled', look('good', 'check', 'D', 'Settled by reading', 5)],
  ['vote', look('busy', 'ring', 'A', 'Vote', 2)],
  ['undone', look('good', 'check', 'U', 'Undone', 5)],
  ['error', look('bad', 'triangle', '!', 'Failed', 6)],
  ['cancelled', look('idle', 'cross', 'C', 'Cancelled', 6)],
  ['rejected', look('idle', 'cross', 'R', 'Declined', 6)],
  ['expired', look('idle', 'cross', 'X', 'Expired', 6)],
  ['void', look('idle', 'cross', 'V', 'Void', 6)],
  ['voided', look('idle', 'cross', 'V', 'Void', 6)],
  ['outcome_unknown', look('warn', 'diamond', '?', 'Outcome unknown', 7)],
]);

/** PhaseMark shows how far an action is. */
export function PhaseMark({ phase }: { phase: string }) {
  const l = phases.get(phase) ?? unknown(phase);
  return <span class={`state ${l.tone}`} title={phase}><Glyph {...l} /><span class="word">{l.word}</span></span>;
}

const gates = new Map<string, [Tone, Shape, string, string]>([
  ['pass', ['good', 'check', '✓', 'Passes']], ['fail', ['bad', 'triangle', '!', 'Stops it']],
  ['unknown', ['warn', 'diamond', '?', 'Not known']], ['not_applicable', ['idle', 'dashed', '–', 'Does not apply']],
]);

export function GateMark({ state }: { state: string }) {
  const [tone, shape, letter, word] = gates.get(state) ?? ['idle', 'dashed', '?', words(state)] as const;
  return <span class={`state ${tone}`}><Glyph tone={tone} shape={shape} letter={letter} /><span class="word">{word}</span></span>;
}

export function Chip({ children, tone }: { children: ComponentChildren; tone?: Tone }) {
  return <span class={`chip ${tone ?? ''}`}>{children}</span>;
}
