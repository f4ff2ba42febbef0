import { expect, test } from 'vitest';
import { texts, until, watch, World } from './support.ts';

const world = await World.start();

async function pair() {
  const [ann, bob] = await Promise.all([world.register('ann'), world.register('bob')]);
  const room = await ann.createRoom('tea', { members: [bob] });
  const [anns, bobs] = await Promise.all([world.online(ann), world.online(bob)]);
  watch(anns.timeline(room));
  watch(bobs.timeline(room));
  await Promise.all([anns, bobs].map((client) => until(client.timeline(room), ({ status }) => status === 'ready')));
  return { ann, bob, room, anns, bobs };
}

test('two talk: what one says shows at once as pending, then as said, to both', async () => {
  const { ann, room, anns, bobs } = await pair();
  const pending = anns.send(room, { content: 'one' });
  expect(anns.timeline(room).getSnapshot().pending.map(({ clientMessageId }) => clientMessageId)).toEqual([pending.clientMessageId]);
  anns.send(room, { content: 'two' });
  await until(bobs.timeline(room), ({ items }) => items.length === 2);
  bobs.send(room, { content: 'three' });
  const { items, pending: left } = await until(anns.timeline(room), ({ items, pending }) => items.length === 3 && pending.length === 0);
  expect(texts(items)).toEqual(['one', 'two', 'three']);
  expect(left).toEqual([]);
  expect(anns.outbox.getSnapshot()).toEqual([]);
  await world.same(ann, room, anns, bobs);
});

test('edits, reactions, pins and deletions show, as REST has them', async () => {
  const { ann, bob, room, anns, bobs } = await pair();
  for (const content of ['first', 'second', 'third']) anns.send(room, { content });
  const { items } = await until(bobs.timeline(room), ({ items }) => items.length === 3);
  const [first, second, third] = items.map(({ id }) => id) as [string, string, string];
  await anns.command('edit-message', { roomId: room, messageId: first, content: 'first, better' });
  await bobs.command('add-reaction', { roomId: room, messageId: first, emoji: '👍' });
  await anns.command('add-reaction', { roomId: room, messageId: first, emoji: '👍' });
  await anns.command('add-reaction', { roomId: room, messageId: second, emoji: '🎉' });
  await anns.command('remove-reaction', { roomId: room, messageId: second, emoji: '🎉' });
  await anns.command('pin-message', { roomId: room, messageId: second });
  await anns.command('delete-message', { roomId: room, messageId: third });
  await until(bobs.timeline(room), ({ items }) => items.at(-1)?.deletedAt);
  expect(bobs.timeline(room).getSnapshot().items[0]?.reactions).toEqual({ '👍': [bob.id, ann.id] });
  await world.same(ann, room, anns, bobs);
});

test('rooms count what is unread and mentioned; reading ends that on all devices', async () => {
  const { ann, bob, room, anns, bobs } = await pair();
  const phone = await world.online(bob);
  anns.send(room, { content: 'hi' });
  anns.send(room, { content: 'hey', mentions: [bob.id] });
  for (const device of [bobs, phone]) {
    const { byId, unreadCount } = await until(device.rooms, ({ byId }) => byId.get(room)?.unreadCount === 2);
    expect(byId.get(room)).toMatchObject({ mentionCount: 1, lastMessage: { content: 'hey' }, lastSeq: 2, readSeq: 0, heard: true });
    expect(unreadCount).toBe(2);
  }
  watch(anns.receipts(room));
  bobs.markRead(room, 1);
  bobs.markRead(room, 2);
  expect(bobs.rooms.getSnapshot().unreadCount).toBe(0);
  await until(phone.rooms, ({ byId }) => byId.get(room)?.unreadCount === 0 && byId.get(room)?.readSeq === 2);
  await until(anns.receipts(room), ({ byUser }) => byUser.get(bob.id)?.readSeq === 2 && byUser.get(bob.id)?.deliveredSeq === 2);
  expect((await until(anns.receipts(room), ({ byUser }) => byUser.get(ann.id))).byUser.get(ann.id)?.readSeq).toBe(2);
});

test('what was said to somebody who was away has arrived when they come back', async () => {
  const { bob, room, anns, bobs } = await pair();
  bobs.close();
  anns.send(room, { content: 'are you there?' });
  watch(anns.receipts(room));
  await until(anns.timeline(room), ({ items }) => items.length === 1);
  await world.online(bob);
  await until(anns.receipts(room), ({ byUser }) => byUser.get(bob.id)?.deliveredSeq === 1 && byUser.get(bob.id)?.readSeq === 0);
});

