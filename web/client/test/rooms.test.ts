import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Rooms } from '../src/rooms.ts';
import type { RoomView } from '../src/index.ts';
import type { Heard } from '../src/room-store.ts';
import type { Message, Summary } from '../src/wire.generated.ts';
import { FakeCore, message } from './fake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = '2026-01-02T03:04:05.000Z';

/** A list of one room, as of a position, and a client of it. */
class Shop {
  readonly core = new FakeCore();
  readonly heard = new Set(['r']);
  asOf = 100;
  ahead = 0;
  asked = 0;
  slow: Promise<void> | null = null;
  summary: Summary = {
    id: 'r', name: 'r', topic: '', type: 'public', createdBy: 'ann', createdAt: at, archivedAt: null, memberCount: 3, position: '10',
    lastSeq: 10, lastMessage: message(10, { position: '90' }), readSeq: 4, unreadCount: 6, mentionCount: 1,
  };
  readonly rooms = new Rooms(this.core, { heard: () => this.heard, ahead: () => this.ahead, loaded: () => undefined });

  static async open(change: Partial<Summary> = {}): Promise<Shop> {
    const shop = new Shop();
    Object.assign(shop.summary, change);
    Object.assign(shop.core.rest, { call: () => shop.#list() });
    await shop.rooms.reload();
    return shop;
  }

  async #list(): Promise<unknown> {
    this.asked++;
    const [items, position] = [[{ ...this.summary }], `${this.asOf}`];
    await this.slow;
    return { items, position };
  }

  get room(): RoomView {
    return this.rooms.get('r')!;
  }

  hear(event: Heard['event'], payload: object): void {
    const heard = { event, payload: { roomId: 'r', at, ...payload } } as unknown as Heard;
    if ('position' in heard.payload) this.core.reached(heard.payload.position!);
    this.rooms.hear(heard);
  }
}

const said = (seq: number, change: Partial<Message> = {}): object => message(seq, { position: `${100 + seq}`, ...change });

test('the last message shows what becomes of it, and nothing older than what was read', async () => {
  const shop = await Shop.open();
  const about = { messageId: 'm10', seq: 10, userId: 'ann' };
  shop.hear('reaction-added', { ...about, emoji: '👍', position: '95' });
  expect(shop.room.lastMessage?.reactions).toEqual({});
  shop.hear('reaction-added', { ...about, emoji: '👍', position: '101' });
  shop.hear('message-pinned', { ...about, position: '102' });
  expect(shop.room.lastMessage).toMatchObject({ reactions: { '👍': ['ann'] }, pinned: true, position: '102' });
  shop.hear('message-deleted', { ...about, position: '103' });
  expect(shop.room.lastMessage).toMatchObject({ content: '', deletedAt: at });
  shop.rooms.close();
});

test('what is left to read is told without a position: it is as of what was heard before it', async () => {
  const shop = await Shop.open();
  const mark = { userId: 'me', seq: 7, messageId: 'm7' };
  const left = { unreadCount: 3, mentionCount: 0 };
  shop.hear('message-read', { ...mark, position: '99' }); // is in what was read, and so is what was said since
  shop.hear('unread-changed', left);
  expect(shop.room).toMatchObject({ readSeq: 4, unreadCount: 6 });
  shop.hear('message-read', { ...mark, position: '101' });
  shop.hear('unread-changed', left);
  expect(shop.room).toMatchObject({ readSeq: 7, unreadCount: 3, mentionCount: 0 });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(shop.asked).toBe(1); // nothing was to be asked
  shop.rooms.close();
});

test('the last message may be older or newer than what is counted', async () => {
  const shop = await Shop.open({ lastSeq: 12, unreadCount: 8 });
  shop.hear('new-message', said(11));
  shop.hear('new-message', said(12, { content: 'the last' }));
  expect(shop.room).toMatchObject({ lastSeq: 12, unreadCount: 8, lastMessage: { content: 'the last' } });
  Object.assign(shop, { asOf: 112, summary: { ...shop.summary, lastSeq: 12, lastMessage: message(13, { content: 'edited', position: '115' }) } });
  await shop.rooms.reload();
  shop.hear('new-message', said(13));
  expect(shop.room).toMatchObject({ lastSeq: 13, unreadCount: 9, lastMessage: { content: 'edited' } });
  shop.rooms.close();
});

test('what is left to read, told while the rooms are read, is not forgotten', async () => {
  const shop = await Shop.open();
  let answer = (): void => {};
  shop.slow = new Promise((resolve) => (answer = resolve));
  const reading = shop.rooms.reload();
  shop.hear('message-read', { userId: 'me', seq: 7, messageId: 'm7', position: '101' });
  shop.hear('unread-changed', { unreadCount: 3, mentionCount: 0 });
  answer();
  await reading;
  expect(shop.room).toMatchObject({ readSeq: 7, unreadCount: 3 });
  shop.rooms.close();
});

test('who comes back and has read in part on another device asks what is left: that is not told again', async () => {
  const shop = await Shop.open();
  shop.hear('message-read', { userId: 'me', seq: 7, messageId: 'm7', position: '101' });
  Object.assign(shop, { asOf: 101, summary: { ...shop.summary, readSeq: 7, unreadCount: 3, mentionCount: 0 } });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(shop.room).toMatchObject({ readSeq: 7, unreadCount: 3, mentionCount: 0 });
  shop.rooms.close();
});

test('who comes, goes or gets another role changes the room', async () => {
  const shop = await Shop.open();
  const ben = { userId: 'ben', username: 'ben', by: 'ann', role: 'member' };
  shop.hear('user-joined', { ...ben, position: '101' });
  expect(shop.room).toMatchObject({ memberCount: 4, position: '101' });
  shop.hear('member-updated', { ...ben, role: 'owner', joinedAt: at, position: '102' });
  expect(shop.room).toMatchObject({ memberCount: 4, position: '102' });
  shop.hear('user-left', { ...ben, position: '103' });
  expect(shop.room).toMatchObject({ memberCount: 3, position: '103' });
  shop.rooms.close();
});

test('where one comes again into a room, or hears of one that was not in the list, the rooms are read anew', async () => {
  const shop = await Shop.open();
  shop.hear('user-joined', { userId: 'me', username: 'me', by: 'ann', position: '101' }); // one was removed before, unheard
  expect(shop.room.memberCount).toBe(3);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shop.asked).toBe(2);
  shop.hear('new-message', said(1, { roomId: 'moved' }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shop.asked).toBe(3);
  shop.rooms.close();
});

test('what one has read but not said stays read; what is said is what the server says, also if that is less', async () => {
  const shop = await Shop.open();
  shop.rooms.reading('r', 10);
  shop.ahead = 10;
  await shop.rooms.reload();
  expect(shop.room).toMatchObject({ readSeq: 10, unreadCount: 0, mentionCount: 0 });
  shop.ahead = 0; // the log is an older one
  await shop.rooms.reload();
  expect(shop.room).toMatchObject({ readSeq: 4, unreadCount: 6 });
  shop.rooms.close();
});
