import type { Core } from '../src/core.ts';
import type { ParleyError } from '../src/errors.ts';
import { Rest } from '../src/rest.ts';
import { Notifier } from '../src/store.ts';
import type { Message } from '../src/index.ts';

/** A core without a server, for what depends on time: the commands that were said, and how they end. */
export class FakeCore implements Core {
  readonly notifier = new Notifier();
  readonly rest = new Rest('http://nowhere.invalid', null);
  readonly ready = Promise.resolve();
  readonly closed = false;
  readonly me = 'me';
  heard = '0';
  readonly said: unknown[] = [];
  online = true;
  answer: (name: string, payload: never) => unknown = () => ({});
  measured = (): void => {};
  reached = (position: string): void => void (this.heard = position);

  command: Core['command'] = async (name, payload) => {
    this.said.push([name, payload]);
    const answer = await this.answer(name, payload as never);
    return answer as never;
  };
}

/** Refuses. */
export const refuse = (error: ParleyError) => (): never => {
  throw error;
};

export function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`,
    roomId: 'r',
    seq,
    sender: { id: 'ann', username: 'ann', displayName: 'Ann', avatarUrl: '' },
    content: `text ${seq}`,
    attachments: [],
    replyTo: null,
    mentions: [],
    reactions: {},
    pinned: false,
    editedAt: null,
    deletedAt: null,
    at: '2026-01-02T03:04:05.000Z',
    position: `${100 + seq}`,
    ...change,
  };
}
