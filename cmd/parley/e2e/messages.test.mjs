// Messages: what is refused, and what may be changed by whom.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  connect, fence, fetched, hasKeys, history, isDurable, isMessage, isPosition, isTime, join, open, roomOf, strict,
} from './lib.mjs';

test('only members send', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const room = await roomOf(alice);
  await bob.refused('NOT_A_MEMBER', 'send-message', { roomId: room.id, content: 'hi' });
  await bob.refused('ROOM_NOT_FOUND', 'send-message', { roomId: randomUUID(), content: 'hi' });
  const { position } = await alice.ok('send-message', { roomId: room.id, content: 'only this' });
  assert.equal((await history(strict, alice.user.token, room.id, position)).length, 1);
});

test('a wrong payload is refused with the fields that are wrong, and nothing is stored', async (t) => {
  const alice = await join(t, 'alice');
  const { id: roomId } = await roomOf(alice);
  const link = (url) => ({ url, name: 'x', contentType: 'text/plain', size: 1 });
  const wrong = [
    [{ content: 'no room' }, 'roomId'],
    [{ roomId: '', content: 'x' }, 'roomId'],
    [{ roomId: 7, content: 'x' }, 'roomId'],
    [{ roomId: 'no spaces', content: 'x' }, 'roomId'],
    [{ roomId: 'x'.repeat(200), content: 'x' }, 'roomId'],
    [{ roomId }, 'content'],
    [{ roomId, content: '' }, 'content'],
    [{ roomId, content: '\u0000\u0001' }, 'content'],
    [{ roomId, content: 7 }, 'content'],
    [{ roomId, content: ['x'] }, 'content'],
    [{ roomId, content: 'x', clientMessageId: 'x'.repeat(65) }, 'clientMessageId'],
    [{ roomId, content: 'x', clientMessageId: 7 }, 'clientMessageId'],
    [{ roomId, content: 'x', replyTo: 'no id' }, 'replyTo'],
    [{ roomId, content: 'x', mentions: 'bob' }, 'mentions'],
    [{ roomId, content: 'x', attachments: Array(11).fill(link('https://x.example/')) }, 'attachments'],
    ...['ftp://x.example/', 'javascript:alert(1)', 'data:text/html,x', 'not a url', '', `https://x.example/${'x'.repeat(2048)}`]
      .map((url) => [{ roomId, content: 'x', attachments: [link(url)] }, 'attachments']),
  ];
  for (const [payload, field] of wrong) {
    const { fields, error } = await alice.refused('INVALID_PAYLOAD', 'send-message', payload);
    const named = Object.keys(fields ?? {});
    assert.ok(named.some((name) => name === field || name.startsWith(`${field}[`) || name.startsWith(`${field}.`)),
      `${JSON.stringify(payload).slice(0, 200)}: ${field} is not named in ${JSON.stringify(fields)}`);
    assert.equal(typeof error, 'string');
  }
  const { seq } = await alice.ok('send-message', { roomId, content: 'the first' });
  assert.equal(seq, 1);
});

test('what is no payload at all is refused, and the connection lives on', async (t) => {
  const alice = await join(t, 'alice');
  const { id: roomId } = await roomOf(alice);
  for (const payload of [null, 7, true, [], 'a string', [[]], {}]) {
    const ack = await alice.ask('send-message', payload);
    assert.equal(ack.success, false, JSON.stringify(payload));
    assert.equal(ack.code, 'INVALID_PAYLOAD', `${JSON.stringify(payload)}: ${JSON.stringify(ack)}`);
  }
  assert.equal((await alice.ask('send-message')).code, 'INVALID_PAYLOAD');
  await alice.ok('send-message', { roomId, content: 'fine' });
});

test('content is at most 5000 code points', async (t) => {
  const alice = await join(t, 'alice');
  const { id: roomId } = await roomOf(alice);
  for (const letter of ['x', 'é', '😀']) {
    const longest = letter.repeat(5000);
    const said = await alice.ok('send-message', { roomId, content: longest });
    assert.equal(said.content, longest);
    await alice.refused('CONTENT_TOO_LONG', 'send-message', { roomId, content: `${longest}.` });
    await alice.refused('CONTENT_TOO_LONG', 'edit-message', { roomId, messageId: said.id, content: `${longest}.` });
  }
});

test('authors edit their messages, and nobody else does', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const said = await bob.ok('send-message', { roomId, content: 'teh', clientMessageId: 'first' });
  const edited = await bob.ok('edit-message', { roomId, messageId: said.id, content: 'the' });
  isTime(edited.editedAt);
  isMessage(edited, { ...said, content: 'the', editedAt: edited.editedAt, position: edited.position });
  assert.ok(BigInt(edited.position) > BigInt(said.position));
  for (const peer of [alice, bob]) assert.deepEqual(await peer.next('message-edited'), edited);
  await alice.refused('FORBIDDEN', 'edit-message', { roomId, messageId: said.id, content: 'mine' });
  assert.deepEqual(await history(open, alice.user.token, roomId, edited.position), [edited]);
  assert.deepEqual(await fetched(strict, alice.user.token, `/rooms/${roomId}/messages/${said.id}`, edited.position), edited);

  const { fields } = await bob.refused('INVALID_PAYLOAD', 'edit-message', { roomId, messageId: said.id, content: '' });
  assert.ok(fields.content);
});

