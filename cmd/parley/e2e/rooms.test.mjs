// Rooms: opening, changing, closing, coming in and going out.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  connect, fence, fetched, hasKeys, isDurable, isPosition, isRoom, join, of, open, roomOf, strict,
} from './lib.mjs';

for (const type of ['public', 'private']) {
  test(`create-room opens a ${type} room and tells its members`, async (t) => {
    const alice = await join(t, 'alice', strict);
    const bob = await join(t, 'bob', open);
    const stranger = await join(t, 'stranger', open);
    const name = `ops ${randomUUID()}`;
    const room = await alice.ok('create-room', { name, type, topic: 'what to do', memberIds: [bob.user.id] });
    isRoom(room, { name, type, topic: 'what to do', createdBy: alice.user.id, archivedAt: null, memberCount: 2 });
    for (const peer of [alice, bob]) {
      const push = await peer.next('room-created');
      isDurable(push, { roomId: room.id, ...room });
      assert.equal(peer.heard('room-created').length, 1);
    }
    const seen = await fetched(open, bob.user.token, `/rooms/${room.id}`, room.position);
    assert.deepEqual({ ...seen, ...room }, seen);
    await fence(await other(t, alice, room.id), room.id, await other(t, bob, room.id));
    assert.equal(stranger.heard('room-created').length, 0);
  });
}

async function other(t, peer, roomId) {
  const second = await connect(t, peer.user, open);
  await second.ok('join-room', { roomId });
  return second;
}

test('an id that is taken is ROOM_EXISTS, for everyone', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const id = randomUUID();
  const room = await alice.ok('create-room', { id, name: 'first', type: 'private' });
  assert.equal(room.id, id);
  await bob.refused('ROOM_EXISTS', 'create-room', { id, name: 'second', type: 'public' });
  await alice.refused('ROOM_EXISTS', 'create-room', { id, name: 'first', type: 'private' });
  const rivals = await Promise.all([alice, bob].map((peer, i) => peer.ask('create-room', { id: `race-${id}`, name: `${i}`, type: 'public' })));
  assert.deepEqual(rivals.map((ack) => ack.code ?? 'won').sort(), ['ROOM_EXISTS', 'won']);
});

test('a pair has one direct room, whoever asks and however often', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const eve = await join(t, 'eve', open);
  const [one, two] = await Promise.all([
    alice.ok('create-room', { type: 'direct', memberIds: [bob.user.id] }),
    bob.ok('create-room', { type: 'direct', memberIds: [alice.user.id] }),
  ]);
  isRoom(one, { type: 'direct', memberCount: 2, archivedAt: null });
  assert.equal(two.id, one.id);
  const again = await alice.ok('create-room', { type: 'direct', memberIds: [bob.user.id] });
  assert.equal(again.id, one.id);

  for (const peer of [alice, bob]) await peer.ok('join-room', one.id);
  const said = await alice.ok('send-message', { roomId: one.id, content: 'psst' });
  assert.equal((await bob.next('new-message')).id, said.id);
  for (const peer of [alice, bob]) assert.equal(peer.heard('room-created').length, 1);

  await eve.refused('ROOM_NOT_FOUND', 'join-room', { roomId: one.id });
  const third = await alice.ask('add-member', { roomId: one.id, userId: eve.user.id });
  assert.equal(third.success, false, 'a direct room has exactly two members');
});

test('a direct room is of two', async (t) => {
  const alice = await join(t, 'alice');
  const [bob, carol] = [await join(t, 'bob'), await join(t, 'carol')];
  for (const memberIds of [[], [bob.user.id, carol.user.id], [alice.user.id]]) {
    await alice.refused('INVALID_PAYLOAD', 'create-room', { type: 'direct', memberIds });
  }
});

test('create-room says which fields are wrong', async (t) => {
  const alice = await join(t, 'alice');
  const wrong = [
    [{ type: 'public' }, 'name'],
    [{ name: '', type: 'public' }, 'name'],
    [{ name: 'x'.repeat(101), type: 'public' }, 'name'],
    [{ name: 'x', type: 'secret' }, 'type'],
    [{ name: 'x' }, 'type'],
    [{ name: 'x', type: 'public', id: 'no spaces / no slashes' }, 'id'],
    [{ name: 7, type: 'public' }, 'name'],
  ];
  for (const [payload, field] of wrong) {
    const { fields } = await alice.refused('INVALID_PAYLOAD', 'create-room', payload);
    assert.ok(fields?.[field], `${JSON.stringify(payload)}: no ${field} in ${JSON.stringify(fields)}`);
  }
});

