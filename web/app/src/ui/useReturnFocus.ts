import { useEffect, useState, type RefObject } from 'react';

/** When the element goes and takes the focus along, gives that back to where it was before, or to the message around. */
export function useReturnFocus(element: RefObject<HTMLElement | null>): void {
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const node = element.current;
    const around = node?.closest<HTMLElement>('[data-row]');
    return () => {
      if (node?.isConnected || (document.activeElement && document.activeElement !== document.body)) return;
      const next = before?.isConnected && before !== document.body ? before : around;
      if (next instanceof HTMLElement) next.focus({ preventScroll: true });
    };
  }, [element, before]);
}
