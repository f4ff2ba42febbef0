import { readFile } from 'node:fs/promises';

import { eventually, patience, type Line, type Person } from '@parley/testing';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

export interface Arrival {
  path?: string;
  colorScheme?: 'light' | 'dark';
  viewport?: { width: number; height: number };
  /** The way to the node, if it is to be cut. */
  line?: Line;
  /** The network or the node will fail: what the browser says of that is no complaint. */
  weather?: boolean;
}

/** What Chromium says of a network that fails. */
const weather = /net::ERR_|WebSocket connection to|Failed to load resource/;

/** Tall, so that a whole conversation is on it: only what is in view is in the document. */
const tall = { width: 1280, height: 2400 };

/** Somebody at a browser of their own, and what they can see and do there. */
export class Visitor {
  readonly #complaints: string[] = [];

  private constructor(readonly context: BrowserContext, readonly page: Page, private readonly line: Line | undefined) {}

  static async arrive(browser: Browser, url: string, arrival: Arrival): Promise<Visitor> {
    const context = await browser.newContext({
      baseURL: arrival.line?.url ?? url,
      viewport: arrival.viewport ?? tall,
      colorScheme: arrival.colorScheme ?? 'light',
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    context.setDefaultTimeout(patience);
    const visitor = new Visitor(context, await context.newPage(), arrival.line);
    visitor.#listen(arrival.weather ?? arrival.line !== undefined);
    await visitor.page.goto(arrival.path ?? '/');
    return visitor;
  }

  #listen(expected: boolean): void {
    this.page.on('pageerror', (error) => this.#complaints.push(`uncaught: ${error.stack ?? error.message}`));
    this.page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (expected && weather.test(message.text())) return;
      this.#complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
  }

  /** Closes the browser, and tells what the page has complained of: errors, warnings, violations of its security policy. */
  async leave(): Promise<string[]> {
    await this.context.close();
    await this.line?.close();
    return this.#complaints;
  }

  /** Runs a script in the page, past the page's policy, which is for others. */
  async inject(file: string): Promise<void> {
    await this.page.evaluate(await readFile(file, 'utf8'));
  }

  async signIn(person: Person): Promise<void> {
    const form = this.page.getByRole('form', { name: 'Sign in' });
    await form.getByRole('textbox', { name: 'Username' }).fill(person.username);
    await form.getByLabel('Password').fill(person.password);
    await form.getByRole('button', { name: 'Sign in' }).click();
    await this.rooms.or(this.page.getByRole('main').getByRole('heading', { level: 2 })).first().waitFor(); // on a phone either of them
  }

  get rooms(): Locator {
    return this.page.getByRole('navigation', { name: 'Rooms' });
  }

  get feed(): Locator {
    return this.page.getByRole('feed', { name: 'Messages' });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  get slider(): Locator {
    return this.page.getByRole('slider', { name: 'Time' });
  }

  /** The line that tells of trouble with the connection. */
  get connection(): Locator {
    return this.page.getByRole('status', { name: 'Connection' });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  async openRoom(name: string): Promise<void> {
    await this.rooms.getByRole('link', { name }).click();
    await this.page.getByRole('heading', { level: 2, name }).waitFor();
  }

  /** Sends a message. It is on the page when this returns, and perhaps not with the node yet. */
  async say(content: string): Promise<void> {
    await this.composer.fill(content);
    await this.composer.press('Enter');
    await this.message(content).waitFor();
  }

  /** The message with that text. */
  message(content: string): Locator {
    return this.feed.getByRole('article').filter({ has: this.page.getByText(content, { exact: true }) });
  }

  /** Uses a button of the bar that a message has. */
  async act(content: string, name: string): Promise<void> {
    const message = this.message(content);
    await message.hover();
    await message.getByRole('toolbar', { name: 'Message actions' }).getByRole('button', { name, exact: true }).click();
  }

  async react(content: string, emoji: string): Promise<void> {
    await this.act(content, 'React');
    const picker = this.page.getByRole('dialog', { name: 'Emoji' });
    await picker.getByRole('textbox', { name: 'Find emoji' }).fill(emoji);
    await picker.getByRole('button', { name: emoji, exact: true }).click();
  }

  /** Turns the wheel until the message is there. */
  async scrollUpTo(content: string): Promise<void> {
    await this.feed.hover();
    await eventually(`the way up to ${content}`, async () => {
      await this.page.mouse.wheel(0, -1500);
      return (await this.message(content).count()) > 0;
    });
  }

  /** What has the focus, such as "button Send". */
  focused(): Promise<string> {
    return this.page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return 'nothing';
      const labels = (element as HTMLInputElement).labels?.[0]?.textContent;
      const name = element.getAttribute('aria-label') ?? labels ?? element.textContent ?? '';
      const roles: Record<string, string> = { A: 'link', INPUT: 'textbox', TEXTAREA: 'textbox' };
      const role = element.getAttribute('role') ?? roles[element.tagName] ?? element.tagName.toLowerCase();
      return `${role} ${name.trim()}`;
    });
  }

  /** Resolves when the room has the message, told by the node or still to be sent. */
  async sees(content: string): Promise<void> {
    await this.message(content).waitFor();
  }

  /** The texts of the messages in view, from the oldest to the newest. */
  async timeline(): Promise<string[]> {
    const texts = await this.feed.getByRole('article').locator('.text').allInnerTexts();
    return texts.map((text) => text.trim());
  }

  /** The texts of what waits to be sent, or could not be. */
  async unsent(): Promise<string[]> {
    const texts = await this.feed.locator('article:not([data-seq]) .text').allInnerTexts();
    return texts.map((text) => text.trim());
  }

  /** Cuts the network: the browser knows that it is offline, and connections that are open break. */
  async goOffline(): Promise<void> {
    await this.context.setOffline(true);
    this.line?.cut();
  }

  async comeBack(): Promise<void> {
    this.line?.mend();
    await this.context.setOffline(false);
  }
}
