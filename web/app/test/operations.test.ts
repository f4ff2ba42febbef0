import type { Envelope, Load, Rest, Traced } from '@parley/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { way } from '../src/ops/log/causes';
import { everything, parameters } from '../src/ops/log/filter';
import { keep, LogPlayer } from '../src/ops/log/player';
import { joined } from '../src/ops/useLoad';

const load = (at: number[], series: Load['series']): Load => ({ node: 'n1', everyMs: 2000, at, series });

test('the last minutes are kept, and no more', () => {
  const first = load([1, 2], { rooms: [5, 6], gone: [1, 1] });
  expect(joined(first, load([3], { rooms: [7], fresh: [9] }))).toEqual(load([1, 2, 3], { rooms: [5, 6, 7], fresh: [null, null, 9] }));
  expect(joined(first, load([], { rooms: [] }))).toBe(first);
  const many = Array.from({ length: 300 }, (_, index) => index);
  const last = joined(load(many, { rooms: many }), load([300], { rooms: [300] }));
  expect(last.at).toHaveLength(300);
  expect(last.series.rooms?.at(-1)).toBe(300);
});

test('only what is filled in is asked for', () => {
  expect(`${parameters(everything)}`).toBe('format=ndjson');
  const query = parameters({ ...everything, type: 'MessageSent', stream: ' room-1 ', since: '2026-01-02T03:04:05' }, { limit: '5' });
  expect(Object.fromEntries(query)).toEqual({ format: 'ndjson', types: 'MessageSent', streams: 'room-1', since: new Date('2026-01-02T03:04:05').toISOString(), limit: '5' });
});

test('the way of an event is told in the order of time', () => {
  const at = (ms: number) => new Date(ms).toISOString();
  const traced = {
    command: { event: 'send-message', userId: 'ada', correlationId: 's-1', socketId: 's', receivedAt: at(1000), answeredAt: at(1009) },
    event: { position: '1', id: 'e', node: 'n1', recordedAt: at(1003), stream: 'messages-1', type: 'MessageSent', version: 1 },
    published: null,
    projections: [{ view: 'messages', node: 'n2', at: at(1020), position: '1' }],
    deliveries: [{ node: 'n1', at: at(1005), sockets: 1, events: 1 }],
    storedAt: null,
    complete: true,
  } satisfies Traced;
  expect(way(traced).map(({ what, after }) => [what, after])).toEqual([
    ['send-message heard', 0], ['stored', 3], ['pushed to 1 socket', 5], ['answered', 9], ['in the view messages', 20],
  ]);
});

/** A log of events that were recorded a second apart. */
function logOf(length: number): Rest {
  const events = Array.from({ length }, (_, index) => ({ position: String(index + 1), recordedAt: new Date(index * 1000).toISOString() }) as Envelope);
  return {
    call: async () => ({ items: [{ head: String(length) }] }),
    fetch: async (path: string) => {
      const query = new URL(path, 'http://node').searchParams;
      const from = Number(query.get('from') ?? 1);
      const some = events.slice(from - 1, from - 1 + Number(query.get('limit') ?? length));
      const text = some.map((event) => `${JSON.stringify(event)}\n`).join('');
      const half = Math.floor(text.length / 2); // the pieces of an answer end anywhere
      return new Response(new ReadableStream({
        start(controller) {
          for (const piece of [text.slice(0, half), text.slice(half)]) controller.enqueue(new TextEncoder().encode(piece));
          controller.close();
        },
      }));
    },
  } as unknown as Rest;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const positions = (player: LogPlayer) => player.state().items.map((event) => Number(event.position));

test('the end of the log is shown at first, and the next page when it is asked for', async () => {
  const player = new LogPlayer(logOf(250));
  await player.show(everything);
  expect([positions(player)[0], positions(player).at(-1)]).toEqual([51, 250]);
  await player.show({ ...everything, from: '1' });
  expect(positions(player)).toHaveLength(200);
  expect(player.state().more).toBe(true);
  await player.next();
  expect([positions(player)[0], positions(player).length, player.state().more]).toEqual([201, 50, false]);
});

test('a replay takes the time it took, by its speed, and can be held and ended', async () => {
  const player = new LogPlayer(logOf(100));
  player.speed = 10;
  void player.replay({ ...everything, from: '1' });
  await vi.advanceTimersByTimeAsync(1050);
  expect(player.state().count).toBe(11);
  player.togglePause();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(player.state().count).toBeLessThanOrEqual(12);
  player.togglePause();
  await vi.advanceTimersByTimeAsync(500);
  expect(player.state().count).toBeGreaterThanOrEqual(15);
  player.stop();
  const { count } = player.state();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(player.state()).toMatchObject({ mode: 'idle', count });
  expect(vi.getTimerCount()).toBe(0);
});

test('only the last events of a long replay are kept', async () => {
  const player = new LogPlayer(logOf(2 * keep));
  player.speed = 1e6;
  const played = player.replay({ ...everything, from: '1' });
  await vi.runAllTimersAsync();
  await played;
  expect(player.state()).toMatchObject({ mode: 'idle', count: 2 * keep, error: null });
  expect(positions(player)).toHaveLength(keep);
  expect(positions(player).at(-1)).toBe(2 * keep);
});
