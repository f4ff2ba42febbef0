// Members: inviting, putting out, roles, and the rights that follow.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connect, fence, fetched, isDurable, isMember, isPosition, join, of, open, roomOf, strict, user,
} from './lib.mjs';

async function privateRoom(owner) {
  const room = await owner.ok('create-room', { name: 'private', type: 'private' });
  await owner.ok('join-room', { roomId: room.id });
  return room;
}

test('add-member invites: the member is told and may come in', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await privateRoom(alice);
  const member = await alice.ok('add-member', { roomId, userId: bob.user.id });
  isMember(member, { userId: bob.user.id, username: 'bob', role: 'member' });
  assert.deepEqual(await bob.next('notification'), { kind: 'invite', roomId, from: alice.user.id });
  for (const peer of [alice, bob]) {
    isDurable(await peer.next('user-joined', (p) => p.userId === bob.user.id), {
      roomId, userId: bob.user.id, username: 'bob', by: alice.user.id, position: member.position,
    });
  }
  const { room } = await bob.ok('join-room', { roomId });
  assert.equal(room.memberCount, 2);
  const said = await bob.ok('send-message', { roomId, content: 'thanks' });
  assert.deepEqual(await alice.next('new-message', of(roomId)), said);
  assert.equal(alice.heard('user-joined', (p) => p.userId === bob.user.id).length, 1);

  const moderator = await join(t, 'moderator', open);
  isMember(await alice.ok('add-member', { roomId, userId: moderator.user.id, role: 'moderator' }), { role: 'moderator' });
  const { items } = await fetched(open, alice.user.token, `/rooms/${roomId}/members`, (await alice.ok('send-message', { roomId, content: '.' })).position);
  assert.deepEqual(
    items.map((m) => [m.userId, m.role]).sort(),
    [[alice.user.id, 'owner'], [bob.user.id, 'member'], [moderator.user.id, 'moderator']].sort(),
  );
});

test('add-member refuses whom it must', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  const { id: roomId } = await privateRoom(alice);
  await alice.ok('add-member', { roomId, userId: bob.user.id });
  await bob.refused('FORBIDDEN', 'add-member', { roomId, userId: (await user('friend')).id });
  const nobody = await alice.ask('add-member', { roomId, userId: 'nobody-knows' });
  assert.equal(nobody.success, false);
  assert.ok(['INVALID_USER', 'INVALID_PAYLOAD'].includes(nobody.code), JSON.stringify(nobody));
  const { fields } = await alice.refused('INVALID_PAYLOAD', 'add-member', { roomId, userId: bob.user.id, role: 'king' });
  assert.ok(fields.role);
});

test('remove-member ends pushes at once, on every socket of the user', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const phone = await connect(t, bob.user, strict);
  const { id: roomId } = await privateRoom(alice);
  await alice.ok('add-member', { roomId, userId: bob.user.id });
  for (const peer of [bob, phone]) await peer.ok('join-room', roomId);
  await fence(alice, roomId, bob, phone);

  const removed = await alice.ok('remove-member', { roomId, userId: bob.user.id });
  isPosition(removed.position);
  for (let i = 0; i < 5; i++) await alice.ok('send-message', { roomId, content: `without bob ${i}` });
  for (const peer of [alice, bob, phone]) {
    isDurable(await peer.next('user-left'), { roomId, userId: bob.user.id, by: alice.user.id, position: removed.position });
  }
  await alice.count('new-message', 6);
  for (const peer of [bob, phone]) {
    await peer.refused('ROOM_NOT_FOUND', 'send-message', { roomId, content: 'let me in' });
    await peer.refused('ROOM_NOT_FOUND', 'join-room', { roomId });
    assert.equal(peer.heard('new-message').length, 1, 'the fence and nothing after the removal');
  }
});

test('remove-member is for those above', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  const carol = await join(t, 'carol');
  const { id: roomId } = await roomOf(alice, bob, carol);
  await bob.refused('FORBIDDEN', 'remove-member', { roomId, userId: carol.user.id });
  await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'moderator' });
  await bob.refused('FORBIDDEN', 'remove-member', { roomId, userId: alice.user.id });
  await bob.ok('remove-member', { roomId, userId: carol.user.id });
  await carol.refused('NOT_A_MEMBER', 'send-message', { roomId, content: 'x' });
  const again = await bob.ask('remove-member', { roomId, userId: carol.user.id });
  assert.ok(again.success || again.code === 'NOT_A_MEMBER', JSON.stringify(again));
});

test('rights follow the role', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const [first, second] = [
    await alice.ok('send-message', { roomId, content: 'one' }),
    await alice.ok('send-message', { roomId, content: 'two' }),
  ];
  const remove = (messageId) => ['delete-message', { roomId, messageId }];
  await bob.refused('FORBIDDEN', ...remove(first.id));
  await bob.refused('FORBIDDEN', 'set-role', { roomId, userId: bob.user.id, role: 'owner' });

  const member = await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'moderator' });
  isMember(member, { userId: bob.user.id, role: 'moderator' });
  for (const peer of [alice, bob]) {
    isDurable(await peer.next('member-updated'), { roomId, ...member });
  }
  await bob.ok(...remove(first.id));
  await bob.refused('FORBIDDEN', 'edit-message', { roomId, messageId: second.id, content: 'not yours' });
  await bob.refused('FORBIDDEN', 'set-role', { roomId, userId: bob.user.id, role: 'owner' });
  await bob.refused('FORBIDDEN', 'archive-room', { roomId });

  await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'member' });
  await bob.refused('FORBIDDEN', ...remove(second.id));

  await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'owner' });
  await bob.ok('set-role', { roomId, userId: alice.user.id, role: 'member' });
  await alice.refused('FORBIDDEN', 'archive-room', { roomId });
  await bob.ok('archive-room', { roomId });
});

test('set-role names a member and a role', async (t) => {
  const alice = await join(t, 'alice');
  const { id: roomId } = await roomOf(alice);
  const stranger = await user('stranger');
  const ack = await alice.ask('set-role', { roomId, userId: stranger.id, role: 'moderator' });
  assert.equal(ack.success, false, JSON.stringify(ack));
  const { fields } = await alice.refused('INVALID_PAYLOAD', 'set-role', { roomId, userId: alice.user.id, role: 'king' });
  assert.ok(fields.role);
});
