import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ParleyError } from '../src/index.ts';
import { Marks } from '../src/marks.ts';
import { Presence } from '../src/presence.ts';
import { Source } from '../src/store.ts';
import { Typing } from '../src/typing.ts';
import { FakeCore, refuse } from './fake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const names = (core: FakeCore): string[] => core.said.map((one) => (one as [string])[0]);

test('typing is said once in a while, and ends by itself', async () => {
  const core = new FakeCore();
  const typing = new Typing(core, 'r');
  for (let i = 0; i < 50; i++) {
    typing.touch();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(names(core)).toEqual(['typing-start', 'typing-start']);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(names(core)).toEqual(['typing-start', 'typing-start', 'typing-stop']);
  typing.stop();
  expect(core.said.length).toBe(3);
});

test('others who type are shown for as long as they said, at most a while, and oneself never', async () => {
  const typing = new Typing(new FakeCore(), 'r');
  const told = vi.fn();
  const end = typing.subscribe(told);
  const expiresAt = (ms: number): string => new Date(Date.now() + ms).toISOString();
  typing.begins({ roomId: 'r', userId: 'me', username: 'me', expiresAt: expiresAt(5_000) });
  typing.begins({ roomId: 'r', userId: 'ann', username: 'Ann', expiresAt: expiresAt(5_000) });
  typing.begins({ roomId: 'r', userId: 'bob', username: 'Bob', expiresAt: expiresAt(3_600_000) });
  typing.begins({ roomId: 'r', userId: 'carl', username: 'Carl', expiresAt: expiresAt(-3_600_000) });
  expect(typing.getSnapshot().map(({ userId }) => userId)).toEqual(['ann', 'bob', 'carl']);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(typing.getSnapshot().map(({ userId }) => userId)).toEqual(['ann', 'bob']);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(typing.getSnapshot().map(({ userId }) => userId)).toEqual(['bob']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(typing.getSnapshot()).toEqual([]);
  expect(told.mock.calls.length).toBeGreaterThan(2);
  end();
});

test('oneself is there as long as one is connected, also before that is recorded', async () => {
  const core = new FakeCore();
  const state = (userId: string, status: string) => ({ userId, status, text: '', lastSeenAt: null, position: '5' });
  core.answer = () => ({ users: [state('me', 'offline'), state('ann', 'offline')] });
  const presence = new Presence(core);
  const release = presence.watch(['me', 'ann']);
  await vi.advanceTimersByTimeAsync(100);
  const shown = (): string[] => [...presence.getSnapshot().values()].map(({ userId, status }) => `${userId} ${status}`);
  expect(shown()).toEqual(['me online', 'ann offline']);
  core.answer = () => ({ users: [{ ...state('me', 'busy'), position: '6' }, state('ann', 'offline')] });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown()).toEqual(['me busy', 'ann offline']);
  expect(core.said.length).toBe(2);
  release();
  await vi.advanceTimersByTimeAsync(100);
  expect(core.said.at(-1)).toEqual(['watch-presence', { userIds: [] }]);
  presence.close();
});

test('the presence of another log is believed, though it looks older', () => {
  const presence = new Presence(new FakeCore());
  const state = { userId: 'ann', status: 'busy', text: '', lastSeenAt: null, at: '' } as const;
  presence.hear({ ...state, position: '900' });
  presence.hear({ ...state, status: 'away', position: '899' });
  expect(presence.getSnapshot().get('ann')?.status).toBe('busy');
  presence.resync();
  presence.hear({ ...state, status: 'away', position: '7' });
  expect(presence.getSnapshot().get('ann')?.status).toBe('away');
});

test('one has read more than the server says until it has stored that', async () => {
  const core = new FakeCore();
  core.answer = (_, payload) => ({ ...(payload as object), position: '50' });
  const marks = new Marks(core);
  marks.read('r', 7);
  expect(marks.ahead('r', '99')).toBe(7);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([marks.ahead('r', '49'), marks.ahead('r', '50')]).toEqual([7, 0]);
  marks.resync(); // perhaps it is lost
  marks.read('r', 7);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(core.said.length).toBe(2);
  marks.close();
});

test('receipts are gathered: of many only the last is said', async () => {
  const core = new FakeCore();
  core.answer = (_, payload) => ({ ...(payload as object), unreadCount: 0, mentionCount: 0, position: '1' });
  const marks = new Marks(core);
  for (let seq = 1; seq <= 100; seq++) {
    marks.delivered('r', seq);
    marks.delivered('s', seq);
    marks.read('r', seq);
  }
  await vi.advanceTimersByTimeAsync(5_000);
  expect(core.said).toEqual([
    ['mark-read', { roomId: 'r', seq: 100 }],
    ['mark-delivered', { roomId: 's', seq: 100 }],
  ]);
  marks.read('r', 100);
  marks.read('r', 99);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(core.said.length).toBe(2);
  marks.close();
});

test('receipts wait for the connection, and for patience', async () => {
  const core = new FakeCore();
  core.online = false;
  const marks = new Marks(core);
  marks.read('r', 7);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(core.said).toEqual([]);
  core.online = true;
  core.answer = refuse(new ParleyError('RATE_LIMITED', 'slowly', { retryAfterMs: 10_000 }));
  marks.flush();
  await vi.advanceTimersByTimeAsync(1);
  core.answer = () => ({ roomId: 'r', seq: 7, unreadCount: 0, mentionCount: 0, position: '1' });
  await vi.advanceTimersByTimeAsync(9_000);
  expect(core.said.length).toBe(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(names(core)).toEqual(['mark-read', 'mark-read']);
  marks.close();
});

test('listeners are told once a frame, and a snapshot is the same until something changes', async () => {
  class Counter extends Source<{ count: number }> {
    #count = 0;
    add(): void {
      this.#count++;
      this.changed();
    }
    protected view(): { count: number } {
      return { count: this.#count };
    }
  }
  const { notifier } = new FakeCore();
  const counter = new Counter(notifier);
  const told = vi.fn();
  const end = counter.subscribe(told);
  const twice = counter.subscribe(told);
  for (let i = 0; i < 1000; i++) counter.add();
  expect(told).not.toHaveBeenCalled();
  const snapshot = counter.getSnapshot();
  expect(snapshot).toEqual({ count: 1000 });
  await vi.advanceTimersByTimeAsync(20);
  expect(told).toHaveBeenCalledTimes(2);
  expect(counter.getSnapshot()).toBe(snapshot);
  end();
  end();
  counter.add();
  await vi.advanceTimersByTimeAsync(20);
  expect(told).toHaveBeenCalledTimes(3);
  twice();
  expect(vi.getTimerCount()).toBe(0);
});
