import { Deployment, eventually } from '@parley/testing';
import type { Node, Person } from '@parley/testing';
import { afterAll, expect, onTestFinished } from 'vitest';
import { createClient, MemoryStorage, staticTokens } from '../src/index.ts';
import type { Client, ClientOptions, Message, Store, TimelineState } from '../src/index.ts';
import { later } from '../src/position.ts';

/** A deployment for the tests of a file, and clients that are closed after each test. */
export class World {
  readonly deployment: Deployment;
  readonly node: Node;

  private constructor(deployment: Deployment, node: Node) {
    this.deployment = deployment;
    this.node = node;
    afterAll(() => deployment.close());
  }

  static async start(settings: Record<string, string> = {}): Promise<World> {
    const deployment = await Deployment.start();
    return new World(deployment, await deployment.node(settings));
  }

  register(name: string): Promise<Person> {
    return this.deployment.register(this.node, name);
  }

  /** A client of somebody, started. */
  client(person: Person, options: Partial<ClientOptions> = {}): Client {
    const tokens = staticTokens(person.login.accessToken);
    const client = createClient({ url: this.node.url, tokens, storage: new MemoryStorage(), ...options });
    onTestFinished(() => client.close());
    client.start();
    return client;
  }

  /** The same, when it is connected. */
  async online(person: Person, options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = this.client(person, options);
    await until(client.connection, ({ status }) => status === 'online');
    return client;
  }

  /** What REST says of the room, and each client shows of it, is the same. Returns that. */
  async same(person: Person, room: string, ...clients: Client[]): Promise<Message[]> {
    const newest = ({ items }: TimelineState): string => items.map(({ position }) => position).reduce(later, '0');
    const known = clients.map((client) => newest(client.timeline(room).getSnapshot())).reduce(later, this.node.position ?? '0');
    this.node.position = known;
    const all = ((await person.history(room)) as unknown as Message[]).map(bare);
    for (const client of clients) {
      const shown = ({ items }: TimelineState): void => expect(items.map(bare)).toEqual(all.slice(-items.length || all.length));
      await until(client.timeline(room), (state) => holds(() => shown(state))).catch(() => shown(client.timeline(room).getSnapshot()));
    }
    return all;
  }
}

/** Whether an expectation is met. */
function holds(expectation: () => void): boolean {
  try {
    expectation();
    return true;
  } catch {
    return false;
  }
}

/** Waits until the store shows what fits. */
export async function until<T>(store: Store<T>, fits: (state: T) => unknown): Promise<T> {
  return eventually(`the store shows it: ${fits}\n${JSON.stringify(store.getSnapshot())}`, () => {
    const state = store.getSnapshot();
    return fits(state) ? state : undefined;
  });
}

/** Looks at a store as a component would, and until the test ends. */
export function watch<T>(store: Store<T>): void {
  onTestFinished(store.subscribe(() => undefined));
}

export const texts = (items: readonly { content: string }[]): string[] => items.map(({ content }) => content);

/** Threads are summed up only in what is fetched. */
const bare = ({ thread: _, ...message }: Message) => message;
