import { Deployment, type Node, type Person } from '@parley/testing';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

import { launch } from './chromium.ts';
import { Visitor, type Arrival } from './visitor.ts';

/** What the tests of a file have: a browser, a deployment with a node, and whoever visits it. */
export class Stage {
  browser!: Browser;
  deployment!: Deployment;
  node!: Node;
  readonly #visitors: Visitor[] = [];

  constructor(private readonly settings: Record<string, string> = {}) {}

  async open(): Promise<void> {
    [this.browser, this.deployment] = await Promise.all([launch(), Deployment.start()]);
    this.node = await this.deployment.node(this.settings);
  }

  /** A new account. */
  person(name: string): Promise<Person> {
    return this.deployment.register(this.node, name);
  }

  /** Opens the page in a browser of its own, as it is for who was never there. */
  async visit(arrival: Arrival = {}): Promise<Visitor> {
    const visitor = await Visitor.arrive(this.browser, this.node.url, arrival);
    this.#visitors.push(visitor);
    return visitor;
  }

  /** A visitor who has signed in, and opened the room. */
  async enter(person: Person, room?: string, arrival: Arrival = {}): Promise<Visitor> {
    const visitor = await this.visit({ path: room ? `/rooms/${room}` : '/', ...arrival });
    await visitor.signIn(person);
    return visitor;
  }

  /** What everybody sees, for a test that has failed. */
  async describe(): Promise<string> {
    const seen = this.#visitors.map(({ page }) => page.locator('body').ariaSnapshot({ timeout: 5_000 }).catch(String));
    return (await Promise.all(seen)).map((text, n) => `visitor ${n + 1} sees:\n${text}`).join('\n');
  }

  /** Sends all visitors away. One whose page complained fails the test. */
  async clear(): Promise<void> {
    const complaints: string[] = [];
    for (const visitor of this.#visitors.splice(0)) complaints.push(...(await visitor.leave()));
    if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await this.deployment?.close();
  }
}

/** A stage for the tests of this file. */
export function useStage(settings: Record<string, string> = {}): Stage {
  const stage = new Stage(settings);
  beforeAll(() => stage.open());
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.log(await stage.describe());
    await stage.clear();
  });
  afterAll(() => stage.close());
  return stage;
}
