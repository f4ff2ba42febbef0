import { useRef, useState } from 'react';
import { messageOf } from './errors';

interface Attempt {
  busy: boolean;
  /** What to say of the last one, where it was made: a dialog hides the notices. */
  error: string | undefined;
  /** Does it, unless the last one is still going on. */
  attempt: (what: () => Promise<unknown>) => void;
}

/** What is asked of the server one at a time: who presses twice asks once. */
export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const going = useRef(false);
  const begin = (yes: boolean) => {
    going.current = yes;
    setBusy(yes);
  };
  const attempt = (what: () => Promise<unknown>) => {
    if (going.current) return;
    begin(true);
    setError(undefined);
    what().catch((failure: unknown) => setError(messageOf(failure))).finally(() => begin(false));
  };
  return { busy, error, attempt };
}
