// Limits, at nodes that are set tight: the first two allow 5 messages in 8 s and 3 rooms for
// each socket, the other two 2 connections from an address.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Peer, connect, history, mint, pause, patience, refusal, roomOf, rest, urls } from './lib.mjs';

const [tight, tight2, few, few2] = urls;
const someone = (name) => {
  const id = `${name}-${randomUUID()}`;
  return { id, name, token: mint({ userId: id, username: name }) };
};

test('send-message is limited for each user, over all sockets and nodes', async (t) => {
  const alice = someone('alice');
  const peer = await connect(t, alice, tight);
  const phone = await connect(t, alice, tight2);
  const bob = await connect(t, someone('bob'), tight);
  const { id: roomId } = await roomOf(peer, bob, phone);

  const acks = [];
  for (let i = 0; i < 6; i++) acks.push(await [peer, phone][i % 2].ask('send-message', { roomId, content: `${i}` }));
  assert.deepEqual(acks.map((ack) => ack.code ?? 'ok'), ['ok', 'ok', 'ok', 'ok', 'ok', 'RATE_LIMITED']);
  const { retryAfterMs } = acks[5];
  assert.ok(Number.isInteger(retryAfterMs) && retryAfterMs > 0 && retryAfterMs <= 8000, `retryAfterMs ${retryAfterMs}`);
  await bob.ok('send-message', { roomId, content: 'others may' });

  peer.socket.emit('send-message', { roomId, content: 'no ack' });
  const error = await peer.next('error');
  assert.deepEqual([error.event, error.code], ['send-message', 'RATE_LIMITED']);
  assert.ok(error.retryAfterMs > 0);
  const byRest = await rest(tight, alice.token, 'POST', `/rooms/${roomId}/messages`, { content: 'by REST' });
  assert.deepEqual([byRest.status, byRest.body.code], [429, 'RATE_LIMITED']);

  await pause(retryAfterMs + 100);
  const { position } = await peer.ok('send-message', { roomId, content: 'later' });
  const stored = await history(tight, alice.token, roomId, position);
  assert.deepEqual(stored.map((m) => m.content), ['0', '1', '2', '3', '4', 'others may', 'later']);
});

test('a socket hears at most MAX_ROOMS_PER_SOCKET rooms', async (t) => {
  const alice = someone('alice');
  const bob = await connect(t, someone('bob'), tight);
  const ids = [];
  for (let i = 0; i < 4; i++) {
    const room = await rest(tight, alice.token, 'POST', '/rooms', { name: `${i}`, type: 'public' });
    assert.equal(room.status, 201);
    ids.push(room.body.id);
  }
  for (const id of ids.slice(0, 3)) await bob.ok('join-room', id);
  await bob.refused('TOO_MANY_ROOMS', 'join-room', ids[3]);
  await bob.refused('NOT_A_MEMBER', 'send-message', { roomId: ids[3], content: 'not joined' });
  await bob.ok('join-room', ids[0]); // again: it is no other room
  await bob.ok('unsubscribe-room', ids[0]);
  await bob.ok('join-room', ids[3]);

  const carol = await connect(t, someone('carol'), tight);
  const { joined, denied } = await carol.ok('join-rooms', { roomIds: ids });
  assert.equal(joined.length, 3);
  assert.deepEqual(denied, [{ roomId: ids[3], code: 'TOO_MANY_ROOMS' }]);
});

test('MAX_ROOMS_PER_SOCKET bounds what a socket hears, not what its user opens', async (t) => {
  const alice = await connect(t, someone('alice'), tight);
  for (let i = 0; i < 5; i++) await alice.ok('create-room', { name: `${i}`, type: 'public' });
});

test('connections of one address are counted across nodes', async (t) => {
  const [one, two] = [await accepted(t, few), await accepted(t, few2)];
  for (const url of [few, few2]) {
    const refused = await refusal(t, { token: someone('three').token }, { url });
    assert.equal(refused.code, 'TOO_MANY_CONNECTIONS');
  }
  one.close();
  two.close();
  await accepted(t, few2);
});

test('an address is not what a client that is no proxy claims', async (t) => {
  await accepted(t, few);
  await accepted(t, few);
  const spoof = { url: few, extraHeaders: { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.7', forwarded: 'for=203.0.113.7' } };
  const refused = await refusal(t, { token: someone('spoof').token }, spoof);
  assert.equal(refused.code, 'TOO_MANY_CONNECTIONS');
});

test('connections of one address are limited', async (t) => {
  const [one, two] = [await accepted(t, few), await accepted(t, few)];
  const refused = await refusal(t, { token: someone('three').token }, { url: few });
  assert.deepEqual([refused.message, refused.code], ['Too many connections', 'TOO_MANY_CONNECTIONS']);
  refused.peer.close();
  await two.ok('create-room', { name: 'the others stay', type: 'public' });

  one.close();
  await accepted(t, few);
});

/** Connects as soon as there is a place again. */
async function accepted(t, url) {
  const until = Date.now() + patience;
  for (;;) {
    const peer = new Peer(url, { token: someone('next').token });
    t.after(() => peer.close());
    if (await peer.connect().then(() => true, () => false)) return peer;
    peer.close();
    assert.ok(Date.now() < until, 'a connection that closed is still counted');
    await pause(50);
  }
}
