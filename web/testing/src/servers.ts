import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import pg from 'pg';

import { eventually, gone } from './wait.ts';

/** The folder of go.mod. */
export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** A shared server: from the environment, else from the file that scripts/services.sh leaves. */
function address(name: string): string {
  const given = process.env[`PARLEY_TEST_${name}`] ?? process.env[name];
  if (given) return given;
  const file = join(process.env['PARLEY_LOCAL'] ?? join(root, '.local'), 'env');
  const found = existsSync(file) && new RegExp(`^export ${name}='(.*)'$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  if (!found) throw new Error(`no test server: run \`make services\` or set PARLEY_TEST_${name}`);
  return found;
}

/** An empty database, dropped by drop(). The name is one that the Go tests clean up, should this process die. */
export class Database {
  private constructor(readonly url: string, private readonly server: string, private readonly name: string) {}

  static async create(): Promise<Database> {
    const server = address('DATABASE_URL');
    const name = `parley_test_${Math.floor(Date.now() / 1000).toString(16)}_${randomBytes(8).toString('hex')}`;
    await execute(server, `CREATE DATABASE ${name} TEMPLATE template0`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    return new Database(url.href, server, name);
  }

  /** Runs one statement in it: for what no command can make, such as a history of a hundred thousand messages. */
  async execute(statement: string, values: unknown[] = []): Promise<void> {
    await execute(this.url, statement, values);
  }

  async drop(): Promise<void> {
    const drop = `DROP DATABASE IF EXISTS ${this.name}`;
    try {
      await execute(this.server, `${drop} WITH (FORCE)`);
    } catch (error) {
      // Nobody but a superuser may end an autovacuum worker; a plain DROP sends it away by itself.
      if ((error as { code?: string }).code !== '42501') throw error;
      await execute(this.server, drop);
    }
  }
}

async function execute(url: string, statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement, values);
  } finally {
    await client.end();
  }
}

/** A Redis of one's own, without a disk. */
export class Redis {
  private constructor(readonly url: string, private readonly process: ChildProcess, private readonly folder: string) {}

  static async start(): Promise<Redis> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));
    const options = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', options, { stdio: 'ignore' });
    let failure: Error | undefined;
    child.on('error', (error) => { failure = new Error(`redis-server is missing: run \`make services\` (${error.message})`); });
    await eventually('Redis answers', async () => {
      if (failure) throw failure;
      return answers(port);
    });
    return new Redis(`redis://127.0.0.1:${port}/0`, child, folder);
  }

  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    await gone(this.process);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => { socket.destroy(); resolve(data.toString().startsWith('+PONG')); });
    socket.on('error', () => resolve(false));
  });
}

/** A port below those that systems hand out to outgoing connections: a node that is down for a while finds it free again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
  throw new Error('found no free port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
