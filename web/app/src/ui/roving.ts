import type { KeyboardEvent } from 'react';

/**
 * Moves the focus among what matches the selector by the arrow keys, Home and End. One stop of the Tab key
 * leads to the list; which one is the caller's to say (tabIndex 0), -1 for the others.
 */
export function roving(selector: string) {
  return (event: KeyboardEvent<HTMLElement>) => {
    const items = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = at < 0 ? undefined : items[target(event.key, at, items.length)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
}

function target(key: string, at: number, count: number): number {
  switch (key) {
    case 'ArrowDown':
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowUp':
    case 'ArrowLeft':
      return (at - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
}
