// The frame around every screen: where to go, who is signed in, how the page looks, and what the keyboard does.
import type { ComponentChildren } from 'preact';
import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, user } from '../lib/api';
import { setZone, zone } from '../lib/format';
import { link, waiting } from '../lib/live';
import { go, segment } from '../lib/route';
import { Dialog } from '../ui/parts';
import { Breakers } from './breakers';
import { Logo } from './login';
import { Palette } from './palette';

const pages = [
  { to: '/', id: '', label: 'Plan', key: 'p', icon: 'M3 5h18M3 12h18M3 19h11' },
  { to: '/ask', id: 'ask', label: 'Chat', key: 'c', icon: 'M4 5h16v11H9l-5 4Z' },
  { to: '/approvals', id: 'approvals', label: 'Approvals', key: 'a', icon: 'M5 12.5 10 17 19.5 7' },
  { to: '/journal', id: 'journal', label: 'Journal', key: 'j', icon: 'M6 3h12v18H6zM9.5 8h5M9.5 12h5M9.5 16h3' },
  { to: '/documents', id: 'documents', label: 'Documents', key: 'd', icon: 'M5 3h9l5 5v13H5zM14 3v5h5' },
  { to: '/resilience', id: 'resilience', label: 'Resilience', key: 'r', icon: 'M12 3 20 6v6c0 5-3.4 8-8 9-4.6-1-8-4-8-9V6Z' },
  { to: '/settings', id: 'settings', label: 'Settings', key: 's', icon: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5' },
];

type Theme = 'auto' | 'light' | 'dark';
const theme = signal<Theme>((localStorage.getItem('resync.theme') as Theme | null) ?? 'auto');
function setTheme(t: Theme) {
  theme.value = t;
  localStorage.setItem('resync.theme', t);
  if (t === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
}

const typing = (t: EventTarget | null) => t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName));

/** useKeys installs the shortcuts: "g" then a letter goes to a page, "/" searches, "?" lists them, Ctrl-K finds anything. */
function useKeys(open: (what: 'help' | 'find') => void) {
  useEffect(() => {
    let lead = 0;
    const onKey = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); open('find'); return; }
      if (typing(e.target) || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      const page = Date.now() - lead < 1200 ? pages.find(p => p.key === e.key) : undefined;
      lead = e.key === 'g' ? Date.now() : 0;
      if (page) go(page.to);
      else if (e.key === '?') open('help');
      else if (e.key === '/') {
        const field = document.querySelector<HTMLElement>('[data-search]');
        if (field) { e.preventDefault(); field.focus(); }
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

export function Shell({ children }: { children: ComponentChildren }) {
  const open = useSignal<'' | 'help' | 'find'>('');
  useKeys(what => { open.value = what; });
  const close = () => { open.value = ''; };
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={e => { e.preventDefault(); document.querySelector('main')?.focus(); }}>Skip to content</a>
      <nav class="side" aria-label="Main">
        <a class="brand" href="/" aria-label="Resync, plan"><Logo /><span>Resync</span></a>
        <button type="button" class="find" onClick={() => { open.value = 'find'; }}><span>Find…</span><kbd>Ctrl K</kbd></button>
        <ul>
          {pages.map(p => (
            <li key={p.id} class={p.id === 'settings' ? 'roomy' : undefined}>
              <a href={p.to} aria-current={segment(0) === p.id ? 'page' : undefined}>
                <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d={p.icon} /></svg>
                <span>{p.label}</span>
                {p.id === 'approvals' && waiting.value > 0
                  ? <span class="badge"><span class="sr">, waiting: </span>{waiting.value}</span> : null}
              </a>
            </li>
          ))}
        </ul>
        <Me onHelp={() => { open.value = 'help'; }} />
      </nav>
      <div class="bars">
        {link.value === 'lost' ? <p class="lost" role="status">Connection to Resync lost. What you see may be old; trying again.</p> : null}
        <Breakers />
      </div>
      {children}
      {open.value === 'help' ? <Help onClose={close} /> : null}
      {open.value === 'find' ? <Palette onClose={close} /> : null}
    </div>
  );
}

function Me({ onHelp }: { onHelp: () => void }) {
  const me = user.value!;
  const signOut = async () => {
    try { await api.logout(); } finally { user.value = null; }
  };
  return (
    <details class="me">
      <summary><span class="who" aria-hidden="true">{me.name.slice(0, 1).toUpperCase()}</span><span class="name">{me.name}<small>{me.roles?.join(', ')}</small></span></summary>
      <div class="pop">
        <p class="who-line"><strong>{me.name}</strong><span class="quiet">{me.roles?.join(', ')}</span></p>
        <fieldset><legend>Appearance</legend>
          {(['auto', 'light', 'dark'] as const).map(t => (
            <label key={t}><input type="radio" name="theme" checked={theme.value === t} onChange={() => setTheme(t)} />{t === 'auto' ? 'System' : t === 'light' ? 'Light' : 'Dark'}</label>))}
        </fieldset>
        <fieldset><legend>Times</legend>
          {(['local', 'utc'] as const).map(z => (
            <label key={z}><input type="radio" name="zone" checked={zone.value === z} onChange={() => setZone(z)} />{z === 'utc' ? 'UTC' : 'Local'}</label>))}
        </fieldset>
        <button type="button" class="plain" onClick={onHelp}>Keyboard shortcuts <kbd>?</kbd></button>
        <a class="tight" href="/settings" onClick={e => { e.currentTarget.closest('details')!.open = false; }}>Settings</a>
        <a href="/docs" target="_blank" rel="noreferrer">API reference</a>
        <button type="button" class="plain" onClick={signOut}>Sign out</button>
      </div>
    </details>
  );
}

function Help({ onClose }: { onClose: () => void }) {
  const rows: [string, string][] = [
    ['Ctrl K', 'Find a job or a page'], ['/', 'Search on this page'], ['g p', 'Plan'], ['g c', 'Chat'], ['g a', 'Approvals'],
    ['g j', 'Journal'], ['g d', 'Documents'], ['g r', 'Resilience'], ['g s', 'Settings'], ['↑ ↓', 'Move in a list'], ['Enter', 'Open, or send'], ['Shift Enter', 'New line in a question'], ['Esc', 'Close'], ['?', 'This list'],
  ];
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="keys">{rows.map(([k, v]) => <div key={k}><dt>{k.split(' ').map(x => <kbd key={x}>{x}</kbd>)}</dt><dd>{v}</dd></div>)}</dl>
    </Dialog>
  );
}
