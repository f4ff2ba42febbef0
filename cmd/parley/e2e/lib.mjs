// What the tests share: users, tokens, and a peer that writes down all that it hears.
// It uses the official client as it is, and knows the wire contract only.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';

export const secret = process.env.JWT_SECRET;
// The first node only lets in users that exist, the others register whoever has a good token.
export const urls = (process.env.URLS ?? '').split(',');
export const [strict, open] = urls;
export const patience = 20_000; // ms that anything may take on a busy machine

/** How a client connects: by polling only, by WebSocket only, or moving from the first to the second. */
export const ways = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };
const transports = ways[process.env.TRANSPORT ?? 'websocket'];

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const seconds = () => Math.floor(Date.now() / 1000);

/** A JWT over the claims: HS256 with the right secret unless told otherwise. */
export function mint(claims, { key = secret, alg = 'HS256', hash = 'sha256' } = {}) {
  const signed = `${base64url({ alg, typ: 'JWT' })}.${base64url({ exp: seconds() + 3600, ...claims })}`;
  if (alg === 'none') return `${signed}.`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

/** A user that no other test has, registered by the open node. */
export async function user(name = 'user', roles = []) {
  const id = `${name}-${randomUUID()}`;
  const token = mint({ userId: id, username: name, roles });
  const me = await rest(open, token, 'GET', '/users/me');
  assert.equal(me.status, 200, `provision ${name}: ${JSON.stringify(me.body)}`);
  return { id, name, token };
}

/** A call to the REST interface: {status, body, position}. */
export async function rest(url, token, method, path, body, headers = {}) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  });
  const text = await response.text();
  return { status: response.status, position: response.headers.get('parley-position'), body: text ? JSON.parse(text) : undefined };
}