test('update-room changes what it names and nothing else', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId, name } = await roomOf(alice, bob);
  const topical = await alice.ok('update-room', { roomId, topic: 'news' });
  isRoom(topical, { name, topic: 'news', memberCount: 2 });
  isDurable(await bob.next('room-updated'), { roomId, ...topical });
  const renamed = await alice.ok('update-room', { roomId, name: 'renamed' });
  isRoom(renamed, { name: 'renamed', topic: 'news' });
  assert.equal((await bob.next('room-updated', (r) => r.name === 'renamed')).position, renamed.position);
  const seen = await fetched(open, bob.user.token, `/rooms/${roomId}`, renamed.position);
  assert.deepEqual({ ...seen, ...renamed }, seen);
  await bob.refused('FORBIDDEN', 'update-room', { roomId, name: 'mine' });
  await (await join(t, 'stranger')).refused('NOT_A_MEMBER', 'update-room', { roomId, name: 'mine' });
});

test('an archived room can be read, and nothing is added', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const said = await bob.ok('send-message', { roomId, content: 'last words' });
  await bob.refused('FORBIDDEN', 'archive-room', { roomId });
  const archived = await alice.ok('archive-room', { roomId });
  isRoom(archived);
  assert.notEqual(archived.archivedAt, null);
  isDurable(await bob.next('room-archived'), { roomId, ...archived });

  for (const peer of [alice, bob]) {
    await peer.refused('ROOM_ARCHIVED', 'send-message', { roomId, content: 'more' });
    await peer.refused('ROOM_ARCHIVED', 'edit-message', { roomId, messageId: said.id, content: 'other words' });
  }
  await alice.refused('ROOM_ARCHIVED', 'update-room', { roomId, name: 'x' });
  await alice.refused('ROOM_ARCHIVED', 'add-member', { roomId, userId: (await join(t, 'late')).user.id });
  const { items } = await fetched(open, bob.user.token, `/rooms/${roomId}/messages`, archived.position);
  assert.deepEqual(items, [said]);
});

test('join-room tells where the room is, and the socket hears it from then on', async (t) => {
  const alice = await join(t, 'alice', strict);
  const room = await roomOf(alice);
  for (const content of ['one', 'two', 'three']) await alice.ok('send-message', { roomId: room.id, content });
  const bob = await join(t, 'bob', open);
  const joined = await bob.ok('join-room', { roomId: room.id });
  hasKeys(joined, 'room', 'seq', 'position');
  isRoom(joined.room, { id: room.id, name: room.name, memberCount: 2 });
  assert.equal(joined.seq, 3);
  isPosition(joined.position);
  isDurable(await alice.next('user-joined', (p) => p.userId === bob.user.id), {
    roomId: room.id, userId: bob.user.id, username: 'bob', by: bob.user.id,
  });
  const said = await alice.ok('send-message', { roomId: room.id, content: 'four' });
  assert.deepEqual(await bob.next('new-message'), said);
  assert.equal(said.seq, joined.seq + 1);

  // Coming again, or with another socket, is not joining again.
  await bob.ok('join-room', { roomId: room.id });
  const laptop = await connect(t, bob.user, strict);
  assert.equal((await laptop.ok('join-room', { roomId: room.id })).seq, 4);
  await fence(alice, room.id, alice, bob, laptop);
  for (const peer of [alice, bob]) assert.equal(peer.heard('user-joined', (p) => p.userId === bob.user.id).length, 1);
  assert.equal(bob.heard('new-message').length, 2, 'joining twice is not hearing twice');
});

test('a payload of nothing but the room may be the bare id', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  const { id } = await roomOf(alice);
  assert.equal((await bob.ok('join-room', id)).room.id, id);
  assert.equal((await bob.ok('unsubscribe-room', id)).roomId, id);
  assert.equal((await bob.ok('leave-room', id)).roomId, id);
  assert.equal((await alice.ok('archive-room', id)).id, id);
});

test('the other spellings do the same', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  const { id: roomId } = await roomOf(alice);
  assert.equal((await bob.ok('room:join', { roomId })).room.id, roomId);
  const said = await bob.ok('message:send', { roomId, content: 'hi' });
  assert.deepEqual(await alice.next('new-message'), said);
  assert.equal((await bob.ok('room:leave', roomId)).roomId, roomId);
  await bob.refused('NOT_A_MEMBER', 'message:send', { roomId, content: 'hi' });
});

