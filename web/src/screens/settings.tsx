// What is set up from the console: tokens that let programs in, and who else is told what happens.
import { useEffect } from 'preact/hooks';
import { user } from '../lib/api';
import { segment } from '../lib/route';
import { Empty } from '../ui/parts';
import { Tokens } from './tokens';
import { Webhooks } from './webhooks';

export function Settings() {
  const hooks = segment(1) === 'webhooks';
  const admin = Boolean(user.value?.roles?.includes('admin'));
  useEffect(() => { document.title = `${hooks ? 'Webhooks' : 'API tokens'} · Resync`; }, [hooks]);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header class="bar-top"><h1>{hooks ? 'Webhooks' : 'API tokens'}</h1>
        <nav class="filters" aria-label="Settings">
          <a class="filter" href="/settings/tokens" aria-current={hooks ? undefined : 'true'}>API tokens</a>
          <a class="filter" href="/settings/webhooks" aria-current={hooks ? 'true' : undefined}>Webhooks</a>
        </nav></header>
      {!hooks ? <Tokens admin={admin} /> : admin ? <Webhooks /> : <Empty title="Receivers are shown to administrators only"><p>They are told what happens while nobody looks at this console. Ask an administrator if a message is missing.</p></Empty>}
    </main>
  );
}
