// After a removal, an archive or a deletion is acknowledged, nothing that it forbids is
// stored, although the other side goes on as fast as it can on another node.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { history, join, open, roomOf, strict } from './lib.mjs';

/** Sends until it is told to stop, with four in flight at any time. `acks` fills meanwhile. */
function flood(peer, roomId) {
  const acks = [];
  let on = true;
  const lane = async (name) => {
    for (let i = 0; on; i++) acks.push(await peer.ask('send-message', { roomId, content: `${name} ${i}` }));
  };
  const lanes = Promise.all(['a', 'b', 'c', 'd'].map(lane));
  return {
    acks,
    async stop() {
      on = false;
      await lanes;
      return acks;
    },
  };
}

const reached = async (acks, many) => {
  while (acks.length < many) await new Promise((resolve) => setTimeout(resolve, 2));
};

const ends = [
  ['a removal', 'NOT_A_MEMBER', (owner, roomId, other) => owner.ok('remove-member', { roomId, userId: other.user.id })],
  ['an archive', 'ROOM_ARCHIVED', (owner, roomId) => owner.ok('archive-room', { roomId })],
];

for (const [what, code, end] of ends) {
  test(`nothing is stored after ${what}`, async (t) => {
    const alice = await join(t, 'alice', strict);
    const bob = await join(t, 'bob', open);
    const { id: roomId } = await roomOf(alice, bob);
    const sending = flood(bob, roomId);
    await reached(sending.acks, 60);
    const { position } = await end(alice, roomId, bob);
    await reached(sending.acks, sending.acks.length + 60);
    const acks = await sending.stop();

    const refused = acks.filter((ack) => !ack.success);
    assert.ok(refused.length > 0, 'the race was not run: nothing was sent afterwards');
    assert.deepEqual([...new Set(refused.map((ack) => ack.code))], [code]);
    const stored = await history(open, alice.user.token, roomId, position);
    const late = stored.filter((m) => BigInt(m.position) > BigInt(position));
    assert.deepEqual(late, []);
    const accepted = acks.filter((ack) => ack.success).map((ack) => ack.data);
    assert.deepEqual(accepted.toSorted((a, b) => a.seq - b.seq), stored);

    // And nothing is heard after it.
    await bob.next(what === 'a removal' ? 'user-left' : 'room-archived');
    const heard = bob.heard('new-message').map((m) => m.id);
    assert.deepEqual(heard, stored.map((m) => m.id), 'bob heard exactly what was said while he could');
  });
}

test('a deleted message is not edited', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  for (let round = 0; round < 10; round++) {
    const { id: messageId } = await bob.ok('send-message', { roomId, content: 'draft' });
    const edits = Array.from({ length: 8 }, (_, i) => bob.ask('edit-message', { roomId, messageId, content: `edit ${i}` }));
    const gone = await alice.ok('delete-message', { roomId, messageId });
    for (const edit of await Promise.all(edits)) {
      if (edit.success) assert.ok(BigInt(edit.data.position) < BigInt(gone.position), 'edited after it was deleted');
      else assert.equal(edit.code, 'MESSAGE_DELETED');
    }
    const stored = (await history(strict, alice.user.token, roomId, gone.position)).at(-1);
    assert.deepEqual([stored.id, stored.content, stored.position], [messageId, '', gone.position]);
  }
});

test('two owners who leave at the same time leave one owner behind', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const carol = await join(t, 'carol', open);
  const { id: roomId } = await roomOf(alice, bob, carol);
  await alice.ok('set-role', { roomId, userId: bob.user.id, role: 'owner' });
  const acks = await Promise.all([alice, bob].map((peer) => peer.ask('leave-room', { roomId })));
  assert.deepEqual(acks.map((ack) => ack.code ?? 'left').sort(), ['LAST_OWNER', 'left']);
});
