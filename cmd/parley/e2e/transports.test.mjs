// A message each millisecond, both ways at once: by polling only, by WebSocket only, and while
// the connection moves from one to the other. None may be lost, come twice or out of order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeWebSocket, NodeXHR } from 'socket.io-client';
import { Peer, connect, fetched, history, join, of, open, patience, pause, rest, strict, user, ways, within } from './lib.mjs';

const most = 2000; // messages, whatever they wait for

/** Sends so many messages or more, one each millisecond, until `enough`; resolves with the acks in the order they came. */
async function talk(peer, roomId, many, enough = () => true) {
  const acks = [];
  const sent = [];
  const began = performance.now();
  for (let i = 0; i < many || (!enough() && i < most); i++) {
    sent.push(peer.ok('send-message', { roomId, content: `${peer.user.name} ${i}` }).then((m) => acks.push(m)));
    await pause(Math.max(0, began + i + 1 - performance.now()));
  }
  await Promise.all(sent);
  assert.deepEqual(acks.map((m) => m.content), sent.map((_, i) => `${peer.user.name} ${i}`), 'acks in order');
  return acks;
}

const bySeq = (a, b) => a.seq - b.seq;

/** Checks that each of the peers heard exactly these messages, which are the room's. */
async function allHeard(roomId, messages, ...peers) {
  const all = messages.toSorted(bySeq);
  assert.deepEqual(all.map((m) => m.seq), all.map((_, i) => i + 1));
  for (const peer of peers) assert.deepEqual(await peer.count('new-message', all.length, of(roomId)), all);
  assert.deepEqual(await history(open, peers[0].user.token, roomId, all.at(-1).position), all);
}

for (const way of ['polling', 'websocket']) {
  test(`a message each millisecond by ${way}`, async (t) => {
    const alice = await connect(t, await user('alice'), strict, { transports: ways[way] });
    const bob = await connect(t, await user('bob'), open, { transports: ways[way] });
    const room = await alice.ok('create-room', { name: 'busy', type: 'public', memberIds: [bob.user.id] });
    for (const peer of [alice, bob]) await peer.ok('join-room', room.id);
    const acks = await Promise.all([alice, bob].map((peer) => talk(peer, room.id, 200)));
    await allHeard(room.id, acks.flat(), alice, bob);
    for (const peer of [alice, bob]) assert.equal(peer.socket.io.engine.transport.name, way);
  });
}

/** A WebSocket that opens late, so that there is something to move. */
const late = (ms) => class extends NodeWebSocket {
  doOpen() {
    setTimeout(() => super.doOpen(), ms);
  }
};

const rounds = 12;

/** A peer that hears the room from the beginning, and how much it had heard when its transport changed. */
async function moving(t, who, roomId, ms) {
  const peer = new Peer(open, { token: who.token, rooms: [roomId] }, { transports: [NodeXHR, late(ms)] });
  t.after(() => peer.close());
  peer.user = who;
  const moved = new Promise((resolve) => {
    peer.socket.io.once('open', () => peer.socket.io.engine.once('upgrade', () => resolve(peer.heard('new-message').length)));
  });
  await peer.connect();
  return { peer, moved };
}

test(`a message each millisecond across ${rounds} upgrades in a row`, async (t) => {
  const host = await join(t, 'host', strict);
  const guest = await user('guest');
  let busy = 0; // upgrades with messages before and after them
  for (let round = 0; round < rounds; round++) {
    const room = await host.ok('create-room', { name: 'moving', type: 'public', memberIds: [guest.id] });
    await host.ok('join-room', room.id);
    const early = await talk(host, room.id, 10); // of before the guest came
    let over = false;
    const visit = async () => {
      const { peer, moved } = await moving(t, guest, room.id, 40 + 5 * round);
      void moved.then(() => pause(30)).then(() => { over = true; });
      const { position } = await peer.next('session');
      const said = await talk(peer, room.id, 50, () => over);
      return { peer, position, said, before: await within(moved, 'upgrade') };
    };
    const [{ peer, position, said, before }, spoken] = await Promise.all([visit(), talk(host, room.id, 100, () => over)]);
    assert.equal(peer.socket.io.engine.transport.name, 'websocket');

    const all = [early, said, spoken].flat().toSorted(bySeq);
    await host.count('new-message', all.length, of(room.id));
    assert.deepEqual(host.heard('new-message', of(room.id)), all);
    const since = all.filter((m) => BigInt(m.position) > BigInt(position));
    assert.deepEqual(await peer.count('new-message', since.length, of(room.id)), since);
    if (before > 0 && before < since.length) busy++;
    peer.close();
  }
  assert.ok(busy > rounds / 2, `only ${busy} upgrades had messages before and after them`);
});

test('what is sent before the upgrade is answered after it', async (t) => {
  const who = await user('hasty');
  const room = await rest(open, who.token, 'POST', '/rooms', { name: 'hasty', type: 'public' });
  const { peer, moved } = await moving(t, who, room.body.id, 30);
  const acks = [];
  let upgraded = false;
  void moved.then(() => { upgraded = true; });
  for (let i = 0; !upgraded && i < patience; i++) { // as long as it takes
    acks.push(peer.ok('send-message', { roomId: room.body.id, content: `${i}` }));
    await pause(1);
  }
  const said = await Promise.all(acks);
  assert.deepEqual(said.map((m) => m.content), said.map((_, i) => `${i}`));
  assert.deepEqual(await peer.count('new-message', said.length), said);
  const stored = await fetched(open, who.token, `/rooms/${room.body.id}/messages?after=0&limit=200`, said.at(-1).position);
  assert.deepEqual(stored.items, said.slice(0, 200));
});
