// What others put on messages, and how far everybody has read. Two nodes: what one does the other tells.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, fetched, isDurable, isTime, join, open, rest, roomOf, strict, user } from './lib.mjs';

const one = (url, who, room, id, position) => fetched(url, who.user.token, `/rooms/${room.id}/messages/${id}`, position);

test('reactions are told, answered and fetched alike', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const said = await alice.ok('send-message', { roomId: room.id, content: 'hi' });
  const mark = { roomId: room.id, messageId: said.id };
  const local = (await one(open, bob, room, said.id, said.position)).reactions;
  for (const [peer, command, emoji] of [
    [alice, 'add-reaction', '👍'], [bob, 'add-reaction', '👍'], [bob, 'add-reaction', '👩‍👩‍👧‍👦'],
    [alice, 'remove-reaction', '👍'], [alice, 'add-reaction', '+1'],
  ]) {
    const ack = await peer.ok(command, { ...mark, emoji });
    assert.equal(ack.messageId, said.id);
    const event = command === 'add-reaction' ? 'reaction-added' : 'reaction-removed';
    for (const listener of [alice, bob]) {
      const told = await listener.next(event, (e) => e.position === ack.position);
      isDurable(told, { roomId: room.id });
      assert.deepEqual([told.messageId, told.emoji, told.userId, told.seq], [said.id, emoji, peer.user.id, said.seq]);
    }
    local[emoji] = event === 'reaction-added' ? [...(local[emoji] ?? []), peer.user.id] : local[emoji].filter((id) => id !== peer.user.id);
    if (local[emoji].length === 0) delete local[emoji];
    assert.deepEqual(ack.reactions, local);
    assert.deepEqual((await one(strict, alice, room, said.id, ack.position)).reactions, local);
  }
  const again = await bob.ok('add-reaction', { ...mark, emoji: '👍' });
  assert.deepEqual(again.reactions, local);
  const edited = await alice.ok('edit-message', { ...mark, content: 'hello' });
  assert.deepEqual((await bob.next('message-edited', (m) => m.id === said.id)).reactions, local);
  assert.deepEqual(edited.reactions, local);
  assert.equal(bob.heard('reaction-added').length, 4);
  await bob.refused('INVALID_PAYLOAD', 'add-reaction', { ...mark, emoji: '' });
  const carol = await join(t, 'carol', open);
  await carol.refused('NOT_A_MEMBER', 'add-reaction', { ...mark, emoji: '👍' });
  await alice.ok('delete-message', mark);
  await bob.refused('MESSAGE_DELETED', 'add-reaction', { ...mark, emoji: '👎' });
});

test('owners pin, everybody is told, members do not', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const said = await bob.ok('send-message', { roomId: room.id, content: 'important' });
  const mark = { roomId: room.id, messageId: said.id };
  await bob.refused('FORBIDDEN', 'pin-message', mark);
  const pinned = await alice.ok('pin-message', mark);
  const told = await bob.next('message-pinned', (e) => e.messageId === said.id);
  isDurable(told, { roomId: room.id });
  assert.deepEqual([told.userId, told.position, told.seq], [alice.user.id, pinned.position, said.seq]);
  assert.equal((await one(open, bob, room, said.id, pinned.position)).pinned, true);
  const list = await fetched(open, bob.user.token, `/rooms/${room.id}/messages?pinned=true`, pinned.position);
  assert.deepEqual(list.items.map((m) => m.id), [said.id]);
  const unpinned = await alice.ok('unpin-message', mark);
  await bob.next('message-unpinned', (e) => e.position === unpinned.position);
  assert.equal((await one(open, bob, room, said.id, unpinned.position)).pinned, false);
});

test('a thread is counted and listed', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const first = await alice.ok('send-message', { roomId: room.id, content: 'a question' });
  const answers = [];
  for (const n of [1, 2, 3]) {
    answers.push(await bob.ok('send-message', { roomId: room.id, content: `answer ${n}`, replyTo: first.id }));
    await alice.ok('send-message', { roomId: room.id, content: 'something else' });
  }
  const { position } = answers.at(-1);
  const { thread } = await one(strict, alice, room, first.id, position);
  assert.deepEqual([thread.replyCount, thread.lastReplySeq], [3, answers[2].seq]);
  isTime(thread.lastReplyAt);
  const page = await fetched(strict, alice.user.token, `/rooms/${room.id}/messages/${first.id}/replies?limit=2`, position);
  assert.deepEqual([page.items.map((m) => m.id), page.hasMoreBefore], [[answers[1].id, answers[2].id], true]);
});

