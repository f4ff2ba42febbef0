// Who may connect, and what those who may not are told.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  Peer, connect, isPosition, mint, open, refusal, rest, seconds, secret, strict, user,
} from './lib.mjs';

const refusals = {
  'no token': { auth: () => ({}), message: 'Authentication required', code: 'UNAUTHENTICATED' },
  'an empty token': { auth: () => ({ token: '' }), message: 'Authentication required', code: 'UNAUTHENTICATED' },
  'no JWT': { auth: () => ({ token: 'let me in' }), message: 'Authentication failed', code: 'UNAUTHENTICATED' },
  'a token that is no string': { auth: () => ({ token: { toString: 'x' } }), message: /^Authentication (required|failed)$/, code: 'UNAUTHENTICATED' },
  'another key': {
    auth: (claims) => ({ token: mint(claims, { key: 'another secret of more than 32 bytes, too' }) }),
    message: 'Authentication failed', code: 'UNAUTHENTICATED',
  },
  'an empty key': { auth: (claims) => ({ token: mint(claims, { key: '' }) }), message: 'Authentication failed', code: 'UNAUTHENTICATED' },
  'claims changed after signing': {
    auth: (claims) => {
      const [header, , signature] = mint(claims).split('.');
      const [, other] = mint({ ...claims, roles: ['admin'] }).split('.');
      return { token: `${header}.${other}.${signature}` };
    },
    message: 'Authentication failed', code: 'UNAUTHENTICATED',
  },
  'alg none': { auth: (claims) => ({ token: mint(claims, { alg: 'none' }) }), message: 'Authentication failed', code: 'UNAUTHENTICATED' },
  'an algorithm that is not configured': {
    auth: (claims) => ({ token: mint(claims, { alg: 'HS512', hash: 'sha512' }) }), message: 'Authentication failed', code: 'UNAUTHENTICATED',
  },
  'an expired token': {
    auth: (claims) => ({ token: mint({ ...claims, exp: seconds() - 120 }) }), message: 'Authentication failed', code: 'TOKEN_EXPIRED',
  },
  'a token that never expires': {
    auth: (claims) => ({ token: mint({ ...claims, exp: undefined }) }), message: 'Authentication failed', code: 'UNAUTHENTICATED',
  },
  'a token of later': {
    auth: (claims) => ({ token: mint({ ...claims, nbf: seconds() + 600 }) }), message: 'Authentication failed', code: 'UNAUTHENTICATED',
  },
  'an unknown user': {
    auth: () => ({ token: mint({ userId: randomUUID(), username: 'nobody' }) }), message: 'Invalid user', code: 'INVALID_USER',
  },
};

for (const [what, { auth, message, code }] of Object.entries(refusals)) {
  test(`refuses ${what}`, async (t) => {
    const { id } = await user();
    const refused = await refusal(t, auth({ userId: id, username: 'user' }));
    if (message instanceof RegExp) assert.match(refused.message, message);
    else assert.equal(refused.message, message);
    assert.equal(refused.code, code);
  });
}

test('refuses a deactivated user, and lets them in again after reactivation', async (t) => {
  const admin = await user('admin', ['admin']);
  const banned = await user('banned');
  const shut = await rest(strict, admin.token, 'POST', `/users/${banned.id}/deactivate`);
  assert.ok(shut.status < 300, JSON.stringify(shut));
  for (const url of [strict, open]) {
    const refused = await refusal(t, { token: banned.token }, { url });
    assert.deepEqual([refused.message, refused.code], ['Invalid user', 'INVALID_USER']);
  }
  const back = await rest(strict, admin.token, 'POST', `/users/${banned.id}/reactivate`);
  assert.ok(back.status < 300, JSON.stringify(back));
  for (const url of [strict, open]) await connect(t, banned, url);
});

test('deactivation is for admins', async () => {
  const [one, other] = [await user('one'), await user('other')];
  const answer = await rest(strict, one.token, 'POST', `/users/${other.id}/deactivate`);
  assert.deepEqual([answer.status, answer.body.code], [403, 'FORBIDDEN']);
});

test('a refused client may try again with another token', async (t) => {
  const { id, token } = await user();
  const { peer } = await refusal(t, {});
  peer.socket.auth = { token };
  await peer.connect();
  assert.equal((await peer.next('session')).userId, id);
});

test('takes the token from the Authorization header', async (t) => {
  const { id, token } = await user();
  const peer = new Peer(strict, undefined, { extraHeaders: { authorization: `Bearer ${token}` } });
  t.after(() => peer.close());
  await peer.connect();
  assert.equal((await peer.next('session')).userId, id);
});

test('takes the user from userId, else from sub', async (t) => {
  const both = new Peer(open, { token: mint({ userId: `u-${randomUUID()}`, sub: `s-${randomUUID()}`, username: 'a' }) });
  const one = new Peer(open, { token: mint({ sub: `s-${randomUUID()}`, username: 'b' }) });
  for (const [peer, letter] of [[both, 'u'], [one, 's']]) {
    t.after(() => peer.close());
    await peer.connect();
    assert.equal((await peer.next('session')).userId[0], letter);
  }
});

test('leaves 30 s to clocks that are behind', async (t) => {
  const { id } = await user();
  await connect(t, { token: mint({ userId: id, username: 'user', exp: seconds() - 10 }) });
});

test('session is the first event and says who one is and where the log is', async (t) => {
  const someone = await user();
  const peer = await connect(t, someone);
  const session = await peer.next('session');
  assert.equal(peer.log[0].event, 'session');
  assert.ok('userId' in session && 'position' in session);
  assert.equal(session.userId, someone.id);
  isPosition(session.position);
  assert.deepEqual(Object.keys(session).filter((key) => !['userId', 'pid', 'position', 'rooms', 'roomsPosition'].includes(key)), []);
});

test('knows the namespace / only', async (t) => {
  const someone = await user();
  const peer = new Peer(`${strict}/admin`, { token: someone.token });
  t.after(() => peer.close());
  await assert.rejects(peer.connect());
});

test('a refusal tells nothing about the key', async (t) => {
  const { peer, ...refused } = await refusal(t, { token: mint({ userId: 'x' }, { key: 'wrong' }) });
  assert.ok(!JSON.stringify(refused).includes(secret));
});
