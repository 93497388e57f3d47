// The console: sign-in, shell and the choice of the screen by address.
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, user } from './lib/api';
import { follow, go, path, segment } from './lib/route';
import { said, start } from './lib/live';
import { Boundary, Skeleton } from './ui/parts';
import { Shell } from './screens/shell';
import { Login } from './screens/login';
import { Plan } from './screens/plan';
import { Chat } from './screens/chat';
import { Approvals } from './screens/approvals';
import { Journal } from './screens/journal';
import { Documents } from './screens/documents';
import { Resilience } from './screens/resilience';
import { Settings } from './screens/settings';
import './style/main.css';

function Screen() {
  switch (segment(0)) {
    case '': return <Plan />;
    case 'ask': return <Chat />;
    case 'approvals': return <Approvals />;
    case 'journal': return <Journal />;
    case 'documents': return <Documents />;
    case 'resilience': return <Resilience />;
    case 'settings': return <Settings />;
    default: return <Plan />;
  }
}

function App() {
  const signedOut = user.value === null;
  const atLogin = segment(0) === 'login';
  useEffect(() => {
    if (atLogin) {
      if (user.peek() === undefined) user.value = null;
      return;
    }
    if (signedOut) go('/login?next=' + encodeURIComponent(location.pathname + location.search), true);
  }, [signedOut, atLogin]);
  if (atLogin) return <Login />;
  if (!user.value) return <main class="page"><h1 class="sr">Resync</h1><Skeleton lines={4} /></main>;
  return <Shell><Boundary resetOn={path.value}><Screen /></Boundary></Shell>;
}

function Root() {
  return (
    <>
      <App />
      <div class="sr top" role="status" aria-live="polite">{said}</div>
    </>
  );
}

async function boot() {
  // /chat belongs to the API; where a server lets it through it still means this screen.
  if (segment(0) === 'chat') go(location.pathname.replace('/chat', '/ask') + location.search, true);
  addEventListener('click', follow);
  start();
  render(<Root />, document.getElementById('app')!);
  if (segment(0) === 'login') return; // the sign-in page asks nothing before it has something to ask with
  try { user.value = (await api.verify()).user; } catch { user.value = null; }
}

void boot();