test('a deleted message leaves its place and nothing of what it said', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const attachments = [{ url: 'https://x.example/secret', name: 's', contentType: 'text/plain', size: 1 }];
  const said = await bob.ok('send-message', { roomId, content: 'oops', attachments, mentions: [alice.user.id] });
  const gone = await bob.ok('delete-message', { roomId, messageId: said.id });
  hasKeys(gone, 'messageId', 'seq', 'position');
  assert.deepEqual([gone.messageId, gone.seq], [said.id, 1]);
  isPosition(gone.position);
  for (const peer of [alice, bob]) {
    isDurable(await peer.next('message-deleted'), { roomId, messageId: said.id, seq: 1, userId: bob.user.id, position: gone.position });
  }
  const [left] = await history(open, alice.user.token, roomId, gone.position);
  isMessage(left, { id: said.id, seq: 1, sender: said.sender, content: '', attachments: [], deletedAt: left.deletedAt, position: gone.position, mentions: left.mentions });
  isTime(left.deletedAt);

  await bob.refused('MESSAGE_DELETED', 'edit-message', { roomId, messageId: said.id, content: 'back' });
  const next = await alice.ok('send-message', { roomId, content: 'next' });
  assert.equal(next.seq, 2);
});

test('owners delete any message', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const said = await bob.ok('send-message', { roomId, content: 'spam' });
  await alice.ok('delete-message', { roomId, messageId: said.id });
  isDurable(await bob.next('message-deleted'), { messageId: said.id, userId: alice.user.id });
});

test('a message that is not there is MESSAGE_NOT_FOUND, also one of another room', async (t) => {
  const alice = await join(t, 'alice');
  const [here, there] = [await roomOf(alice), await roomOf(alice)];
  const said = await alice.ok('send-message', { roomId: there.id, content: 'x' });
  for (const messageId of [randomUUID(), said.id]) {
    await alice.refused('MESSAGE_NOT_FOUND', 'edit-message', { roomId: here.id, messageId, content: 'x' });
    await alice.refused('MESSAGE_NOT_FOUND', 'delete-message', { roomId: here.id, messageId });
  }
});

test('a command without an ack that fails is told by an error event', async (t) => {
  const alice = await join(t, 'alice');
  const { id: roomId } = await roomOf(alice);
  alice.socket.emit('send-message', { roomId: 'missing', content: 'x' });
  const error = await alice.next('error');
  hasKeys(error, 'event', 'message', 'code');
  assert.deepEqual([error.event, error.code], ['send-message', 'ROOM_NOT_FOUND']);
  alice.socket.emit('send-message', { roomId, content: 'fine' });
  await alice.next('new-message');
  assert.equal(alice.heard('error').length, 1);
  alice.socket.emit('no-such-event', {});
  assert.equal((await alice.next('error', (e) => e.event === 'no-such-event')).code, 'UNKNOWN_EVENT');
});

test('an event that nobody knows is UNKNOWN_EVENT', async (t) => {
  const alice = await join(t, 'alice');
  for (const event of ['no-such-event', 'new-message', 'session', '__proto__', 'constructor']) {
    await alice.refused('UNKNOWN_EVENT', event, {});
  }
});

test('commands of one connection are done in the order they came', async (t) => {
  const alice = await join(t, 'alice', strict);
  const bob = await join(t, 'bob', open);
  const { id: roomId } = await roomOf(alice, bob);
  const clientMessageId = randomUUID();
  const sent = alice.ok('send-message', { roomId, content: 'one', clientMessageId });
  const archived = alice.ask('archive-room', { roomId });
  const late = alice.ask('send-message', { roomId, content: 'two' });
  assert.equal((await sent).seq, 1);
  assert.equal((await archived).success, true);
  assert.equal((await late).code, 'ROOM_ARCHIVED');
  await bob.next('room-archived');
  assert.deepEqual(bob.log.slice(-2).map((e) => e.event), ['new-message', 'room-archived']);
});

test('no secret and no foreign room is ever pushed', async (t) => {
  const alice = await join(t, 'alice', strict);
  const eve = await join(t, 'eve', open);
  const mine = await roomOf(alice);
  const hers = await roomOf(eve);
  const elsewhere = await connect(t, alice.user, open);
  await elsewhere.ok('join-room', mine.id);
  await alice.ok('send-message', { roomId: mine.id, content: 'not for eve' });
  await fence(alice, mine.id, alice, elsewhere);
  await fence(eve, hers.id, eve);
  assert.ok(eve.log.every((e) => !e.data?.roomId || e.data.roomId === hers.id), JSON.stringify(eve.log));
  for (const peer of [alice, elsewhere, eve]) assert.ok(!JSON.stringify(peer.log).includes('eyJ'));
});
