// Sign in: with the one-time token of the printed address, or with a name and a password.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, Failure, user } from '../lib/api';
import { go, inside, param } from '../lib/route';
import { say } from '../lib/live';

function message(f: Failure, withToken: boolean): string {
  if (f.status === 429) return f.detail || 'Too many attempts. Sign-in is locked for a while.';
  if (f.detail) return f.detail;
  if (withToken) return 'This link has expired or was used before. Start the demo again, or ask an administrator for a new link.';
  return f.status === 401 ? 'The name or the password is wrong.' : f.title;
}

export function Login() {
  const error = useSignal<Failure | null>(null);
  const tokenUsed = useSignal(false);
  const busy = useSignal(false);

  async function signIn(cred: { token: string } | { username: string; password: string }) {
    busy.value = true;
    error.value = null;
    tokenUsed.value = 'token' in cred;
    try {
      user.value = (await api.login(cred)).user;
      const next = param('next');
      go(inside(next) ? next : '/', true);
      say(`Signed in as ${user.value.name}`);
    } catch (e) {
      error.value = e instanceof Failure ? e : new Failure(0, String(e), '', '', 0, '');
    } finally {
      busy.value = false;
    }
  }

  useEffect(() => {
    document.title = 'Sign in · Resync';
    const take = () => {
      if (!location.hash) return;
      const token = new URLSearchParams(location.hash.slice(1)).get('token');
      // The token must not stay in the address, where it would be copied, bookmarked or seen over a shoulder.
      history.replaceState(null, '', location.pathname + location.search);
      if (token) void signIn({ token });
    };
    take();
    // The printed address pasted into a tab that is on this page already changes the fragment and loads nothing.
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);

  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    void signIn({ username: String(form.get('username')), password: String(form.get('password')) });
  };

  return (
    <main class="login">
      <form class="card" onSubmit={submit}>
        <p class="brand"><Logo /> Resync</p>
        <h1>Sign in</h1>
        <p class="quiet">Operations console for HCL and IBM Workload Automation</p>
        {error.value ? (
          <div class="note bad stacked" role="alert">
            <strong>{error.value.status === 429 ? 'Locked for now' : 'Not signed in'}</strong>
            <span>{message(error.value, tokenUsed.value)}</span>
            {error.value.retryAfter ? <span>Try again in {error.value.retryAfter} seconds.</span> : null}
            {error.value.trace ? <span class="quiet">trace <code>{error.value.trace}</code></span> : null}
          </div>
        ) : null}
        <label>User name<input name="username" autocomplete="username" required autofocus spellcheck={false} /></label>
        <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
        <button class="primary" disabled={busy.value}>{busy.value ? 'Signing in…' : 'Sign in'}</button>
        <p class="quiet small">Started with <code>resync demo</code>? Open the address it printed; it signs you in once.</p>
      </form>
    </main>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M9 11.5h9.5a4.5 4.5 0 0 1 0 9H12" />
      <path d="m15 16.6-3.9 3.9 3.9 3.9" />
    </svg>
  );
}
