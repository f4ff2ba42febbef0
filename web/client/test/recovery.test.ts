import { eventually, Line } from '@parley/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MemoryStorage } from '../src/index.ts';
import { texts, until, watch, World } from './support.ts';

const world = await World.start({ RECOVERY_MAX_EVENTS: '20' });

async function pair() {
  const [ann, bob] = await Promise.all([world.register('ann'), world.register('bob')]);
  const room = await ann.createRoom('tea', { members: [bob] });
  const line = await Line.to(world.node);
  const anns = await world.online(ann);
  const bobs = await world.online(bob, { url: line.url });
  for (const client of [anns, bobs]) {
    watch(client.timeline(room));
    await until(client.timeline(room), ({ status }) => status === 'ready');
  }
  return { ann, bob, room, anns, bobs, line };
}

test('who was away gets what was said, and says what was written meanwhile', async () => {
  const { ann, room, anns, bobs, line } = await pair();
  const heard: string[] = [];
  bobs.on('new-message', ({ content }) => heard.push(content));
  anns.send(room, { content: 'before' });
  await until(bobs.timeline(room), ({ items }) => items.length === 1);
  line.cut();
  const { since } = await until(bobs.connection, ({ status }) => status === 'offline');
  expect(Math.abs(Date.now() - since)).toBeLessThan(60_000);
  for (const content of ['a1', 'a2', 'a3']) anns.send(room, { content });
  for (const content of ['b1', 'b2']) bobs.send(room, { content });
  await expect(bobs.command('typing-start', { roomId: room })).rejects.toMatchObject({ code: 'OFFLINE' });
  await until(anns.timeline(room), ({ items }) => items.length === 4);
  expect(texts(bobs.timeline(room).getSnapshot().pending)).toEqual(['b1', 'b2']);
  line.mend();
  bobs.connection.hurry(); // as a browser does that is online again
  await until(bobs.timeline(room), ({ items, pending }) => items.length === 6 && pending.length === 0);
  const all = await world.same(ann, room, anns, bobs);
  expect(texts(all)).toEqual(['before', 'a1', 'a2', 'a3', 'b1', 'b2']);
  expect(heard).toEqual(texts(all));
  await line.close();
});

test('who was away for too long reads anew', async () => {
  const { ann, room, anns, bobs, line } = await pair();
  bobs.send(room, { content: 'before' });
  await until(anns.timeline(room), ({ items }) => items.length === 1);
  line.cut();
  await until(bobs.connection, ({ status }) => status === 'offline');
  for (let i = 0; i < 30; i++) anns.send(room, { content: `a${i}` });
  await until(anns.timeline(room), ({ items }) => items.length === 31);
  let resynced = false;
  // The messages come only after it was told how many are missing.
  const { fetch } = globalThis;
  onTestFinished(() => void vi.unstubAllGlobals());
  vi.stubGlobal('fetch', async (...request: Parameters<typeof fetch>) => {
    if (String(request[0]).includes('/messages?')) await until(bobs.connection, ({ behind }) => behind === 30);
    return fetch(...request);
  });
  bobs.on('resync-required', () => (resynced = true));
  line.mend();
  await until(bobs.timeline(room), ({ items }) => items.length === 31);
  expect(resynced).toBe(true);
  await until(bobs.rooms, ({ byId }) => byId.get(room)?.unreadCount === 30);
  await until(bobs.connection, ({ behind }) => behind === 0);
  vi.unstubAllGlobals();
  await world.same(ann, room, anns, bobs);
  await line.close();
});

test('unsent messages survive a reload, and are sent once, in order', async () => {
  const { ann, bob, room, anns, bobs, line } = await pair();
  const storage = new MemoryStorage();
  const tab = await world.online(bob, { url: line.url, storage });
  line.cut();
  await until(tab.connection, ({ status }) => status === 'offline');
  for (const content of ['one', 'two', 'three']) tab.send(room, { content });
  tab.close();
  const reloaded = world.client(bob, { url: line.url, storage });
  const other = world.client(bob, { url: line.url, storage }); // a second tab has the same queue
  expect(texts(reloaded.outbox.getSnapshot())).toEqual(['one', 'two', 'three']);
  line.mend();
  for (const client of [reloaded, other]) await until(client.outbox, (list) => list.length === 0);
  await until(anns.timeline(room), ({ items }) => items.length === 3);
  await until(bobs.timeline(room), ({ items }) => items.length === 3);
  expect(texts(await world.same(ann, room, anns, bobs))).toEqual(['one', 'two', 'three']);
  expect(storage.length).toBe(1); // the cursor
  await line.close();
});