/** Reads by REST when the views have reached the position. */
export async function fetched(url, token, path, position) {
  const answer = await rest(url, token, 'GET', path, undefined, position ? { 'parley-min-position': position } : {});
  assert.equal(answer.status, 200, `GET ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A room's whole history, by REST. */
export async function history(url, token, roomId, position) {
  const all = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const page = await fetched(url, token, `/rooms/${roomId}/messages?after=${after}&limit=200`, position);
    all.push(...page.items);
    if (!page.hasMoreAfter) return all;
    assert.ok(page.items.length > 0, 'hasMoreAfter with an empty page');
  }
}

/** One official client. Every event it gets is in `log`, in order. */
export class Peer {
  log = [];
  #waiting = new Set();

  constructor(url, auth, options = {}) {
    this.socket = io(url, {
      transports, forceNew: true, reconnection: false, autoConnect: false, timeout: patience, auth, ...options,
    });
    this.socket.onAny((event, data, ...rest) => this.#hear({ event, data, rest }));
    this.socket.on('disconnect', (reason) => this.#hear({ event: ' disconnect', data: reason }));
  }

  #hear(entry) {
    this.log.push(entry);
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves when the server has accepted, rejects with the connect_error. */
  connect() {
    return within(new Promise((resolve, reject) => {
      const settle = (done) => (value) => {
        this.socket.off('connect', accept);
        this.socket.off('connect_error', refuse);
        done(value);
      };
      const accept = settle(() => resolve(this));
      const refuse = settle(reject);
      this.socket.once('connect', accept);
      this.socket.once('connect_error', refuse);
      this.socket.connect();
    }), 'connect');
  }

  /** Sends a command and returns its ack, whatever it says. */
  ask(event, ...args) {
    return this.socket.timeout(patience).emitWithAck(event, ...args);
  }

  /** Sends a command that has to succeed and returns its data. */
  async ok(event, ...args) {
    const ack = await this.ask(event, ...args);
    assert.equal(ack.success, true, `${event}: ${JSON.stringify(ack)}`);
    return ack.data;
  }

  /** Sends a command that has to fail with the code and returns the ack. */
  async refused(code, event, ...args) {
    const ack = await this.ask(event, ...args);
    assert.equal(ack.success, false, `${event}: ${JSON.stringify(ack)}`);
    assert.equal(ack.code, code, `${event}: ${JSON.stringify(ack)}`);
    assert.equal(typeof ack.error, 'string');
    assert.notEqual(ack.error, '');
    assert.ok(!('data' in ack), 'a refusal has no data');
    return ack;
  }

  /** The payloads of all events of that name that fit, until now. */
  heard(event, fits = () => true) {
    return this.log.filter((e) => e.event === event && fits(e.data)).map((e) => e.data);
  }

  /** The first payload of that name that fits, which may have come already. */
  next(event, fits = () => true) {
    return this.count(event, 1, fits).then(([first]) => first);
  }

  /** The payloads of that name that fit, as soon as there are that many. */
  count(event, many, fits = () => true) {
    let check;
    const arrived = new Promise((resolve) => {
      check = () => {
        const found = this.heard(event, fits);
        if (found.length >= many) resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
    const describe = () => `${many} × ${event}; heard ${JSON.stringify(this.log.map((e) => e.event).slice(-20))}`;
    return within(arrived, describe).finally(() => this.#waiting.delete(check));
  }

  close() {
    this.socket.disconnect();
  }
}

/** Fails when the promise takes too long. */
export async function within(promise, what, ms = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A connected peer of a user, closed when the test ends. */
export async function connect(t, who, url = strict, options = {}) {
  const peer = new Peer(url, { token: who.token }, options);
  t.after(() => peer.close());
  await peer.connect();
  peer.user = who;
  return peer;
}

/** A user and a peer of theirs. */
export async function join(t, name, url = strict) {
  return connect(t, await user(name), url);
}

/** The error that a connection is refused with. */
export async function refusal(t, auth, { url = strict, ...options } = {}) {
  const peer = new Peer(url, auth, options);
  t.after(() => peer.close());
  const error = await peer.connect().then(() => assert.fail('the connection was accepted'), (e) => e);
  return { message: error.message, code: error.data?.code, peer };
}

/** A room with members, all of them listening: the first is the owner. */
export async function roomOf(owner, ...others) {
  const room = await owner.ok('create-room', { name: `room ${randomUUID()}`, type: 'public' });
  for (const peer of [owner, ...others]) await peer.ok('join-room', { roomId: room.id });
  return room;
}

/**
 * Waits until the peer has heard everything that was sent before: a message that is sent now
 * comes after it in the same room.
 */
export async function fence(sender, roomId, ...listeners) {
  const { id } = await sender.ok('send-message', { roomId, content: 'fence' });
  await Promise.all(listeners.map((peer) => peer.next('new-message', (m) => m.id === id)));
}

export const of = (roomId) => (payload) => payload.roomId === roomId;
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Shapes, as the contract has them.

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export function isPosition(value) {
  assert.equal(typeof value, 'string', `position ${value}`);
  assert.match(value, /^[1-9]\d*$/);
}

export function isTime(value) {
  assert.equal(typeof value, 'string', `time ${value}`);
  assert.match(value, stamp);
  assert.ok(Math.abs(Date.parse(value) - Date.now()) < 120_000, `${value} is not about now`);
}

export function hasKeys(object, ...keys) {
  assert.deepEqual(Object.keys(object).sort(), [...keys].sort());
}

export function isMessage(m, expected = {}) {
  hasKeys(m, 'id', 'roomId', 'seq', 'sender', 'content', 'attachments', 'replyTo', 'mentions', 'reactions', 'pinned',
    'editedAt', 'deletedAt', 'at', 'position', ...('clientMessageId' in expected ? ['clientMessageId'] : []));
  hasKeys(m.sender, 'id', 'username', 'displayName', 'avatarUrl');
  isPosition(m.position);
  isTime(m.at);
  assert.ok(Number.isInteger(m.seq) && m.seq > 0);
  assert.deepEqual(m, {
    attachments: [], replyTo: null, mentions: [], reactions: {}, pinned: false, editedAt: null, deletedAt: null,
    ...m, ...expected,
  });
}

export function isRoom(room, expected = {}) {
  hasKeys(room, 'id', 'name', 'type', 'topic', 'createdBy', 'createdAt', 'archivedAt', 'memberCount', 'position');
  isPosition(room.position);
  isTime(room.createdAt);
  assert.deepEqual(room, { ...room, ...expected });
}

export function isMember(member, expected = {}) {
  hasKeys(member, 'userId', 'username', 'role', 'joinedAt', 'position');
  isPosition(member.position);
  isTime(member.joinedAt);
  assert.deepEqual(member, { ...member, ...expected });
}

export function isDurable(payload, expected = {}) {
  isPosition(payload.position);
  isTime(payload.at);
  assert.deepEqual(payload, { ...payload, ...expected });
}
