import { after, none } from './position.ts';
import type { Shelf } from './storage.ts';

const key = 'cursor';
const pause = 1000;

/**
 * How far one has heard the log. The server is told when one comes back, and says what happened since; what was
 * heard already is not taken twice. It is kept over a reload, a little behind, which costs hearing some events again.
 */
export class Cursor {
  readonly #shelf: Shelf;
  #at: string | null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.#at = shelf.get<string>(key);
  }

  /** null: nothing was ever heard. */
  get at(): string | null {
    return this.#at;
  }

  /** Takes a step; false if the position was heard before. */
  advance(position: string): boolean {
    if (!after(position, this.#at ?? none)) return false;
    this.reset(position);
    return true;
  }

  /** The server has said where one stands, which may be further back: its log is another one now. */
  reset(position: string): void {
    this.#at = position;
    this.#timer ??= setTimeout(this.keep, pause);
  }

  keep = (): void => {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#at) this.#shelf.put(key, this.#at);
  };
}
