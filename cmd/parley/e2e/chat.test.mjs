// Two people talk: acks, pushes and history agree, on one node and on two.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  connect, fence, fetched, history, isMessage, isPosition, join, of, open, roomOf, strict, user,
} from './lib.mjs';

// What does not depend on the way to the server is tried by one.
const alike = process.env.TRANSPORT === 'websocket' ? test : () => {};

for (const [where, url] of [['on one node', strict], ['on two nodes', open]]) {
  test(`two clients talk ${where}`, async (t) => {
    const alice = await join(t, 'alice');
    const bob = await join(t, 'bob', url);
    const room = await roomOf(alice, bob);

    const said = await alice.ok('send-message', { roomId: room.id, content: 'Hello, Bob!' });
    isMessage(said, {
      roomId: room.id, seq: 1, content: 'Hello, Bob!',
      sender: { id: alice.user.id, username: 'alice', displayName: said.sender.displayName, avatarUrl: said.sender.avatarUrl },
    });
    assert.deepEqual(await bob.next('new-message', of(room.id)), said);
    assert.deepEqual(await alice.next('new-message', of(room.id)), said);

    const answer = await bob.ok('send-message', { roomId: room.id, content: 'Hello, Alice!', replyTo: said.id });
    isMessage(answer, { seq: 2, replyTo: said.id });
    assert.deepEqual(await alice.next('new-message', (m) => m.seq === 2), answer);

    const answered = { ...said, thread: { replyCount: 1, lastReplySeq: 2, lastReplyAt: answer.at } };
    for (const reader of [alice, bob]) {
      assert.deepEqual(await history(url, reader.user.token, room.id, answer.position), [answered, answer]);
      assert.deepEqual(await fetched(url, reader.user.token, `/rooms/${room.id}/messages/${said.id}`, answer.position), answered);
      assert.equal(reader.heard('new-message').length, 2);
    }
  });
}

test('100 sends at once: acks, pushes on both nodes and history are in one gapless order', async (t) => {
  const sender = await join(t, 'sender', strict);
  const other = await join(t, 'other', open);
  const room = await roomOf(sender, other);
  const contents = Array.from({ length: 100 }, (_, i) => `message ${i}`);
  const acks = await Promise.all(contents.map((content) => sender.ok('send-message', { roomId: room.id, content })));

  assert.deepEqual(acks.map((m) => m.content), contents);
  assert.deepEqual(acks.map((m) => m.seq), contents.map((_, i) => i + 1));
  const positions = acks.map((m) => BigInt(m.position));
  assert.ok(positions.every((p, i) => i === 0 || p > positions[i - 1]), 'positions ascend');
  for (const peer of [sender, other]) {
    assert.deepEqual(await peer.count('new-message', 100), acks);
  }
  for (const url of [strict, open]) {
    assert.deepEqual(await history(url, other.user.token, room.id, acks.at(-1).position), acks);
  }
});

alike('SOCKET_RATE_LIMIT_MESSAGES=0 is no limit', async (t) => {
  const sender = await join(t, 'sender');
  const room = await roomOf(sender);
  const lane = async () => {
    for (let i = 0; i < 20; i++) await sender.ok('send-message', { roomId: room.id, content: `${i}` });
  };
  await Promise.all(Array.from({ length: 60 }, lane));
});

test('sends of many at once have one order for all', async (t) => {
  const peers = await Promise.all(['a', 'b', 'c', 'd'].map((name, i) => join(t, name, [strict, open][i % 2])));
  const room = await roomOf(...peers);
  const acks = await Promise.all(peers.flatMap((peer) => Array.from({ length: 20 }, (_, i) => (
    peer.ok('send-message', { roomId: room.id, content: `${peer.user.name} ${i}` })
  ))));
  const all = acks.toSorted((a, b) => a.seq - b.seq);
  assert.deepEqual(all.map((m) => m.seq), Array.from({ length: 80 }, (_, i) => i + 1));
  for (const peer of peers) {
    assert.deepEqual(await peer.count('new-message', 80), all);
    const own = all.filter((m) => m.sender.id === peer.user.id).map((m) => m.content);
    assert.deepEqual(own, Array.from({ length: 20 }, (_, i) => `${peer.user.name} ${i}`));
  }
});

