import { isDeepStrictEqual } from 'node:util';
import { eventually, Line } from '@parley/testing';
import type { Person } from '@parley/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createClient, MemoryStorage, staticTokens } from '../src/index.ts';
import type { Client, ClientOptions, Message, RoomView, Store } from '../src/index.ts';
import { later } from '../src/position.ts';
import { Dice } from './dice.ts';
import { until, World } from './support.ts';

const world = await World.start({ RECOVERY_MAX_EVENTS: '12' });
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const dice = new Dice(seed);
const patience = Number(process.env['CONVERGE_MS'] ?? 60_000);
const steps = 220;

/** A device: a client on a line of its own, which breaks, and whose page is loaded anew. */
class Device {
  readonly person: Person;
  readonly #line: Line;
  readonly #options: Partial<ClientOptions>;
  readonly #watched = new Map<object, () => void>();
  #cut = false;
  client: Client;

  private constructor(person: Person, line: Line, options: Partial<ClientOptions>) {
    this.person = person;
    this.#line = line;
    this.#options = options;
    this.client = this.#open();
  }

  static async of(person: Person, options: Partial<ClientOptions>): Promise<Device> {
    const device = new Device(person, await Line.to(world.node), options);
    onTestFinished(() => device.#close());
    await until(device.client.connection, ({ status }) => status === 'online');
    return device;
  }

  #open(): Client {
    const tokens = staticTokens(this.person.login.accessToken);
    const client = createClient({ url: this.#line.url, tokens, windowSize: 30, ...this.#options });
    client.start();
    return client;
  }

  reload(): void {
    this.client.close();
    this.#watched.clear();
    this.client = this.#open();
  }

  cut(): void {
    this.#cut = true;
    this.#line.cut();
  }

  mend(): void {
    if (!this.#cut) return;
    this.#cut = false;
    this.#line.mend();
    this.client.connection.hurry();
  }

  /** Begins to look at something, or ends that. */
  look(store: Store<unknown>, yes = !this.#watched.has(store)): void {
    if (yes === this.#watched.has(store)) return;
    this.#watched.get(store)?.();
    if (yes) this.#watched.set(store, store.subscribe(() => undefined));
    else this.#watched.delete(store);
  }

  async #close(): Promise<void> {
    this.client.close();
    await this.#line.close();
  }
}

/** A room, and the message in it whose answers are looked at. */
interface Place {
  id: string;
  root: string;
  /** Everybody may see who is in it. */
  open: boolean;
}

interface Scene {
  places: Place[];
  devices: Device[];
  ann: Person;
  bob: Person;
  cat: Person;
}

async function stage(): Promise<Scene> {
  const [ann, bob, cat] = await Promise.all([world.register('ann'), world.register('bob'), world.register('cat')]);
  const places: Place[] = [];
  for (const type of ['public', 'private', 'public'] as const) {
    const id = await cat.createRoom(`${type} ${places.length}`, { type, members: [ann, bob] });
    await cat.call('PUT', `/rooms/${id}/members/${ann.id}`, { role: 'owner' });
    places.push({ id, root: (await ann.say(id, 'where it begins')).id, open: type === 'public' });
  }
  const storage = new MemoryStorage(); // of a browser in which bob has two tabs
  const devices = await Promise.all([
    Device.of(ann, { storage: new MemoryStorage(), transports: ['polling', 'websocket'] }),
    Device.of(bob, { storage }),
    Device.of(bob, { storage }),
  ]);
  return { places, devices, ann, bob, cat };
}

const stores = ({ client }: Device, { id, root }: Place) => [client.timeline(id), client.thread(id, root), client.members(id), client.receipts(id)] as const;

/** What one may not do does not happen; anything else that goes wrong does. */
const ifAllowed = (what: Promise<unknown>): Promise<unknown> => what.catch((error: Error) => {
  if (/: 5\d\d /.test(error.message)) throw error;
});

const emoji = ['👍', '🎉', '🍵'];

/** Begins what somebody does by REST, whatever the network of the others does. */
async function begins({ cat, ann, bob, places }: Scene): Promise<{ done: Promise<unknown> }> {
  const { id, root } = dice.of(places);
  const { items } = await ann.call<{ items: Message[] }>('GET', `/rooms/${id}/messages?limit=40`);
  const some = dice.of(items);
  const message = `/rooms/${id}/messages/${some.id}`;
  const who = dice.of([cat, ann]);
  const whom = dice.of([cat, bob, bob]);
  const own = who.id === some.sender.id ? who : some.sender.id === cat.id ? cat : ann;
  const done = ifAllowed(dice.choose<Promise<unknown>>([
    [10, () => cat.call('POST', `/rooms/${id}/messages`, { content: `cat ${dice.number(1000)}`, ...(dice.chance(0.3) && { mentions: [bob.id] }) })],
    [4, () => cat.call('POST', `/rooms/${id}/messages`, { content: 'an answer', replyTo: dice.chance(0.7) ? root : some.id })],
    [5, () => own.call('PATCH', message, { content: `edited ${dice.number(1000)}` })],
    [2, () => ann.call('DELETE', message)],
    [4, () => who.call('PUT', `${message}/reactions/${encodeURIComponent(dice.of(emoji))}`)],
    [3, () => who.call('DELETE', `${message}/reactions/${encodeURIComponent(dice.of(emoji))}`)],
    [2, () => who.call('PUT', `${message}/pin`)],
    [2, () => who.call('DELETE', `${message}/pin`)],
    [3, () => cat.call('PUT', `/rooms/${id}/read`, { seq: some.seq })],
    [2, () => ann.call('PATCH', `/rooms/${id}`, { topic: `topic ${dice.number(1000)}` })],
    [2, () => ann.call('DELETE', `/rooms/${id}/members/${whom.id}`)],
    [4, () => ann.call('PUT', `/rooms/${id}/members/${whom.id}`, { role: dice.of(['member', 'moderator']) })],
  ]));
  return { done };
}

/** What somebody does at a device, which may be offline. */
function uses(device: Device, { places }: Scene): void {
  const { client } = device;
  const place = dice.of(places);
  const { id, root } = place;
  const timeline = client.timeline(id);
  const { items } = timeline.getSnapshot();
  const some = items.length > 0 ? dice.of(items) : null;
  const command = (...said: Parameters<Client['command']>): void => void client.command(...said).catch(() => undefined);
  dice.choose<unknown>([
    [5, () => client.send(id, { content: `said ${dice.number(1000)}` })],
    [2, () => client.send(id, { content: 'answered', replyTo: root })],
    [3, () => some && command('add-reaction', { roomId: id, messageId: some.id, emoji: dice.of(emoji) })],
    [2, () => some && command('edit-message', { roomId: id, messageId: some.id, content: `edited ${dice.number(1000)}` })],
    [1, () => some && command('delete-message', { roomId: id, messageId: some.id })],
    [5, () => client.markRead(id, 1 + dice.number(client.rooms.get(id)?.lastSeq ?? 1))],
    [3, () => timeline.loadBefore()],
    [3, () => timeline.loadAfter()],
    [2, () => timeline.jumpTo(1 + dice.number(60)).catch(() => undefined)],
    [2, () => timeline.jumpToEnd()],
    [1, () => timeline.follow(dice.chance(0.5))],
    [4, () => device.look(dice.of(stores(device, place)))],
    [1, () => device.reload()],
  ]);
}

const plain = ({ heard: _, activeAt: __, ...summary }: RoomView) => summary;
const by = <T>(list: readonly T[], key: (item: T) => string): Record<string, T> => Object.fromEntries(list.map((item) => [key(item), item]));

/** What a device shows, and what REST says: the same, in the end. */
async function shown(device: Device, places: Place[]): Promise<[unknown, unknown]> {
  const { client, person } = device;
  const list = async <T>(path: string): Promise<T[]> => (await person.call<{ items: T[] }>('GET', path)).items;
  const rooms = await list<RoomView>('/rooms?limit=200');
  const is: Record<string, unknown> = { rooms: by(client.rooms.getSnapshot().rooms.map(plain), ({ id }) => id), outbox: client.outbox.getSnapshot() };
  const should: Record<string, unknown> = { rooms: by(rooms, ({ id }) => id), outbox: [] };
  for (const place of places) {
    const { id, root, open } = place;
    const [timeline, thread, members, receipts] = stores(device, place).map((store) => store.getSnapshot()) as unknown as States;
    if (!rooms.some((room) => room.id === id)) {
      is[id] = [timeline.status, timeline.items, thread.replies, open ? [] : members.members, receipts.byUser.size];
      should[id] = ['gone', [], [], [], 0];
      continue;
    }
    const all = (await person.history(id)) as unknown as Message[];
    const { items, hasMoreAfter } = timeline;
    is[id] = {
      timeline: items, newer: timeline.newer, end: !hasMoreAfter, root: thread.root, replies: thread.replies,
      members: by(members.members, ({ userId }) => userId), receipts: Object.fromEntries(receipts.byUser),
    };
    const [first, last] = [items[0]?.seq ?? 1, items.at(-1)?.seq ?? Infinity];
    should[id] = {
      timeline: all.filter(({ seq }) => seq >= first && (seq <= last || !hasMoreAfter)),
      newer: hasMoreAfter ? all.length - last : 0,
      end: !hasMoreAfter,
      root: all.find((message) => message.id === root),
      replies: await list(`/rooms/${id}/messages/${root}/replies?limit=200`),
      members: by(await list<{ userId: string }>(`/rooms/${id}/members`), ({ userId }) => userId),
      receipts: by(await list<{ userId: string }>(`/rooms/${id}/receipts`), ({ userId }) => userId),
    };
  }
  return [is, should];
}

type States = [
  ReturnType<ReturnType<Client['timeline']>['getSnapshot']>,
  ReturnType<ReturnType<Client['thread']>['getSnapshot']>,
  ReturnType<ReturnType<Client['members']>['getSnapshot']>,
  ReturnType<ReturnType<Client['receipts']>['getSnapshot']>,
];

async function agrees(device: Device, places: Place[]): Promise<void> {
  let last: [unknown, unknown] = [undefined, undefined];
  const same = async (): Promise<boolean> => isDeepStrictEqual(...(last = await shown(device, places)));
  await eventually('a device shows what REST says', same, patience).catch(() => undefined);
  expect(last[0]).toEqual(last[1]);
}

test(`whatever happens, and however the network breaks, devices show in the end what REST says (seed ${seed})`, { retry: 0 }, async () => {
  const scene = await stage();
  const { places, devices } = scene;
  for (const device of devices) for (const place of places) for (const store of stores(device, place)) device.look(store);
  const acts: Promise<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    acts.push((await begins(scene)).done);
    if (dice.chance(0.3)) await Promise.all(acts.splice(0));
    const device = dice.of(devices);
    uses(device, scene);
    dice.choose<unknown>([[1, () => dice.of(devices).cut()], [2, () => dice.of(devices).mend()], [12, () => undefined]]);
  }
  await Promise.all(acts);
  for (const device of devices) device.mend();
  for (const { client } of devices) {
    const left = await until(client.outbox, (list) => list.every(({ state }) => state === 'failed') && list);
    for (const { clientMessageId, error } of left) {
      expect(error?.code).toMatch(/NOT_A_MEMBER|ROOM_NOT_FOUND|MESSAGE_DELETED/);
      client.discard(clientMessageId);
    }
  }
  for (const device of devices) for (const place of places) for (const store of stores(device, place)) device.look(store, true);
  world.node.position = devices.map(({ client }) => client.timeline(places[0]!.id).getSnapshot().items.at(-1)?.position ?? '0').reduce(later, world.node.position ?? '0');
  for (const device of devices) await agrees(device, places);
});
