import { spawn, type ChildProcess } from 'node:child_process';

import { freePort } from './servers.ts';
import { eventually, gone } from './wait.ts';

/** What a node's log must never hold. */
const secrets: [string, RegExp][] = [['a token', /eyJhbGci/], ['a panic', /^panic:/m], ['a data race', /WARNING: DATA RACE/]];

/** One `parley serve`, at an address that it keeps when it is started again. */
export class Node {
  readonly url: string;
  /** The last position that a write through it has told. */
  position: string | undefined;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(
    private readonly program: string,
    private readonly env: Record<string, string>,
    private readonly args: string[],
    readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts a node and returns it when it is ready. */
  static async start(program: string, settings: Record<string, string>, args: string[] = []): Promise<Node> {
    const port = await freePort();
    const env = { PATH: process.env['PATH'] ?? '', SOCKET_PORT: `${port}`, LISTEN_ADDR: `127.0.0.1:${port}`, ...settings };
    const node = new Node(program, env, args, port);
    await node.start();
    return node;
  }

  /** Starts it, also again after kill or stop. */
  async start(): Promise<void> {
    const child = spawn(this.program, ['serve', ...this.args], { env: this.env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { this.#log += data.toString(); });
    await eventually('the node is ready', async () => {
      if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}:\n${this.#log.slice(-4000)}`);
      return (await fetch(`${this.url}/readyz`).catch(() => undefined))?.ok;
    });
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#gone();
  }

  /** Drains it. A node that does not end well, or that told a secret, is an error. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    await this.#gone();
    if (child.exitCode !== 0) throw new Error(`the node ended with ${child.exitCode ?? child.signalCode}:\n${this.#log.slice(-4000)}`);
    const told = secrets.find(([, sign]) => sign.test(this.#log));
    if (told) throw new Error(`the node has ${told[0]} in its log`);
  }

  /** What it has printed. */
  get log(): string {
    return this.#log;
  }

  async #gone(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child) await gone(child);
  }
}
