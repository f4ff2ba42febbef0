import { useCallback, useEffect, useState } from 'react';

// The message that has the tools lets go of them here when another takes them. Browsers do not always
// tell an element that the pointer has left it, e.g. when what was under the pointer is gone.
let letGo: (() => void) | undefined;

/** Whether the pointer or the focus is at an element: of all that ask, at one at a time. */
export function useNear(): { near: boolean; come: () => void; leave: () => void } {
  const [near, setNear] = useState(false);
  const leave = useCallback(() => setNear(false), []);
  const come = useCallback(() => {
    if (letGo !== leave) letGo?.();
    letGo = leave;
    setNear(true);
  }, [leave]);
  useEffect(
    () => () => {
      if (letGo === leave) letGo = undefined;
    },
    [leave],
  );
  return { near, come, leave };
}
