import type { Node } from './node.ts';

/** What register, login and refresh answer. */
export interface Login {
  user: { id: string; username: string };
  accessToken: string;
  refreshToken: string;
}

export interface Message {
  id: string;
  seq: number;
  content: string;
  clientMessageId?: string;
  sender: { id: string; username: string };
  deleted?: boolean;
}

/** Somebody with a local account, who uses REST. */
export class Person {
  readonly id: string;
  readonly username: string;

  constructor(private readonly node: Node, readonly password: string, readonly login: Login) {
    this.id = login.user.id;
    this.username = login.user.username;
  }

  static async login(node: Node, username: string, password: string): Promise<Person> {
    const response = await fetch(`${node.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    if (!response.ok) throw new Error(`login ${username}: ${response.status} ${await response.text()}`);
    return new Person(node, password, (await response.json()) as Login);
  }

  /** A call below /api/v1 that must succeed. Reads see what was written before, by whomever. */
  async call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.node.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.login.accessToken}`,
        ...(this.node.position && { 'parley-min-position': this.node.position }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    this.node.position = response.headers.get('parley-position') ?? this.node.position;
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Makes a room, and returns its id. */
  async createRoom(name: string, options: { type?: 'public' | 'private'; members?: Person[] } = {}): Promise<string> {
    const members = options.members?.map((member) => member.id);
    const body = { name, type: options.type ?? 'public', ...(members && { memberIds: members }) };
    return (await this.call<{ id: string }>('POST', '/rooms', body)).id;
  }

  say(room: string, content: string): Promise<Message> {
    return this.call('POST', `/rooms/${room}/messages`, { content });
  }

  /** How many messages are unread, for each room that has such. */
  async unread(): Promise<Map<string, number>> {
    const { items } = await this.call<{ items: { roomId: string; unreadCount: number }[] }>('GET', '/unread');
    return new Map(items.map((item) => [item.roomId, item.unreadCount]));
  }

  async newest(room: string): Promise<Message> {
    const { items } = await this.call<{ items: Message[] }>('GET', `/rooms/${room}/messages?limit=1`);
    if (!items[0]) throw new Error(`room ${room} is empty`);
    return items[0];
  }

  /** The whole room, oldest message first. */
  async history(room: string): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const after = all.at(-1)?.seq ?? 0;
      type Page = { items: Message[]; hasMoreAfter: boolean };
      const page = await this.call<Page>('GET', `/rooms/${room}/messages?after=${after}&limit=200`);
      all.push(...page.items);
      if (!page.hasMoreAfter) return all;
    }
  }
}