test('a private room does not exist for those outside', async (t) => {
  const alice = await join(t, 'alice', strict);
  const eve = await join(t, 'eve', open);
  const { id: roomId } = await alice.ok('create-room', { name: 'hidden', type: 'private' });
  await alice.ok('join-room', roomId);
  const said = await alice.ok('send-message', { roomId, content: 'between us' });
  const commands = (id) => [
    ['join-room', { roomId: id }],
    ['leave-room', { roomId: id }],
    ['update-room', { roomId: id, name: 'x' }],
    ['archive-room', { roomId: id }],
    ['add-member', { roomId: id, userId: eve.user.id }],
    ['remove-member', { roomId: id, userId: alice.user.id }],
    ['set-role', { roomId: id, userId: eve.user.id, role: 'owner' }],
    ['send-message', { roomId: id, content: 'x' }],
    ['edit-message', { roomId: id, messageId: said.id, content: 'x' }],
    ['delete-message', { roomId: id, messageId: said.id }],
  ];
  const hidden = commands(roomId);
  const missing = commands(randomUUID());
  for (const [i, [event, payload]] of hidden.entries()) {
    const one = await eve.refused('ROOM_NOT_FOUND', event, payload);
    const other = await eve.refused('ROOM_NOT_FOUND', ...missing[i]);
    assert.equal(one.error.replace(roomId, 'ID'), other.error.replace(missing[i][1].roomId, 'ID'), `${event} tells a hidden room from a missing one`);
  }
  await fence(alice, roomId, alice);
  assert.deepEqual(eve.log.map((e) => e.event), ['session']);
});

test('join-rooms takes what it may and says why not the rest', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const [one, two] = [await roomOf(alice), await roomOf(alice)];
  const hidden = await alice.ok('create-room', { name: 'hidden', type: 'private' });
  const missing = randomUUID();
  const { joined, denied } = await bob.ok('join-rooms', { roomIds: [one.id, hidden.id, two.id, missing] });
  assert.deepEqual(joined.map((j) => j.roomId ?? j.room?.id ?? j), [one.id, two.id]);
  assert.deepEqual(denied, [{ roomId: hidden.id, code: 'ROOM_NOT_FOUND' }, { roomId: missing, code: 'ROOM_NOT_FOUND' }]);
  for (const room of [one, two]) {
    const said = await alice.ok('send-message', { roomId: room.id, content: 'hi' });
    assert.deepEqual(await bob.next('new-message', of(room.id)), said);
  }
  const carol = await join(t, 'carol', open);
  const bare = await carol.ok('join-rooms', [one.id]);
  assert.equal(bare.joined.length, 1);
  assert.deepEqual(bare.denied, []);
});

test('leave-room ends membership and pushes', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const laptop = await connect(t, bob.user, strict);
  const { id: roomId } = await roomOf(alice, bob, laptop);
  const left = await bob.ok('leave-room', { roomId });
  assert.equal(left.roomId, roomId);
  isPosition(left.position);
  isDurable(await alice.next('user-left'), { roomId, userId: bob.user.id, username: 'bob', by: bob.user.id, position: left.position });
  await laptop.next('user-left');
  await fence(alice, roomId, alice);
  for (const peer of [bob, laptop]) {
    assert.equal(peer.heard('new-message').length, 0);
    await peer.refused('NOT_A_MEMBER', 'send-message', { roomId, content: 'still here?' });
  }
});

test('the last owner names another before leaving', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  const { id: roomId } = await roomOf(alice, bob);
  await alice.refused('LAST_OWNER', 'leave-room', { roomId });
  await alice.refused('LAST_OWNER', 'set-role', { roomId, userId: alice.user.id, role: 'member' });
  await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'owner' });
  await alice.ok('leave-room', { roomId });
  await bob.refused('LAST_OWNER', 'leave-room', { roomId });
});

test('unsubscribe-room ends pushes to this socket, not membership', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const laptop = await connect(t, bob.user, open);
  const { id: roomId } = await roomOf(alice, bob, laptop);
  assert.equal((await bob.ok('unsubscribe-room', { roomId })).roomId, roomId);
  await fence(alice, roomId, alice, laptop);
  assert.equal(bob.heard('new-message').length, 0);
  assert.equal(alice.heard('user-left').length, 0);
  const said = await bob.ok('send-message', { roomId, content: 'I am still in' });
  await alice.next('new-message', (m) => m.id === said.id);
  const { seq } = await bob.ok('join-room', { roomId });
  assert.equal(seq, said.seq);
  await fence(alice, roomId, bob);
  assert.equal(bob.heard('new-message').length, 1);
});
