import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryStorage, ParleyError } from '../src/index.ts';
import type { Message, PendingMessage } from '../src/index.ts';
import { Outbox } from '../src/outbox.ts';
import { Shelf } from '../src/storage.ts';
import { Notifier } from '../src/store.ts';
import type { SendMessage } from '../src/wire.generated.ts';
import { message } from './fake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that keeps what it is sent, and refuses as it is told. */
class Server {
  online = true;
  heard = '0';
  readonly got: SendMessage[] = [];
  readonly storage = new MemoryStorage();
  refusals: (ParleyError | null)[] = [];
  outbox = this.open();

  open(): Outbox {
    return new Outbox(new Notifier(), new Shelf(this.storage, 'parley:me:'), {
      send: (sent) => this.#send(sent),
      online: () => this.online,
      heard: () => this.heard,
      changed: () => undefined,
    });
  }

  get texts(): string[] {
    return this.got.map(({ content = '' }) => content);
  }

  get states(): [string, PendingMessage['state']][] {
    return this.outbox.getSnapshot().map(({ content, state }) => [content, state]);
  }

  async #send(sent: SendMessage): Promise<Message> {
    const refusal = this.refusals.shift();
    await Promise.resolve();
    if (refusal) throw refusal;
    this.got.push(sent);
    return message(this.got.length, { content: sent.content ?? '' });
  }
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test('one after the other in a room, side by side in several', async () => {
  const server = new Server();
  for (const content of ['a', 'b', 'c']) server.outbox.add('r1', { content });
  server.outbox.add('r2', { content: 'x' });
  expect(server.states.map(([, state]) => state)).toEqual(['sending', 'queued', 'queued', 'sending']);
  await settle();
  expect(server.texts.filter((text) => text !== 'x')).toEqual(['a', 'b', 'c']);
  expect(server.storage.length).toBe(0);
  expect(server.states.every(([, state]) => state === 'sent')).toBe(true);
  for (const { clientMessageId } of server.outbox.getSnapshot()) server.outbox.heard(clientMessageId);
  expect(server.states).toEqual([]);
});

test('what is confirmed goes after a while, though its push is never heard', async () => {
  const server = new Server();
  server.outbox.add('r', { content: 'a' });
  await settle();
  expect(server.states).toEqual([['a', 'sent']]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.states).toEqual([]);
});

test('what is confirmed goes at once if its push lies behind: it was sent before, and what happened then was read anew', async () => {
  const server = new Server();
  server.heard = '101';
  server.outbox.add('r', { content: 'sent before, at 101' });
  server.outbox.add('r', { content: 'at 102' });
  await settle();
  expect(server.states).toEqual([['at 102', 'sent']]);
  expect(server.storage.length).toBe(0);
});

test('when the server asks for patience all wait, and keep their order', async () => {
  const server = new Server();
  server.refusals = [new ParleyError('RATE_LIMITED', 'too many messages', { retryAfterMs: 5_000 })];
  server.outbox.add('r1', { content: 'a' });
  await settle();
  server.outbox.add('r1', { content: 'b' });
  server.outbox.add('r2', { content: 'c' });
  expect(server.states).toEqual([['a', 'waiting'], ['b', 'queued'], ['c', 'queued']]);
  expect(server.outbox.getSnapshot()[0]).toMatchObject({ retryAt: Date.now() + 5_000, error: { code: 'RATE_LIMITED' } });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(server.texts).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(server.texts.filter((text) => text !== 'c')).toEqual(['a', 'b']);
  expect(server.texts).toContain('c');
});

test('a passing failure is tried again later and later, one for good stays and lets others pass', async () => {
  const server = new Server();
  server.refusals = [new ParleyError('UNAVAILABLE', 'x'), new ParleyError('TIMEOUT', 'x'), new ParleyError('FORBIDDEN', 'no')];
  const first = server.outbox.add('r', { content: 'a' });
  server.outbox.add('r', { content: 'b' });
  await vi.advanceTimersByTimeAsync(999);
  expect(server.states).toEqual([['a', 'waiting'], ['b', 'queued']]);
  await vi.advanceTimersByTimeAsync(2_001);
  expect(server.states).toEqual([['a', 'failed'], ['b', 'sent']]);
  expect(server.outbox.getSnapshot()[0]?.error).toEqual({ code: 'FORBIDDEN', message: 'no' });
  server.outbox.retry(first.clientMessageId);
  await settle();
  expect(server.texts).toEqual(['b', 'a']);
  expect(new Set(server.got.map(({ clientMessageId }) => clientMessageId)).size).toBe(2);
});

test('a fault of the server is not tried for ever', async () => {
  const server = new Server();
  server.refusals = Array.from({ length: 9 }, () => new ParleyError('INTERNAL', 'x'));
  server.outbox.add('r', { content: 'a' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.states).toEqual([['a', 'failed']]);
  expect(server.refusals.length).toBe(4);
});

test('a reload keeps what is not confirmed, in order, and what has failed', async () => {
  const server = new Server();
  server.refusals = [new ParleyError('FORBIDDEN', 'no')];
  server.outbox.add('r', { content: 'refused' });
  await settle();
  server.online = false;
  for (const content of ['a', 'b', 'c']) server.outbox.add('r', { content });
  server.outbox.close();
  server.storage.setItem('parley:me:outbox:broken', '{');
  server.storage.setItem('parley:other:outbox:1', 'not mine');
  server.outbox = server.open();
  expect(server.states).toEqual([['refused', 'failed'], ['a', 'queued'], ['b', 'queued'], ['c', 'queued']]);
  server.online = true;
  server.outbox.pump();
  await settle();
  expect(server.texts).toEqual(['a', 'b', 'c']);
});

test('what another tab has sent or given up meanwhile is not sent again', async () => {
  const server = new Server();
  server.online = false;
  const { clientMessageId } = server.outbox.add('r', { content: 'given up' });
  server.outbox.add('r', { content: 'sent' });
  server.outbox.close();
  const [one, other] = [server.open(), server.open()];
  one.discard(clientMessageId);
  server.online = true;
  for (const tab of [one, other]) tab.pump();
  await settle();
  for (const tab of [one, other]) tab.pump();
  await settle();
  expect(new Set(server.texts)).toEqual(new Set(['sent']));
  expect(server.storage.length).toBe(0);
  for (const tab of [one, other]) tab.close();
});

test('what was given up is not sent, and there is an end to what may wait', async () => {
  const server = new Server();
  server.online = false;
  const { clientMessageId } = server.outbox.add('r', { content: 'a' });
  server.outbox.discard(clientMessageId);
  for (let i = 0; i < 1000; i++) server.outbox.add('r', { content: `${i}` });
  expect(() => server.outbox.add('r', { content: 'more' })).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  expect(server.outbox.of('r').length).toBe(1000);
  expect(server.outbox.of('r')).toBe(server.outbox.of('r'));
});
