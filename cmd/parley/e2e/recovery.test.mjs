// The official client loses its connection and finds it again: `recovery: true` makes its own state
// recovery work, and a cursor in `auth` works without it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, fence, of, open, pause, roomOf, strict, user, ways, within } from './lib.mjs';

const steady = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 };

/** Breaks the peer's connection as a network does; it comes back by itself, perhaps at another node. */
async function broken(peer, { url = strict, meanwhile = async () => {} } = {}) {
  const manager = peer.socket.io;
  manager.reconnection(false);
  const gone = new Promise((resolve) => { peer.socket.once('disconnect', resolve); });
  manager.engine.close();
  await within(gone, 'disconnect');
  await meanwhile();
  manager.uri = url;
  manager.reconnection(true);
  await peer.connect();
}

async function pair(t, auth, options = {}) {
  const host = await connect(t, await user('host'), open);
  const who = await user('visitor');
  const visitor = await connect(t, who, strict, { ...steady, auth: { token: who.token, ...auth }, ...options });
  const room = await roomOf(host, visitor);
  return { host, visitor, room };
}

for (const [way, transports] of Object.entries(ways)) {
  for (const [where, url] of [['the same node', strict], ['the other node', open]]) {
    test(`by ${way} the client is recovered at ${where}`, async (t) => {
      const { host, visitor, room } = await pair(t, { recovery: true }, { transports });
      await fence(host, room.id, host, visitor);
      for (let round = 0; round < 3; round++) {
        await broken(visitor, {
          url,
          meanwhile: async () => { for (let i = 0; i < 20; i++) await host.ok('send-message', { roomId: room.id, content: `missed ${i}` }); },
        });
        assert.equal(visitor.socket.recovered, true);
        await fence(host, room.id, host, visitor);
      }
      assert.deepEqual(visitor.heard('new-message', of(room.id)), host.heard('new-message', of(room.id)));
      await visitor.ok('send-message', { roomId: room.id, content: 'as before' });
    });
  }
}

test('a client that heard nothing is recovered, again and again', async (t) => {
  const who = await user('quiet');
  const visitor = await connect(t, who, strict, { ...steady, auth: { token: who.token, recovery: true } });
  await visitor.next('session');
  for (let round = 0; round < 5; round++) {
    await broken(visitor, { url: [open, strict][round % 2] });
    assert.equal(visitor.socket.recovered, true, `return ${round}`);
    await visitor.count('session', round + 2);
  }
});

test('without recovery: true the client is not recovered, and gets one argument for each event', async (t) => {
  const { host, visitor, room } = await pair(t, {});
  await fence(host, room.id, host, visitor);
  await broken(visitor);
  assert.ok(!visitor.socket.recovered);
  await visitor.ok('join-room', room.id);
  await fence(host, room.id, host, visitor);
  for (const { event, rest } of visitor.log) assert.deepEqual(rest ?? [], [], event);
});

test('a cursor in auth is enough: the application keeps it', async (t) => {
  const { host, visitor, room } = await pair(t, {});
  const { token } = visitor.user;
  visitor.socket.onAny((event, data) => {
    if (event !== 'session' && data?.position) visitor.socket.auth = { token, offset: data.position };
  });
  await fence(host, room.id, host, visitor);
  for (const url of [strict, open]) {
    await broken(visitor, { url, meanwhile: () => host.ok('send-message', { roomId: room.id, content: 'missed' }) });
    await fence(host, room.id, host, visitor);
  }
  assert.deepEqual(visitor.heard('new-message', of(room.id)), host.heard('new-message', of(room.id)));
});

test('a volatile event does not spoil the cursor of the client', async (t) => {
  const { host, visitor, room } = await pair(t, { recovery: true });
  await host.ok('send-message', { roomId: room.id, content: 'you', mentions: [visitor.user.id] });
  visitor.socket.emit('no-such-command', {});
  await visitor.next('notification');
  await visitor.next('error');
  await broken(visitor, { url: open, meanwhile: () => host.ok('send-message', { roomId: room.id, content: 'missed' }) });
  assert.equal(visitor.socket.recovered, true);
  await fence(host, room.id, host, visitor);
  assert.deepEqual(visitor.heard('new-message', of(room.id)), host.heard('new-message', of(room.id)));
});

test('what arrives with the recovery comes before connect is told, or right after, and never twice', async (t) => {
  const { host, visitor, room } = await pair(t, { recovery: true });
  await fence(host, room.id, host, visitor);
  // The host never stops while the visitor comes and goes.
  let talking = true;
  const talk = (async () => {
    for (let i = 0; talking; i++) {
      await host.ok('send-message', { roomId: room.id, content: `${i}` });
      await pause(1);
    }
  })();
  for (let round = 0; round < 10; round++) {
    await broken(visitor, { url: [open, strict][round % 2], meanwhile: () => pause(20) });
    assert.equal(visitor.socket.recovered, true, `return ${round}`);
    await pause(20);
  }
  talking = false;
  await talk;
  await fence(host, room.id, host, visitor);
  assert.deepEqual(visitor.heard('new-message', of(room.id)), host.heard('new-message', of(room.id)));
});

test("another user's pid and offset recover nothing", async (t) => {
  const { host, visitor, room } = await pair(t, { recovery: true });
  await fence(host, room.id, host, visitor);
  const { pid, position } = await visitor.next('session');
  visitor.close();
  await host.ok('send-message', { roomId: room.id, content: 'secret' });
  const eve = await user('eve');
  const peer = await connect(t, eve, strict, { auth: { token: eve.token, recovery: true, pid, offset: position } });
  const session = await peer.next('session');
  assert.notEqual(session.pid, pid);
  assert.ok(!peer.socket.recovered);
  await host.ok('send-message', { roomId: room.id, content: 'secret, too' });
  await roomOf(peer).then((own) => fence(peer, own.id, peer));
  assert.equal(peer.heard('new-message', of(room.id)).length, 0);
});
