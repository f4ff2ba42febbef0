import { expect, test } from 'vitest';
import type { Client, TimelineState } from '../src/index.ts';
import { texts, until, watch, World } from './support.ts';

const world = await World.start({ MAX_ROOMS_PER_SOCKET: '3' });

async function room(messages: number) {
  const ann = await world.register('ann');
  const id = await ann.createRoom('long');
  const client = await world.online(ann);
  await Promise.all(Array.from({ length: messages }, (_, i) => client.command('send-message', { roomId: id, content: `${i}` })));
  return { ann, id, client };
}

/** That a stretch has no gap and nothing twice. */
function whole({ items }: TimelineState): void {
  const first = items[0]?.seq ?? 0;
  expect(items.map(({ seq }) => seq)).toEqual(items.map((_, i) => first + i));
}

const reader = async (ann: Parameters<World['client']>[0], id: string, windowSize = 400): Promise<Client> => {
  const client = await world.online(ann, { windowSize });
  watch(client.timeline(id));
  await until(client.timeline(id), ({ status, items }) => status === 'ready' && items.length > 0);
  return client;
};

test('pages of the past are joined with what is said meanwhile', async () => {
  const { ann, id, client } = await room(170);
  const timeline = (await reader(ann, id)).timeline(id);
  expect(timeline.getSnapshot()).toMatchObject({ hasMoreBefore: true, hasMoreAfter: false, newer: 0 });
  const talk = Promise.all(Array.from({ length: 30 }, (_, i) => client.command('send-message', { roomId: id, content: `new ${i}` })));
  while (timeline.getSnapshot().hasMoreBefore) await timeline.loadBefore();
  await talk;
  const state = await until(timeline, ({ items }) => items.length === 200);
  whole(state);
  expect(new Set(texts(state.items)).size).toBe(200);
});

test('a limited stretch moves, tells how many are newer, and comes back to the end', async () => {
  const { ann, id, client } = await room(180);
  const timeline = (await reader(ann, id, 80)).timeline(id);
  await timeline.loadBefore();
  expect(timeline.getSnapshot()).toMatchObject({ hasMoreBefore: true, hasMoreAfter: true, newer: 20 });
  expect(timeline.getSnapshot().items.length).toBe(80);
  await client.command('send-message', { roomId: id, content: 'unseen' });
  await until(timeline, ({ newer }) => newer === 21);
  while (timeline.getSnapshot().hasMoreAfter) await timeline.loadAfter();
  whole(timeline.getSnapshot());
  expect(texts(timeline.getSnapshot().items).at(-1)).toBe('unseen');
  expect(timeline.getSnapshot().newer).toBe(0);

  await timeline.jumpTo(10);
  whole(timeline.getSnapshot());
  expect(timeline.getSnapshot().items.some(({ seq }) => seq === 10)).toBe(true);
  const far = (await ann.history(id))[99]!;
  expect((await timeline.jumpToMessage(far.id)).seq).toBe(100);
  expect(timeline.getSnapshot().items.some(({ seq }) => seq === 100)).toBe(true);
  await client.command('edit-message', { roomId: id, messageId: far.id, content: 'edited' });
  await until(timeline, ({ items }) => texts(items).includes('edited'));
  await timeline.jumpToEnd();
  expect(timeline.getSnapshot()).toMatchObject({ hasMoreAfter: false, newer: 0 });
  await client.command('send-message', { roomId: id, content: 'seen' });
  await until(timeline, ({ items }) => items.at(-1)?.content === 'seen');
  whole(timeline.getSnapshot());
});

test('of more rooms than can be heard those are heard that one looks at', async () => {
  const ann = await world.register('ann');
  const client = await world.online(ann);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await client.command('create-room', { name: `room ${i}`, type: 'private' })).id);
  const speaker = await world.online(ann);
  for (const id of ids) {
    const end = client.timeline(id).subscribe(() => undefined);
    await until(client.rooms, ({ byId }) => byId.get(id)?.heard);
    await until(client.timeline(id), ({ status }) => status === 'ready');
    speaker.send(id, { content: 'hi' });
    await until(client.timeline(id), ({ items }) => items.length === 1);
    end();
  }
  expect(client.rooms.getSnapshot().rooms.filter(({ heard }) => heard).length).toBe(3);
  speaker.send(ids[0]!, { content: 'again' }); // is not heard, and shows all the same when one looks
  await until(speaker.outbox, (list) => list.every(({ state }) => state === 'sent'));
  watch(client.timeline(ids[0]!));
  await until(client.timeline(ids[0]!), ({ items }) => items.length === 2);
});
