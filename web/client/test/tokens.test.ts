import { password } from '@parley/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { Account, MemoryStorage, ParleyError, staticTokens, userOf } from '../src/index.ts';
import { until, watch, World } from './support.ts';

const world = await World.start({ ACCESS_TOKEN_TTL: '6s' });

afterEach(() => vi.unstubAllGlobals());

async function signedIn(storage = new MemoryStorage()) {
  const person = await world.register('ann');
  const account = new Account({ url: world.node.url, storage });
  watch(account);
  await account.login({ username: person.username, password });
  return { person, account, storage };
}

test('the token is renewed in place, again and again, and logging out ends the session', async () => {
  const { person, account, storage } = await signedIn();
  expect(userOf(account.tokens.get())).toBe(person.id);
  const seen = new Set<string>();
  const statuses = new Set<string>();
  const client = world.client(person, { tokens: account.tokens });
  client.connection.subscribe(() => statuses.add(client.connection.getSnapshot().status));
  await until(client.connection, ({ status }) => {
    seen.add(storage.getItem('parley:account') ?? '');
    return status === 'online' && seen.size > 2;
  });
  expect([...statuses].filter((status) => status !== 'connecting')).toEqual(['online']);
  expect((await client.rest.call('GET /api/v1/users/me')).id).toBe(person.id);
  await account.logout({ all: true });
  expect(account.getSnapshot().user).toBeNull();
  await until(client.connection, ({ status }) => status === 'signed-out');
});

test('a token that has ended is renewed, by REST and at the door', async () => {
  const person = await world.register('bob');
  const expired = world.deployment.token({ userId: person.id }, -3600);
  let renewals = 0;
  let failures = 2;
  const tokens = staticTokens(expired, async () => {
    if (failures-- > 0) throw new ParleyError('OFFLINE', 'the provider is away for a moment');
    renewals++;
    return world.deployment.token({ userId: person.id });
  });
  const client = await world.online(person, { tokens });
  await until(client.rooms, ({ status }) => status === 'ready');
  expect(renewals).toBe(1);
});

test('who is not let in is told why', async () => {
  const person = await world.register('carl');
  const out = world.client(person, { tokens: staticTokens('no token at all') });
  await until(out.connection, ({ status }) => status === 'signed-out');
  const other = world.client(person, { userId: 'somebody-else' });
  const { error } = await until(other.connection, ({ status }) => status === 'refused');
  expect(error?.code).toBe('INVALID_USER');
  const account = new Account({ url: world.node.url, storage: new MemoryStorage() });
  const refusal = await account.login({ username: person.username, password: 'wrong' }).catch((e: unknown) => e);
  expect(refusal).toBeInstanceOf(ParleyError);
  expect(refusal).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
});

test('who finds no place waits for one, and comes back to a node that was stopped', async () => {
  const person = await world.register('dan');
  const node = await world.deployment.node({ SOCKET_MAX_CONNECTIONS_PER_IP: '1' });
  const tokens = staticTokens(world.deployment.token({ userId: person.id }));
  const first = await world.online(person, { tokens, url: node.url });
  const second = world.client(person, { tokens, url: node.url });
  await until(second.connection, ({ status, error }) => status === 'offline' && error?.code === 'TOO_MANY_CONNECTIONS');
  first.close();
  await until(second.connection, ({ status }) => status === 'online');
  await node.stop();
  await until(second.connection, ({ status }) => status === 'offline');
  await node.start();
  second.connection.hurry();
  await until(second.connection, ({ status }) => status === 'online');
});

test('who signs out in one tab is signed out in the others', async () => {
  const listeners = new Set<(event: object) => void>();
  vi.stubGlobal('addEventListener', (_: string, listener: (event: object) => void) => listeners.add(listener));
  vi.stubGlobal('removeEventListener', (_: string, listener: (event: object) => void) => listeners.delete(listener));
  const { account, storage } = await signedIn();
  const tab = new Account({ url: world.node.url, storage });
  const told = vi.fn();
  const end = tab.subscribe(told);
  await account.logout();
  for (const listener of listeners) listener({ key: 'parley:account' });
  await until(tab, ({ user }) => user === null);
  await until(tab, () => told.mock.calls.length > 0);
  expect(await tab.token()).toBeNull();
  expect(listeners.size).toBe(2);
  end();
  expect(listeners.size).toBe(1);
});

test('tabs that renew at once do it once: a refresh token works a single time', async () => {
  let turn: Promise<unknown> = Promise.resolve();
  const request = (_: string, run: () => Promise<unknown>) => (turn = turn.then(run, run));
  vi.stubGlobal('navigator', { locks: { request } });
  const { account, storage } = await signedIn();
  const tab = new Account({ url: world.node.url, storage });
  expect(tab.getSnapshot().user?.id).toBe(account.getSnapshot().user?.id);
  const used = account.tokens.get();
  const renewed = await Promise.all([account, tab, account].map(({ tokens }) => tokens.refresh(used)));
  expect(new Set(renewed).size).toBe(1);
  expect(renewed[0]).not.toBe(used);
  expect(await tab.token()).toEqual(expect.any(String));
});