test('typing and presence come and go', async () => {
  const { ann, bob, room, anns, bobs } = await pair();
  watch(bobs.presence);
  const release = bobs.presence.watch([ann.id]);
  await until(bobs.presence, (states) => states.get(ann.id)?.status === 'online');
  await anns.presence.set('busy', 'in a meeting');
  expect((await until(bobs.presence, (states) => states.get(ann.id)?.status === 'busy')).get(ann.id)?.text).toBe('in a meeting');
  release();

  anns.typing(room).touch();
  await until(bobs.typing(room), (typists) => typists.some(({ userId, username }) => userId === ann.id && username === ann.username));
  anns.send(room, { content: 'done' });
  await until(bobs.typing(room), (typists) => typists.length === 0);
  bobs.typing(room).touch();
  await until(anns.typing(room), (typists) => typists.some(({ userId }) => userId === bob.id));
  bobs.typing(room).stop();
  await until(anns.typing(room), (typists) => typists.length === 0);
});

test('new rooms, members, roles and names show; who is removed lets go, and may come back', async () => {
  const { ann, bob, anns, bobs } = await pair();
  const { id } = await anns.command('create-room', { name: 'plans', type: 'private' });
  await until(anns.rooms, ({ byId }) => byId.get(id)?.heard);
  watch(anns.members(id));
  await anns.command('add-member', { roomId: id, userId: bob.id });
  await until(bobs.rooms, ({ byId }) => byId.get(id)?.heard);
  watch(bobs.timeline(id));
  await until(bobs.timeline(id), ({ status }) => status === 'ready');
  await anns.command('set-role', { roomId: id, userId: bob.id, role: 'moderator' });
  await until(anns.members(id), ({ byId }) => byId.get(bob.id)?.role === 'moderator' && byId.get(ann.id)?.role === 'owner');
  await anns.command('update-room', { roomId: id, name: 'great plans' });
  await until(bobs.rooms, ({ byId }) => byId.get(id)?.name === 'great plans' && byId.get(id)?.memberCount === 2);

  await anns.command('remove-member', { roomId: id, userId: bob.id });
  await until(bobs.timeline(id), ({ status, items }) => status === 'gone' && items.length === 0);
  expect(bobs.rooms.getSnapshot().byId.has(id)).toBe(false);
  await until(anns.members(id), ({ byId }) => !byId.has(bob.id));
  anns.send(id, { content: 'without bob' });
  await until(anns.outbox, (list) => list.length === 0);
  await anns.command('add-member', { roomId: id, userId: bob.id });
  const { items } = await until(bobs.timeline(id), ({ status, items }) => status === 'ready' && items.length === 1);
  expect(texts(items)).toEqual(['without bob']);
});

test('a thread shows the answers, and the message how many there are', async () => {
  const { room, anns, bobs } = await pair();
  anns.send(room, { content: 'question' });
  const question = (await until(bobs.timeline(room), ({ items }) => items[0])).items[0]!;
  bobs.send(room, { content: 'answer', replyTo: question.id });
  await until(anns.timeline(room), ({ items }) => items[0]?.thread?.replyCount === 1);
  watch(anns.thread(room, question.id));
  const thread = await until(anns.thread(room, question.id), ({ status }) => status === 'ready');
  expect([thread.root?.content, texts(thread.replies)]).toEqual(['question', ['answer']]);
  bobs.send(room, { content: 'another', replyTo: question.id });
  await until(anns.thread(room, question.id), ({ replies, root }) => replies.length === 2 && root?.thread?.replyCount === 2);
});

test('a refused message stays, with the reason, until it is given up; the next one passes', async () => {
  const { room, anns } = await pair();
  const long = anns.send(room, { content: 'x'.repeat(5001) });
  anns.send(room, { content: 'short' });
  const { pending } = await until(anns.timeline(room), ({ items, pending }) => items.length === 1 && pending[0]?.state === 'failed');
  expect(pending).toMatchObject([{ clientMessageId: long.clientMessageId, error: { code: 'CONTENT_TOO_LONG' } }]);
  anns.discard(long.clientMessageId);
  expect(anns.outbox.getSnapshot()).toEqual([]);
  await expect(anns.command('send-message', { roomId: 'nowhere', content: 'x' })).rejects.toMatchObject({ name: 'ParleyError', code: 'ROOM_NOT_FOUND' });
});