test('who was removed from a public room while away is not in it again by coming back, whether the page was loaded anew or not', async () => {
  const { ann, bob, room, anns, line } = await pair();
  const other = await ann.createRoom('cake', { members: [bob] });
  for (const anew of [false, true]) {
    const storage = new MemoryStorage();
    const open = () => world.client(bob, { url: line.url, storage });
    let client = open();
    await until(client.rooms, ({ byId }) => byId.get(room)?.heard && byId.get(other)?.heard);
    watch(client.timeline(room));
    await until(client.timeline(room), ({ status }) => status === 'ready');
    line.cut();
    await until(client.connection, ({ status }) => status === 'offline');
    if (anew) client.close();
    await ann.say(other, 'before');
    await ann.call('DELETE', `/rooms/${room}/members/${bob.id}`);
    if (anew) watch((client = open()).timeline(room));
    line.mend();
    client.connection.hurry();
    await until(client.timeline(room), ({ status, items }) => status === 'gone' && items.length === 0);
    await until(client.rooms, ({ byId, status }) => status === 'ready' && byId.get(other)?.unreadCount && !byId.has(room));
    expect((await ann.call<{ items: { userId: string }[] }>('GET', `/rooms/${room}/members`)).items.map(({ userId }) => userId)).toEqual([ann.id]);
    await ann.call('PUT', `/rooms/${room}/members/${bob.id}`, {});
    await until(client.timeline(room), ({ status }) => status === 'ready');
    await world.same(ann, room, anns, client);
    client.close();
  }
  await line.close();
});

test('who has heard more than the log has, since it was restored, believes the log', async () => {
  const { ann, bob, room, anns, line } = await pair();
  const storage = new MemoryStorage();
  storage.setItem(`parley:${bob.id}:cursor`, '"999999"');
  await ann.say(room, 'before');
  const client = world.client(bob, { url: line.url, storage });
  watch(client.timeline(room));
  await until(client.timeline(room), ({ status }) => status === 'ready');
  anns.send(room, { content: 'after' });
  await until(client.timeline(room), ({ items }) => items.length === 2);
  await until(client.rooms, ({ byId }) => byId.get(room)?.unreadCount === 2);
  await world.same(ann, room, anns, client);
  await line.close();
});

test('the node is killed and comes back while two are sending: nothing is lost or doubled', async () => {
  const { ann, room, anns, bobs, line } = await pair();
  const said: Record<string, string[]> = { a: [], b: [] };
  let stop = false;
  const talk = async (client: typeof anns, who: 'a' | 'b'): Promise<void> => {
    while (!stop) {
      const content = `${who}${said[who]!.length}`;
      said[who]!.push(content);
      client.send(room, { content });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const talks = [talk(anns, 'a'), talk(bobs, 'b')];
  await until(anns.timeline(room), ({ items }) => items.length > 10);
  await world.node.kill();
  await until(anns.connection, ({ status }) => status === 'offline');
  await eventually('some wait', () => anns.outbox.getSnapshot().length > 5);
  await world.node.start();
  await until(anns.connection, ({ status }) => status === 'online');
  stop = true;
  await Promise.all(talks);
  for (const client of [anns, bobs]) await until(client.outbox, (list) => list.length === 0);
  const all = await world.same(ann, room, anns, bobs);
  for (const who of ['a', 'b']) expect(texts(all).filter((text) => text.startsWith(who))).toEqual(said[who]);
  await line.close();
});

test('a line that breaks again and again changes nothing of what is shown in the end', async () => {
  const { ann, room, anns, bobs, line } = await pair();
  let stop = false;
  const talk = async (client: typeof anns, who: string): Promise<void> => {
    for (let i = 0; !stop; i++) {
      client.send(room, { content: `${who}${i}` });
      const said = client.timeline(room).getSnapshot().items;
      const { id: messageId, sender } = said[(i * 7) % said.length] ?? {};
      const own = sender?.id === client.connection.getSnapshot().userId;
      // What cannot be said now is not said at all.
      if (messageId && i % 3 === 0) await client.command('add-reaction', { roomId: room, messageId, emoji: '👍' }).catch(() => null);
      if (messageId && own && i % 4 === 0) await client.command('edit-message', { roomId: room, messageId, content: `${who}${i}, edited` }).catch(() => null);
      if (messageId && own && i % 5 === 0) await client.command('delete-message', { roomId: room, messageId }).catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  };
  const talks = [talk(anns, 'a'), talk(bobs, 'b')];
  for (let i = 0; i < 3; i++) {
    const { length } = bobs.timeline(room).getSnapshot().items;
    await until(bobs.timeline(room), ({ items }) => items.length > length + 3);
    line.cut();
    await until(bobs.connection, ({ status }) => status === 'offline');
    line.mend();
    await until(bobs.connection, ({ status }) => status === 'online');
  }
  stop = true;
  await Promise.all(talks);
  for (const client of [anns, bobs]) await until(client.outbox, (list) => list.length === 0);
  const all = await world.same(ann, room, anns, bobs);
  expect(new Set(all.map(({ clientMessageId }) => clientMessageId)).size).toBe(all.length);
  await line.close();
});
