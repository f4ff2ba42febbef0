import { expect, onTestFinished, test, vi } from 'vitest';
import type { Outbox } from '../src/outbox.ts';
import { Timeline } from '../src/timeline.ts';
import { FakeCore, message } from './fake.ts';
import { until } from './support.ts';

interface Query {
  after?: number;
  around?: number;
  limit: number;
}

/** A room on a server, whose answers may be kept back. */
class Room {
  length: number;
  readonly asked: Query[] = [];
  silent = (_: Query): boolean => false;

  constructor(length: number) {
    this.length = length;
  }

  call = async (_: string, { query }: { query: Query }): Promise<unknown> => {
    this.asked.push(query);
    if (this.silent(query)) return new Promise(() => undefined);
    const { after, around, limit } = query;
    const first = around === undefined ? this.length - limit + 1 : around - limit / 2;
    const from = after === undefined ? Math.max(1, first) : after + 1;
    const to = Math.min(this.length, from + limit - 1);
    const items = Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
    return { items, hasMoreBefore: from > 1, hasMoreAfter: to < this.length, position: `${100 + this.length}` };
  };

  async timeline(): Promise<Timeline> {
    const core = new FakeCore();
    Object.assign(core.rest, { call: this.call });
    const timeline = new Timeline(core, { wake: () => undefined, rest: () => undefined }, 'r', {
      outbox: { of: () => [] } as unknown as Outbox,
      lastSeq: () => this.length,
      limit: 400,
    });
    onTestFinished(timeline.subscribe(() => undefined));
    await until(timeline, ({ status }) => status === 'ready');
    return timeline;
  }
}

const hear = (timeline: Timeline, seq: number): void => timeline.hear({ event: 'new-message', payload: message(seq) });

test('what was missed is read, up to the end', async () => {
  const room = new Room(10);
  const timeline = await room.timeline();
  room.length = 13;
  hear(timeline, 13);
  const { items } = await until(timeline, ({ hasMoreAfter, items }) => !hasMoreAfter && items.length === 13);
  expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
});

test('who is at the end is there again when all is read anew while something missed is being read', async () => {
  const room = new Room(10);
  const timeline = await room.timeline();
  room.silent = ({ after }) => after !== undefined;
  room.length = 90;
  hear(timeline, 12);
  timeline.resync();
  const { hasMoreAfter } = await until(timeline, ({ items }) => items.at(-1)?.seq === 90);
  expect(hasMoreAfter).toBe(false);
  expect(room.asked.some(({ around }) => around !== undefined)).toBe(false);
});

test('who is on the way to a message gets there, also when all is read anew meanwhile', async () => {
  const room = new Room(300);
  const timeline = await room.timeline();
  let cut = true;
  room.silent = ({ around }) => around !== undefined && cut;
  void timeline.jumpTo(100);
  await vi.waitUntil(() => room.asked.length === 2);
  cut = false;
  timeline.drop();
  timeline.drop();
  timeline.resync();
  await until(timeline, ({ items, hasMoreAfter }) => hasMoreAfter && items.some(({ seq }) => seq === 100));
});

test('nothing is newer than the end of a room that was read anew, however long it was before', async () => {
  const room = new Room(90);
  const timeline = await room.timeline();
  room.length = 20; // restored
  timeline.resync();
  const { newer } = await until(timeline, ({ items }) => items.at(-1)?.seq === 20);
  expect(newer).toBe(0);
});

test('who looks at the past does so when all is read anew', async () => {
  const room = new Room(300);
  const timeline = await room.timeline();
  await timeline.jumpTo(100);
  timeline.resync();
  await until(timeline, () => room.asked.filter(({ around }) => around !== undefined).length === 2);
  await until(timeline, ({ items, hasMoreAfter }) => hasMoreAfter && items.some(({ seq }) => seq === 100));
});
