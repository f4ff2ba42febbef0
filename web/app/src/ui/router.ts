import { useSyncExternalStore } from 'react';

/** Where the page is. The address says it, so that the back button and links work. */
export interface Place {
  page: 'chat' | 'ops';
  roomId: string | undefined;
  /** The message to show, by its number in the room. */
  seq: number | undefined;
}

export function placeOf(path: string): Place {
  const { pathname, searchParams } = new URL(path, 'http://page');
  const [, first, second] = pathname.split('/');
  const seq = Number(searchParams.get('message'));
  return {
    page: first === 'ops' ? 'ops' : 'chat',
    roomId: first === 'rooms' && second ? decode(second) : undefined,
    seq: Number.isSafeInteger(seq) && seq > 0 ? seq : undefined,
  };
}

export function roomPath(roomId: string, seq?: number): string {
  const path = `/rooms/${encodeURIComponent(roomId)}`;
  return seq === undefined ? path : `${path}?message=${seq}`;
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search);
}

export function navigate(path: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', path);
  else if (path !== location.pathname + location.search) history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined; // a % that escapes nothing names no room
  }
}
