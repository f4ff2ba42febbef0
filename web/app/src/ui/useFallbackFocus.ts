import { useEffect, useRef, type RefObject } from 'react';

/** When something goes and takes the focus along, the element has it: the keyboard does not begin at the top again. */
export function useFallbackFocus(element: RefObject<HTMLElement | null>, there: boolean): void {
  const was = useRef(there);
  useEffect(() => {
    if (was.current && !there && document.activeElement === document.body) element.current?.focus({ preventScroll: true });
    was.current = there;
  }, [element, there]);
}
