import { useEffect, useState } from 'react';

/** How many milliseconds ago something was, as far as the first few seconds matter. */
export function useSince(since: number, until = 2000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setTimeout(() => setNow(Date.now()), Math.max(0, since + until - Date.now()));
    return () => clearTimeout(timer);
  }, [since, until]);
  return now - since;
}