alike('one user on two nodes hears everything at both', async (t) => {
  const alice = await user('alice');
  const phone = await connect(t, alice, strict);
  const laptop = await connect(t, alice, open);
  const room = await roomOf(phone, laptop);
  const said = await phone.ok('send-message', { roomId: room.id, content: 'from the phone' });
  assert.deepEqual(await laptop.next('new-message', of(room.id)), said);
});

alike('a repeated clientMessageId answers with the first message and pushes nothing', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const elsewhere = await connect(t, alice.user, open);
  const room = await roomOf(alice, bob);
  const send = { roomId: room.id, content: 'once', clientMessageId: randomUUID() };

  const first = await alice.ok('send-message', send);
  isMessage(first, { clientMessageId: send.clientMessageId });
  assert.deepEqual(await alice.ok('send-message', send), first);
  assert.deepEqual(await alice.ok('send-message', { ...send, content: 'changed' }), first);
  assert.deepEqual(await elsewhere.ok('send-message', send), first, 'from another node');
  const twins = await Promise.all([alice, elsewhere].map((peer) => peer.ok('send-message', { ...send, clientMessageId: 'twin' })));
  assert.equal(twins[0].id, twins[1].id);

  // Another user's is another message.
  const bobs = await bob.ok('send-message', send);
  assert.notEqual(bobs.id, first.id);
  await fence(alice, room.id, alice, bob);
  for (const peer of [alice, bob]) {
    assert.deepEqual(peer.heard('new-message').map((m) => m.id), [first.id, twins[0].id, bobs.id, peer.heard('new-message').at(-1).id]);
  }
});

test('content is stored as it was sent', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const contents = [
    '<script>alert("x")</script> & <b>bold</b> &amp; \u2028\u2029',
    '👩‍👩‍👧‍👦 🇺🇦 👍🏽 ❤️',
    'مرحبا بالعالم ‏שלום‎ עולם',
    'one\ntwo\n\n\tthree',
    '  spaces around  ',
    '**Markdown** `code` [link](javascript:alert(1))',
    '{"json": [1, 2]} \\ " \' ` $' + '{x} %s',
    'e\u0301 is not \u00e9',
    '𝕳𝖊𝖑𝖑𝖔 '.repeat(50),
  ];
  const acks = [];
  for (const content of contents) acks.push(await alice.ok('send-message', { roomId: room.id, content }));
  assert.deepEqual(acks.map((m) => m.content), contents);
  assert.deepEqual((await bob.count('new-message', contents.length)).map((m) => m.content), contents);
  const stored = await history(open, bob.user.token, room.id, acks.at(-1).position);
  assert.deepEqual(stored.map((m) => m.content), contents);
});

alike('control characters are removed, but not newline and tab', async (t) => {
  const alice = await join(t, 'alice');
  const room = await roomOf(alice);
  const { content } = await alice.ok('send-message', { roomId: room.id, content: 'a\u0000b\u0007c\u001b[31m\nd\te\u007ff' });
  assert.equal(content, 'abc[31m\nd\tef');
});

test('attachments, mentions and replies are carried along', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  const attachments = [
    { url: 'https://files.example/a.png?x=1&y=<2>', name: 'a.png', contentType: 'image/png', size: 12345 },
    { url: 'http://files.example/b', name: 'b', contentType: 'application/octet-stream', size: 0 },
  ];
  const said = await alice.ok('send-message', { roomId: room.id, content: '', attachments, mentions: [bob.user.id] });
  isMessage(said, { attachments, mentions: [bob.user.id], content: '' });
  assert.deepEqual(await bob.next('new-message'), said);
  assert.deepEqual(await bob.next('notification', (n) => n.kind === 'mention'), {
    kind: 'mention', roomId: room.id, messageId: said.id, from: alice.user.id,
  });
  assert.equal(alice.heard('notification').length, 0);
  const [stored] = await history(open, bob.user.token, room.id, said.position);
  assert.deepEqual(stored, said);
});

alike('positions are those of one log: what is later is higher, on every node', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice, bob);
  let last = 0n;
  for (const peer of [alice, bob, alice, bob]) {
    const { position } = await peer.ok('send-message', { roomId: room.id, content: 'next' });
    isPosition(position);
    assert.ok(BigInt(position) > last);
    last = BigInt(position);
  }
});
