import { changed, seqOf } from './changes.ts';
import type { Heard } from './room-store.ts';
import type { Message, Page } from './wire.generated.ts';

/**
 * A stretch of messages by ascending seq, of limited length: what grows at one end is cut at the other. In a dense
 * one, of a room, each number follows the one before; a thread has only some of them.
 */
export class Window {
  items: Message[] = [];
  hasMoreBefore = false;
  hasMoreAfter = false;
  readonly #limit: number;
  readonly #dense: boolean;

  constructor(limit: number, dense: boolean) {
    this.#limit = limit;
    this.#dense = dense;
  }

  get first(): number {
    return this.items[0]?.seq ?? 0;
  }

  get last(): number {
    return this.items.at(-1)?.seq ?? 0;
  }

  get full(): boolean {
    return this.items.length >= this.#limit;
  }

  /**
   * Another stretch. Nothing is kept of the one before: where something was missed, what was heard afterwards made its
   * messages look newer than they are.
   */
  reset({ items, hasMoreBefore, hasMoreAfter }: Pick<Page, 'items' | 'hasMoreBefore' | 'hasMoreAfter'>): void {
    this.items = [...items];
    this.hasMoreBefore = hasMoreBefore;
    this.hasMoreAfter = hasMoreAfter;
  }

  /** The messages before the first. They are not, if what was there was cut meanwhile. */
  prepend({ items, hasMoreBefore }: Page): void {
    const first = this.items[0]?.seq ?? Infinity;
    if (this.#apart(items.at(-1)?.seq, first)) return;
    this.items = [...items.filter(({ seq }) => seq < first), ...this.items];
    this.hasMoreBefore = hasMoreBefore;
    if (this.items.length <= this.#limit) return;
    this.items.length = this.#limit;
    this.hasMoreAfter = true;
  }

  /** The messages after the last. They are not, if what was there was cut meanwhile. */
  append({ items, hasMoreAfter }: Page): void {
    const { last } = this;
    if (this.#apart(last, items[0]?.seq)) return;
    this.items = [...this.items, ...items.filter(({ seq }) => seq > last)];
    this.hasMoreAfter = hasMoreAfter;
    this.#cutBefore();
  }

  /**
   * A message that was just sent. It is `missing` some before it if the stretch reached to the end until now; that
   * is no news where there is more after the stretch anyway. Unless it may cut what is at its beginning, a full
   * stretch does not reach to the end any more.
   */
  add(message: Message, cut = true): 'added' | 'known' | 'missing' {
    const { last } = this;
    if (message.seq <= last || this.hasMoreAfter) return 'known';
    if (!cut && this.full) {
      this.hasMoreAfter = true;
      return 'known';
    }
    if (this.#dense && message.seq !== last + 1) {
      this.hasMoreAfter = true;
      return 'missing';
    }
    this.items.push(message);
    this.#cutBefore();
    return 'added';
  }

  /** Applies an event to the messages that it changes; true if there is one. */
  change(heard: Heard): boolean {
    const seq = seqOf(heard);
    if (seq === null) return false;
    const itself = this.#replace(this.#find(seq), heard);
    const { replyTo } = heard.event === 'new-message' ? heard.payload : { replyTo: null };
    if (replyTo === null) return itself;
    return this.#replace(this.items.findIndex(({ id }) => id === replyTo), heard) || itself;
  }

  has(seq: number): boolean {
    return this.#find(seq) >= 0;
  }

  /** Whether messages are missing between the two. */
  #apart(before: number | undefined, after: number | undefined): boolean {
    return this.#dense && this.items.length > 0 && before !== undefined && after !== undefined && before + 1 < after;
  }

  #replace(index: number, heard: Heard): boolean {
    const before = this.items[index];
    if (!before) return false;
    const after = changed(before, heard);
    this.items[index] = after;
    return after !== before;
  }

  #find(seq: number): number {
    let low = 0;
    let high = this.items.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const at = this.items[middle]!.seq;
      if (at === seq) return middle;
      if (at < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #cutBefore(): void {
    const over = this.items.length - this.#limit;
    if (over <= 0) return;
    this.items.splice(0, over);
    this.hasMoreBefore = true;
  }
}
