import type { Core } from './core.ts';
import type { Outbox } from './outbox.ts';
import { Reading } from './reading.ts';
import { RoomStore } from './room-store.ts';
import type { Heard, Keeper } from './room-store.ts';
import type { TimelineState } from './types.ts';
import { Window } from './window.ts';
import type { Message, Page } from './wire.generated.ts';

const pageSize = 50;
const largestPage = 200;

/** The messages of a room: a stretch that one can move, and that follows what is said as long as it reaches the end. */
export class Timeline extends RoomStore<TimelineState, Page> {
  readonly #window: Window;
  readonly #outbox: Outbox;
  readonly #lastSeq: () => number;
  readonly #before = new Reading();
  readonly #after = new Reading();
  #around: number | null = null; // what to read: messages around that one, or the last ones
  #following = true;
  #newest = 0; // the last message that was heard of
  #gap = false; // there is more at the end only because something was missed, and is being read

  constructor(core: Core, keeper: Keeper, roomId: string, parts: { outbox: Outbox; lastSeq: () => number; limit: number }) {
    super(core, keeper, roomId);
    this.#window = new Window(parts.limit, true);
    this.#outbox = parts.outbox;
    this.#lastSeq = parts.lastSeq;
  }

  /** How many messages are missing at the end, which is being read again. */
  get behind(): number {
    return this.reloading && this.#around === null && this.#window.items.length > 0 ? this.#newer : 0;
  }

  loadBefore = async (): Promise<void> => {
    const window = this.#window;
    if (!window.hasMoreBefore || this.#before.busy || this.reloading) return;
    await this.#more(this.#before, { before: window.first, limit: pageSize }, (page) => window.prepend(page));
  };

  loadAfter = async (): Promise<void> => {
    const window = this.#window;
    if (!window.hasMoreAfter || this.#after.busy || this.reloading) return;
    await this.#more(this.#after, { after: window.last, limit: pageSize }, (page) => window.append(page));
  };

  /** Moves to a message, by its number. */
  jumpTo = async (seq: number): Promise<void> => {
    if (this.#window.has(seq) && !this.reloading) return;
    this.#around = seq;
    this.#gap = false;
    await this.reload();
  };

  /** Moves to a message, by its id, and returns it. */
  jumpToMessage = async (id: string): Promise<Message> => {
    const path = { id: this.roomId, mid: id };
    const message = await this.core.rest.call('GET /api/v1/rooms/{id}/messages/{mid}', { path });
    await this.jumpTo(message.seq);
    return message;
  };

  /** Moves to the last messages, and follows. */
  jumpToEnd = async (): Promise<void> => {
    if (!this.#window.hasMoreAfter && this.#around === null) return;
    this.#around = null;
    await this.reload();
  };

  /**
   * Whether one looks at the end. Else a full stretch keeps what one looks at: what is said then is counted as `newer`,
   * and read when one moves on.
   */
  follow = (yes: boolean): void => {
    this.#following = yes;
  };

  /** Where one looks is where it is read anew. Who is on the way somewhere gets there. */
  override drop(): void {
    if (this.followed) {
      const { items, hasMoreAfter } = this.#window;
      this.#around = hasMoreAfter && !this.#gap ? (items[items.length >> 1]?.seq ?? null) : null;
    }
    this.#before.end();
    this.#after.end();
    super.drop();
  }

  /** One's own messages have changed. */
  pendingChanged(): void {
    this.changed();
  }

  protected view(): TimelineState {
    const { items, hasMoreBefore, hasMoreAfter } = this.#window;
    return {
      status: this.status,
      items: [...items],
      pending: this.#outbox.of(this.roomId),
      hasMoreBefore,
      hasMoreAfter,
      loadingBefore: this.#before.busy,
      loadingAfter: this.#after.busy,
      newer: this.#newer,
      error: this.error,
    };
  }

  protected read(minPosition: string, signal: AbortSignal): Promise<Page> {
    const { length } = this.#window.items;
    const limit = Math.min(Math.max(length, pageSize), largestPage);
    return this.#page(this.#around === null ? { limit } : { around: this.#around, limit: pageSize }, minPosition, signal);
  }

  protected accept(page: Page): void {
    this.#before.end();
    this.#after.end();
    this.#window.reset(page);
    this.#newest = 0;
    this.#reached();
  }

  protected apply(heard: Heard): boolean {
    const changed = this.#window.change(heard);
    if (heard.event !== 'new-message') return changed;
    this.#newest = Math.max(this.#newest, heard.payload.seq);
    if (this.status === 'ready' && this.#window.add(heard.payload, this.#following) === 'missing') this.#gap = true;
    if (this.#gap) void this.#follow();
    return true;
  }

  protected clear(): void {
    this.#window.reset({ items: [], hasMoreBefore: false, hasMoreAfter: false });
    this.#newest = 0;
    this.#around = null;
    this.#gap = false;
  }

  get #newer(): number {
    return Math.max(0, Math.max(this.#newest, this.#lastSeq()) - this.#window.last);
  }

  /** Reads on to the end: something has come whose predecessors did not. */
  async #follow(): Promise<void> {
    const limit = largestPage;
    while (this.#window.hasMoreAfter && !this.#after.busy && !this.reloading) {
      const { last, full } = this.#window;
      if (full && !this.#following) {
        this.#gap = false; // one stays where one is
        return;
      }
      await this.#more(this.#after, { after: last, limit }, (page) => this.#window.append(page));
      if (this.#window.last === last) return;
    }
  }

  /** Reads a page beside what is there. What happens meanwhile is applied to it. */
  async #more(reading: Reading, query: PageQuery, take: (page: Page) => void): Promise<void> {
    const outcome = reading.run(async (signal) => {
      const { read, since } = await this.listening((minPosition) => this.#page(query, minPosition, signal));
      if (signal.aborted) return;
      take(read);
      for (const heard of since) {
        this.#window.change(heard);
        if (heard.event === 'new-message') this.#window.add(heard.payload, this.#following);
      }
      this.#reached();
    });
    this.changed(); // it is loading
    await outcome;
    this.changed();
  }

  #reached(): void {
    this.#newest = Math.max(this.#newest, this.#window.last);
    if (this.#window.hasMoreAfter) return;
    this.#around = null;
    this.#gap = false;
  }

  #page(query: PageQuery, minPosition: string, signal: AbortSignal): Promise<Page> {
    return this.core.rest.call('GET /api/v1/rooms/{id}/messages', { path: { id: this.roomId }, query, minPosition, signal });
  }
}

interface PageQuery {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}
