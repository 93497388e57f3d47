// One way to fetch for a component: what is shown stays on screen while it is fetched again, and a failure never erases it.
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface Loaded<T> { data: Signal<T | undefined>; error: Signal<Error | null>; busy: Signal<boolean>; reload: () => void }

/** useLoad fetches when the key changes and on reload(). Answers that arrive late, for an older key, are dropped. */
export function useLoad<T>(key: string, fetcher: () => Promise<T>): Loaded<T> {
  const data = useSignal<T | undefined>(undefined);
  const error = useSignal<Error | null>(null);
  const busy = useSignal(false);
  const turn = useRef(0);
  const seen = useRef<string | null>(null);

  const reload = () => {
    const mine = ++turn.current;
    busy.value = true;
    fetcher().then(
      v => { if (mine === turn.current) { data.value = v; error.value = null; busy.value = false; } },
      e => { if (mine === turn.current) { error.value = e as Error; busy.value = false; } });
  };
  useEffect(() => {
    if (seen.current !== null && seen.current !== key) data.value = undefined;
    seen.current = key;
    error.value = null;
    if (key) reload();
    return () => { turn.current++; };
  }, [key]);
  return { data, error, busy, reload };
}
