// Clients that ask for batches get what others get, in the same order, in arrays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Peer, join, of, open, roomOf, strict, user, ways } from './lib.mjs';

/** A connected peer that asked for batches. */
async function batched(t, who, url = strict, options = {}) {
  const peer = new Peer(url, { token: who.token, batch: true }, options);
  t.after(() => peer.close());
  await peer.connect();
  Object.assign(peer, { user: who, batched: true });
  return peer;
}

/** What a peer heard, batches taken apart; every batch is checked on the way. */
function unpacked(peer) {
  return peer.log.flatMap(({ event, data, rest }) => {
    const [, name] = event.match(/^batch:(.+)$/) ?? [];
    if (!name) return [{ event, data }];
    assert.deepEqual(rest, [], `${event} has one argument`);
    assert.ok(Array.isArray(data) && data.length >= 1 && data.length <= 50, `${event} with ${data.length}`);
    return data.map((payload) => ({ event: name, data: payload }));
  });
}

const messages = (peer) => unpacked(peer).filter((e) => e.event === 'new-message').map((e) => e.data);
const position = (e) => BigInt(e.data.position);
const single = ['session', 'error', ' ack', ' disconnect'];

/** Nothing but direct answers comes alone, and positions never go down: a break is safe anywhere. */
function isSafe(peer) {
  for (const { event } of peer.log) assert.ok(event.startsWith('batch:') || single.includes(event), `${event} came alone`);
  const durable = unpacked(peer).filter((e) => e.data?.position && !single.includes(e.event));
  let at = 0n;
  for (const e of durable) {
    assert.ok(position(e) >= at, `${e.event} ${e.data.position} after ${at}`);
    at = position(e);
  }
}

/** Waits until all have heard a message that is sent now, with batches or without. */
async function fence(sender, roomId, ...listeners) {
  const { id } = await sender.ok('send-message', { roomId, content: 'fence' });
  const isIt = (m) => m.id === id;
  await Promise.all(listeners.map((peer) => (
    peer.batched ? peer.next('batch:new-message', (batch) => batch.some(isIt)) : peer.next('new-message', isIt)
  )));
}

for (const way of ['websocket', 'polling', 'upgrade']) {
  test(`a burst comes in batches by ${way}`, async (t) => {
    const sender = await join(t, 'sender');
    const plain = await join(t, 'plain', open);
    const here = await batched(t, await user('here'), strict, { transports: ways[way] });
    const there = await batched(t, await user('there'), open, { transports: ways[way] });
    const { id: roomId } = await roomOf(sender, plain, here, there);
    const acks = await Promise.all(Array.from({ length: 120 }, (_, i) => sender.ok('send-message', { roomId, content: `${i}` })));
    await fence(sender, roomId, plain, here, there);

    for (const peer of [here, there]) {
      assert.deepEqual(messages(peer).slice(0, 120), acks);
      assert.ok(peer.heard('batch:new-message').length < 60, `${peer.heard('batch:new-message').length} batches`);
      isSafe(peer);
    }
    assert.deepEqual(plain.heard('new-message').slice(0, 120), acks);
    assert.deepEqual(plain.log.filter((e) => e.event.startsWith('batch:')), []);
  });
}

test('batches of several rooms and events are the stream in pieces', async (t) => {
  const who = await user('twin');
  const sender = await join(t, 'sender');
  const plain = new Peer(open, { token: who.token });
  t.after(() => plain.close());
  await plain.connect();
  const twin = await batched(t, who, open);
  const rooms = [await roomOf(sender, plain, twin), await roomOf(sender, plain, twin), await roomOf(sender, plain, twin)];
  await fence(sender, rooms[0].id, plain, twin);
  const [plainBefore, twinBefore] = [plain.log.length, unpacked(twin).length];

  await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    const { id: roomId } = rooms[i % 3];
    const { id: messageId } = await sender.ok('send-message', { roomId, content: `${i}`, mentions: i % 5 ? [] : [who.id] });
    if (i % 4 === 0) await sender.ok('edit-message', { roomId, messageId, content: `${i} again` });
    if (i % 6 === 0) await sender.ok('delete-message', { roomId, messageId });
  }));
  await fence(sender, rooms[0].id, plain, twin);

  const want = plain.log.slice(plainBefore).map(({ event, data }) => ({ event, data }));
  assert.deepEqual(unpacked(twin).slice(twinBefore), want);
  assert.ok(new Set(want.map((e) => e.event)).size >= 4, 'messages, edits, deletions and notifications');
  isSafe(twin);
});

