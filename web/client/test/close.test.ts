import { eventually } from '@parley/testing';
import { expect, test } from 'vitest';
import { until, World } from './support.ts';

// Missing in the types of Node 18.
const { getActiveResourcesInfo } = process as unknown as { getActiveResourcesInfo: () => string[] };

const world = await World.start();

test('a client that is closed leaves no timer, and does nothing any more', async () => {
  const ann = await world.register('ann');
  const room = await ann.createRoom('tea');
  const left = (): string[] => getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
  const before = left();
  const client = await world.online(ann);
  const stores = [client.timeline(room), client.members(room), client.receipts(room), client.presence, client.rooms, client.outbox, client.typing(room)];
  const ends = stores.map((store) => store.subscribe(() => undefined));
  await until(client.timeline(room), ({ status }) => status === 'ready');
  client.presence.watch([ann.id]);
  client.typing(room).touch();
  client.send(room, { content: 'one' });
  await until(client.timeline(room), ({ items }) => items.length === 1);
  client.send(room, { content: 'two' });
  client.markRead(room, 1);
  client.close();
  for (const end of ends) end();
  expect(() => client.send(room, { content: 'three' })).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  await expect(client.command('typing-start', { roomId: room })).rejects.toMatchObject({ code: 'CLOSED' });
  expect(client.connection.getSnapshot().status).toBe('closed');
  client.members(room).subscribe(() => undefined);
  await eventually('nothing is left', () => left().length <= before.length);
});
