// Who is typing: told at once to the others in the room, and never for long. Two nodes: what one does the other tells.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, fence, hasKeys, join, open, roomOf, strict } from './lib.mjs';

/** What a peer was told of a typist, in order. */
const signs = (peer, { user }) => peer.log.filter((e) => e.event.startsWith('typing-') && e.data.userId === user.id).map((e) => e.event.slice(7));

/** Waits until that is as expected. */
async function sees(peer, typist, ...expected) {
  for (const event of new Set(expected)) {
    await peer.count(`typing-${event}`, expected.filter((e) => e === event).length, (p) => p.userId === typist.user.id);
  }
  assert.deepEqual(signs(peer, typist), expected);
}

test('others in the room are told, and nobody else', async (t) => {
  const [alice, bob, eve] = [await join(t, 'alice', strict), await join(t, 'bob', open), await join(t, 'eve', open)];
  const { id: roomId } = await roomOf(alice, bob);
  const twin = await connect(t, alice.user, open);
  await twin.ok('join-room', roomId);
  assert.deepEqual(await alice.ok('typing-start', { roomId }), {});
  const [started] = await bob.count('typing-started', 1);
  hasKeys(started, 'roomId', 'userId', 'username', 'expiresAt');
  assert.deepEqual([started.roomId, started.userId, started.username], [roomId, alice.user.id, 'alice']);
  const left = Date.parse(started.expiresAt) - Date.now();
  assert.ok(left < 10_000 && left > -10_000, `it expires in ${left} ms`);
  assert.deepEqual(await alice.ok('typing-stop', roomId), {});
  await sees(bob, alice, 'started', 'stopped');
  const stopped = bob.heard('typing-stopped')[0];
  assert.deepEqual([stopped.roomId, stopped.userId], [roomId, alice.user.id]);
  await fence(bob, roomId, alice, twin);
  for (const peer of [alice, twin, eve]) assert.deepEqual(signs(peer, alice), []);
});

test('it is told to who comes late, and ends by itself', async (t) => {
  const [alice, bob] = [await join(t, 'alice', strict), await join(t, 'bob', open)];
  const { id: roomId } = await roomOf(alice, bob);
  const late = await connect(t, bob.user, strict);
  await alice.ok('typing:start', { roomId });
  await late.ok('join-room', roomId);
  await sees(bob, alice, 'started', 'stopped');
  await sees(late, alice, 'started', 'stopped');
  assert.equal(late.heard('typing-started')[0].expiresAt, bob.heard('typing-started')[0].expiresAt);
});

test('it ends with a message, with the membership and with the connection', async (t) => {
  const [alice, bob] = [await join(t, 'alice', strict), await join(t, 'bob', open)];
  const { id: roomId } = await roomOf(bob, alice);
  const expected = [];
  for (const end of [
    () => alice.ok('message:send', { roomId, content: 'there' }),
    () => alice.ok('typing:stop', { roomId }),
    () => alice.ok('leave-room', roomId),
    () => alice.close(),
  ]) {
    await alice.ok('join-room', roomId);
    await alice.ok('typing-start', roomId);
    await sees(bob, alice, ...expected, 'started');
    await end();
    expected.push('started', 'stopped');
    await sees(bob, alice, ...expected);
  }
});

test('only members type', async (t) => {
  const [alice, eve] = [await join(t, 'alice', strict), await join(t, 'eve', open)];
  const { id: roomId } = await roomOf(alice);
  const apart = await alice.ok('create-room', { name: 'apart', type: 'private' });
  for (const command of ['typing-start', 'typing-stop']) {
    await eve.refused('NOT_A_MEMBER', command, { roomId });
    await eve.refused('ROOM_NOT_FOUND', command, apart.id);
    await eve.refused('INVALID_PAYLOAD', command, {});
  }
  await fence(alice, roomId, alice);
  assert.deepEqual(signs(alice, eve), []);
});