test('answers stand where they say', async (t) => {
  const sender = await join(t, 'sender');
  const { id: roomId } = await roomOf(sender);
  const peer = await batched(t, await user('late'));
  const { id: other } = await roomOf(sender, peer);
  let talking = true;
  const talk = (async () => {
    for (let i = 0; talking; i++) {
      await Promise.all([roomId, other].map((id) => sender.ok('send-message', { roomId: id, content: `${i}` })));
    }
  })();
  for (let i = 0; i < 10; i++) {
    for (const command of ['join-room', 'unsubscribe-room']) {
      await new Promise((resolve) => {
        peer.socket.emit(command, { roomId }, (ack) => {
          peer.log.push({ event: ' ack', data: ack, command });
          resolve();
        });
      });
    }
    await peer.next('batch:new-message', (batch) => batch.some(of(other)));
  }
  talking = false;
  await talk;
  await fence(sender, other, peer);

  let hears = false;
  let at = 0n;
  for (const { event, data, command } of peer.log) {
    if (event === ' ack') {
      assert.equal(data.success, true, JSON.stringify(data));
      hears = command === 'join-room';
      if (hears) {
        assert.ok(BigInt(data.data.position) >= at, `joined at ${data.data.position}, behind ${at}`);
        at = BigInt(data.data.position);
      }
    } else if (event === 'batch:new-message') {
      for (const m of data) {
        assert.ok(BigInt(m.position) > at, `${m.position} comes after ${at}`);
        at = BigInt(m.position);
        assert.ok(hears || m.roomId === other, 'a message of a room that it does not hear');
      }
    }
  }
});

test('answers, errors and the session come alone', async (t) => {
  const peer = await batched(t, await user('alone'));
  const { id: roomId } = await roomOf(peer);
  peer.socket.emit('send-message', { roomId: 'no-such-room', content: 'x' });
  const error = await peer.next('error');
  assert.deepEqual([error.event, error.code], ['send-message', 'ROOM_NOT_FOUND']);
  const sent = await peer.ok('send-message', { roomId, content: 'x' });
  assert.deepEqual(await peer.next('batch:new-message', (batch) => batch[0].id === sent.id), [sent]);
  assert.equal(peer.log[0].event, 'session');
  isSafe(peer);
});

test('state recovery goes on after the last batch, in batches', async (t) => {
  const sender = await join(t, 'sender');
  const witness = await join(t, 'witness', open);
  const who = await user('back');
  const peer = new Peer(open, { token: who.token, batch: true, recovery: true });
  t.after(() => peer.close());
  await peer.connect();
  const { id: roomId } = await roomOf(sender, witness, peer);
  const say = (many, what) => Promise.all(Array.from({ length: many }, (_, i) => sender.ok('send-message', { roomId, content: `${what} ${i}` })));
  const batches = () => peer.log.filter((e) => e.event === 'batch:new-message');
  const heard = () => batches().flatMap((e) => e.data);

  const live = await say(10, 'live');
  await peer.next('batch:new-message', () => heard().length >= 10);
  peer.socket.io.engine.close();
  await peer.next(' disconnect');
  const missed = await say(70, 'missed');
  // The other node may be behind: what it has not heard yet would come live, in a batch of its own.
  await witness.count('new-message', 80);
  const before = batches().length;
  await peer.connect();
  assert.equal(peer.socket.recovered, true);
  await peer.next('batch:new-message', () => heard().length >= 80);

  assert.deepEqual(heard(), [...live, ...missed]);
  assert.deepEqual(batches().slice(before).map((e) => e.data.length), [50, 20]);
  for (const { data, rest } of batches()) assert.deepEqual(rest, [data.at(-1).position]);
});
