import { patience, type Person } from '@parley/testing';
import { expect } from 'vitest';

import type { Visitor } from './visitor.ts';

/** Asks until the answer is the wanted one. */
export async function settle<T>(what: string, ask: () => Promise<T>, wanted: T): Promise<void> {
  await expect.poll(ask, { message: what, timeout: patience, interval: 50 }).toEqual(wanted);
}

/** Every page shows what REST tells of the room: the same messages in the same order, none missing, none twice. */
export async function agree(reader: Person, room: string, ...visitors: Visitor[]): Promise<string[]> {
  for (const visitor of visitors) await settle('nothing waits to be sent', () => visitor.unsent(), []);
  const told = (await reader.history(room)).map((message) => message.content);
  for (const visitor of visitors) await settle('the page shows what REST tells', () => visitor.timeline(), told);
  return told;
}
