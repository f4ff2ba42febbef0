// Who is there, as others see it: asked once, and then told as it changes. Two nodes: what one knows the other tells.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Peer, connect, fetched, hasKeys, isPosition, isTime, join, open, strict, user } from './lib.mjs';

const changesOf = (who) => (p) => p.userId === who.id;

/** What a peer hears of a user, from the first change on, until the last one is as expected. */
async function hears(peer, who, ...expected) {
  const changes = await peer.count('presence-changed', expected.length, changesOf(who));
  for (const p of changes) {
    hasKeys(p, 'userId', 'status', 'text', 'lastSeenAt', 'position', 'at');
    isPosition(p.position);
    isTime(p.lastSeenAt);
  }
  assert.deepEqual(changes.map((p) => `${p.status} ${p.text}`.trim()), expected);
  return changes.at(-1);
}

const watch = async (peer, ...users) => (await peer.ok('watch-presence', { userIds: users.map((u) => u.id) })).users;
const statuses = (users) => users.map((p) => p.status);

test('presence is asked once, and then told as it changes', async (t) => {
  const bob = await user('bob');
  const other = await user('other');
  const alice = await join(t, 'alice', strict);
  const [never] = await watch(alice, bob);
  assert.deepEqual([never.userId, never.status, never.text, never.lastSeenAt], [bob.id, 'offline', '', null]);

  const laptop = await connect(t, bob, open);
  await hears(alice, bob, 'online');
  const phone = await connect(t, bob, strict);
  const ack = await laptop.ok('update-presence', { status: 'busy', text: 'at work' });
  assert.deepEqual([ack.userId, ack.status, ack.text], [bob.id, 'busy', 'at work']);
  isPosition(ack.position);
  const busy = await hears(alice, bob, 'online', 'busy at work');
  assert.equal(busy.position, ack.position);
  // Bob's own devices know, too.
  await phone.next('presence-changed', (p) => p.userId === bob.id && p.status === 'busy');
  const { at, ...shown } = busy;
  isTime(at);
  assert.deepEqual(await watch(alice, bob), [shown]);
  assert.deepEqual((await fetched(open, alice.user.token, `/presence?userIds=${bob.id}`, busy.position)).items, [shown]);

  // One device of two is nothing to tell, and nobody hears of users they did not name.
  await (await connect(t, other, open)).ok('update-presence', { status: 'away' });
  laptop.close();
  await phone.ok('presence:update', { status: 'away', text: '' });
  await hears(alice, bob, 'online', 'busy at work', 'away');
  phone.close();
  const gone = await hears(alice, bob, 'online', 'busy at work', 'away', 'offline');
  assert.deepEqual((await fetched(strict, alice.user.token, `/presence?userIds=${bob.id}`, gone.position)).items[0].status, 'offline');
  assert.deepEqual(alice.heard('presence-changed', changesOf(other)), []);
});

test('who is invisible is offline for all but themselves', async (t) => {
  const bob = await user('bob');
  const alice = await join(t, 'alice', strict);
  await watch(alice, bob);
  const hidden = new Peer(open, { token: bob.token, presence: 'invisible' });
  t.after(() => hidden.close());
  await hidden.connect();
  const own = await hidden.ok('update-presence', { status: 'invisible', text: 'hush' });
  assert.deepEqual([own.status, own.text], ['invisible', 'hush']);
  const asSeen = (who, url) => fetched(url, who.token, `/presence?userIds=${bob.id}`, own.position);
  assert.deepEqual(statuses((await asSeen(bob, strict)).items), ['invisible']);
  assert.deepEqual(statuses((await asSeen(alice.user, open)).items), ['offline']);
  assert.equal((await asSeen(alice.user, strict)).items[0].text, '');
  assert.deepEqual(statuses(await watch(alice, bob)), ['offline']);
  assert.deepEqual(statuses(await watch(hidden, bob)), ['invisible']);

  await hidden.ok('update-presence', { status: 'online', text: '' });
  await hears(alice, bob, 'online');
  await hidden.ok('update-presence', { status: 'invisible', text: 'hush again' });
  const gone = await hears(alice, bob, 'online', 'offline');
  assert.equal(gone.lastSeenAt, gone.at, 'it looks as if bob had gone');
});

test('each watch-presence takes the place of the last', async (t) => {
  const [bob, carol] = [await join(t, 'bob', open), await join(t, 'carol', open)];
  const alice = await join(t, 'alice', strict);
  await watch(alice, bob.user);
  await watch(alice, carol.user);
  await bob.ok('update-presence', { status: 'busy' });
  await carol.ok('update-presence', { status: 'away' });
  await alice.next('presence-changed', (p) => p.userId === carol.user.id && p.status === 'away');
  assert.deepEqual(alice.heard('presence-changed', (p) => p.userId === bob.user.id && p.status === 'busy'), []);
  assert.deepEqual(await watch(alice), []);
});

test('what is no presence is refused', async (t) => {
  const alice = await join(t, 'alice', strict);
  for (const payload of [{}, { status: 'offline' }, { status: 'gone' }, { status: 7 }, { status: 'busy', text: 'x'.repeat(10_000) }]) {
    await alice.refused('INVALID_PAYLOAD', 'update-presence', payload);
  }
  for (const userIds of ['bob', [7], ['no spaces'], Array.from({ length: 201 }, (_, i) => `user-${i}`)]) {
    await alice.refused('INVALID_PAYLOAD', 'watch-presence', { userIds });
  }
});