test('read cursors go forward on all devices, and what is left is right', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const phone = await connect(t, bob.user, open);
  const room = await roomOf(alice, bob);
  const said = [];
  for (let n = 0; n < 6; n++) {
    const mentions = n === 4 ? [bob.user.id] : [];
    said.push(await alice.ok('send-message', { roomId: room.id, content: `${n}`, mentions }));
  }
  await alice.ok('delete-message', { roomId: room.id, messageId: said[5].id });
  const read = await bob.ok('mark-read', { roomId: room.id, messageId: said[2].id });
  assert.deepEqual([read.roomId, read.seq, read.unreadCount], [room.id, 3, 2]);
  const told = await alice.next('message-read', (e) => e.userId === bob.user.id);
  isDurable(told, { roomId: room.id });
  assert.deepEqual([told.seq, told.messageId, told.position], [3, said[2].id, read.position]);
  // The phone does not listen to the room, and hears what is left all the same.
  assert.deepEqual(await phone.next('unread-changed'), { roomId: room.id, unreadCount: 2, mentionCount: 1 });
  const { items } = await fetched(strict, bob.user.token, '/unread', read.position);
  assert.deepEqual(items.map(({ roomId, unreadCount, mentionCount }) => [roomId, unreadCount, mentionCount]), [[room.id, 2, 1]]);
  const [mine] = (await fetched(open, bob.user.token, '/rooms', read.position)).items;
  assert.deepEqual([mine.id, mine.unreadCount, mine.mentionCount, mine.readSeq, mine.lastMessage.seq], [room.id, 2, 1, 3, 6]);

  const back = await bob.ok('message:read', { roomId: room.id, seq: 1 });
  assert.deepEqual([back.seq, back.unreadCount], [3, 2]);
  const all = await rest(open, bob.user.token, 'PUT', `/rooms/${room.id}/read`, { seq: 1000 });
  assert.deepEqual([all.status, all.body.seq, all.body.unreadCount], [200, 6, 0]);
  await phone.next('unread-changed', (e) => e.unreadCount === 0 && e.mentionCount === 0);
  assert.equal(alice.heard('message-read', (e) => e.userId === bob.user.id && e.seq === 1).length, 0);
  const receipts = await fetched(strict, alice.user.token, `/rooms/${room.id}/receipts`, all.position);
  const of = Object.fromEntries(receipts.items.map((r) => [r.userId, r]));
  assert.deepEqual([of[bob.user.id].readSeq, of[bob.user.id].deliveredSeq, of[alice.user.id].readSeq], [6, 6, 6]);
  isTime(of[bob.user.id].readAt);
});

test('a delivery is told once', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const said = await alice.ok('send-message', { roomId: room.id, content: 'hi' });
  const first = await bob.ok('mark-delivered', { roomId: room.id, messageId: said.id });
  assert.deepEqual([first.roomId, first.seq], [room.id, 1]);
  await bob.ok('mark-delivered', { roomId: room.id, seq: 1 });
  await bob.ok('mark-read', { roomId: room.id, seq: 1 });
  await bob.ok('mark-delivered', { roomId: room.id, seq: 1 });
  await alice.next('message-read', (e) => e.userId === bob.user.id);
  const told = alice.heard('message-delivered');
  assert.deepEqual(told.map((e) => [e.userId, e.seq, e.messageId]), [[bob.user.id, 1, said.id]]);
});

test('a reader who scrolls makes few events', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  for (let n = 0; n < 60; n++) await alice.ok('send-message', { roomId: room.id, content: `${n}`, clientMessageId: `${room.id}-${n}`.slice(-60) });
  const acks = await Promise.all(Array.from({ length: 60 }, (_, n) => bob.ok('mark-read', { roomId: room.id, seq: n + 1 })));
  acks.forEach((ack, n) => assert.ok(ack.seq > n, `mark ${n + 1} is answered with ${ack.seq}`));
  await alice.next('message-read', (e) => e.seq === 60);
  assert.ok(alice.heard('message-read').length < 10, `${alice.heard('message-read').length} events for 60 marks`);
});

test('who is no member marks nothing', async (t) => {
  const alice = await join(t, 'alice', strict);
  const eve = await join(t, 'eve', open);
  const room = await roomOf(alice);
  const said = await alice.ok('send-message', { roomId: room.id, content: 'hi' });
  for (const command of ['mark-read', 'mark-delivered']) {
    await eve.refused('NOT_A_MEMBER', command, { roomId: room.id, seq: 1 });
    await eve.refused('NOT_A_MEMBER', command, { roomId: room.id, messageId: said.id });
    await alice.refused('INVALID_PAYLOAD', command, { roomId: room.id });
    await alice.refused('INVALID_PAYLOAD', command, { roomId: room.id, seq: -1 });
    await alice.refused('INVALID_PAYLOAD', command, { roomId: room.id, seq: 'x' });
  }
  const { id } = await user('stranger');
  assert.equal(alice.heard('message-read', (e) => e.userId === id).length, 0);
});
