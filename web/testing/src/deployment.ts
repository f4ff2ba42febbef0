import { createHmac, randomUUID } from 'node:crypto';

import { Node } from './node.ts';
import { Person, type Login } from './person.ts';
import { buildProgram, runProgram } from './program.ts';
import { Database, Redis } from './servers.ts';

/** The password of every account that the tests make. */
export const password = 'correct horse battery staple';

const secret = 'a secret of the tests of the page, more than 32 bytes';

/** A database, a Redis, and the nodes on them. */
export class Deployment {
  readonly #nodes: Node[] = [];

  private constructor(private readonly program: string, readonly database: Database, private readonly redis: Redis) {}

  static async start(): Promise<Deployment> {
    const [program, database, redis] = await Promise.all([buildProgram(), Database.create(), Redis.start()]);
    return new Deployment(program, database, redis);
  }

  get #settings(): Record<string, string> {
    return { DATABASE_URL: this.database.url, REDIS_URL: this.redis.url, JWT_SECRET: secret };
  }

  /** Starts a node, without limits unless the settings say otherwise. */
  async node(settings: Record<string, string> = {}, args: string[] = []): Promise<Node> {
    const defaults = {
      AUTO_PROVISION: 'true', SOCKET_MAX_CONNECTIONS_PER_IP: '0', SOCKET_RATE_LIMIT_MESSAGES: '0', SHUTDOWN_TIMEOUT: '10s',
    };
    const node = await Node.start(this.program, { ...this.#settings, ...defaults, ...settings }, args);
    this.#nodes.push(node);
    return node;
  }

  /** A local account that no other test has: its username begins with the name. */
  register(node: Node, name: string): Promise<Person> {
    return this.registerAs(node, `${name}-${randomUUID().slice(0, 8)}`);
  }

  /** A local account of that very name, and the one that others see. */
  async registerAs(node: Node, username: string, displayName?: string): Promise<Person> {
    const response = await fetch(`${node.url}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password, displayName }),
    });
    if (!response.ok) throw new Error(`register ${username}: ${response.status} ${await response.text()}`);
    return new Person(node, password, (await response.json()) as Login);
  }

  /** An account that may do everything. */
  async admin(node: Node, name = 'admin'): Promise<Person> {
    const username = `${name}-${randomUUID().slice(0, 8)}`;
    await runProgram(this.program, ['user', 'create', username, '--role', 'admin', '--password-stdin'], this.#settings, password);
    return Person.login(node, username, password);
  }

  /** A token as an identity provider would make one, valid for the seconds. */
  token(claims: { userId: string; username?: string; roles?: string[] }, seconds = 3600): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iat: now, exp: now + seconds, ...claims })}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  }

  /** Stops all of it. The first thing that went wrong is thrown, after everything has ended. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.#nodes.map((node) => node.stop()));
    await this.redis.stop();
    await this.database.drop();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
