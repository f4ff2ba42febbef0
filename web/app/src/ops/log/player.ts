import type { Envelope, Rest } from '@parley/client';
import { parameters, type Filter } from './filter';
import { events, head } from './stream';

/** How many events are kept: the last ones. */
export const keep = 500;
const page = 200;
/** Silence that is longer than this is shortened when the log is replayed, in ms. */
const longest = 2000;
/** How often what has come is shown, in ms. */
const frame = 100;

export type Mode = 'idle' | 'page' | 'follow' | 'replay';

export interface LogState {
  mode: Mode;
  paused: boolean;
  /** The oldest first, at most `keep`. */
  items: readonly Envelope[];
  /** How many have come since it began. */
  count: number;
  error: unknown;
  /** Whether there may be more after the last one. */
  more: boolean;
}

const nothing: LogState = { mode: 'idle', paused: false, items: [], count: 0, error: null, more: false };

/** Shows pages of the log, follows it, or replays it at a speed. It does one thing at a time; a new one ends the one before. */
export class LogPlayer {
  readonly #rest: Rest;
  readonly #listeners = new Set<() => void>();
  #state = nothing;
  #abort = new AbortController();
  #waiting: Envelope[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resume: (() => void) | undefined;
  #filter: Filter | undefined;

  /** As many times faster than it was. */
  speed = 1;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): LogState => this.#state;

  /** The first events that are wanted; the last ones of the log where no beginning is named. */
  async show(filter: Filter): Promise<void> {
    await this.#run('page', async (signal) => {
      const beginning = filter.from || filter.to || filter.since || filter.until || filter.stream;
      const from = beginning ? filter.from : String(Math.max(1, (await head(this.#rest, signal)) - page + 1));
      this.#filter = { ...filter, from };
      await this.#page(this.#filter, signal);
    });
  }

  /** The page after the one that is shown. */
  async next(): Promise<void> {
    const filter = this.#filter;
    const last = this.#state.items.at(-1);
    if (!filter || !last) return;
    await this.#run('page', (signal) => this.#page({ ...filter, from: String(Number(last.position) + 1) }, signal));
  }

  /** What is recorded from now on. */
  async follow(filter: Filter): Promise<void> {
    await this.#run('follow', async (signal) => {
      const from = String((await head(this.#rest, signal)) + 1);
      const live = { ...filter, from, to: '', since: '', until: '' };
      for await (const event of events(this.#rest, parameters(live, { follow: 'true' }), signal)) this.#take(event);
    });
  }

  /** What was recorded, in the time it took divided by the speed. It is read in pages: a slow replay keeps no answer waiting. */
  async replay(filter: Filter): Promise<void> {
    await this.#run('replay', async (signal) => {
      let from = filter.from || '1';
      let before: number | undefined;
      for (;;) {
        let read = 0;
        for await (const event of events(this.#rest, parameters({ ...filter, from }, { limit: String(page) }), signal)) {
          const at = Date.parse(event.recordedAt);
          await this.#pause(before === undefined ? 0 : Math.min(Math.max(at - before, 0) / this.speed, longest), signal);
          before = at;
          from = String(Number(event.position) + 1);
          read++;
          this.#take(event);
        }
        if (read < page) return;
      }
    });
  }

  /** Holds a replay, or lets it go on. */
  togglePause(): void {
    this.#set({ paused: !this.#state.paused });
    if (!this.#state.paused) this.#resume?.();
  }

  stop(): void {
    this.#abort.abort();
    this.#show();
    this.#set({ mode: 'idle', paused: false });
  }

  async #run(mode: Mode, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#abort.abort();
    const abort = (this.#abort = new AbortController());
    this.#waiting = [];
    this.#set({ ...nothing, mode });
    let error: unknown = null;
    try {
      await work(abort.signal);
    } catch (reason) {
      error = reason;
    }
    if (this.#abort !== abort || abort.signal.aborted) return;
    this.#show();
    this.#set({ mode: 'idle', paused: false, error });
  }

  async #page(filter: Filter, signal: AbortSignal): Promise<void> {
    let read = 0;
    for await (const event of events(this.#rest, parameters(filter, { limit: String(page) }), signal)) {
      read++;
      this.#take(event);
    }
    this.#set({ more: read === page });
  }

  /** Takes in an event. Many are shown together. */
  #take(event: Envelope): void {
    this.#waiting.push(event);
    if (this.#waiting.length > keep) this.#waiting.splice(0, this.#waiting.length - keep);
    this.#set({ count: this.#state.count + 1 }, false);
    this.#timer ??= setTimeout(() => this.#show(), frame);
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const items = [...this.#state.items, ...this.#waiting].slice(-keep);
    this.#waiting = [];
    this.#set({ items });
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms >= 1) await sleep(ms, signal);
    while (this.#state.paused && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    signal.throwIfAborted();
  }

  #set(change: Partial<LogState>, tell = true): void {
    this.#state = { ...this.#state, ...change };
    if (tell) for (const listener of this.#listeners) listener();
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
