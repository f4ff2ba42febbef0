import { changed } from './changes.ts';
import type { Core } from './core.ts';
import type { Outbox } from './outbox.ts';
import { after } from './position.ts';
import { Reading } from './reading.ts';
import { RoomStore } from './room-store.ts';
import type { Heard, Keeper, Read } from './room-store.ts';
import type { ThreadState } from './types.ts';
import { Window } from './window.ts';
import type { Message, Page } from './wire.generated.ts';

const pageSize = 50;

interface Answers extends Read {
  root: Message;
  page: Page;
}

/** A message and what was answered to it: the last answers, and those before as they are asked for. */
export class ThreadStore extends RoomStore<ThreadState, Answers> {
  readonly messageId: string;
  readonly #outbox: Outbox;
  readonly #window = new Window(Infinity, false);
  readonly #before = new Reading();
  #root: Message | null = null;

  constructor(core: Core, keeper: Keeper, roomId: string, messageId: string, outbox: Outbox) {
    super(core, keeper, roomId);
    this.messageId = messageId;
    this.#outbox = outbox;
  }

  loadBefore = async (): Promise<void> => {
    if (!this.#window.hasMoreBefore || this.#before.busy || this.reloading) return;
    const outcome = this.#before.run(async (signal) => {
      const { read, since } = await this.listening((minPosition) => this.#page(minPosition, signal, this.#window.first));
      if (signal.aborted) return;
      this.#window.prepend(read);
      for (const heard of since) this.#window.change(heard);
    });
    this.changed();
    await outcome;
    this.changed();
  };

  override drop(): void {
    this.#before.end();
    super.drop();
  }

  /** One's own messages have changed. */
  pendingChanged(): void {
    this.changed();
  }

  protected view(): ThreadState {
    return {
      status: this.status === 'gone' ? 'failed' : this.status,
      root: this.#root,
      replies: [...this.#window.items],
      pending: this.#outbox.of(this.roomId).filter(({ replyTo }) => replyTo === this.messageId),
      hasMoreBefore: this.#window.hasMoreBefore,
      loadingBefore: this.#before.busy,
      error: this.error,
    };
  }

  protected async read(minPosition: string, signal: AbortSignal): Promise<Answers> {
    const path = { id: this.roomId, mid: this.messageId };
    const [root, page] = await Promise.all([
      this.core.rest.call('GET /api/v1/rooms/{id}/messages/{mid}', { path, minPosition, signal }),
      this.#page(minPosition, signal),
    ]);
    // The root does not say as of when it was read, but not earlier than asked for: what is in it already changes nothing.
    return { root, page, position: after(page.position, minPosition) ? minPosition : page.position };
  }

  protected accept({ root, page }: Answers): void {
    this.#before.end();
    this.#root = root;
    this.#window.reset(page);
  }

  protected apply(heard: Heard): boolean {
    const before = this.#root;
    if (before) this.#root = changed(before, heard);
    const others = this.#window.change(heard);
    if (heard.event !== 'new-message' || heard.payload.replyTo !== this.messageId) return others || before !== this.#root;
    return this.#window.add(heard.payload) === 'added' || before !== this.#root;
  }

  protected clear(): void {
    this.#root = null;
    this.#window.reset({ items: [], hasMoreBefore: false, hasMoreAfter: false });
  }

  #page(minPosition: string, signal: AbortSignal, before?: number): Promise<Page> {
    const path = { id: this.roomId, mid: this.messageId };
    const query = { limit: pageSize, ...(before !== undefined && { before }) };
    return this.core.rest.call('GET /api/v1/rooms/{id}/messages/{mid}/replies', { path, query, minPosition, signal });
  }
}
